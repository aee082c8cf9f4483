"""Whatever is sent, in whatever place: an answer of ours, and never a fault."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.conftest import NORD_KEY, Stage, a_stage, bearer
from tests.checkout_bodies import good_body, put

POINTERS = [
    "/assignment_key",
    "/currency",
    "/prices",
    "/total",
    "/customer",
    "/customer/name",
    "/customer/email",
    "/customer/language",
    "/customer/vat_id",
    "/customer/address",
    "/customer/address/country",
    "/lines",
    "/lines/0",
    "/lines/0/name",
    "/lines/0/quantity",
    "/lines/0/unit",
    "/lines/0/unit_price",
    "/lines/0/tax_category",
    "/lines/0/tax_rate",
    "/discounts",
    "/discounts/0/amount",
    "/redirects",
    "/redirects/success",
    "/expires_in_seconds",
    "/metadata",
    "/metadata/cart",
    "/unknown",
]
ANY_TEXT = st.text(st.characters())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT
NUMERALS = st.from_regex(r"-?[0-9]{0,14}\.?[0-9]{0,6}", fullmatch=True)
VALUES = NUMERALS | st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=8
)


async def post(stage: Stage, body: bytes) -> int:
    headers = bearer(NORD_KEY) | {"Content-Type": "application/json"}
    answer = await stage.client.post("/v1/checkouts", content=body, headers=headers)
    return answer.status_code


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(POINTERS), VALUES, min_size=1, max_size=2))
def test_any_value_in_any_place_is_taken_or_refused_and_never_a_fault(changes: dict[str, Any]) -> None:
    async def play() -> None:
        async with a_stage() as stage:
            try:
                body = json.dumps(put(changes)(good_body())).encode("ascii")
            except (TypeError, KeyError, IndexError, ValueError):
                return  # one change took away the place of the other
            status = await post(stage, body)
            assert status in {201, 422}
            assert bool(stage.runs.opened) == (status == 201)

    asyncio.run(play())


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode("ascii")))
def test_any_bytes_are_refused_and_never_a_fault(body: bytes) -> None:
    async def play() -> None:
        async with a_stage() as stage:
            assert await post(stage, body) in {400, 422}
            assert not stage.runs.opened

    asyncio.run(play())

"""Everything that is known to be wrong with a checkout, over HTTP: named by pointer, and nothing is stored."""

import json

import pytest

from tests.api.conftest import NORD_KEY, Stage, bearer
from tests.bad_checkouts import BAD_CHECKOUTS, BAD_SHAPES, BadCheckout
from tests.checkout_bodies import good_body


@pytest.mark.parametrize("bad", [*BAD_CHECKOUTS, *BAD_SHAPES], ids=lambda bad: bad.id)
async def test_a_bad_checkout_is_refused_by_pointer_and_nothing_is_stored(stage: Stage, bad: BadCheckout) -> None:
    body = json.dumps(bad.mutate(good_body())).encode("ascii")
    headers = bearer(NORD_KEY) | {"Content-Type": "application/json"}
    answer = await stage.client.post("/v1/checkouts", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == list(bad.pointers)
    assert all(error["message"] for error in answer.json()["errors"])
    assert not stage.runs.opened
    assert not stage.world.checkouts

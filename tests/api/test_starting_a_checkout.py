"""POST /v1/checkouts: once per assignment key, and nothing is stored for anything that is refused."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.schemas import CheckoutBody
from tests.api.conftest import NORD_KEY, PUBLIC_URL, SUED_KEY, DatabaseAway, Stage, a_checkout, bearer
from tests.fakes.merchants import NORDWERK


def errors(answer: httpx.Response) -> dict[str, str]:
    """Message by pointer of a 422."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["pointer"]: error["message"] for error in answer.json()["errors"]}


async def test_a_checkout_is_started_and_answers_with_its_payment_link(stage: Stage) -> None:
    answer = await stage.post(a_checkout())
    assert answer.status_code == 201
    checkout = answer.json()
    assert checkout["assignment_key"] == "SO-88213"
    assert checkout["status"] == "awaiting_payment"
    assert (checkout["total"], checkout["currency"]) == ("839.00", "EUR")
    assert checkout["payment_link"]["url"].startswith(f"{PUBLIC_URL}/pay/token-")
    assert checkout["entry"]["outstanding_amount"] == "839.00"
    assert (checkout["payments"], checkout["order"], checkout["invoice"], checkout["refunds"]) == ([], None, None, [])
    assert checkout["workflow"]["url"].endswith("/namespaces/default/workflows/nordwerk%2FSO-88213")
    assert answer.headers["location"] == f"{PUBLIC_URL}/v1/checkouts/{checkout['id']}"
    for moment in (checkout["created_at"], checkout["updated_at"], checkout["payment_link"]["expires_at"]):
        assert moment.endswith("Z")
        datetime.fromisoformat(moment)


async def test_amounts_have_the_decimals_of_their_currency(stage: Stage) -> None:
    line = {"name": "Tee", "quantity": "1", "unit_price": "500", "tax_rate": "10"}
    answer = await stage.post(a_checkout(currency="JPY", total="500", lines=[line], discounts=[]))
    assert answer.json()["total"] == "500"
    assert answer.json()["entry"]["open_amount"] == "500"


async def test_the_same_body_again_answers_200_with_the_same_checkout(stage: Stage) -> None:
    first = await stage.post(a_checkout())
    again = await stage.post(a_checkout(total="839"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert "location" not in again.headers
    assert len(stage.runs.opened) == 1


async def test_a_different_body_for_a_taken_key_is_refused_with_the_differences(stage: Stage) -> None:
    await stage.post(a_checkout())
    body = a_checkout(total=None)
    body["lines"][0]["unit_price"] = "899.00"
    body["customer"]["email"] = "other@example.org"
    answer = await stage.post(body)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    found = {d["pointer"]: (d["accepted"], d["received"]) for d in answer.json()["differences"]}
    assert found == {
        "/lines/0/unit_price": ("849.00", "899.00"),
        "/customer/email": ("jana@example.org", "other@example.org"),
    }
    assert len(stage.runs.opened) == 1


async def test_a_body_that_was_accepted_once_gets_its_checkout_for_ever_however_the_rules_tighten(
    stage: Stage,
) -> None:
    first = await stage.post(a_checkout())
    stage.world.merchants["nordwerk"] = replace(NORDWERK, redirect_origins=("https://new-shop.example",))
    again = await stage.post(a_checkout())
    assert (again.status_code, again.json()) == (200, first.json())
    assert set(errors(await stage.post(a_checkout(assignment_key="SO-NEW")))) == {
        "/redirects/success",
        "/redirects/failure",
        "/redirects/cancel",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [("/currency", "nonsense"), ("/redirects/success", "https://evil.example/"), ("/lines/0/name", "Tisch 😀")],
)
async def test_a_taken_key_is_a_conflict_also_for_a_body_that_would_be_refused_today(
    stage: Stage, field: str, value: str
) -> None:
    await stage.post(a_checkout())
    answer = await stage.post(with_value(field, value))
    assert answer.status_code == 409
    assert [(d["pointer"], d["received"]) for d in answer.json()["differences"]] == [(field, value)]


async def test_a_checkout_whose_link_is_due_gets_it_by_the_same_body_and_by_no_other(stage: Stage) -> None:
    checkout = await stage.checkout()
    stage.world.checkouts[checkout.id] = replace(checkout, payment_link=None)
    stage.runs.down = True
    assert (await stage.post(a_checkout())).status_code == 503
    assert (await stage.post(a_checkout(metadata={"cart": "c-2"}))).status_code == 409


async def test_a_different_body_that_got_there_first_is_a_conflict_too(stage: Stage) -> None:
    stage.runs.overtaken_by = CheckoutBody.model_validate(a_checkout(assignment_key="SO-1")).to_request()
    answer = await stage.post(a_checkout(assignment_key="SO-1", metadata={"cart": "c-2"}))
    assert answer.status_code == 409
    assert [d["pointer"] for d in answer.json()["differences"]] == ["/metadata/cart"]


async def test_the_same_key_names_different_checkouts_of_different_merchants(stage: Stage) -> None:
    nord = await stage.post(a_checkout())
    sued = await stage.post(a_checkout(), key=SUED_KEY)
    assert (nord.status_code, sued.status_code) == (201, 201)
    assert nord.json()["id"] != sued.json()["id"]


async def test_without_the_workflow_service_the_shop_is_told_when_to_try_again(stage: Stage) -> None:
    stage.runs.down = True
    answer = await stage.post(a_checkout())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    stage.runs.down = False
    assert (await stage.post(a_checkout())).status_code == 201


@pytest.mark.parametrize("fault", [DatabaseAway("no connection"), ConnectionRefusedError(), TimeoutError()])
async def test_without_the_database_the_shop_is_told_when_to_try_again(stage: Stage, fault: Exception) -> None:
    stage.reader.fault = fault
    answer = await stage.post(a_checkout())
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


# What cannot be read at all

UNREADABLE = [
    (b"", "nothing"),
    (b"{", "half an object"),
    (b"\xef\xbb\xbf{}", "a byte order mark"),
    (b'{"a": "\xff"}', "not UTF-8"),
    (b'{"total": NaN}', "NaN"),
    (b'{"total": -Infinity}', "infinity"),
    (b'{"a": 1, "a": 2}', "a name twice"),
    (b"[" * 100_000, "extreme nesting"),
    (b'{"expires_in_seconds": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
    (b"[]", "a list"),
    (b'"text"', "a string"),
    (b"null", "null"),
]


@pytest.mark.parametrize(("body", "what"), UNREADABLE, ids=[what for _, what in UNREADABLE])
async def test_a_body_that_cannot_be_read_is_refused(stage: Stage, body: bytes, what: str) -> None:
    headers = {**bearer(NORD_KEY), "Content-Type": "application/json"}
    answer = await stage.client.post("/v1/checkouts", content=body, headers=headers)
    assert answer.status_code == 400, what
    assert answer.json()["type"] == "urn:quittance:problem:malformed-body"
    assert not stage.runs.opened


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
async def test_a_body_of_another_type_is_refused(stage: Stage, headers: dict[str, str]) -> None:
    content = json.dumps(a_checkout()).encode()
    answer = await stage.client.post("/v1/checkouts", content=content, headers=bearer(NORD_KEY) | headers)
    assert answer.status_code == 415
    assert answer.headers["accept-post"] == "application/json"
    assert not stage.runs.opened


async def test_a_declared_charset_of_utf8_is_fine(stage: Stage) -> None:
    headers = bearer(NORD_KEY) | {"Content-Type": "Application/JSON; charset=UTF-8"}
    answer = await stage.client.post("/v1/checkouts", content=json.dumps(a_checkout()).encode(), headers=headers)
    assert answer.status_code == 201


async def test_a_body_without_end_is_given_up_at_the_limit(stage: Stage) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    headers = bearer(NORD_KEY) | {"Content-Type": "application/json"}
    answer = await stage.client.post("/v1/checkouts", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent <= 1024 * 1024 + 2 * 65_536


async def test_a_thousand_lines_fit(stage: Stage) -> None:
    line = a_checkout()["lines"][0] | {"description": "Massive Eiche, geölt, " * 20, "unit_price": "1.00"}
    answer = await stage.post(a_checkout(total="1000.00", lines=[line] * 1000, discounts=[]))
    assert answer.status_code == 201


async def test_a_name_of_a_megabyte_is_refused(stage: Stage) -> None:
    body = a_checkout()
    body["lines"][0]["name"] = "x" * 1_000_000
    assert set(errors(await stage.post(body))) == {"/lines/0/name"}
    body["lines"][0]["name"] = "x" * 1_048_576
    assert (await stage.post(body)).status_code == 413
    assert not stage.runs.opened


# What has the wrong shape


def without(field: str) -> dict[str, Any]:
    body = a_checkout()
    *path, last = field.strip("/").split("/")
    inner: Any = body
    for step in path:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    del inner[last]
    return body


def with_value(field: str, value: Any) -> dict[str, Any]:
    body = a_checkout()
    *path, last = field.strip("/").split("/")
    inner: Any = body
    for step in path:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner[int(last) if isinstance(inner, list) else last] = value
    return body


REQUIRED = [
    "/assignment_key",
    "/currency",
    "/prices",
    "/customer",
    "/customer/name",
    "/customer/email",
    "/customer/address",
    "/customer/address/line1",
    "/customer/address/postal_code",
    "/customer/address/city",
    "/customer/address/country",
    "/lines",
    "/lines/0/name",
    "/lines/0/quantity",
    "/lines/0/unit_price",
    "/lines/0/tax_rate",
    "/discounts/0/name",
    "/discounts/0/amount",
    "/redirects/success",
    "/redirects/failure",
    "/redirects/cancel",
]


@pytest.mark.parametrize("field", REQUIRED)
async def test_a_missing_field_is_named_with_the_form_it_should_have(stage: Stage, field: str) -> None:
    found = errors(await stage.post(without(field)))
    assert set(found) == {field}
    assert found[field].startswith("is required: ")
    assert len(found[field]) > len("is required: ")
    assert not stage.runs.opened


MISTYPED: list[tuple[str, Any, str]] = [
    ("/assignment_key", 88213, "must be"),
    ("/total", 839.0, 'must be a decimal string such as "839.00", not a JSON number'),
    ("/total", True, "must be"),
    ("/lines/0/unit_price", 849, 'must be a decimal string such as "839.00", not a JSON number'),
    ("/lines/0/quantity", 1, 'must be a decimal string such as "839.00", not a JSON number'),
    ("/discounts/0/amount", 1e300, 'must be a decimal string such as "839.00", not a JSON number'),
    ("/prices", "GROSS", 'must be "gross"'),
    ("/prices", None, 'must be "gross"'),
    ("/customer", "Jana", "must be who buys, an object"),
    ("/customer/address", [], "must be the billing address, an object"),
    ("/customer/name", {"first": "Jana"}, "must be the customer's name, a string"),
    ("/lines", {"0": {}}, "must be what is bought, a list of objects"),
    ("/lines/0", "desk", "must be an object"),
    ("/discounts", None, "must be discounts on the cart, a list of objects"),
    ("/redirects", "https://shop.example/ok", "must be where the customer returns to, an object or null"),
    ("/expires_in_seconds", "604800", "must be how long the link lives, a whole number"),
    ("/expires_in_seconds", 604800.0, "must be how long the link lives, a whole number"),
    ("/expires_in_seconds", True, "must be how long the link lives, a whole number"),
    ("/metadata", ["cart"], "must be strings by name, an object"),
    ("/metadata/cart", 1, "must be a string"),
]


@pytest.mark.parametrize(("field", "value", "message"), MISTYPED)
async def test_a_mistyped_field_is_named_with_the_form_it_should_have(
    stage: Stage, field: str, value: Any, message: str
) -> None:
    found = errors(await stage.post(with_value(field, value)))
    assert set(found) == {field}
    assert found[field].startswith(message)
    assert not stage.runs.opened


@pytest.mark.parametrize(
    "field",
    [
        "/status",
        "/customer/phone",
        "/customer/address/state",
        "/lines/0/card",
        "/discounts/0/rate",
        "/redirects/back",
        "/merchant",
    ],
)
async def test_an_unknown_field_is_refused(stage: Stage, field: str) -> None:
    assert errors(await stage.post(with_value(field, "x"))) == {field: "is not a known field"}
    assert not stage.runs.opened


async def test_pointers_escape_what_json_pointer_reserves(stage: Stage) -> None:
    found = errors(await stage.post(a_checkout(metadata={"a/b~c": 1})))
    assert set(found) == {"/metadata/a~1b~0c"}


async def test_everything_that_is_wrong_is_named_at_once(stage: Stage) -> None:
    body = without("/customer/email") | {"total": 1.5, "currency": None}
    assert set(errors(await stage.post(body))) == {"/customer/email", "/total", "/currency"}


async def test_a_body_with_countless_mistakes_is_answered_with_the_first_ones(stage: Stage) -> None:
    answer = await stage.post(a_checkout(metadata={str(number): number for number in range(5000)}))
    assert len(errors(answer)) == 50
    assert "5000 things are wrong" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["\ud800", "\x00"])
async def test_text_that_no_database_keeps_is_refused_wherever_it_stands(stage: Stage, name: str) -> None:
    for body in (with_value("/customer/name", name), a_checkout(metadata={name: 1}), a_checkout() | {name: "x"}):
        content = json.dumps(body).encode()
        headers = bearer(NORD_KEY) | {"Content-Type": "application/json"}
        answer = await stage.client.post("/v1/checkouts", content=content, headers=headers)
        assert answer.status_code == 422
    assert not stage.runs.opened


@pytest.mark.parametrize("key", ["", "SO 1", "SO\n1", "SO\x00", "/etc", "x" * 101])
async def test_a_key_that_cannot_be_one_is_refused(stage: Stage, key: str) -> None:
    assert set(errors(await stage.post(a_checkout(assignment_key=key)))) == {"/assignment_key"}
    assert not stage.runs.opened


# What breaks a rule of the house


async def test_a_total_that_the_lines_do_not_give_is_refused_with_both(stage: Stage) -> None:
    found = errors(await stage.post(a_checkout(total="840.00")))
    assert set(found) == {"/total"}
    assert "840.00" in found["/total"]
    assert "839.00" in found["/total"]
    assert not stage.runs.opened


async def test_a_redirect_to_a_foreign_address_is_refused(stage: Stage) -> None:
    redirects = a_checkout()["redirects"] | {"success": "https://evil.example/ok"}
    assert set(errors(await stage.post(a_checkout(redirects=redirects)))) == {"/redirects/success"}


@pytest.mark.parametrize(
    ("field", "text"),
    [("/lines/0/name", "Tisch 😀"), ("/customer/company", "漢字"), ("/discounts/0/name", "😀")],
)
async def test_text_that_the_invoice_could_not_show_is_refused_before_anybody_pays(
    stage: Stage, field: str, text: str
) -> None:
    found = errors(await stage.post(with_value(field, text)))
    assert set(found) == {field}
    assert f"U+{ord(text[-1]):04X}" in found[field]
    assert ("such as Noto Sans CJK" in found[field]) == (text == "漢字")
    assert not stage.runs.opened

"""Everything the stand-in says is what Stripe's official document says; and the judge itself can tell."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.stripe.operations import OPERATIONS
from tests.sandbox.stripe_box import KEY, Box
from tests.sandbox.stripe_schema import (
    SchemaViolation,
    check_answer,
    check_event,
    check_request,
    check_response,
    parameters_of,
)

Drama = Callable[[Box], Awaitable[None]]


async def _card(box: Box) -> None:
    session = await box.session(
        customer_email="jana@example.org", client_reference_id="SO-1", metadata={"entry": "ent_1"}, locale="de"
    )
    await box.act(session, "sca_abandon")
    await box.act(session, "sca_fail")
    await box.act(session, "decline")
    await box.act(session, "sca_succeed")
    await box.move_clock(1)
    await box.sdk.v1.refunds.create_async({"payment_intent": (await box.payment_of(session)).id, "amount": 100})


async def _delayed(box: Box) -> None:
    for currency in ("eur", "usd", "gbp", "jpy", "brl", "mxn", "cad", "aud", "sek"):
        for outcome in ("delayed_succeed", "delayed_fail"):
            await box.act(await box.session(5000, currency), outcome)
    await box.move_clock(10)
    await box.move_clock(10)


async def _manual(box: Box) -> None:
    for _ in range(3):
        session = await box.session(payment_intent_data={"capture_method": "manual"})
        await box.act(session, "succeed")
    first, second, _ = (await box.sdk.v1.payment_intents.list_async()).data
    await box.sdk.v1.payment_intents.capture_async(first.id, {"amount_to_capture": 1000})
    await box.sdk.v1.payment_intents.cancel_async(second.id)
    await box.move_clock(8 * 24 * 3600)


async def _expiry(box: Box) -> None:
    attempted = await box.session()
    await box.act(attempted, "decline")
    await box.sdk.v1.checkout.sessions.expire_async(attempted.id)
    await box.session()
    await box.move_clock(24 * 3600)


async def _trouble(box: Box) -> None:
    won, lost, failing, _ = [await box.paid(), await box.paid(), await box.paid(), await box.paid(9000)]
    await box.order(f"disputes/{(await box.order('disputes', payment=won.id))['id']}/close", outcome="won")
    dispute = await box.order("disputes", payment=lost.id, amount=500)
    await box.sdk.v1.disputes.close_async(dispute["id"])
    await box.fault(refunds={"fail_after_seconds": 60})
    await box.sdk.v1.refunds.create_async({"payment_intent": failing.id})
    await box.move_clock(61)
    await box.order("payouts", currency="eur")


async def _everything_readable(box: Box) -> None:
    """GET every list, and objects of every list by their own address."""
    for operation in OPERATIONS:
        if operation.method == "GET" and "{id}" not in operation.path:
            page = await _get(box, operation.path)
            for item in page["data"][:4]:
                await _get(box, f"{operation.path}/{item['id']}")


async def _get(box: Box, path: str, query: str = "limit=100") -> dict[str, Any]:
    answer = await box.browser.get(path, params=query if path.count("/") == 2 else None, headers=_AUTH)
    check_answer("GET", path, answer.status_code, answer.json())
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


_AUTH = {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize("drama", [_card, _delayed, _manual, _expiry, _trouble])
async def test_every_answer_and_every_event_is_true_to_the_official_document(stripe_box: Box, drama: Drama) -> None:
    await drama(stripe_box)
    events = await stripe_box.events()
    assert events
    for event in events:
        check_event(event.to_dict())
    await _everything_readable(stripe_box)


async def test_expanded_answers_are_true_to_the_official_document(stripe_box: Box) -> None:
    intent = await stripe_box.paid()
    session = (await stripe_box.sdk.v1.checkout.sessions.list_async({"payment_intent": intent.id})).data[0]
    refund = await stripe_box.sdk.v1.refunds.create_async({"payment_intent": intent.id})
    for path, expand in (
        (f"/v1/checkout/sessions/{session.id}", ["line_items", "payment_intent.latest_charge.balance_transaction"]),
        (f"/v1/payment_intents/{intent.id}", ["latest_charge.balance_transaction", "latest_charge.refunds"]),
        (f"/v1/refunds/{refund.id}", ["charge.payment_intent", "balance_transaction.source"]),
    ):
        answer = await stripe_box.browser.get(path, params={"expand[]": expand}, headers=_AUTH)
        assert answer.status_code == 200
        check_answer("GET", path, 200, answer.json())


async def test_every_refusal_is_true_to_the_official_document(stripe_box: Box) -> None:
    paid = await stripe_box.paid()
    for path, form in (
        ("/v1/checkout/sessions", {"mode": "payment"}),
        ("/v1/checkout/sessions", {"mode": "payment", "nonsense": "1"}),
        ("/v1/checkout/sessions/cs_test_none/expire", {}),
        (f"/v1/payment_intents/{paid.id}/capture", {}),
        (f"/v1/payment_intents/{paid.id}/cancel", {}),
        ("/v1/refunds", {"payment_intent": paid.id, "amount": "9999999"}),
    ):
        answer = await stripe_box.browser.post(path, data=form, headers=_AUTH)
        assert 400 <= answer.status_code < 500
        check_answer("POST", path, answer.status_code, answer.json())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_every_parameter_of_stripe_is_either_played_or_refused_by_name(operation: Any) -> None:
    ours = set(operation.params.model_fields) | set(operation.params.unplayed.split())
    newer_than_the_document = {"allowed_payment_method_types"}
    assert ours - newer_than_the_document == parameters_of(operation.method, operation.path.replace("{id}", "x"))


async def test_what_was_asked_can_be_held_to_the_official_document_afterwards(stripe_box: Box) -> None:
    await _card(stripe_box)
    asked = await stripe_box.log("requests")
    assert {row["path"] for row in asked} >= {"/v1/checkout/sessions", "/v1/refunds"}
    for row in asked:
        check_request(row["method"], row["path"], row["params"])


PLANTED: dict[str, Callable[[dict[str, Any]], object]] = {
    "wrong type": lambda session: session.update(amount_total="1250"),
    "missing required field": lambda session: session.pop("payment_status"),
    "unknown enum value": lambda session: session.update(status="done"),
    "null where it may not be": lambda session: session.update(created=None),
    "unknown field": lambda session: session.update(total=1250),
    "wrong nested type": lambda session: session["total_details"].update(amount_tax=None),
}


@pytest.mark.parametrize("fault", PLANTED)
async def test_the_judge_catches_a_planted_error(stripe_box: Box, fault: str) -> None:
    session = (await stripe_box.session()).to_dict()
    check_response("checkout.session", session)
    PLANTED[fault](session)
    with pytest.raises(SchemaViolation):
        check_response("checkout.session", session)


async def test_the_judge_looks_into_events(stripe_box: Box) -> None:
    await stripe_box.paid()
    event = (await stripe_box.events(type="charge.updated"))[0].to_dict()
    check_event(event)
    event["data"]["object"]["status"] = "fine"
    with pytest.raises(SchemaViolation, match="status"):
        check_event(event)


def _request(**more: Any) -> dict[str, Any]:
    price = {"currency": "eur", "unit_amount": "1250", "product_data": {"name": "Desk"}}
    return {"mode": "payment", "line_items": [{"quantity": "1", "price_data": price}], **more}


@pytest.mark.parametrize(
    "params",
    [
        _request(nonsense="1"),
        _request(mode="buy"),
        _request(client_reference_id="x" * 201),
        _request(expires_at="tomorrow"),
        _request(line_items=[{"quantity": "1", "price_data": {"unit_amount": "1250"}}]),
        _request(line_items=[{"quantity": "1", "price_dat": {}}]),
    ],
)
def test_the_judge_refuses_a_request_stripe_would_refuse(params: dict[str, Any]) -> None:
    check_request("POST", "/v1/checkout/sessions", _request())
    with pytest.raises(SchemaViolation):
        check_request("POST", "/v1/checkout/sessions", params)


def test_the_judge_knows_no_operation_stripe_does_not_have() -> None:
    with pytest.raises(SchemaViolation):
        check_request("POST", "/v1/checkout/session", {})

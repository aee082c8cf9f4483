"""POST /v1/checkouts/{id}/capture: what the customer's bank holds is taken once, in full or in part."""

from typing import Any

import httpx
import pytest

from domain.checkout import CheckoutStatus
from domain.payments import PaymentStatus, Promise
from domain.views import CheckoutView
from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, bearer


async def capture(stage: Stage, checkout_id: str, body: Any = None, *, key: str = NORD_KEY) -> httpx.Response:
    """Capture as a shop."""
    sent = {} if body is None else body
    return await stage.client.post(f"/v1/checkouts/{checkout_id}/capture", json=sent, headers=bearer(key))


async def authorized(stage: Stage) -> CheckoutView:
    """A checkout whose customer authorized the money."""
    checkout = await stage.checkout(capture="manual")
    return stage.world.promise(checkout.id, Promise.AUTHORIZED)


async def test_an_authorized_checkout_says_who_has_to_do_what_until_when(stage: Stage) -> None:
    fresh = await stage.checkout(assignment_key="SO-1")
    assert (await stage.get(f"/v1/checkouts/{fresh.id}")).json()["awaits"] == "customer"
    checkout = await authorized(stage)
    seen = (await stage.get(f"/v1/checkouts/{checkout.id}")).json()
    assert (seen["status"], seen["awaits"]) == ("awaiting_payment", "capture")
    assert seen["entry"]["expected_amount"] == "839.00"
    [payment] = seen["payments"]
    assert (payment["status"], payment["promise"], payment["authorized_amount"]) == ("pending", "authorized", "839.00")
    assert payment["capture_before"].endswith("Z")
    stage.world.promise(fresh.id, Promise.DELAYED)
    assert (await stage.get(f"/v1/checkouts/{fresh.id}")).json()["awaits"] == "provider"


@pytest.mark.parametrize(
    ("body", "captured"), [({}, "839.00"), ({"amount": "839.00"}, "839.00"), ({"amount": "800"}, "800.00")]
)
async def test_all_or_a_part_is_captured_and_asking_again_answers_the_same(
    stage: Stage, body: dict[str, Any], captured: str
) -> None:
    checkout = await authorized(stage)
    answer = await capture(stage, checkout.id, body)
    assert answer.status_code == 200
    [payment] = answer.json()["payments"]
    assert (payment["status"], payment["amount"], payment["authorized_amount"]) == ("collected", captured, "839.00")
    assert (await capture(stage, checkout.id, body)).json() == answer.json()
    stage.world.change(checkout.id, CheckoutStatus.COMPLETED)
    assert (await capture(stage, checkout.id, {"payment_id": payment["id"]})).status_code == 200
    assert (await capture(stage, checkout.id, {"amount": captured})).status_code == 200


async def test_another_amount_after_a_capture_is_a_conflict_that_names_what_was_captured(stage: Stage) -> None:
    checkout = await authorized(stage)
    await capture(stage, checkout.id, {"amount": "800.00"})
    for status in (CheckoutStatus.AWAITING_PAYMENT, CheckoutStatus.COMPLETED):
        stage.world.change(checkout.id, status)
        answer = await capture(stage, checkout.id, {"amount": "801.00"})
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:quittance:problem:captured-otherwise"
        assert answer.json()["captured"] == "800.00"


@pytest.mark.parametrize(
    "amount", ["839.01", "0", "0.00", "-1.00", "x", "1.001", "NaN", "1e2", "9" * 40, 839, ""], ids=str
)
async def test_what_is_no_amount_to_capture_is_named(stage: Stage, amount: Any) -> None:
    checkout = await authorized(stage)
    answer = await capture(stage, checkout.id, {"amount": amount})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/amount"]
    assert not stage.runs.captured


@pytest.mark.parametrize(("body", "pointer"), [({"key": "x"}, "/key"), ({"payment_id": 1}, "/payment_id")])
async def test_a_body_of_another_shape_is_refused(stage: Stage, body: Any, pointer: str) -> None:
    checkout = await authorized(stage)
    answer = await capture(stage, checkout.id, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("status", [PaymentStatus.CANCELED, PaymentStatus.EXPIRED, PaymentStatus.FAILED])
async def test_an_authorization_that_has_ended_cannot_be_captured(stage: Stage, status: PaymentStatus) -> None:
    checkout = await authorized(stage)
    stage.world.end_payment(checkout.id, status)
    for standing in (CheckoutStatus.AWAITING_PAYMENT, CheckoutStatus.CANCELED):
        stage.world.change(checkout.id, standing)
        answer = await capture(stage, checkout.id)
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:quittance:problem:nothing-to-capture"


async def test_nothing_is_captured_where_nothing_was_authorized(stage: Stage) -> None:
    checkout = await stage.checkout()
    assert (await capture(stage, checkout.id)).json()["type"] == "urn:quittance:problem:nothing-to-capture"
    other = await authorized_as(stage, "SO-2")
    answer = await capture(stage, other.id, {"payment_id": "pay_of_somebody_else"})
    assert answer.json()["type"] == "urn:quittance:problem:nothing-to-capture"


async def test_a_capture_the_provider_refuses_says_what_can_be_done(stage: Stage) -> None:
    checkout = await authorized(stage)
    stage.runs.refuses_captures = True
    answer = await capture(stage, checkout.id)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:quittance:problem:capture-refused"
    assert "canceling" in answer.json()["detail"]


async def test_another_merchants_authorization_cannot_be_captured(stage: Stage) -> None:
    checkout = await authorized(stage)
    assert (await capture(stage, checkout.id, key=SUED_KEY)).status_code == 404
    assert (await capture(stage, "chk_unknown")).status_code == 404
    assert not stage.runs.captured


async def test_without_the_workflow_service_the_shop_is_asked_to_come_again(stage: Stage) -> None:
    checkout = await authorized(stage)
    stage.runs.down = True
    answer = await capture(stage, checkout.id)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_a_run_that_just_ended_has_written_down_what_was_captured(stage: Stage) -> None:
    checkout = await authorized(stage)
    stage.world.end_payment(checkout.id, PaymentStatus.COLLECTED)
    stage.runs.ends[checkout.workflow_id] = CheckoutStatus.COMPLETED
    assert (await capture(stage, checkout.id)).status_code == 200


async def authorized_as(stage: Stage, key: str) -> CheckoutView:
    """The same under another assignment key."""
    checkout = await stage.checkout(assignment_key=key)
    return stage.world.promise(checkout.id, Promise.AUTHORIZED)

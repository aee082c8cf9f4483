"""POST /v1/checkouts/{id}/cancel: once canceled, always canceled; a capture that came first is a conflict."""

from typing import Any

import httpx
import pytest

from domain.checkout import CheckoutStatus
from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, bearer


async def cancel(stage: Stage, checkout_id: str, body: Any = None, *, key: str = NORD_KEY) -> httpx.Response:
    """Cancel as a shop."""
    sent = {"reason": "the customer called"} if body is None else body
    return await stage.client.post(f"/v1/checkouts/{checkout_id}/cancel", json=sent, headers=bearer(key))


async def test_a_checkout_is_canceled_with_who_and_why(stage: Stage) -> None:
    checkout = await stage.checkout()
    answer = await cancel(stage, checkout.id)
    assert answer.status_code == 200
    assert answer.json()["status"] == "canceled"
    assert stage.runs.canceled == [(checkout.workflow_id, "the customer called", f"api key ...{NORD_KEY[-4:]}")]


async def test_canceling_again_answers_the_same_and_asks_nobody(stage: Stage) -> None:
    checkout = await stage.checkout()
    first = await cancel(stage, checkout.id)
    again = await cancel(stage, checkout.id, {"reason": "another"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(stage.runs.canceled) == 1


@pytest.mark.parametrize(
    "status", [CheckoutStatus.CAPTURED, CheckoutStatus.INVOICED, CheckoutStatus.COMPLETED, CheckoutStatus.EXPIRED]
)
async def test_a_checkout_that_is_past_canceling_is_a_conflict_that_says_what_to_do(
    stage: Stage, status: CheckoutStatus
) -> None:
    checkout = await stage.checkout()
    stage.world.change(checkout.id, status)
    answer = await cancel(stage, checkout.id)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:quittance:problem:too-late-to-cancel"
    assert problem["checkout_status"] == status
    assert ("refund" in problem["detail"]) is (status is not CheckoutStatus.EXPIRED)
    assert not stage.runs.canceled


async def test_a_capture_that_slips_in_is_a_conflict(stage: Stage) -> None:
    checkout = await stage.checkout()
    stage.runs.provider_says[checkout.workflow_id] = CheckoutStatus.CAPTURED
    answer = await cancel(stage, checkout.id)
    assert answer.status_code == 409
    assert "refund" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("left", "expected"),
    [(CheckoutStatus.CANCELED, 200), (CheckoutStatus.EXPIRED, 409), (CheckoutStatus.COMPLETED, 409)],
)
async def test_a_run_that_just_ended_has_written_down_how(stage: Stage, left: CheckoutStatus, expected: int) -> None:
    checkout = await stage.checkout()
    stage.runs.ends[checkout.workflow_id] = left
    assert (await cancel(stage, checkout.id)).status_code == expected


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": "  "}, "/reason"),
        ({"reason": "x" * 201}, "/reason"),
        ({"reason": "a\nb"}, "/reason"),
        ({"reason": 1}, "/reason"),
        ({"reason": "x", "why": "y"}, "/why"),
    ],
)
async def test_a_reason_is_needed(stage: Stage, body: Any, pointer: str) -> None:
    checkout = await stage.checkout()
    answer = await cancel(stage, checkout.id, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not stage.runs.canceled


async def test_another_merchants_checkout_cannot_be_canceled(stage: Stage) -> None:
    checkout = await stage.checkout()
    assert (await cancel(stage, checkout.id, key=SUED_KEY)).status_code == 404
    assert (await cancel(stage, "chk_unknown")).status_code == 404
    assert not stage.runs.canceled


async def test_without_the_workflow_service_the_shop_is_asked_to_come_again(stage: Stage) -> None:
    checkout = await stage.checkout()
    stage.runs.down = True
    answer = await cancel(stage, checkout.id)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_a_canceled_checkout_has_a_page_that_says_so_and_cannot_be_paid(stage: Stage) -> None:
    checkout = await stage.checkout()
    await cancel(stage, checkout.id)
    assert checkout.payment_link is not None
    for method in ("GET", "POST"):
        page = await stage.client.request(method, f"/pay/{checkout.payment_link.token}")
        assert page.status_code == 200
        assert not stage.runs.sessions

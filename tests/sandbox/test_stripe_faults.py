"""Faults of the API: what a client meets, and what has really happened."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe import StripeAccount
from sandbox.stripe.server import running
from tests.sandbox.stripe_box import KEY, Box, eventually, sdk

EFFECT = {"500_after", "timeout_after", "reset_after", "slow"}


async def _count(box: Box) -> int:
    return len((await box.sdk.v1.checkout.sessions.list_async()).data)


@pytest.mark.parametrize(
    ("do", "error"),
    [
        ("500", stripe.APIError), ("500_after", stripe.APIError), ("503", stripe.APIError), ("409", stripe.APIError),
        ("429", stripe.RateLimitError), ("timeout_before", stripe.APIConnectionError),
        ("timeout_after", stripe.APIConnectionError), ("reset_before", stripe.APIConnectionError),
        ("reset_after", stripe.APIConnectionError),
    ],
)  # fmt: skip
async def test_a_fault_meets_one_request_with_or_without_effect(
    stripe_box: Box, do: str, error: type[stripe.StripeError]
) -> None:
    await stripe_box.fault(http=[{"operation": "create", "do": do}])
    async with sdk(stripe_box.url, patience=0.4) as client:
        with pytest.raises(error):
            await Box(stripe_box.url, client, stripe_box.browser, stripe_box.merchant).session()
    assert await _count(stripe_box) == (1 if do in EFFECT else 0)
    assert (await stripe_box.session()).status == "open"
    assert (await stripe_box.log("requests"))[0]["fault"] == do


async def test_a_slow_answer_is_the_right_one(stripe_box: Box) -> None:
    await stripe_box.fault(http=[{"operation": "create", "do": "slow", "seconds": 0.3}])
    began = time.monotonic()
    assert (await stripe_box.session()).status == "open"
    assert time.monotonic() - began >= 0.3


async def test_a_broken_connection_is_broken_at_once(stripe_box: Box) -> None:
    await stripe_box.fault(http=[{"operation": "read", "do": "reset_before"}])
    with pytest.raises(httpx.ReadError):
        await stripe_box.browser.get("/v1/events", headers={"Authorization": f"Bearer {KEY}"})


@pytest.mark.parametrize("operation", ["create", "read", "expire", "capture", "cancel", "refund"])
async def test_faults_are_aimed_at_one_operation(stripe_box: Box, operation: str) -> None:
    manual: Any = {"capture_method": "manual"}
    first, second = [await stripe_box.session(payment_intent_data=manual) for _ in range(2)]
    for session in (first, second):
        await stripe_box.act(session, "succeed")
    one, two = await stripe_box.payment_of(first), await stripe_box.payment_of(second)
    third = await stripe_box.session()
    await stripe_box.fault(http=[{"operation": operation, "do": "503"}])
    client = stripe_box.sdk.v1
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "create": stripe_box.session,
        "read": lambda: client.checkout.sessions.retrieve_async(first.id),
        "expire": lambda: client.checkout.sessions.expire_async(third.id),
        "capture": lambda: client.payment_intents.capture_async(one.id),
        "refund": lambda: client.refunds.create_async({"payment_intent": one.id}),
        "cancel": lambda: client.payment_intents.cancel_async(two.id),
    }
    for name, call in calls.items():
        if name == operation:
            with pytest.raises(stripe.APIError):
                await call()
        await call()


async def test_faults_of_one_operation_come_in_the_order_given(stripe_box: Box) -> None:
    await stripe_box.fault(
        http=[{"operation": "create", "do": "503", "times": 2}, {"operation": "create", "do": "429"}]
    )
    met = []
    for _ in range(4):
        try:
            await stripe_box.session()
            met.append(200)
        except stripe.StripeError as error:
            met.append(error.http_status or 0)
    assert met == [503, 503, 429, 200]


async def test_the_sdk_itself_gets_through_what_stripe_tells_it_to_retry(stripe_box: Box) -> None:
    await stripe_box.fault(http=[{"operation": "create", "do": "503"}, {"operation": "create", "do": "reset_after"}])
    http = stripe.HTTPXClient(timeout=5)
    client = stripe.StripeClient(KEY, base_addresses={"api": stripe_box.url}, http_client=http, max_network_retries=2)
    await Box(stripe_box.url, client, stripe_box.browser, stripe_box.merchant).session()
    await http.close_async()  # type: ignore[no-untyped-call]
    assert await _count(stripe_box) == 1
    asked = [row for row in await stripe_box.log("requests") if row["method"] == "POST"]
    assert [(row["status"], row["replayed"]) for row in asked] == [(503, False), (None, False), (200, True)]
    assert len({row["idempotency_key"] for row in asked}) == 1


async def test_a_fault_can_be_narrowed_to_one_payment_or_reference(stripe_box: Box) -> None:
    await stripe_box.fault(only="SO-1", http=[{"operation": "create", "do": "503"}])
    other = await stripe_box.session(client_reference_id="SO-2")
    with pytest.raises(stripe.APIError):
        await stripe_box.session(client_reference_id="SO-1")
    await stripe_box.act(other, "succeed")
    payment = str((await stripe_box.read(other)).payment_intent)
    await stripe_box.fault(only=other.id, http=[{"operation": "read", "do": "429"}])
    await stripe_box.sdk.v1.events.list_async()
    with pytest.raises(stripe.RateLimitError):
        await stripe_box.sdk.v1.payment_intents.retrieve_async(payment)


async def test_faults_are_listed_and_cleared(stripe_box: Box) -> None:
    order = {"operation": "any", "do": "503", "times": None}
    await stripe_box.fault(http=[order], webhooks=[{"do": "drop"}], money={"second_capture": True})
    standing = (await stripe_box.browser.get("/_sandbox/faults")).json()
    assert [fault["kind"] for fault in standing] == ["webhook", "http", "money"]
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await _count(stripe_box)
    assert (await stripe_box.browser.delete("/_sandbox/faults")).status_code == 204
    assert (await stripe_box.browser.get("/_sandbox/faults")).json() == []
    assert await _count(stripe_box) == 0


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("faults", {"webhoks": []}, "webhoks"), ("faults", {"http": [{"operation": "create", "do": "418"}]}, "'500'"),
        ("faults", {"webhooks": [{"do": "drop", "probability": 2}]}, "less than or equal to 1"),
        ("clock", {"advance_seconds": -1}, "greater than or equal to 0"), ("clock", {}, "Field required"),
        ("disputes", {"payment": "pi_1", "why": "x"}, "why"), ("sessions/cs_1/pay", {"outcome": "steal"}, "succeed"),
    ],
)  # fmt: skip
async def test_an_order_that_is_not_understood_is_refused_in_words(
    stripe_box: Box, path: str, body: dict[str, Any], words: str
) -> None:
    answer = await stripe_box.browser.post(f"/_sandbox/{path}", json=body)
    assert answer.status_code == 422
    assert words in answer.text


async def test_orders_about_unknown_objects_are_a_404(stripe_box: Box) -> None:
    for path, body in (
        ("disputes", {"payment": "pi_1"}),
        ("disputes/du_1/close", {"outcome": "won"}),
        ("refunds/re_1/fail", {}),
        ("sessions/cs_1/pay", {"outcome": "succeed"}),
        ("payouts", {"currency": "eur", "account": "sk_test_nobody"}),
    ):
        assert (await stripe_box.browser.post(f"/_sandbox/{path}", json=body)).status_code == 404


async def test_a_request_kept_waiting_does_not_keep_the_stand_in_from_stopping(tmp_path: Path) -> None:
    accounts = (StripeAccount(api_key=KEY, endpoints=()),)
    async with asyncio.timeout(10), httpx.AsyncClient(timeout=30) as patient:
        async with running(tmp_path / "stripe.sqlite", accounts) as url:
            order = {"http": [{"operation": "read", "do": "timeout_before"}]}
            await patient.post(f"{url}/_sandbox/faults", json=order)
            asking = asyncio.create_task(patient.get(f"{url}/v1/events", headers={"Authorization": f"Bearer {KEY}"}))

            async def waiting() -> bool:
                return any(row["fault"] for row in (await patient.get(f"{url}/_sandbox/requests")).json())

            await eventually(waiting)
        with pytest.raises(httpx.TransportError):
            (await asking).raise_for_status()

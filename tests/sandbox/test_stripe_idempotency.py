"""Idempotency keys as Stripe keeps them."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.stripe_box import KEY, OTHER_KEY, Box, eventually, line, sdk


async def _post(box: Box, key: str, *, amount: int = 1250, api_key: str = KEY, **more: Any) -> httpx.Response:
    form = {
        "mode": "payment",
        "success_url": "https://shop.example/ok",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": str(amount),
        "line_items[0][price_data][product_data][name]": "Desk",
        **more,
    }
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": key}
    return await box.browser.post("/v1/checkout/sessions", data=form, headers=headers)


async def _sessions(box: Box) -> int:
    return len((await box.sdk.v1.checkout.sessions.list_async()).data)


async def _met_fault(box: Box, fault: str) -> bool:
    return any(row["fault"] == fault for row in await box.log("requests"))


async def test_the_same_key_gets_the_first_answer_again(stripe_box: Box) -> None:
    first, second = await _post(stripe_box, "k"), await _post(stripe_box, "k")
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert "idempotent-replayed" not in first.headers
    assert await _sessions(stripe_box) == 1


async def test_a_replay_shows_the_object_as_it_was_then(stripe_box: Box) -> None:
    first = await _post(stripe_box, "k")
    await stripe_box.sdk.v1.checkout.sessions.expire_async(first.json()["id"])
    assert (await _post(stripe_box, "k")).json()["status"] == "open"


async def test_the_same_key_with_other_parameters_is_refused(stripe_box: Box) -> None:
    await _post(stripe_box, "k")
    answer = await _post(stripe_box, "k", amount=1251)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "idempotency_error"
    assert "same parameters" in answer.json()["error"]["message"]
    assert await _sessions(stripe_box) == 1


async def test_the_sdk_sees_a_mismatch_as_an_idempotency_error(stripe_box: Box) -> None:
    sessions = stripe_box.sdk.v1.checkout.sessions
    params: Any = {"mode": "payment", "success_url": "https://shop.example/ok", "line_items": [line(1250)]}
    other: Any = {**params, "line_items": [line(1300)]}
    await sessions.create_async(params, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        await sessions.create_async(other, {"idempotency_key": "k"})


async def test_the_same_key_for_another_endpoint_is_refused(stripe_box: Box) -> None:
    session = (await _post(stripe_box, "k")).json()
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await stripe_box.sdk.v1.checkout.sessions.expire_async(session["id"], None, {"idempotency_key": "k"})
    assert (await stripe_box.sdk.v1.checkout.sessions.retrieve_async(session["id"])).status == "open"


async def test_a_validation_failure_does_not_use_up_the_key(stripe_box: Box) -> None:
    assert (await _post(stripe_box, "k", nonsense="1")).status_code == 400
    assert (await _post(stripe_box, "k")).status_code == 200


async def test_a_refusal_by_state_is_remembered(stripe_box: Box) -> None:
    intent = await stripe_box.paid()
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await stripe_box.sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": "k"})
        assert refusal.value.code == "payment_intent_unexpected_state"
    replayed = [row["replayed"] for row in await stripe_box.log("requests") if row["path"].endswith("/capture")]
    assert replayed == [False, True]


async def test_a_500_is_remembered_and_repeated(stripe_box: Box) -> None:
    await stripe_box.fault(http=[{"operation": "create", "do": "500"}])
    first, second = await _post(stripe_box, "k"), await _post(stripe_box, "k")
    assert (first.status_code, second.status_code) == (500, 500)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["stripe-should-retry"] == "false"
    assert (await _post(stripe_box, "k2")).status_code == 200
    assert await _sessions(stripe_box) == 1


async def test_a_second_request_with_a_key_in_use_is_a_409(stripe_box: Box) -> None:
    await stripe_box.fault(http=[{"operation": "create", "do": "slow", "seconds": 0.5}])
    first = asyncio.create_task(_post(stripe_box, "k"))
    await eventually(lambda: _met_fault(stripe_box, "slow"))
    second = await _post(stripe_box, "k")
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await first).status_code == 200
    assert (await _post(stripe_box, "k")).json() == (await first).json()


async def test_fifty_requests_at_once_with_one_key_make_one_session(stripe_box: Box) -> None:
    answers = await asyncio.gather(*(_post(stripe_box, "k") for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert await _sessions(stripe_box) == 1


async def test_a_key_is_forgotten_after_24_hours(stripe_box: Box) -> None:
    first = await _post(stripe_box, "k")
    await stripe_box.move_clock(24 * 3600 - 10)
    assert (await _post(stripe_box, "k")).json() == first.json()
    await stripe_box.move_clock(11)
    assert (await _post(stripe_box, "k")).json()["id"] != first.json()["id"]


async def test_accounts_do_not_share_keys(stripe_box: Box) -> None:
    first, other = await _post(stripe_box, "k"), await _post(stripe_box, "k", api_key=OTHER_KEY)
    assert other.json()["id"] != first.json()["id"]
    assert "idempotent-replayed" not in other.headers


async def test_a_key_of_more_than_255_characters_is_refused(stripe_box: Box) -> None:
    assert (await _post(stripe_box, "k" * 256)).json()["error"]["type"] == "idempotency_error"


async def test_an_event_names_the_request_that_caused_it(stripe_box: Box) -> None:
    session = await stripe_box.session()
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id, None, {"idempotency_key": "expire-1"})
    asked = (await stripe_box.log("requests"))[-1]
    event = (await stripe_box.events())[0].to_dict()
    assert event["request"] == {"id": asked["id"], "idempotency_key": "expire-1"}


async def test_another_client_meets_the_same_saved_answer_after_a_broken_connection(stripe_box: Box) -> None:
    await stripe_box.fault(http=[{"operation": "create", "do": "reset_after"}])
    with pytest.raises(httpx.TransportError):
        await _post(stripe_box, "k")
    async with sdk(stripe_box.url) as fresh:
        assert len((await fresh.v1.checkout.sessions.list_async()).data) == 1
    assert (await _post(stripe_box, "k")).headers["idempotent-replayed"] == "true"

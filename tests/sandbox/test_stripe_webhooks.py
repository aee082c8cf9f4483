"""Webhooks: signed, retried, surviving a restart, and disturbed as ordered."""

from collections import Counter
from pathlib import Path

import httpx
import pytest
import stripe

from sandbox.stripe import StripeAccount, WebhookEndpoint
from sandbox.stripe.server import running
from tests.sandbox.stripe_box import KEY, SECRET, Box, eventually, merchant, sdk
from tests.sandbox.stripe_schema import check_event

CARD = {
    "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
    "charge.updated",
}  # fmt: skip


async def test_every_event_reaches_the_endpoint_signed_and_true_to_the_document(stripe_box: Box) -> None:
    await stripe_box.paid()
    await stripe_box.merchant.has(*CARD)
    for received in stripe_box.merchant.received:
        event = stripe.Webhook.construct_event(received.body, received.signature, SECRET)
        assert event.api_version == stripe.api_version
        check_event(received.event)
    listed = {event.id for event in await stripe_box.events()}
    assert {received.event["id"] for received in stripe_box.merchant.received} == listed


async def test_a_forged_or_changed_body_does_not_verify(stripe_box: Box) -> None:
    await stripe_box.paid()
    await stripe_box.merchant.has("charge.updated")
    received = stripe_box.merchant.received[0]
    for body, secret in ((received.body, "whsec_other"), (received.body.replace(b"1250", b"1"), SECRET)):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, received.signature, secret)


async def test_an_endpoint_that_fails_is_tried_again_with_a_new_signature(stripe_box: Box) -> None:
    stripe_box.merchant.answers.extend([500, 302, 404])
    session = await stripe_box.session()
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    await eventually(lambda: len(stripe_box.merchant.received) == 4)
    assert len({received.event["id"] for received in stripe_box.merchant.received}) == 1
    assert len({received.signature for received in stripe_box.merchant.received}) > 1
    for received in stripe_box.merchant.received:
        stripe.Webhook.construct_event(received.body, received.signature, SECRET)
    tried = await stripe_box.log("deliveries")
    assert [(row["attempt"], row["status"]) for row in tried] == [(1, 500), (2, 302), (3, 404), (4, 200)]
    assert {(row["type"], row["url"], row["state"]) for row in tried} == {
        ("checkout.session.expired", stripe_box.merchant.url, "delivered")
    }


async def test_pending_webhooks_counts_endpoints_that_have_not_taken_it(stripe_box: Box) -> None:
    stripe_box.merchant.answers.extend([500])
    session = await stripe_box.session()
    await stripe_box.sdk.v1.checkout.sessions.expire_async(session.id)
    assert (await stripe_box.events())[0].pending_webhooks == 1
    assert (await stripe_box.events(delivery_success=True)) == []
    await eventually(lambda: len(stripe_box.merchant.received) == 2)
    await _all_delivered(stripe_box)
    assert (await stripe_box.events())[0].pending_webhooks == 0
    assert len(await stripe_box.events(delivery_success=True)) == 1


async def _all_delivered(box: Box) -> None:
    """Wait until nothing is on its way any more."""

    async def settled() -> bool:
        return all(row["state"] != "pending" for row in await box.log("deliveries"))

    await eventually(settled)


async def test_an_endpoint_that_does_not_answer_holds_nothing_up(stripe_box: Box) -> None:
    stripe_box.merchant.open.clear()
    paid = [await stripe_box.paid() for _ in range(4)]
    assert {intent.status for intent in paid} == {"succeeded"}
    assert (await stripe_box.events())[0].pending_webhooks == 1
    stripe_box.merchant.open.set()
    await eventually(lambda: len({received.event["id"] for received in stripe_box.merchant.received}) == 20)


async def test_pending_webhooks_survive_a_restart_and_follow_a_moved_endpoint(tmp_path: Path) -> None:
    state, gone = tmp_path / "stripe.sqlite", "http://127.0.0.1:1/hook"
    before = (StripeAccount(api_key=KEY, endpoints=(WebhookEndpoint(url=gone, secret=SECRET),)),)
    async with running(state, before) as url, sdk(url) as client:
        session = await client.v1.checkout.sessions.create_async(_ONE_DESK)
        await client.v1.checkout.sessions.expire_async(session.id)
    async with merchant() as shop:
        after = (StripeAccount(api_key=KEY, endpoints=(WebhookEndpoint(url=shop.url, secret=SECRET),)),)
        async with running(state, after):
            await shop.has("checkout.session.expired")
    assert shop.received[0].event["data"]["object"]["id"] == session.id


_ONE_DESK: stripe.params.checkout.SessionCreateParams = {
    "mode": "payment",
    "success_url": "https://shop.example/ok",
    "line_items": [
        {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 500, "product_data": {"name": "Desk"}}}
    ],
}


async def test_dropped_events_are_listed_but_never_sent(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "drop", "types": ["checkout.session.completed", "charge.updated"]}])
    await stripe_box.paid()
    await stripe_box.merchant.has("payment_intent.succeeded", "charge.succeeded", "payment_intent.created")
    await _all_delivered(stripe_box)
    assert set(stripe_box.merchant.types()) == CARD - {"checkout.session.completed", "charge.updated"}
    assert set(await stripe_box.types()) == CARD
    dropped = [row for row in await stripe_box.log("deliveries") if row["state"] == "dropped"]
    assert {(row["type"], row["attempt"]) for row in dropped} == {
        ("checkout.session.completed", 0),
        ("charge.updated", 0),
    }


async def test_a_fault_limited_in_number_is_used_up(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "drop", "types": ["payment_intent.succeeded"], "times": 1}])
    lost, told = await stripe_box.paid(), await stripe_box.paid()
    await stripe_box.merchant.has("payment_intent.succeeded")
    await _all_delivered(stripe_box)
    events = [received.event for received in stripe_box.merchant.received]
    told_of = {e["data"]["object"]["id"] for e in events if e["type"] == "payment_intent.succeeded"}
    assert told_of == {told.id} != {lost.id}


async def test_a_duplicate_is_the_same_event_twice(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "duplicate", "types": ["charge.succeeded"]}])
    await stripe_box.paid()
    await eventually(lambda: stripe_box.merchant.types().count("charge.succeeded") == 2)
    ids = {r.event["id"] for r in stripe_box.merchant.received if r.event["type"] == "charge.succeeded"}
    assert len(ids) == 1


async def test_one_fact_can_be_told_by_two_events(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "second_event", "types": ["payment_intent.succeeded"]}])
    intent = await stripe_box.paid()
    await eventually(lambda: stripe_box.merchant.types().count("payment_intent.succeeded") == 2)
    told = [r.event for r in stripe_box.merchant.received if r.event["type"] == "payment_intent.succeeded"]
    assert len({event["id"] for event in told}) == 2
    assert {event["data"]["object"]["id"] for event in told} == {intent.id}


async def test_a_delayed_event_comes_after_later_ones(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "delay", "types": ["payment_intent.created"], "seconds": 0.6}])
    await stripe_box.paid()
    await stripe_box.merchant.has(*CARD)
    assert stripe_box.merchant.types()[-1] == "payment_intent.created"


async def test_reordering_mixes_events_of_many_payments(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "reorder", "seconds": 0.8}], seed=7)
    for _ in range(4):
        await stripe_box.paid()
    await eventually(lambda: len(stripe_box.merchant.received) == 20)
    sent = [received.event["id"] for received in stripe_box.merchant.received]
    listed = [event.id for event in await stripe_box.events()]
    assert sorted(sent) == sorted(listed)
    assert sent != listed


async def test_a_seed_repeats_the_same_misfortune(tmp_path: Path) -> None:
    misfortunes = []
    for run in range(2):
        async with (
            running(tmp_path / f"{run}.sqlite", _ENDPOINT_NOWHERE) as url,
            sdk(url) as client,
            httpx.AsyncClient(base_url=url) as browser,
        ):
            await browser.post("/_sandbox/faults", json={"seed": 11, "webhooks": [{"do": "drop", "probability": 0.5}]})
            for _ in range(12):
                session = await client.v1.checkout.sessions.create_async(_ONE_DESK)
                await client.v1.checkout.sessions.expire_async(session.id)
            rows = (await browser.get("/_sandbox/deliveries")).json()
            state = {row["event"]: row["state"] for row in rows}
            events = (await client.v1.events.list_async({"limit": 100})).data
            misfortunes.append([state[event.id] == "dropped" for event in events])
    assert misfortunes[0] == misfortunes[1]
    assert 0 < Counter(misfortunes[0])[True] < 12


_ENDPOINT_NOWHERE = (
    StripeAccount(api_key=KEY, endpoints=(WebhookEndpoint(url="http://127.0.0.1:1/hook", secret=SECRET),)),
)


async def test_events_can_be_sent_by_hand_in_any_order(stripe_box: Box) -> None:
    await stripe_box.fault(webhooks=[{"do": "drop"}])
    await stripe_box.paid()
    wanted = [event.id for event in await stripe_box.events()][::-1]
    answer = await stripe_box.browser.post("/_sandbox/deliveries/send", json={"events": wanted})
    assert [(row["event"], row["status"]) for row in answer.json()] == [(event, 200) for event in wanted]
    assert [received.event["id"] for received in stripe_box.merchant.received] == wanted


async def test_faults_of_one_session_leave_the_others_alone(stripe_box: Box) -> None:
    unlucky, lucky = await stripe_box.session(), await stripe_box.session()
    await stripe_box.fault(only=unlucky.id, webhooks=[{"do": "drop"}])
    for session in (unlucky, lucky):
        await stripe_box.act(session, "succeed")
    await stripe_box.move_clock(1)
    await stripe_box.merchant.has(*CARD)
    await _all_delivered(stripe_box)
    payments = {(await stripe_box.payment_of(lucky)).id, lucky.id}
    for received in stripe_box.merchant.received:
        told = received.event["data"]["object"]
        assert payments & {told["id"], told.get("payment_intent")}

"""POST /webhooks/stripe/{merchant}: durable before 2xx, told to the run, never a 500."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import SUED_KEY, WEBHOOK_SECRETS, DatabaseAway, Stage
from tests.fakes.inbox import sign


def event(checkout_id: str | None, **changes: Any) -> bytes:
    """A message of the provider."""
    return json.dumps({"id": "evt_1", "type": "checkout.session.completed", "checkout": checkout_id} | changes).encode()


async def deliver(
    stage: Stage, body: bytes, *, merchant: str = "nordwerk", signature: str | None = None
) -> httpx.Response:
    """Deliver as the provider does, rightly signed unless another signature is given."""
    signature = sign(WEBHOOK_SECRETS["nordwerk"], body) if signature is None else signature
    return await stage.client.post(
        f"/webhooks/stripe/{merchant}", content=body, headers={"Stripe-Signature": signature}
    )


async def test_an_event_is_recorded_and_told_to_its_run(stage: Stage) -> None:
    checkout = await stage.checkout()
    answer = await deliver(stage, event(checkout.id))
    assert answer.status_code == 200
    assert list(stage.world.events) == [("nordwerk", "stripe", "evt_1")]
    assert [(workflow, told.event_id) for workflow, told in stage.runs.reported] == [(checkout.workflow_id, "evt_1")]


async def test_a_repeated_event_is_recorded_once_and_told_until_it_is_applied(stage: Stage) -> None:
    checkout = await stage.checkout()
    assert (await deliver(stage, event(checkout.id))).status_code == 200
    assert (await deliver(stage, event(checkout.id))).status_code == 200
    assert len(stage.world.events) == 1
    assert len(stage.runs.reported) == 2
    stage.world.applied.add(("nordwerk", "stripe", "evt_1"))
    assert (await deliver(stage, event(checkout.id))).status_code == 200
    assert len(stage.runs.reported) == 2


async def test_an_event_we_have_no_use_for_is_recorded_and_told_to_nobody(stage: Stage) -> None:
    checkout = await stage.checkout()
    assert (await deliver(stage, event(checkout.id, type="customer.created"))).status_code == 200
    assert len(stage.world.events) == 1
    assert not stage.runs.reported


async def test_an_event_of_nobodys_checkout_is_recorded_and_told_to_nobody(stage: Stage) -> None:
    assert (await deliver(stage, event("chk_unknown"))).status_code == 200
    assert (await deliver(stage, event(None, id="evt_2"))).status_code == 200
    assert len(stage.world.events) == 2
    assert not stage.runs.reported


@pytest.mark.parametrize("named", [{"payment": "pi_1"}, {"session": "cs_1"}])
async def test_an_event_of_money_we_cannot_tie_to_a_checkout_is_told_too(stage: Stage, named: dict[str, str]) -> None:
    assert (await deliver(stage, event(None, **named))).status_code == 200
    [(workflow, told)] = stage.runs.reported
    assert workflow is None
    assert told.event_id == "evt_1"


async def test_an_event_that_names_another_merchants_checkout_never_reaches_its_run(stage: Stage) -> None:
    theirs = await stage.checkout(key=SUED_KEY)
    assert (await deliver(stage, event(theirs.id))).status_code == 200
    assert not stage.runs.reported


@pytest.mark.parametrize("signature", ["", "v1=00", "t=1,v1=abc", "0" * 64])
async def test_a_message_that_is_not_the_providers_is_refused_and_not_kept(stage: Stage, signature: str) -> None:
    checkout = await stage.checkout()
    answer = await deliver(stage, event(checkout.id), signature=signature)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert not stage.world.events


async def test_a_message_without_signature_is_refused(stage: Stage) -> None:
    answer = await stage.client.post("/webhooks/stripe/nordwerk", content=event(None))
    assert answer.status_code == 400
    assert not stage.world.events


async def test_a_message_signed_for_another_merchant_is_refused(stage: Stage) -> None:
    body = event(None)
    answer = await deliver(stage, body, merchant="suedwerk", signature=sign(WEBHOOK_SECRETS["nordwerk"], body))
    assert answer.status_code == 400
    assert not stage.world.events


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"[]", b"null", b'{"id": "evt_1"}', b"[" * 50])
async def test_a_signed_message_that_is_no_event_is_refused(stage: Stage, body: bytes) -> None:
    assert (await deliver(stage, body)).status_code == 400
    assert not stage.world.events


@pytest.mark.parametrize("merchant", ["nobody", "%00", "a" * 300])
async def test_an_unknown_merchant_is_not_found(stage: Stage, merchant: str) -> None:
    assert (await deliver(stage, event(None), merchant=merchant)).status_code == 404
    assert not stage.world.events


async def test_a_message_that_is_too_large_is_refused_without_reading_it_all(stage: Stage) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 16_384
            yield b" " * 16_384

    answer = await stage.client.post("/webhooks/stripe/nordwerk", content=endless())
    assert answer.status_code == 413
    assert sent <= 256 * 1024 + 2 * 16_384


async def test_a_message_of_any_content_type_is_judged_by_its_signature_alone(stage: Stage) -> None:
    body = event(None)
    headers = {"Stripe-Signature": sign(WEBHOOK_SECRETS["nordwerk"], body), "Content-Type": "text/plain"}
    answer = await stage.client.post("/webhooks/stripe/nordwerk", content=body, headers=headers)
    assert answer.status_code == 200


async def test_without_the_workflow_service_the_fact_is_kept_and_the_provider_is_asked_to_come_again(
    stage: Stage,
) -> None:
    checkout = await stage.checkout()
    stage.runs.down = True
    answer = await deliver(stage, event(checkout.id))
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert len(stage.world.events) == 1
    stage.runs.down = False
    assert (await deliver(stage, event(checkout.id))).status_code == 200
    assert len(stage.runs.reported) == 1


@pytest.mark.parametrize("fault", [DatabaseAway(), ConnectionResetError(), RuntimeError("a bug")])
async def test_a_fact_that_could_not_be_kept_is_never_answered_with_2xx_or_500(stage: Stage, fault: Exception) -> None:
    checkout = await stage.checkout()
    stage.inbox.fault = fault
    assert (await deliver(stage, event(checkout.id))).status_code == 503
    assert not stage.runs.reported
    assert not stage.world.events


@pytest.mark.parametrize("fault", [DatabaseAway(), ConnectionResetError(), RuntimeError("a bug")])
async def test_whether_a_forged_message_is_for_a_merchant_of_ours_is_not_guessed(
    stage: Stage, fault: Exception
) -> None:
    stage.reader.fault = fault
    answer = await deliver(stage, event(None), signature=sign("whsec_forged", event(None)))
    assert answer.status_code == 503
    assert not stage.world.events


async def test_a_signed_fact_is_kept_though_nothing_can_be_read(stage: Stage) -> None:
    checkout = await stage.checkout()
    stage.reader.fault = DatabaseAway()
    assert (await deliver(stage, event(checkout.id))).status_code == 200
    assert len(stage.world.events) == 1

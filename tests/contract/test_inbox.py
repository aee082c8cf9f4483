"""What every inbox does with a provider's messages: `api.ports.Inbox`."""

import asyncio

from domain.payments import ProviderEvent
from domain.views import InboxEntry
from tests.clerk import a_request
from tests.contract.scenes import NORD, SUED, Scene

NOBODYS = InboxEntry(workflow_id=None, checkout_id=None, applied=False)


def an_event(
    event_id: str = "evt_1",
    *,
    provider: str = "stripe",
    checkout: str | None = None,
    session: str | None = None,
    payment: str | None = None,
) -> ProviderEvent:
    return ProviderEvent(
        provider=provider,
        event_id=event_id,
        type="checkout.session.completed",
        relevant=True,
        checkout_id=checkout,
        session_id=session,
        payment_reference=payment,
        raw='{"note": "Köhler \\u0000"}',
    )


async def _opened(scene: Scene, merchant_id: str = NORD) -> InboxEntry:
    """A fresh checkout, as an unapplied message to it is answered."""
    checkout_id = await scene.open(merchant_id, a_request())
    view = await scene.reader.checkout(merchant_id, checkout_id)
    assert view is not None
    return InboxEntry(workflow_id=view.workflow_id, checkout_id=checkout_id, applied=False)


async def test_a_message_is_kept_and_answered_with_the_run_it_belongs_to(scene: Scene) -> None:
    opened = await _opened(scene)
    assert await scene.inbox.record(NORD, an_event(checkout=opened.checkout_id)) == opened
    assert await scene.count_events() == 1


async def test_a_message_that_does_not_carry_our_id_is_known_by_its_session_or_payment(scene: Scene) -> None:
    await _opened(scene)
    opened = await _opened(scene)
    assert opened.checkout_id is not None
    await scene.open_session(opened.checkout_id, "cs_1")
    await scene.capture(opened.checkout_id, "pi_1")
    assert await scene.inbox.record(NORD, an_event("evt_1", session="cs_1")) == opened
    assert await scene.inbox.record(NORD, an_event("evt_2", payment="pi_1")) == opened
    assert await scene.inbox.record(NORD, an_event("evt_3", session="cs_1", payment="pi_1")) == opened


async def test_a_message_of_nobodys_business_is_kept_too(scene: Scene) -> None:
    for number, event in enumerate(
        [
            an_event("evt_1"),
            an_event("evt_2", checkout="chk_unknown"),
            an_event("evt_3", session="cs_unknown"),
            an_event("evt_4", payment="pi_unknown"),
        ],
        start=1,
    ):
        assert await scene.inbox.record(NORD, event) == NOBODYS
        assert await scene.count_events() == number


async def test_a_message_that_names_another_merchants_checkout_has_no_run(scene: Scene) -> None:
    theirs = await _opened(scene, SUED)
    assert theirs.checkout_id is not None
    await scene.open_session(theirs.checkout_id, "cs_1")
    await scene.capture(theirs.checkout_id, "pi_1")
    for event in (
        an_event("evt_1", checkout=theirs.checkout_id),
        an_event("evt_2", session="cs_1"),
        an_event("evt_3", payment="pi_1"),
    ):
        assert await scene.inbox.record(NORD, event) == NOBODYS


async def test_a_repeated_message_is_kept_once_and_unapplied_until_its_run_says_otherwise(scene: Scene) -> None:
    opened = await _opened(scene)
    assert opened.checkout_id is not None
    event = an_event(checkout=opened.checkout_id)
    for _ in range(2):
        assert await scene.inbox.record(NORD, event) == opened
    await scene.apply(opened.checkout_id, event)
    assert (await scene.inbox.record(NORD, event)).applied
    assert not (await scene.inbox.record(NORD, an_event("evt_2", checkout=opened.checkout_id))).applied
    assert await scene.count_events() == 2


async def test_a_repeated_message_finds_the_checkout_that_was_not_known_before(scene: Scene) -> None:
    event = an_event(session="cs_1")
    assert await scene.inbox.record(NORD, event) == NOBODYS
    opened = await _opened(scene)
    assert opened.checkout_id is not None
    await scene.open_session(opened.checkout_id, "cs_1")
    assert await scene.inbox.record(NORD, event) == opened
    assert await scene.count_events() == 1


async def test_a_message_told_by_many_at_once_is_kept_once(scene: Scene) -> None:
    opened = await _opened(scene)
    event = an_event(checkout=opened.checkout_id)
    answers = await asyncio.gather(*(scene.inbox.record(NORD, event) for _ in range(10)))
    assert answers == [opened] * 10
    assert await scene.count_events() == 1


async def test_the_same_id_of_another_merchant_or_provider_is_another_message(scene: Scene) -> None:
    opened = await _opened(scene)
    assert opened.checkout_id is not None
    event = an_event(checkout=opened.checkout_id)
    await scene.inbox.record(NORD, event)
    await scene.apply(opened.checkout_id, event)
    assert not (await scene.inbox.record(SUED, an_event())).applied
    assert not (await scene.inbox.record(NORD, an_event(provider="adyen"))).applied
    assert await scene.count_events() == 3

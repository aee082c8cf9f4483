"""Links for several entries, for tests: made, opened, heard of."""

import secrets

from api.settlement_runs import TemporalLinkRuns
from domain.payments import EventSubject, ProviderEvent
from domain.settlement_steps import LinkRequest
from tests.workflows.conftest import Run, Stage
from workflows.messages import OpenedLink


async def opened(stage: Stage, count: int) -> list[tuple[Run, OpenedLink, str]]:
    """Checkouts of 839.00 EUR that wait for payment: run, link, entry."""
    found = []
    for _ in range(count):
        run, link = await stage.open()
        found.append((run, link, (await stage.see(link)).entry.id))
    return found


async def a_link(stage: Stage, *entries: str) -> str:
    """A link for these entries."""
    links = TemporalLinkRuns(stage.client, task_queue=stage.task_queue)
    our_id, created = await links.open("meridian", LinkRequest(entries=entries, expires_in_seconds=7 * 24 * 3600))
    assert created
    return our_id


async def press(stage: Stage, our_id: str) -> str:
    """The customer opens the provider's page by the link; answers the session's id."""
    links = TemporalLinkRuns(stage.client, task_queue=stage.task_queue)
    return (await links.open_payment_page("meridian", our_id)).rpartition("/")[2]


async def hear(stage: Stage, session_id: str) -> None:
    """The provider's message about a session arrives, as the webhook takes it."""
    event = ProviderEvent(
        provider="stripe",
        event_id=f"evt_{secrets.token_hex(6)}",
        type="checkout.session.completed",
        relevant=True,
        subject=EventSubject.PAYMENT,
        checkout_id=stage.provider.orders[session_id].checkout_id,
        session_id=session_id,
        payment_reference=None,
        raw="{}",
    )
    entry = await stage.inbox.record("meridian", event)
    await stage.reporter.report("meridian", entry, event)

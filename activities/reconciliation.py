"""The steps of the sweep. One thing that cannot be put right never keeps it from the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import TypeVar

from temporalio import activity

from activities.heartbeat import heartbeating
from domain.payments import ProviderEvent, SettledBy
from domain.ports import Inbox, PaymentProvider, ReconciliationBook, Reporter
from domain.reconciliation import (
    GRACE,
    LOOK_BACK,
    OLDEST,
    OVERLAP,
    STUCK,
    WINDOW,
    EndedSession,
    StandingCheckout,
    Sweep,
    Swept,
    WaitingEvent,
)
from domain.views import InboxEntry

AT_ONCE = 8
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class ReconciliationActivities:
    """What was missed is found, and told again to whoever looks after it."""

    def __init__(self, book: ReconciliationBook, inbox: Inbox, provider: PaymentProvider, reporter: Reporter) -> None:
        self._book = book
        self._inbox = inbox
        self._provider = provider
        self._reporter = reporter

    @activity.defn
    @heartbeating
    async def read_missed_messages(self, step: Sweep) -> Swept:
        """Read each merchant's messages from the provider's own list: those that never came are told now."""

        async def read(merchant_id: str) -> Swept:
            return await self._read_missed(merchant_id, step.now)

        return await _each(await self._book.merchants(), read, "merchant")

    async def _read_missed(self, merchant_id: str, now: datetime) -> Swept:
        noted, swept = await self._book.read_until(merchant_id), Swept()
        since = max(noted - OVERLAP, now - OLDEST) if noted else now - LOOK_BACK
        while since < now - GRACE:
            until = min(since + WINDOW, now - GRACE)
            after: str | None = None
            while True:
                page = await self._provider.list_events(merchant_id, since, until, after)
                swept += await self._take_in(merchant_id, page.events)
                if page.next is None:
                    break
                after = page.next
            await self._book.note_read(merchant_id, until)
            since = until
        return swept

    async def _take_in(self, merchant_id: str, events: tuple[ProviderEvent, ...]) -> Swept:
        missed = await self._book.unknown(merchant_id, tuple(event.event_id for event in events))

        async def take_in(event: ProviderEvent) -> Swept:
            entry = await self._inbox.record(merchant_id, event)
            await self._reporter.report(merchant_id, entry, event, SettledBy.SWEEP)
            return Swept(done=1)

        return await _each([event for event in events if event.event_id in missed], take_in, "missed message")

    @activity.defn
    @heartbeating
    async def report_unapplied_messages(self, step: Sweep) -> Swept:
        """Tell again what nobody has acted upon; raise the alarm for what waits too long."""
        waiting = await self._book.unapplied(step)
        stuck = [one for one in waiting if one.received_at < step.now - STUCK]
        if stuck:
            _log.error(
                "%d provider messages are not applied, the oldest of %s since %s",
                len(stuck),
                stuck[0].merchant_id,
                stuck[0].received_at.isoformat(),
            )
        return await _each(waiting, self._report, "unapplied message")

    async def _report(self, one: WaitingEvent) -> Swept:
        entry = one.entry
        if entry.checkout_id is None:  # its payment may have become known since
            entry = await self._inbox.record(one.merchant_id, one.event)
        await self._reporter.report(one.merchant_id, entry, one.event, SettledBy.SWEEP)
        return Swept(done=1)

    @activity.defn
    @heartbeating
    async def look_at_ended_sessions(self, step: Sweep) -> Swept:
        """Have somebody see what became of sessions that should be over."""

        async def look(one: EndedSession) -> Swept:
            await self._reporter.report(one.merchant_id, _entry_of(one), _ended(one, step.now), SettledBy.SWEEP)
            return Swept(done=1)

        return await _each(await self._book.ended_sessions(step), look, "ended session")

    @activity.defn
    @heartbeating
    async def restart_lost_runs(self, step: Sweep) -> Swept:
        """Start the runs again that should be there and are not; they go on from the books."""

        async def restart(one: StandingCheckout) -> Swept:
            return Swept(done=int(await self._reporter.restart(one.merchant_id, one.request)))

        return await _each(await self._book.standing_checkouts(step), restart, "checkout")


def _entry_of(session: EndedSession) -> InboxEntry:
    return InboxEntry(workflow_id=session.workflow_id, checkout_id=session.checkout_id, applied=False)


def _ended(session: EndedSession, now: datetime) -> ProviderEvent:
    """A message of our own; new each hour, so that a run looks again."""
    return ProviderEvent(
        provider="stripe",
        event_id=f"sweep:{session.session_id}:{now:%Y-%m-%dT%H}",
        type="quittance.session_ended",
        relevant=True,
        checkout_id=session.checkout_id,
        session_id=session.session_id,
        payment_reference=None,
        raw="",
    )


async def _each(things: Iterable[_T], do: Callable[[_T], Awaitable[Swept]], kind: str) -> Swept:
    """Do it for each, a few at once; what fails is counted and logged."""
    places = asyncio.Semaphore(AT_ONCE)

    async def guarded(thing: _T) -> Swept:
        async with places:
            try:
                return await do(thing)
            except Exception:  # noqa: BLE001 -- whatever is wrong with one must not stop the sweep
                _log.exception("the sweep could not put a %s right", kind)
                return Swept(failed=1)

    return sum(await asyncio.gather(*[guarded(thing) for thing in things]), Swept())

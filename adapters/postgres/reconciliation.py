"""What the sweep looks for: messages, sessions and checkouts that were left behind."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from adapters.postgres.database import Sessions, from_json
from adapters.postgres.tables import CheckoutRow, MerchantRow, PaymentLinkRow, ProviderEventRow, ProviderSessionRow
from adapters.postgres.tables_reconciliation import ReconciliationRow
from adapters.postgres.tables_settlements import CombinedLinkRow
from domain.checkout import ENDED, CheckoutRequest, CheckoutStatus
from domain.merchants import Invoicing
from domain.payments import EventSubject, ProviderEvent, SessionStatus
from domain.reconciliation import (
    GRACE,
    RUN_OVERDUE,
    SESSION_OVERDUE,
    STEP_OVERDUE,
    EndedSession,
    StandingCheckout,
    Sweep,
    WaitingEvent,
)
from domain.views import InboxEntry

PROVIDER = "stripe"
MOST = 1000
"""Things of one kind that one round takes on, oldest first."""
FRESH = timedelta(hours=1)
_POSITIVE = 0x7FFFFFFF
_PAID = (CheckoutStatus.CAPTURED, CheckoutStatus.ORDERED, CheckoutStatus.BALANCED, CheckoutStatus.INVOICED)


class PostgresReconciliationBook:
    """Implements `domain.ports.ReconciliationBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def merchants(self) -> tuple[str, ...]:
        async with self._sessions() as session:
            return tuple(await session.scalars(select(MerchantRow.id).order_by(MerchantRow.id)))

    async def read_until(self, merchant_id: str) -> datetime | None:
        async with self._sessions() as session:
            row = await session.get(ReconciliationRow, (merchant_id, PROVIDER))
        return None if row is None else row.read_until

    async def note_read(self, merchant_id: str, until: datetime) -> None:
        async with self._sessions.begin() as session:
            noted = insert(ReconciliationRow).values(merchant_id=merchant_id, provider=PROVIDER, read_until=until)
            await session.execute(
                noted.on_conflict_do_update(
                    index_elements=[ReconciliationRow.merchant_id, ReconciliationRow.provider],
                    set_={"read_until": func.greatest(ReconciliationRow.read_until, noted.excluded.read_until)},
                )
            )

    async def unknown(self, merchant_id: str, event_ids: tuple[str, ...]) -> frozenset[str]:
        async with self._sessions() as session:
            known = await session.scalars(
                select(ProviderEventRow.event_id).where(
                    ProviderEventRow.merchant_id == merchant_id,
                    ProviderEventRow.provider == PROVIDER,
                    ProviderEventRow.event_id.in_(event_ids),
                )
            )
            return frozenset(event_ids) - frozenset(known)

    async def unapplied(self, sweep: Sweep) -> tuple[WaitingEvent, ...]:
        wanted = (
            select(ProviderEventRow, CheckoutRow.workflow_id)
            .outerjoin(CheckoutRow, CheckoutRow.id == ProviderEventRow.checkout_id)
            .where(
                ProviderEventRow.relevant,
                ProviderEventRow.applied_at.is_(None),
                ProviderEventRow.received_at < sweep.now - GRACE,
                or_(ProviderEventRow.received_at > sweep.now - FRESH, _its_turn(ProviderEventRow.event_id, sweep)),
            )
            .order_by(ProviderEventRow.received_at)
            .limit(MOST)
        )
        async with self._sessions() as session:
            found = (await session.execute(wanted)).all()
        return tuple(_waiting(row, workflow_id) for row, workflow_id in found)

    async def ended_sessions(self, sweep: Sweep) -> tuple[EndedSession, ...]:
        wanted = (
            select(ProviderSessionRow, CheckoutRow.workflow_id)
            .join(CheckoutRow, CheckoutRow.id == ProviderSessionRow.checkout_id)
            .outerjoin(CombinedLinkRow, CombinedLinkRow.id == ProviderSessionRow.link_id)
            .where(
                ProviderSessionRow.status == SessionStatus.OPEN,
                or_(ProviderSessionRow.link_id.is_(None), ProviderSessionRow.checkout_id == CombinedLinkRow.lead_id),
                ProviderSessionRow.expires_at < sweep.now - SESSION_OVERDUE,
            )
            .order_by(ProviderSessionRow.expires_at)
            .limit(MOST)
        )
        async with self._sessions() as session:
            found = (await session.execute(wanted)).all()
        return tuple(
            EndedSession(
                merchant_id=row.merchant_id,
                checkout_id=row.checkout_id,
                workflow_id=workflow_id,
                session_id=row.session_id,
            )
            for row, workflow_id in found
        )

    async def standing_checkouts(self, sweep: Sweep) -> tuple[StandingCheckout, ...]:
        its_turn = _its_turn(CheckoutRow.id, sweep)
        waits_for_a_run = (CheckoutRow.status == CheckoutStatus.BALANCED) & (
            func.coalesce(MerchantRow.config["invoicing"].astext, "") == Invoicing.COLLECTIVE
        )
        unclosed = (
            (CheckoutRow.status != CheckoutStatus.NEEDS_REVIEW)
            & (PaymentLinkRow.expires_at < sweep.now - RUN_OVERDUE)
            & ~waits_for_a_run
        )
        stands_still = (
            CheckoutRow.status.in_(_PAID) & (CheckoutRow.updated_at < sweep.now - STEP_OVERDUE) & ~waits_for_a_run
        )
        wanted = (
            select(CheckoutRow.merchant_id, CheckoutRow.request)
            .join(MerchantRow, MerchantRow.id == CheckoutRow.merchant_id)
            .outerjoin(PaymentLinkRow, PaymentLinkRow.checkout_id == CheckoutRow.id)
            .where(CheckoutRow.status.not_in(ENDED), or_(unclosed, stands_still, its_turn))
            .order_by(CheckoutRow.updated_at)
            .limit(MOST)
        )
        async with self._sessions() as session:
            found = (await session.execute(wanted)).all()
        return tuple(
            StandingCheckout(merchant_id=row.merchant_id, request=from_json(CheckoutRequest, row.request))
            for row in found
        )


def _its_turn(key: ColumnElement[str] | InstrumentedAttribute[str], sweep: Sweep) -> ColumnElement[bool]:
    """Whether a thing is in the share of everything that this round looks at."""
    return func.hashtext(key).bitwise_and(_POSITIVE) % sweep.shares == sweep.share


def _waiting(row: ProviderEventRow, workflow_id: str | None) -> WaitingEvent:
    return WaitingEvent(
        merchant_id=row.merchant_id,
        entry=InboxEntry(workflow_id=workflow_id, checkout_id=row.checkout_id, applied=False),
        event=ProviderEvent(
            provider=row.provider,
            event_id=row.event_id,
            type=row.type,
            relevant=row.relevant,
            subject=EventSubject(row.subject),
            reference=row.reference,
            checkout_id=row.checkout_id,
            session_id=row.session_id,
            payment_reference=row.payment_reference,
            raw=row.raw,
        ),
        received_at=row.received_at,
    )

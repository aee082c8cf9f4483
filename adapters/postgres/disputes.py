"""Disputes: what a bank takes back leaves the entry, and what it gives up returns there."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.assignments import assign, settle_invoice, unassign
from adapters.postgres.cases import PostgresCases
from adapters.postgres.checkouts import entry_of, locked_checkout
from adapters.postgres.database import Sessions, new_id
from adapters.postgres.feed import tell
from adapters.postgres.findings import PROVIDER, mark_applied
from adapters.postgres.tables import EntryRow, PaymentRow
from adapters.postgres.tables_disputes import DisputeRow
from adapters.postgres.tables_payouts import PayoutItemRow, PayoutRow
from domain import disputes, payments
from domain.cases import NewCase
from domain.disputes import DisputeReport, DisputeStanding, DisputeStatus, RecordDispute, RemindOfDispute
from domain.payments import PaymentStatus
from domain.payouts import PayoutItemKind, PayoutStatus

PROCESS = "dispute"


class PostgresDisputeBook:
    """Implements `domain.ports.DisputeBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def record_dispute(self, step: RecordDispute) -> DisputeStanding:
        report = step.report
        async with self._sessions.begin() as session:
            payment = await _locked_payment(session, step.merchant_id, report)
            if payment is None or payment.captured == 0:
                ours = payment is not None or report.checkout_id is not None
                if not ours:
                    await mark_applied(session, step.merchant_id, step.event_ids)
                return DisputeStanding(status=report.status, known=False, ours=ours)
            dispute = await _dispute(session, payment, report.reference)
            is_new = dispute is None
            dispute = dispute or _new_dispute(session, payment, report)
            before = DisputeStatus(dispute.status)
            await _apply(session, dispute, payment, report, step.at)
            await mark_applied(session, step.merchant_id, step.event_ids)
            await session.flush()
            await _tell(session, dispute, payment, None if is_new else before, step.at)
            return _standing(dispute, payment)

    async def remind(self, step: RemindOfDispute) -> None:
        async with self._sessions.begin() as session:
            found = await session.execute(
                select(DisputeRow)
                .where(
                    DisputeRow.merchant_id == step.merchant_id,
                    DisputeRow.provider == PROVIDER,
                    DisputeRow.reference == step.reference,
                )
                .with_for_update()
            )
            dispute = found.scalar_one()
            if dispute.reminded_at is None and dispute.status == DisputeStatus.OPENED:
                dispute.reminded_at = step.at
                await session.flush()
                await tell(
                    session,
                    dispute.merchant_id,
                    "dispute.deadline_near",
                    dispute.checkout_id,
                    dispute_id=dispute.id,
                    evidence_due_at=_moment(dispute.evidence_due_at),
                )


async def _locked_payment(session: AsyncSession, merchant_id: str, report: DisputeReport) -> PaymentRow | None:
    """The payment that is disputed, with its checkout locked before it."""
    mine = select(PaymentRow).where(
        PaymentRow.merchant_id == merchant_id,
        PaymentRow.provider == PROVIDER,
        PaymentRow.reference == report.payment_reference,
    )
    payment = (await session.execute(mine)).scalar_one_or_none()
    if payment is not None and payment.checkout_id is not None:
        await locked_checkout(session, merchant_id, payment.checkout_id)
    locked = mine.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(locked)).scalar_one_or_none()


async def _dispute(session: AsyncSession, payment: PaymentRow, reference: str) -> DisputeRow | None:
    found = await session.execute(
        select(DisputeRow).where(
            DisputeRow.merchant_id == payment.merchant_id,
            DisputeRow.provider == payment.provider,
            DisputeRow.reference == reference,
        )
    )
    return found.scalar_one_or_none()


def _new_dispute(session: AsyncSession, payment: PaymentRow, report: DisputeReport) -> DisputeRow:
    dispute = DisputeRow(
        id=new_id("dsp"),
        merchant_id=payment.merchant_id,
        checkout_id=payment.checkout_id,
        payment_id=payment.id,
        provider=payment.provider,
        reference=report.reference,
        amount=report.amount,
        currency=report.currency,
        held=0,
        unassigned=0,
        reason=report.reason,
        status=DisputeStatus.OPENED,
        opened_at=report.opened_at,
    )
    session.add(dispute)
    return dispute


async def _apply(
    session: AsyncSession, dispute: DisputeRow, payment: PaymentRow, report: DisputeReport, at: datetime
) -> None:
    before, money = DisputeStatus(dispute.status), (dispute.held, dispute.fee)
    status = disputes.advance(before, report.status)
    dispute.status = status
    dispute.checkout_id = payment.checkout_id
    if status is report.status or dispute.evidence_due_at is None:
        dispute.evidence_due_at = report.evidence_due_at or dispute.evidence_due_at
    if status is not before:
        dispute.closed_at = at
    dispute.fee = report.fee if report.fee is not None else dispute.fee
    dispute.updated_at = at
    wanted = disputes.held(status, dispute.amount, withdrawn=report.withdrawn, before=dispute.held)
    entry = None if payment.checkout_id is None else await entry_of(session, payment.checkout_id)
    if wanted > dispute.held:
        await _withdraw(session, dispute, payment, entry, wanted - dispute.held)
    elif wanted < dispute.held:
        await _give_back(session, dispute, payment, entry)
    if (dispute.held, dispute.fee) != money:
        await booked.dispute(session, dispute, payment)
    if entry is not None:
        await settle_invoice(session, entry)


async def _withdraw(
    session: AsyncSession, dispute: DisputeRow, payment: PaymentRow, entry: EntryRow | None, amount: int
) -> None:
    """Money leaves the payment: first what nobody has a use for, then what is assigned.

    A bank may claim more than is left after a refund; what is not there cannot be held, and is told by the
    payout that lacks it.
    """
    taken = min(amount, payment.available + payment.assigned)
    from_entry = max(0, taken - payment.available)
    if entry is not None:
        await unassign(session, entry, payment, from_entry, PROCESS)
    payment.available -= taken
    payment.disputed += taken
    dispute.held += taken
    dispute.unassigned += from_entry
    _move_payment(payment, left=payment.available + payment.assigned, paid_out=False)


async def _give_back(session: AsyncSession, dispute: DisputeRow, payment: PaymentRow, entry: EntryRow | None) -> None:
    """Money returns to the payment; what was taken from the entry goes there again, as far as it is still owed."""
    returned, to_entry = dispute.held, dispute.unassigned
    payment.disputed -= returned
    payment.available += returned
    dispute.held = dispute.unassigned = 0
    if entry is not None:
        await assign(session, entry, payment, to_entry, PROCESS)
    left = payment.available + payment.assigned
    _move_payment(payment, left=left, paid_out=await _paid_out(session, payment))


def _move_payment(payment: PaymentRow, *, left: int, paid_out: bool) -> None:
    current = PaymentStatus(payment.status)
    payment.status = payments.move(current, disputes.payment_status(current, left=left, paid_out=paid_out))


async def _paid_out(session: AsyncSession, payment: PaymentRow) -> bool:
    """Whether the charge itself was part of a payout that arrived."""
    charge = (
        exists()
        .where(PayoutItemRow.payment_id == payment.id, PayoutItemRow.kind == PayoutItemKind.CHARGE)
        .where(PayoutRow.id == PayoutItemRow.payout_id, PayoutRow.status == PayoutStatus.PAID)
    )
    return bool(await session.scalar(select(charge)))


async def _tell(
    session: AsyncSession, dispute: DisputeRow, payment: PaymentRow, before: DisputeStatus | None, at: datetime
) -> None:
    """Tell the shop what is news; `before` is None for a dispute that was not known."""
    status = DisputeStatus(dispute.status)
    told = {"dispute_id": dispute.id, "payment_id": payment.id}
    money = {"amount": dispute.amount, "currency": dispute.currency, "reason": dispute.reason}
    if status is DisputeStatus.LOST and before is not DisputeStatus.LOST:
        await PostgresCases.open(session, _lost(dispute, at))
    if before is None:
        due = _moment(dispute.evidence_due_at)
        await tell(
            session, dispute.merchant_id, "dispute.opened", dispute.checkout_id, **told, **money, evidence_due_at=due
        )
    if status is not DisputeStatus.OPENED and status is not before:
        await tell(session, dispute.merchant_id, "dispute.closed", dispute.checkout_id, **told, outcome=status)


def _lost(dispute: DisputeRow, at: datetime) -> NewCase:
    return NewCase(
        merchant_id=dispute.merchant_id,
        checkout_id=dispute.checkout_id,
        fact=f"dispute:{dispute.reference}:lost",
        kind="dispute_lost",
        options=("write_off", "claim"),
        data={
            "dispute": dispute.id,
            "payment": dispute.payment_id,
            "amount": dispute.amount,
            "currency": dispute.currency,
            "detail": f"The bank kept the money: {dispute.reason}.",
        },
        opened_at=at,
    )


def _standing(dispute: DisputeRow, payment: PaymentRow) -> DisputeStanding:
    status = DisputeStatus(dispute.status)
    remind_at = disputes.remind_at(status, dispute.evidence_due_at) if dispute.reminded_at is None else None
    returned = dispute.held == 0 and payment.available > 0
    return DisputeStanding(status=status, remind_at=remind_at, homeless_in=payment.checkout_id if returned else None)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()

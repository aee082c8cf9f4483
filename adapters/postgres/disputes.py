"""Disputes: what a bank takes back leaves the entries it settled, and what it gives up returns there."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.assignments import assign, settle_invoice, ties_of_payment, unassign
from adapters.postgres.cases import PostgresCases
from adapters.postgres.database import Sessions, new_id
from adapters.postgres.feed import tell
from adapters.postgres.findings import PROVIDER, mark_applied
from adapters.postgres.locks import lock_money
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
    """The payment that is disputed, locked with every checkout whose entry it settles, or did before the dispute."""
    payment_id = await session.scalar(
        select(PaymentRow.id).where(
            PaymentRow.merchant_id == merchant_id,
            PaymentRow.provider == PROVIDER,
            PaymentRow.reference == report.payment_reference,
        )
    )
    if payment_id is None:
        return None
    taken = await session.scalars(select(DisputeRow.taken_from).where(DisputeRow.payment_id == payment_id))
    before = {entry_id for entries in taken for entry_id in entries}
    checkouts = await session.scalars(select(EntryRow.checkout_id).where(EntryRow.id.in_(before)))
    _, payments = await lock_money(session, merchant_id, payments=[payment_id], checkouts=checkouts.all())
    return payments[payment_id]


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
        taken_from={},
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
    if wanted > dispute.held:
        await _withdraw(session, dispute, payment, wanted - dispute.held)
    elif wanted < dispute.held:
        await _give_back(session, dispute, payment)
    if (dispute.held, dispute.fee) != money:
        await booked.dispute(session, dispute, payment)


async def _withdraw(session: AsyncSession, dispute: DisputeRow, payment: PaymentRow, amount: int) -> None:
    """Money leaves the payment: first what nobody has a use for, then what is assigned, the last first.

    A bank may claim more than is left after a refund; what is not there cannot be held, and is told by the
    payout that lacks it.
    """
    taken = min(amount, payment.available + payment.assigned)
    missing = max(0, taken - payment.available)
    for tie in reversed(await ties_of_payment(session, payment.id)):
        share = min(missing, tie.item.amount)
        await unassign(session, tie.entry, payment, share, PROCESS)
        await settle_invoice(session, tie.entry)
        dispute.taken_from = dispute.taken_from | {tie.entry.id: dispute.taken_from.get(tie.entry.id, 0) + share}
        dispute.unassigned += share
        missing -= share
    dispute.taken_from = {entry_id: share for entry_id, share in dispute.taken_from.items() if share}
    payment.available -= taken
    payment.disputed += taken
    dispute.held += taken
    _move_payment(payment, left=payment.available + payment.assigned, paid_out=False)


async def _give_back(session: AsyncSession, dispute: DisputeRow, payment: PaymentRow) -> None:
    """Money returns to the payment; what was taken from an entry goes there again, as far as it is still owed."""
    taken_from = dispute.taken_from
    payment.disputed -= dispute.held
    payment.available += dispute.held
    dispute.held = dispute.unassigned = 0
    dispute.taken_from = {}
    for entry in await session.scalars(select(EntryRow).where(EntryRow.id.in_(taken_from)).order_by(EntryRow.id)):
        await assign(session, entry, payment, taken_from[entry.id], PROCESS)
        await settle_invoice(session, entry)
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

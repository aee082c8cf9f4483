"""The money of a refund: counted as refunded, taken from entries, credited, or back again.

The caller holds the locks of the payment and of the checkouts it is tied to (see `adapters.postgres.locks`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked, credit_notes
from adapters.postgres.assignments import Tie, reduce, settle_invoice, ties_of_payment, unassign
from adapters.postgres.cases import PostgresCases
from adapters.postgres.database import from_json
from adapters.postgres.tables import CheckoutRow, InvoiceRow, MerchantRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_refunds import RefundRow
from adapters.postgres.tables_settlements import RefundItemRow
from domain.cases import NewCase
from domain.checkout import CheckoutStatus
from domain.late_money import OPTIONS, Misfit
from domain.merchants import Merchant
from domain.refunds import UNDER_WAY, RefundOrigin, RefundStatus, refundable

PROCESS = "refund"
UNMATCHED = "refund_unmatched"
"""The kind of a case about a refund of more money than the books have."""
_CARRIED_OUT = {CheckoutStatus.CAPTURED, CheckoutStatus.ORDERED, CheckoutStatus.BALANCED}


def too_early(checkouts: Iterable[CheckoutRow]) -> bool:
    """Whether a checkout's run still needs the money: until there is an invoice, none can be corrected."""
    return any((checkout.review or {}).get("before", checkout.status) in _CARRIED_OUT for checkout in checkouts)


def waits(refund: RefundRow, checkouts: Iterable[CheckoutRow]) -> bool:
    """Whether a refund waits for an invoice. One whose money is counted already takes nothing from any entry."""
    return refund.counted < refund.amount and too_early(checkouts)


async def left_of(session: AsyncSession, payment: PaymentRow) -> int:
    """What of a payment can still be given back, in minor units."""
    return refundable(
        captured=payment.captured,
        refunded=payment.refunded,
        disputed=payment.disputed,
        under_way=[await _uncounted(session, RefundRow.payment_id == payment.id, RefundRow.status.in_(UNDER_WAY))],
    )


async def left_for(session: AsyncSession, payment: PaymentRow, checkout: CheckoutRow) -> int:
    """What of a payment can still be given back to this checkout: what settles its entry, and, if the checkout
    brought the payment, what is available."""
    on_entry = sum(tie.item.amount for tie in await ties_of_payment(session, payment.id) if _of(tie, checkout.id))
    under_way = await _uncounted(
        session,
        RefundRow.payment_id == payment.id,
        RefundRow.checkout_id == checkout.id,
        RefundRow.status.in_(UNDER_WAY),
    )
    there = on_entry + (payment.available if payment.checkout_id == checkout.id else 0)
    return max(0, min(await left_of(session, payment), there - under_way))


def _of(tie: Tie, checkout_id: str | None) -> bool:
    return tie.entry.checkout_id == checkout_id


async def _uncounted(session: AsyncSession, *conditions: ColumnElement[bool]) -> int:
    """What refunds that are not booked yet will still take."""
    total = await session.scalar(
        select(func.coalesce(func.sum(RefundRow.amount - RefundRow.counted), 0)).where(
            RefundRow.booked_at.is_(None), *conditions
        )
    )
    return int(total or 0)


async def reserve(session: AsyncSession, refund: RefundRow, payment: PaymentRow) -> bool:
    """Count what is available as refunded; False, and nothing done, if with the entries' money it is not enough.

    What is available belongs to the checkout that brought the payment: no other's refund takes it first.
    """
    missing = refund.amount - refund.counted
    own = payment.available if refund.checkout_id == payment.checkout_id else 0
    available = min(missing, own)
    promised = await _uncounted(
        session,
        RefundRow.payment_id == payment.id,
        RefundRow.status == RefundStatus.PENDING,
        RefundRow.id != refund.id,
    )
    if missing and missing - available > payment.assigned - promised:
        return False
    _count(refund, payment, available)
    await _write_down(session, refund, payment)
    return True


async def release(session: AsyncSession, refund: RefundRow, payment: PaymentRow) -> None:
    """The refund did not happen, or came back: what was counted is available again."""
    payment.refunded -= refund.counted
    payment.available += refund.counted
    refund.counted = refund.from_entry = 0
    await _write_down(session, refund, payment)


async def _write_down(session: AsyncSession, refund: RefundRow, payment: PaymentRow) -> None:
    """In the books a refund that a case ordered is the case's."""
    late = refund.origin == RefundOrigin.LATE_MONEY
    await booked.refund(session, payment, refund.key.partition("/")[2] if late else refund.id, refund.counted)


def _count(refund: RefundRow, payment: PaymentRow, amount: int) -> None:
    payment.available -= amount
    payment.refunded += amount
    refund.counted += amount


async def book(session: AsyncSession, refund: RefundRow, payment: PaymentRow) -> None:
    """Count the whole refund: what is not counted yet comes from the entry it is for, else from the other entries
    the payment settles, else from what is available.

    What was invoiced is credited. A refund of more than the books have, which only somebody at the provider can
    make, becomes a case.
    """
    ties = await ties_of_payment(session, payment.id)
    for tie in sorted(ties, key=lambda tie: not _of(tie, refund.checkout_id)):
        await _take_from_entry(session, refund, tie, min(tie.item.amount, refund.amount - refund.counted))
    _count(refund, payment, min(refund.amount - refund.counted, payment.available))
    await _write_down(session, refund, payment)
    if refund.counted < refund.amount:
        await _open_unmatched(session, refund)
    refund.booked_at = refund.updated_at = datetime.now(UTC)


async def _take_from_entry(session: AsyncSession, refund: RefundRow, tie: Tie, amount: int) -> None:
    if amount <= 0:
        return
    await unassign(session, tie.entry, tie.payment, amount, PROCESS)
    reduce(tie.entry, amount)
    _count(refund, tie.payment, amount)
    refund.from_entry += amount
    await settle_invoice(session, tie.entry)
    invoice = await credit_notes.invoice_in_force(session, tie.entry.checkout_id)
    note = None if invoice is None else await credit_notes.issue(session, invoice, tie.entry, amount, refund.reason)
    session.add(
        RefundItemRow(
            refund_id=refund.id,
            entry_id=tie.entry.id,
            merchant_id=refund.merchant_id,
            amount=amount,
            credit_note_id=None if note is None else note.id,
        )
    )


async def credit_notes_of(session: AsyncSession, refund_ids: Iterable[str]) -> dict[str, list[InvoiceRow]]:
    """The documents of what was invoiced and is given back, of each refund that has any, in the order of issue."""
    found = await session.execute(
        select(RefundItemRow.refund_id, InvoiceRow)
        .join(InvoiceRow, InvoiceRow.id == RefundItemRow.credit_note_id)
        .where(RefundItemRow.refund_id.in_(refund_ids))
        .order_by(InvoiceRow.finalized_at, InvoiceRow.id)
    )
    notes: dict[str, list[InvoiceRow]] = {}
    for refund_id, note in found:
        notes.setdefault(refund_id, []).append(note)
    return notes


async def _open_unmatched(session: AsyncSession, refund: RefundRow) -> None:
    await PostgresCases.open(
        session,
        NewCase(
            merchant_id=refund.merchant_id,
            checkout_id=refund.checkout_id,
            fact=f"refund:{refund.id}:unmatched",
            kind=UNMATCHED,
            options=("acknowledge",),
            data={
                "refund": refund.id,
                "amount": refund.amount - refund.counted,
                "currency": refund.currency,
                "detail": "The provider gave back more than the books have of this payment.",
            },
            opened_at=datetime.now(UTC),
        ),
    )


async def open_came_back(session: AsyncSession, refund: RefundRow, payment: PaymentRow, workflow_id: str) -> None:
    """A refund came back: the money is available, and a person decides. Its credit notes stay, and are named."""
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, refund.merchant_id)).config)
    known = await session.scalar(
        select(func.count()).where(CaseRow.payment_id == payment.id, CaseRow.kind.in_(list(Misfit)))
    )
    notes = await credit_notes_of(session, [refund.id])
    now = datetime.now(UTC)
    await PostgresCases.open(
        session,
        NewCase(
            merchant_id=refund.merchant_id,
            checkout_id=payment.checkout_id,
            payment_id=payment.id,
            fact=f"money:{payment.id}:{known}",
            kind=Misfit.REFUND_FAILED,
            options=OPTIONS[Misfit.REFUND_FAILED],
            data={
                "amount": payment.available,
                "currency": payment.currency,
                "refund": refund.id,
                "credit_notes": [note.number for note in notes.get(refund.id, ())],
                "detail": refund.failure or "The provider sent the refund back.",
            },
            workflow_id=workflow_id,
            opened_at=now,
            due_at=now + timedelta(days=merchant.late_money_days),
        ),
    )

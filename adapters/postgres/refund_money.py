"""The money of a refund: counted as refunded, taken from the entry, credited, or back again.

The caller holds the locks of the checkout and of the payment.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import credit_notes
from adapters.postgres.assignments import reduce, settle_invoice, unassign
from adapters.postgres.cases import PostgresCases
from adapters.postgres.checkouts import entry_of
from adapters.postgres.database import from_json
from adapters.postgres.tables import CheckoutRow, InvoiceRow, MerchantRow, PaymentRow
from adapters.postgres.tables_cases import CaseRow
from adapters.postgres.tables_refunds import RefundRow
from domain.cases import NewCase
from domain.checkout import CheckoutStatus
from domain.late_money import OPTIONS, Misfit
from domain.merchants import Merchant
from domain.refunds import UNDER_WAY, RefundStatus, refundable

PROCESS = "refund"
UNMATCHED = "refund_unmatched"
"""The kind of a case about a refund of more money than the books have."""
_CARRIED_OUT = {CheckoutStatus.CAPTURED, CheckoutStatus.ORDERED, CheckoutStatus.BALANCED}


def too_early(checkout: CheckoutRow | None) -> bool:
    """Whether the checkout's run still needs the money: until there is an invoice, none can be corrected."""
    if checkout is None:
        return False
    before = (checkout.review or {}).get("before", checkout.status)
    return before in _CARRIED_OUT


async def left_of(session: AsyncSession, payment: PaymentRow) -> int:
    """What of a payment can still be given back, in minor units."""
    return refundable(
        captured=payment.captured,
        refunded=payment.refunded,
        disputed=payment.disputed,
        under_way=[await _uncounted(session, RefundRow.payment_id == payment.id, RefundRow.status.in_(UNDER_WAY))],
    )


async def _uncounted(session: AsyncSession, *conditions: ColumnElement[bool]) -> int:
    """What refunds that are not booked yet will still take."""
    total = await session.scalar(
        select(func.coalesce(func.sum(RefundRow.amount - RefundRow.counted), 0)).where(
            RefundRow.booked_at.is_(None), *conditions
        )
    )
    return int(total or 0)


async def reserve(session: AsyncSession, refund: RefundRow, payment: PaymentRow) -> bool:
    """Count what is available as refunded; False, and nothing done, if with the entry's money it is not enough."""
    available = min(refund.amount, payment.available)
    promised = await _uncounted(
        session,
        RefundRow.payment_id == payment.id,
        RefundRow.status == RefundStatus.PENDING,
        RefundRow.id != refund.id,
    )
    if refund.amount - available > payment.assigned - promised:
        return False
    _count(refund, payment, available)
    return True


def release(refund: RefundRow, payment: PaymentRow) -> None:
    """The refund did not happen, or came back: what was counted is available again."""
    payment.refunded -= refund.counted
    payment.available += refund.counted
    refund.counted = refund.from_entry = 0


def _count(refund: RefundRow, payment: PaymentRow, amount: int) -> None:
    payment.available -= amount
    payment.refunded += amount
    refund.counted += amount


async def book(session: AsyncSession, refund: RefundRow, payment: PaymentRow, checkout: CheckoutRow | None) -> None:
    """Count the whole refund: what is not counted yet comes from the entry, else from what is available.

    What was invoiced is credited. A refund of more than the books have, which only somebody at the provider can
    make, becomes a case.
    """
    rest = refund.amount - refund.counted
    from_entry = min(rest, payment.assigned) if checkout is not None else 0
    _count(refund, payment, min(rest - from_entry, payment.available))
    if checkout is not None and from_entry:
        await _take_from_entry(session, refund, payment, checkout, from_entry)
    if refund.counted < refund.amount:
        await _open_unmatched(session, refund)
    refund.booked_at = refund.updated_at = datetime.now(UTC)


async def _take_from_entry(
    session: AsyncSession, refund: RefundRow, payment: PaymentRow, checkout: CheckoutRow, amount: int
) -> None:
    entry = await entry_of(session, checkout.id)
    await unassign(session, entry, payment, amount, PROCESS)
    reduce(entry, amount)
    _count(refund, payment, amount)
    refund.from_entry, refund.entry_id = amount, entry.id
    await settle_invoice(session, entry)
    invoice = await credit_notes.invoice_in_force(session, checkout.id)
    if invoice is not None:
        refund.credit_note_id = (await credit_notes.issue(session, invoice, entry, amount, refund.reason)).id


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
    """A refund came back: the money is available, and a person decides. The credit note stays, and is named."""
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, refund.merchant_id)).config)
    known = await session.scalar(
        select(func.count()).where(CaseRow.payment_id == payment.id, CaseRow.kind.in_(list(Misfit)))
    )
    note = None if refund.credit_note_id is None else await session.get_one(InvoiceRow, refund.credit_note_id)
    now = datetime.now(UTC)
    await PostgresCases.open(
        session,
        NewCase(
            merchant_id=refund.merchant_id,
            checkout_id=refund.checkout_id,
            payment_id=payment.id,
            fact=f"money:{payment.id}:{known}",
            kind=Misfit.REFUND_FAILED,
            options=OPTIONS[Misfit.REFUND_FAILED],
            data={
                "amount": payment.available,
                "currency": payment.currency,
                "refund": refund.id,
                "credit_note": None if note is None else note.number,
                "detail": refund.failure or "The provider sent the refund back.",
            },
            workflow_id=workflow_id,
            opened_at=now,
            due_at=now + timedelta(days=merchant.late_money_days),
        ),
    )

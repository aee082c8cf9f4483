"""Tying money to entries and untying it. The caller holds the checkout's lock."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.database import new_id
from adapters.postgres.tables import EntryItemRow, EntryRow, InvoiceRow, PaymentRow
from domain import entries, invoices
from domain.entries import EntryBalance, EntryItemKind, EntryStatus
from domain.invoices import DEMANDS, InvoiceStatus


def balance_of(entry: EntryRow) -> EntryBalance:
    """The amounts of an entry."""
    return EntryBalance(
        initial=entry.initial, reductions=entry.reductions, assigned=entry.assigned, expected=entry.expected
    )


async def assign(session: AsyncSession, entry: EntryRow, payment: PaymentRow, amount: int, process: str) -> int:
    """Tie up to `amount` of the payment's available money to the entry; answers how much, in minor units.

    Never more than is outstanding, and never money of another currency or for a canceled entry.
    """
    if payment.currency != entry.currency or entry.status == EntryStatus.CANCELED:
        return 0
    taken = balance_of(entry).assignable(min(amount, payment.available))
    if taken == 0:
        return 0
    item = await _item(session, entry, payment)
    if item is None:
        item = EntryItemRow(
            id=new_id("eit"),
            merchant_id=entry.merchant_id,
            entry_id=entry.id,
            payment_id=payment.id,
            kind=EntryItemKind.ASSIGNED,
            amount=taken,
            business_process=process,
        )
        session.add(item)
    else:
        item.amount, item.business_process = item.amount + taken, process
    payment.available -= taken
    payment.assigned += taken
    entry.assigned += taken
    _settle(entry)
    await booked.assignment(session, entry, payment, item.amount)
    return taken


async def unassign(session: AsyncSession, entry: EntryRow, payment: PaymentRow, amount: int, process: str) -> None:
    """Untie `amount` of the payment's assigned money from the entry: it is available again."""
    if amount == 0:
        return
    item = await _item(session, entry, payment)
    if item is None or item.amount < amount:
        raise ValueError(f"payment {payment.id} has no {amount} assigned to entry {entry.id}")
    left = item.amount - amount
    if left == 0:
        await session.delete(item)
    else:
        item.amount, item.business_process = left, process
    payment.assigned -= amount
    payment.available += amount
    entry.assigned -= amount
    _settle(entry)
    await booked.assignment(session, entry, payment, left)


def reduce(entry: EntryRow, amount: int) -> None:
    """`amount` is not owed any more. Untie as much before, or the entry holds more than is owed."""
    entry.reductions -= amount
    _settle(entry)


def _settle(entry: EntryRow) -> None:
    """Bring the status in line at once: the database demands it of every statement."""
    if entry.status != EntryStatus.CANCELED:
        entry.status = entries.move(EntryStatus(entry.status), balance_of(entry).status)
    entry.updated_at = datetime.now(UTC)


async def settle_invoice(session: AsyncSession, entry: EntryRow) -> None:
    """The invoice in force is paid while its entry is balanced, else open."""
    found = await session.execute(
        select(InvoiceRow).where(
            InvoiceRow.entry_id == entry.id,
            InvoiceRow.kind.in_(DEMANDS),
            InvoiceRow.status != InvoiceStatus.CANCELED,
        )
    )
    invoice = found.scalar_one_or_none()
    if invoice is not None:
        wanted = InvoiceStatus.PAID if entry.status == EntryStatus.BALANCED else InvoiceStatus.OPEN
        invoice.status = invoices.move(InvoiceStatus(invoice.status), wanted)


async def _item(session: AsyncSession, entry: EntryRow, payment: PaymentRow) -> EntryItemRow | None:
    found = await session.execute(
        select(EntryItemRow).where(
            EntryItemRow.entry_id == entry.id,
            EntryItemRow.payment_id == payment.id,
            EntryItemRow.kind == EntryItemKind.ASSIGNED,
        )
    )
    return found.scalar_one_or_none()

"""Tying money to entries and untying it: any payment to any entry of its merchant and currency.

The caller holds the locks of the entry's checkout and, where money of another checkout is moved, those of
`adapters.postgres.locks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.database import new_id
from adapters.postgres.tables import EntryItemRow, EntryRow, InvoiceRow, PaymentRow
from adapters.postgres.tables_billing import InvoiceEntryRow
from domain import entries, invoices
from domain.assignment import Balances, Claim, Settled, balances
from domain.entries import EntryBalance, EntryItemKind, EntryStatus
from domain.invoices import DEMANDS, InvoiceKind, InvoiceStatus


def balance_of(entry: EntryRow) -> EntryBalance:
    """The amounts of an entry."""
    return EntryBalance(
        initial=entry.initial, reductions=entry.reductions, assigned=entry.assigned, expected=entry.expected
    )


async def assign(session: AsyncSession, entry: EntryRow, payment: PaymentRow, amount: int, process: str) -> int:
    """Tie up to `amount` of the payment's available money to the entry; answers how much, in minor units.

    Never more than is outstanding, and never money of another merchant or currency, or for a canceled entry.
    """
    fits = (payment.merchant_id, payment.currency) == (entry.merchant_id, entry.currency)
    if not fits or entry.status == EntryStatus.CANCELED:
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


async def free(session: AsyncSession, entry: EntryRow, amount: int, process: str) -> dict[PaymentRow, int]:
    """Untie `amount` of the money on an entry, the last first; answers what came from which payment."""
    freed: dict[PaymentRow, int] = {}
    for tie in reversed(await ties_of_entry(session, entry.id)):
        share = min(amount - sum(freed.values()), tie.item.amount)
        if share:
            await unassign(session, entry, tie.payment, share, process)
            freed[tie.payment] = share
    return freed


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Assigned money: the item, and the entry and payment at its ends."""

    item: EntryItemRow
    entry: EntryRow
    payment: PaymentRow


async def ties_of_entry(session: AsyncSession, entry_id: str) -> Sequence[Tie]:
    """The money on an entry, what was assigned first to begin with."""
    return await _ties(session, EntryItemRow.entry_id == entry_id)


async def ties_of_payment(session: AsyncSession, payment_id: str) -> Sequence[Tie]:
    """Where a payment's money is, what was assigned first to begin with."""
    return await _ties(session, EntryItemRow.payment_id == payment_id)


async def _ties(session: AsyncSession, condition: ColumnElement[bool]) -> Sequence[Tie]:
    found = await session.execute(
        select(EntryItemRow, EntryRow, PaymentRow)
        .join(EntryRow, EntryRow.id == EntryItemRow.entry_id)
        .join(PaymentRow, PaymentRow.id == EntryItemRow.payment_id)
        .where(condition, EntryItemRow.kind == EntryItemKind.ASSIGNED)
        .order_by(EntryItemRow.created_at, EntryItemRow.id)
    )
    return [Tie(item=item, entry=entry, payment=payment) for item, entry, payment in found]


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
    """Bring the invoices that claim of this entry in line: paid while the sum of their balances is zero, else open.

    The invoices are locked before the entries are read, so that of two entries of one invoice that change at the
    same time the second sees what the first did.
    """
    await session.flush()
    found = await session.scalars(
        select(InvoiceRow)
        .join(InvoiceEntryRow, InvoiceEntryRow.invoice_id == InvoiceRow.id)
        .where(InvoiceEntryRow.entry_id == entry.id, *CLAIMS)
        .order_by(InvoiceRow.id)
        .with_for_update(key_share=True, of=InvoiceRow)
        .execution_options(populate_existing=True)
    )
    invoices_in_force = found.all()
    balances = await balances_of(session, [invoice.id for invoice in invoices_in_force])
    for invoice in invoices_in_force:
        wanted = InvoiceStatus.OPEN if balances.open(invoice.id) else InvoiceStatus.PAID
        invoice.status = invoices.move(InvoiceStatus(invoice.status), wanted)


CLAIMS = (
    InvoiceRow.kind.in_(DEMANDS),
    InvoiceRow.status != InvoiceStatus.CANCELED,
)
"""The documents in force, which claim something of entries."""


async def balances_of(session: AsyncSession, invoice_ids: Sequence[str]) -> Balances:
    """What these documents in force have of their entries, and what is open."""
    entry_ids = select(InvoiceEntryRow.entry_id).where(InvoiceEntryRow.invoice_id.in_(invoice_ids))
    settled = await session.execute(
        select(EntryRow.id, EntryRow.assigned, EntryRow.reductions).where(EntryRow.id.in_(entry_ids))
    )
    claims = await claims_of(session, entry_ids)
    return balances(claims, {row.id: Settled(assigned=row.assigned, reduced=-row.reductions) for row in settled})


async def claims_of(session: AsyncSession, entry_ids: Select[str] | Sequence[str]) -> list[Claim]:
    """What documents in force claim of these entries, in the order of finalization."""
    credited = (
        select(InvoiceRow.corrects_id, InvoiceEntryRow.entry_id, func.sum(InvoiceEntryRow.amount).label("amount"))
        .join(InvoiceEntryRow, InvoiceEntryRow.invoice_id == InvoiceRow.id)
        .where(InvoiceRow.kind == InvoiceKind.CREDIT_NOTE, InvoiceEntryRow.entry_id.in_(entry_ids))
        .group_by(InvoiceRow.corrects_id, InvoiceEntryRow.entry_id)
        .subquery()
    )
    found = await session.execute(
        select(
            InvoiceEntryRow.invoice_id,
            InvoiceEntryRow.entry_id,
            InvoiceEntryRow.amount,
            func.coalesce(credited.c.amount, 0).label("credited"),
        )
        .join(InvoiceRow, InvoiceRow.id == InvoiceEntryRow.invoice_id)
        .outerjoin(
            credited,
            (credited.c.corrects_id == InvoiceEntryRow.invoice_id) & (credited.c.entry_id == InvoiceEntryRow.entry_id),
        )
        .where(InvoiceEntryRow.entry_id.in_(entry_ids), *CLAIMS)
        .order_by(InvoiceRow.finalized_at, InvoiceRow.id)
    )
    return [
        Claim(document_id=row.invoice_id, entry_id=row.entry_id, amount=row.amount, credited=int(row.credited))
        for row in found
    ]


async def _item(session: AsyncSession, entry: EntryRow, payment: PaymentRow) -> EntryItemRow | None:
    found = await session.execute(
        select(EntryItemRow).where(
            EntryItemRow.entry_id == entry.id,
            EntryItemRow.payment_id == payment.id,
            EntryItemRow.kind == EntryItemKind.ASSIGNED,
        )
    )
    return found.scalar_one_or_none()

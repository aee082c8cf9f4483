"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, subtotals_of
from adapters.postgres.tables import InvoiceRow, MerchantRow
from adapters.postgres.tables_settlements import SettlementRow
from domain import credit_notes
from domain.checkout import Customer
from domain.invoices import DocumentReference, Draft, InvoiceKind, InvoiceStatus, Particulars
from domain.merchants import Merchant
from domain.settlements import ReductionKind


async def invoice_in_force(session: AsyncSession, checkout_id: str) -> InvoiceRow | None:
    """The invoice of a checkout that counts, if there is one already."""
    found = await session.execute(
        select(InvoiceRow).where(
            InvoiceRow.checkout_id == checkout_id,
            InvoiceRow.kind == InvoiceKind.INVOICE,
            InvoiceRow.status != InvoiceStatus.CANCELED,
        )
    )
    return found.scalar_one_or_none()


async def credit_what_was_reduced(session: AsyncSession, entry_id: str, invoice: InvoiceRow) -> list[InvoiceRow]:
    """Issue the credit notes over credits that were granted before there was an invoice."""
    pending = await session.scalars(
        select(SettlementRow)
        .where(
            SettlementRow.entry_id == entry_id,
            SettlementRow.reduction == ReductionKind.CREDIT,
            SettlementRow.credited.is_(None),
        )
        .order_by(SettlementRow.created_at, SettlementRow.id)
    )
    notes = []
    for settlement in pending.all():
        note = await issue(session, invoice, settlement.amount)
        settlement.credited, settlement.credit_note_id = settlement.amount, note.id
        notes.append(note)
    return notes


async def left_of(session: AsyncSession, invoice: InvoiceRow) -> int:
    """What of an invoice is not taken back yet, in minor units."""
    credited = select(func.coalesce(func.sum(InvoiceRow.grand_total), 0)).where(InvoiceRow.corrects_id == invoice.id)
    return invoice.grand_total - int(await session.scalar(credited) or 0)


async def issue(session: AsyncSession, invoice: InvoiceRow, amount: int) -> InvoiceRow:
    """Finalize a credit note of `amount` (gross minor units) over the invoice.

    The caller holds the checkout's lock. Raises InvalidDraft when so much is not left of the invoice; then no
    number was drawn.
    """
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, invoice.merchant_id)).config)
    earlier = await session.scalars(select(InvoiceRow.id).where(InvoiceRow.corrects_id == invoice.id))
    cart = credit_notes.credit(
        invoice.number,
        invoice.currency,
        await subtotals_of(session, invoice.id),
        await subtotals_of(session, *earlier),
        amount,
    )
    draft = Draft(
        kind=InvoiceKind.CREDIT_NOTE,
        language=invoice.language,
        order_number=invoice.order_number,
        buyer=from_json(Customer, invoice.buyer),
        cart=cart,
        delivered_on=invoice.delivered_on,
        particulars=Particulars(
            corrects=DocumentReference(number=invoice.number, issued_on=invoice.issued_on),
        ),
    )
    ties = Ties(
        checkout_id=invoice.checkout_id, order_id=invoice.order_id, entry_id=invoice.entry_id, corrects_id=invoice.id
    )
    return await finalize(session, merchant, draft, ties, InvoiceStatus.SETTLED)

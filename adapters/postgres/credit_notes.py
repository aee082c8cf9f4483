"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, subtotals_of
from adapters.postgres.tables import EntryRow, InvoiceRow, MerchantRow, OrderRow
from domain import credit_notes
from domain.assignment import EntryShare
from domain.checkout import Customer
from domain.invoices import DocumentReference, Draft, InvoiceKind, InvoiceStatus, Particulars
from domain.merchants import Merchant


async def invoice_in_force(session: AsyncSession, checkout_id: str) -> InvoiceRow | None:
    """The invoice of a checkout that counts, if there is one already."""
    found = await session.execute(
        select(InvoiceRow)
        .join(OrderRow, OrderRow.invoice_id == InvoiceRow.id)
        .where(OrderRow.checkout_id == checkout_id)
    )
    return found.scalar_one_or_none()


async def issue(session: AsyncSession, invoice: InvoiceRow, entry: EntryRow, amount: int) -> InvoiceRow:
    """Finalize a credit note of `amount` (gross minor units) over what the invoice claims of the entry.

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
    order_id = await session.scalar(select(OrderRow.id).where(OrderRow.checkout_id == entry.checkout_id))
    ties = Ties(
        orders=(order_id,) if order_id else (),
        entries=(EntryShare(entry_id=entry.id, amount=amount),),
        corrects_id=invoice.id,
    )
    return await finalize(session, merchant, draft, ties, InvoiceStatus.SETTLED)

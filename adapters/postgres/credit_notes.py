"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, subtotals_of
from adapters.postgres.tables import InvoiceRow, MerchantRow
from domain import credit_notes
from domain.cart import TaxRounding
from domain.checkout import Customer
from domain.invoices import DocumentReference, Draft, InvoiceKind, InvoiceStatus, Particulars
from domain.merchants import Merchant


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


async def issue(session: AsyncSession, invoice: InvoiceRow, amount: int) -> InvoiceRow:
    """Finalize a credit note of `amount` (gross minor units) over the invoice.

    The caller holds the checkout's lock. Raises InvalidDraft when so much is not left of the invoice; then no
    number was drawn.
    """
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, invoice.merchant_id)).config)
    earlier = (await session.scalars(select(InvoiceRow).where(InvoiceRow.corrects_id == invoice.id))).all()
    cart = credit_notes.credit(
        invoice.number,
        invoice.currency,
        await subtotals_of(session, invoice.id),
        await subtotals_of(session, *(note.id for note in earlier)),
        amount,
        tax_rounding=TaxRounding(invoice.tax_rounding),
        rounding=invoice.rounding - sum(note.rounding for note in earlier),
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

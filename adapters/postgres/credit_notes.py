"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.billing import billable_orders
from adapters.postgres.database import from_json
from adapters.postgres.finalization import Ties, finalize, subtotals_of
from adapters.postgres.tables import EntryRow, InvoiceRow, MerchantRow, OrderRow
from adapters.postgres.tables_billing import InvoiceOrderRow
from domain import credit_notes
from domain.assignment import EntryShare
from domain.billing import price_orders
from domain.cart import TaxSubtotal
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

    The caller holds the checkout's lock. Raises InvalidDraft when so much is not left of the entry's order; then no
    number was drawn.
    """
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, invoice.merchant_id)).config)
    order = (await session.scalars(select(OrderRow).where(OrderRow.checkout_id == entry.checkout_id))).one()
    earlier = await session.scalars(
        select(InvoiceRow.id)
        .join(InvoiceOrderRow, InvoiceOrderRow.invoice_id == InvoiceRow.id)
        .where(InvoiceRow.corrects_id == invoice.id, InvoiceOrderRow.order_id == order.id)
    )
    cart = credit_notes.credit(
        invoice.number,
        invoice.currency,
        await _invoiced(session, invoice, order, merchant),
        await subtotals_of(session, *earlier),
        amount,
    )
    draft = Draft(
        kind=InvoiceKind.CREDIT_NOTE,
        language=invoice.language,
        order_number=order.assignment_key,
        buyer=from_json(Customer, invoice.buyer),
        cart=cart,
        delivered_on=invoice.delivered_on,
        particulars=Particulars(
            corrects=DocumentReference(number=invoice.number, issued_on=invoice.issued_on),
        ),
    )
    ties = Ties(
        orders=(order.id,),
        entries=(EntryShare(entry_id=entry.id, amount=amount),),
        corrects_id=invoice.id,
    )
    return await finalize(session, merchant, draft, ties, InvoiceStatus.SETTLED)


async def _invoiced(
    session: AsyncSession, invoice: InvoiceRow, order: OrderRow, merchant: Merchant
) -> tuple[TaxSubtotal, ...]:
    """What the invoice has of the order, by tax rate. On a collective invoice that is what the order gives alone: so
    a refund never takes back tax of another order."""
    orders = await session.scalar(select(func.count()).where(InvoiceOrderRow.invoice_id == invoice.id))
    if orders == 1:
        return await subtotals_of(session, invoice.id)
    return price_orders(await billable_orders(session, merchant, [order.id])).subtotals

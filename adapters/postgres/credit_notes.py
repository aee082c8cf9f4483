"""Credit notes: finalized like invoices, in a series of their own, never more than was invoiced."""

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json, new_id, to_json
from adapters.postgres.invoices import detail_rows
from adapters.postgres.series import DrawnNumber, draw
from adapters.postgres.tables import InvoiceRow, MerchantRow, TaxSubtotalRow
from domain import credit_notes, invoices
from domain.cart import PricedCart, TaxCategory, TaxSubtotal
from domain.invoices import InvoiceKind, InvoiceStatus
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
    earlier = await session.scalars(select(InvoiceRow.id).where(InvoiceRow.corrects_id == invoice.id))
    cart = credit_notes.credit(
        invoice.number,
        invoice.currency,
        await _subtotals(session, [invoice.id]),
        await _subtotals(session, list(earlier)),
        amount,
    )
    drawn = await draw(session, merchant, InvoiceKind.CREDIT_NOTE)
    note = _row(merchant, invoice, cart, drawn)
    session.add(note)
    await session.flush()
    session.add_all(detail_rows(note, cart))
    await session.flush()
    return note


async def _subtotals(session: AsyncSession, invoice_ids: list[str]) -> list[TaxSubtotal]:
    found = await session.scalars(
        select(TaxSubtotalRow)
        .where(TaxSubtotalRow.invoice_id.in_(invoice_ids))
        .order_by(TaxSubtotalRow.tax_category, TaxSubtotalRow.tax_rate.desc())
    )
    return [
        TaxSubtotal(tax_category=TaxCategory(row.tax_category), tax_rate=row.tax_rate, basis=row.basis, tax=row.tax)
        for row in found
    ]


def _row(merchant: Merchant, invoice: InvoiceRow, cart: PricedCart, drawn: DrawnNumber) -> InvoiceRow:
    return InvoiceRow(
        id=new_id("inv"),
        merchant_id=invoice.merchant_id,
        checkout_id=invoice.checkout_id,
        order_id=invoice.order_id,
        entry_id=invoice.entry_id,
        series_id=drawn.series_id,
        kind=InvoiceKind.CREDIT_NOTE,
        corrects_id=invoice.id,
        period=drawn.period,
        sequence=drawn.sequence,
        number=drawn.number,
        status=invoices.move(InvoiceStatus.DRAFT, InvoiceStatus.SETTLED),
        language=invoice.language,
        issued_on=drawn.at.astimezone(ZoneInfo(merchant.time_zone)).date(),
        delivered_on=invoice.delivered_on,
        order_number=invoice.order_number,
        seller=to_json(merchant.seller),
        branding=to_json(merchant.branding),
        buyer=invoice.buyer,
        payments=[],
        currency=cart.currency,
        prices=cart.prices,
        discounts=[],
        allowances=[],
        line_total=cart.totals.line_total,
        allowance_total=cart.totals.allowance_total,
        basis_total=cart.totals.basis_total,
        tax_total=cart.totals.tax_total,
        grand_total=cart.totals.grand_total,
        finalized_at=drawn.at,
    )

"""Invoices: built from the sales order, numbered and finalized in one transaction, never changed again."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.checkouts import entry_of, locked_checkout, move_checkout
from adapters.postgres.database import Sessions, from_json, new_id, to_json
from adapters.postgres.feed import tell
from adapters.postgres.series import DrawnNumber, draw
from adapters.postgres.tables import (
    CheckoutRow,
    DocumentRow,
    EntryItemRow,
    EntryRow,
    InvoiceLineRow,
    InvoiceRow,
    MerchantRow,
    OrderLineRow,
    OrderRow,
    PaymentRow,
    TaxSubtotalRow,
)
from domain import invoices, totals
from domain.cart import Allowance, PricedCart, PricedDiscount, PricedLine, TaxCategory, TaxSubtotal, Totals
from domain.checkout import CheckoutStatus, Customer, PriceMode
from domain.documents import DocumentKind, DocumentRef
from domain.entries import EntryStatus
from domain.errors import DocumentDiffers, InvalidDraft, NotFound
from domain.invoices import Invoice, InvoiceKind, InvoiceStatus, PaymentMade
from domain.merchants import Branding, Merchant, Seller
from domain.steps import FinalizedInvoice, OfCheckout, OfInvoice


class PostgresInvoiceBook:
    """Implements `domain.ports.InvoiceBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def create_invoice(self, step: OfCheckout) -> FinalizedInvoice:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            order = (await session.execute(select(OrderRow).where(OrderRow.checkout_id == checkout.id))).scalar_one()
            in_force = await session.execute(
                select(InvoiceRow).where(
                    InvoiceRow.order_id == order.id,
                    InvoiceRow.kind == InvoiceKind.INVOICE,
                    InvoiceRow.status != InvoiceStatus.CANCELED,
                )
            )
            invoice = in_force.scalar_one_or_none()
            if invoice is None:
                invoice = await self._finalize(session, checkout, order)
            return FinalizedInvoice(invoice_id=invoice.id, number=invoice.number)

    async def _finalize(self, session: AsyncSession, checkout: CheckoutRow, order: OrderRow) -> InvoiceRow:
        entry = await entry_of(session, checkout.id)
        cart = await _priced_order(session, order)
        _refuse_wrong_draft(cart, order, entry)
        merchant = from_json(Merchant, (await session.get_one(MerchantRow, checkout.merchant_id)).config)
        payments = await _payments_made(session, entry, merchant)
        drawn = await draw(session, merchant, InvoiceKind.INVOICE)
        status = InvoiceStatus.PAID if entry.status == EntryStatus.BALANCED else InvoiceStatus.OPEN
        invoice = _invoice_row(merchant, checkout, order, entry, cart, payments, drawn)
        invoice.status = invoices.move(invoices.move(InvoiceStatus.DRAFT, InvoiceStatus.OPEN), status)
        session.add(invoice)
        await session.flush()
        session.add_all(detail_rows(invoice, cart))
        if checkout.status == CheckoutStatus.BALANCED:
            move_checkout(checkout, CheckoutStatus.INVOICED)
        await session.flush()
        await tell(
            session, invoice.merchant_id, "invoice.finalized", checkout.id, invoice_id=invoice.id, number=invoice.number
        )
        return invoice

    async def invoice(self, step: OfInvoice) -> Invoice:
        async with self._sessions.begin() as session:
            row = await session.get(InvoiceRow, step.invoice_id)
            if row is None or row.merchant_id != step.merchant_id:
                raise NotFound("invoice", step.invoice_id)
            return Invoice(
                number=row.number,
                language=row.language,
                issued_on=row.issued_on,
                delivered_on=row.delivered_on,
                finalized_at=row.finalized_at,
                order_number=row.order_number,
                seller=from_json(Seller, row.seller),
                branding=from_json(Branding, row.branding),
                buyer=from_json(Customer, row.buyer),
                cart=await _cart_of(session, row),
                payments=tuple(from_json(PaymentMade, payment) for payment in row.payments),
            )

    async def documents(self, step: OfInvoice) -> dict[DocumentKind, DocumentRef]:
        async with self._sessions.begin() as session:
            return await stored_documents(session, step.invoice_id)

    async def record_documents(self, step: OfInvoice, documents: tuple[DocumentRef, ...]) -> None:
        async with self._sessions.begin() as session:
            for document in documents:
                await session.execute(
                    insert(DocumentRow)
                    .values(
                        invoice_id=step.invoice_id,
                        kind=document.kind,
                        merchant_id=step.merchant_id,
                        key=document.key,
                        sha256=document.sha256,
                        size=document.size,
                    )
                    .on_conflict_do_nothing(index_elements=[DocumentRow.invoice_id, DocumentRow.kind])
                )
            stored = await stored_documents(session, step.invoice_id)
            for document in documents:
                if stored[document.kind] != document:
                    raise DocumentDiffers(f"{document.kind} of invoice {step.invoice_id} is already stored otherwise")


async def stored_documents(session: AsyncSession, invoice_id: str) -> dict[DocumentKind, DocumentRef]:
    """Where the documents of an invoice lie."""
    found = await session.execute(select(DocumentRow).where(DocumentRow.invoice_id == invoice_id))
    return {
        DocumentKind(row.kind): DocumentRef(kind=DocumentKind(row.kind), key=row.key, sha256=row.sha256, size=row.size)
        for row in found.scalars()
    }


async def _priced_order(session: AsyncSession, order: OrderRow) -> PricedCart:
    """What the order adds up to: computed again from what was sold, never copied from what was promised."""
    found = await session.execute(
        select(OrderLineRow).where(OrderLineRow.order_id == order.id).order_by(OrderLineRow.position)
    )
    return totals.price_cart(
        currency=order.currency,
        prices=PriceMode(order.prices),
        lines=[
            totals.CartLine(
                sku=line.sku,
                name=line.name,
                description=line.description,
                quantity=line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                tax_category=TaxCategory(line.tax_category),
                tax_rate=line.tax_rate,
            )
            for line in found.scalars()
        ],
        discounts=[from_json(PricedDiscount, discount) for discount in order.discounts],
    )


def _refuse_wrong_draft(cart: PricedCart, order: OrderRow, entry: EntryRow) -> None:
    """A draft that does not add up takes no number."""
    broken = list(totals.violations(cart))
    if cart.totals.grand_total != order.total:
        broken.append(f"the lines give {cart.totals.grand_total}, the order says {order.total}")
    if (order.assignment_key, order.currency, order.total) != (entry.assignment_key, entry.currency, entry.initial):
        broken.append("the entry of this assignment key is about another amount")
    if broken:
        raise InvalidDraft(broken)


async def _payments_made(session: AsyncSession, entry: EntryRow, merchant: Merchant) -> tuple[PaymentMade, ...]:
    found = await session.execute(
        select(EntryItemRow.amount, PaymentRow.method, PaymentRow.detail, PaymentRow.captured_at, PaymentRow.created_at)
        .join(PaymentRow, PaymentRow.id == EntryItemRow.payment_id)
        .where(EntryItemRow.entry_id == entry.id)
        .order_by(PaymentRow.created_at)
    )
    return tuple(
        PaymentMade(
            amount=row.amount,
            method=row.method or "other",
            detail=row.detail,
            paid_on=(row.captured_at or row.created_at).astimezone(ZoneInfo(merchant.time_zone)).date(),
        )
        for row in found
    )


def _invoice_row(
    merchant: Merchant,
    checkout: CheckoutRow,
    order: OrderRow,
    entry: EntryRow,
    cart: PricedCart,
    payments: tuple[PaymentMade, ...],
    drawn: DrawnNumber,
) -> InvoiceRow:
    buyer = from_json(Customer, order.buyer)
    today: date = drawn.at.astimezone(ZoneInfo(merchant.time_zone)).date()
    return InvoiceRow(
        id=new_id("inv"),
        merchant_id=checkout.merchant_id,
        checkout_id=checkout.id,
        order_id=order.id,
        entry_id=entry.id,
        series_id=drawn.series_id,
        kind=InvoiceKind.INVOICE,
        period=drawn.period,
        sequence=drawn.sequence,
        number=drawn.number,
        language=buyer.language if buyer.language in merchant.languages else merchant.languages[0],
        issued_on=today,
        delivered_on=today,
        order_number=order.assignment_key,
        seller=to_json(merchant.seller),
        branding=to_json(merchant.branding),
        buyer=order.buyer,
        payments=[to_json(payment) for payment in payments],
        currency=cart.currency,
        prices=cart.prices,
        discounts=[to_json(discount) for discount in cart.discounts],
        allowances=[to_json(allowance) for allowance in cart.allowances],
        line_total=cart.totals.line_total,
        allowance_total=cart.totals.allowance_total,
        basis_total=cart.totals.basis_total,
        tax_total=cart.totals.tax_total,
        grand_total=cart.totals.grand_total,
        finalized_at=drawn.at,
    )


def detail_rows(invoice: InvoiceRow, cart: PricedCart) -> list[InvoiceLineRow | TaxSubtotalRow]:
    """The lines and tax subtotals of a document that is being finalized."""
    lines: list[InvoiceLineRow | TaxSubtotalRow] = [
        InvoiceLineRow(invoice_id=invoice.id, merchant_id=invoice.merchant_id, **_line_values(line))
        for line in cart.lines
    ]
    subtotals = [
        TaxSubtotalRow(
            invoice_id=invoice.id,
            merchant_id=invoice.merchant_id,
            tax_category=subtotal.tax_category,
            tax_rate=subtotal.tax_rate,
            basis=subtotal.basis,
            tax=subtotal.tax,
        )
        for subtotal in cart.subtotals
    ]
    return lines + subtotals


_LINE_FIELDS = (
    "position", "sku", "name", "description", "quantity", "unit", "unit_price", "amount",
    "net_unit_price", "net_amount", "tax_category", "tax_rate",
)  # fmt: skip


def _line_values(line: PricedLine | InvoiceLineRow) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _LINE_FIELDS}


async def _cart_of(session: AsyncSession, invoice: InvoiceRow) -> PricedCart:
    lines = await session.execute(
        select(InvoiceLineRow).where(InvoiceLineRow.invoice_id == invoice.id).order_by(InvoiceLineRow.position)
    )
    subtotals = await session.execute(
        select(TaxSubtotalRow)
        .where(TaxSubtotalRow.invoice_id == invoice.id)
        .order_by(TaxSubtotalRow.tax_category, TaxSubtotalRow.tax_rate.desc())
    )
    return PricedCart(
        currency=invoice.currency,
        prices=PriceMode(invoice.prices),
        lines=tuple(
            PricedLine(**_line_values(line) | {"tax_category": TaxCategory(line.tax_category)})
            for line in lines.scalars()
        ),
        discounts=tuple(from_json(PricedDiscount, discount) for discount in invoice.discounts),
        allowances=tuple(from_json(Allowance, allowance) for allowance in invoice.allowances),
        subtotals=tuple(
            TaxSubtotal(tax_category=TaxCategory(row.tax_category), tax_rate=row.tax_rate, basis=row.basis, tax=row.tax)
            for row in subtotals.scalars()
        ),
        totals=Totals(
            line_total=invoice.line_total,
            allowance_total=invoice.allowance_total,
            basis_total=invoice.basis_total,
            tax_total=invoice.tax_total,
            grand_total=invoice.grand_total,
        ),
    )

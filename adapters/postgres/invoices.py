"""Invoices: built from the sales order, numbered and finalized in one transaction, never changed again."""

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import deposits
from adapters.postgres.checkouts import entry_of, locked_checkout, move_checkout, refuse_canceled
from adapters.postgres.credit_notes import credit_what_was_reduced, granted_before
from adapters.postgres.database import Sessions, from_json
from adapters.postgres.feed import tell
from adapters.postgres.finalization import Ties, finalize, read, today
from adapters.postgres.tables import (
    CheckoutRow,
    DocumentRow,
    EntryItemRow,
    EntryRow,
    InvoiceRow,
    MerchantRow,
    OrderLineRow,
    OrderRow,
    PaymentRow,
)
from adapters.postgres.vat_evidence import refuse_invalid_vat_id
from domain import totals
from domain.cart import PricedCart, PricedDiscount, PricedSurcharge, TaxCategory, TaxRounding, TaxRule
from domain.checkout import CheckoutRequest, CheckoutStatus, Customer, PriceMode
from domain.documents import DocumentKind, DocumentRef
from domain.entries import EntryItemKind, EntryStatus
from domain.errors import BrokenRule, DocumentDiffers, InvalidDraft, NotFound
from domain.invoices import DEMANDS, Draft, Invoice, InvoiceKind, InvoiceStatus, Particulars, PaymentMade
from domain.merchants import Merchant
from domain.steps import FinalizedInvoice, OfCheckout, OfInvoice
from domain.terms import with_terms


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
                    InvoiceRow.kind.in_(DEMANDS),
                    InvoiceRow.status != InvoiceStatus.CANCELED,
                )
            )
            invoice = in_force.scalar_one_or_none()
            if invoice is None:
                refuse_canceled(checkout)
                invoice = await self._finalize(session, checkout, order)
            notes = await granted_before(session, invoice)
            return FinalizedInvoice(invoice_id=invoice.id, number=invoice.number, credit_notes=notes)

    async def _finalize(self, session: AsyncSession, checkout: CheckoutRow, order: OrderRow) -> InvoiceRow:
        entry = await entry_of(session, checkout.id)
        cart = await _priced_order(session, order)
        deductions = await deposits.take(session, checkout.id)
        _refuse_wrong_draft(cart, order, entry, sum(deduction.amount for deduction in deductions))
        await refuse_invalid_vat_id(session, checkout)
        merchant = from_json(Merchant, (await session.get_one(MerchantRow, checkout.merchant_id)).config)
        buyer = from_json(Customer, order.buyer)
        draft = Draft(
            kind=InvoiceKind(from_json(CheckoutRequest, checkout.request).document),
            language=buyer.language if buyer.language in merchant.languages else merchant.languages[0],
            order_number=order.assignment_key,
            buyer=buyer,
            cart=cart,
            payments=await _payments_made(session, entry, merchant),
            particulars=Particulars(deductions=deductions),
        )
        draft = with_terms(draft, today(merchant))
        ties = Ties(checkout_id=checkout.id, order_id=order.id, entry_id=entry.id)
        status = InvoiceStatus.PAID if entry.status == EntryStatus.BALANCED else InvoiceStatus.OPEN
        invoice = await finalize(session, merchant, draft, ties, status)
        if checkout.status == CheckoutStatus.BALANCED:
            move_checkout(checkout, CheckoutStatus.INVOICED)
        await session.flush()
        notes = await credit_what_was_reduced(session, entry.id, invoice)
        await tell(
            session, invoice.merchant_id, "invoice.finalized", checkout.id, invoice_id=invoice.id, number=invoice.number
        )
        for note in notes:
            told = {"invoice_id": note.id, "number": note.number}
            await tell(session, invoice.merchant_id, "credit_note.finalized", checkout.id, **told)
        return invoice

    async def invoice(self, step: OfInvoice) -> Invoice:
        async with self._sessions.begin() as session:
            row = await session.get(InvoiceRow, step.invoice_id)
            if row is None or row.merchant_id != step.merchant_id:
                raise NotFound("invoice", step.invoice_id)
            return await read(session, row)

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
                tax_rule=TaxRule(line.tax_rule),
                exemption_code=line.exemption_code,
                exemption_reason=line.exemption_reason,
                adjustments=tuple(from_json(totals.StatedAdjustment, one) for one in line.adjustments),
            )
            for line in found.scalars()
        ],
        discounts=[from_json(PricedDiscount, discount) for discount in order.discounts],
        surcharges=[from_json(PricedSurcharge, surcharge) for surcharge in order.surcharges],
        tax_rounding=TaxRounding(order.tax_rounding),
    )


def _refuse_wrong_draft(cart: PricedCart, order: OrderRow, entry: EntryRow, deducted: int) -> None:
    """A draft that does not add up takes no number. The entry is about what is left after `deducted` deposits."""
    broken = []
    if cart.totals.payable != order.total:
        message = f"the lines give {cart.totals.payable}, the order says {order.total}"
        broken.append(BrokenRule(rule="order-total", field="/cart/totals", message=message))
    owed = (entry.assignment_key, entry.currency, entry.initial + deducted)
    if (order.assignment_key, order.currency, order.total) != owed:
        message = "the entry of this assignment key is about another amount"
        broken.append(BrokenRule(rule="entry-amount", field="/cart/totals", message=message))
    if broken:
        raise InvalidDraft(broken)


async def _payments_made(session: AsyncSession, entry: EntryRow, merchant: Merchant) -> tuple[PaymentMade, ...]:
    found = await session.execute(
        select(EntryItemRow.amount, PaymentRow.method, PaymentRow.detail, PaymentRow.captured_at, PaymentRow.created_at)
        .join(PaymentRow, PaymentRow.id == EntryItemRow.payment_id)
        .where(EntryItemRow.entry_id == entry.id, EntryItemRow.kind == EntryItemKind.ASSIGNED)
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

"""Finalization: a draft takes its number and becomes a document that never changes, in one transaction.

Every kind of document goes this one way: judge the draft, draw the number, write it down. What a document
changes beside itself (entries, other documents) is its maker's business, in the same transaction.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import booked
from adapters.postgres.database import from_json, new_id, to_json
from adapters.postgres.proofs import content_of
from adapters.postgres.series import DrawnNumber, chain, draw
from adapters.postgres.tables import InvoiceLineRow, InvoiceRow, TaxSubtotalRow
from adapters.postgres.tables_billing import InvoiceEntryRow, InvoiceOrderRow
from domain import draft_rules, e_invoices, proofs
from domain.assignment import EntryShare
from domain.cart import (
    Allowance,
    Charge,
    LineAdjustment,
    PricedCart,
    PricedDiscount,
    PricedLine,
    PricedSurcharge,
    TaxCategory,
    TaxRounding,
    TaxRule,
    TaxSubtotal,
    Totals,
)
from domain.checkout import Customer, PriceMode
from domain.errors import BrokenRule, InvalidDraft
from domain.invoices import Draft, Invoice, InvoiceKind, InvoiceStatus, Particulars, PaymentMade
from domain.merchants import Branding, Merchant, Seller


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What a document is about: orders by id, entries with what it claims of each (of a correction: gives up).

    `corrects_id` is the document it takes back from.
    """

    orders: tuple[str, ...]
    entries: tuple[EntryShare, ...]
    corrects_id: str | None = None


async def finalize(
    session: AsyncSession, merchant: Merchant, draft: Draft, ties: Ties, status: InvoiceStatus
) -> InvoiceRow:
    """Judge the draft, draw its number, prove it and write it down. The caller holds the locks of what it is tied to.

    Raises InvalidDraft for a draft that breaks a rule, or whose number is taken; then no number was drawn.
    """
    judge(merchant, draft, ties)
    drawn = await draw(session, merchant, draft.kind)
    invoice = _row(merchant, draft, ties, status, drawn)
    lines, subtotals = _line_rows(invoice, draft.cart), _subtotal_rows(invoice, draft.cart)
    orders, entries = _order_ties(invoice, ties), _entry_ties(invoice, ties)
    invoice.proof = proofs.proof(drawn.previous_proof, content_of(invoice, lines, subtotals, orders, entries))
    await chain(session, drawn, invoice.proof)
    session.add(invoice)
    await _write(session, drawn)
    session.add_all([*lines, *subtotals, *orders, *entries])
    await session.flush()
    claims = [(share.entry_id, share.amount) for share in ties.entries]
    await booked.document(session, invoice, draft.cart, draft.particulars.deductions, claims)
    return invoice


def today(merchant: Merchant) -> date:
    """The day it is in the seller's calendar."""
    return datetime.now(ZoneInfo(merchant.time_zone)).date()


async def _write(session: AsyncSession, drawn: DrawnNumber) -> None:
    """Write the invoice's row. A number that is taken is one of another series, or of the pattern before."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_invoices_merchant_id_number" not in str(error.orig):
            raise
        taken = f"number {drawn.number} is taken: the pattern of its series gives numbers of another, or used before"
        raise InvalidDraft([taken]) from error


def judge(merchant: Merchant, draft: Draft, ties: Ties) -> None:
    """Raise InvalidDraft with all that keeps a draft from taking a number."""
    broken = [
        *draft_rules.broken(draft, merchant.seller, today(merchant)),
        *e_invoices.broken(draft, merchant.seller),
    ]
    deducted = sum(deduction.amount for deduction in draft.particulars.deductions)
    asked, claimed = draft.cart.totals.payable - deducted, sum(share.amount for share in ties.entries)
    if asked != claimed:
        message = f"the document is about {asked}, but claims {claimed} of its entries"
        broken.append(BrokenRule(rule="claims-what-it-asks", field="/cart/totals", message=message))
    if broken:
        raise InvalidDraft(broken)


def _order_ties(invoice: InvoiceRow, ties: Ties) -> list[InvoiceOrderRow]:
    return [
        InvoiceOrderRow(invoice_id=invoice.id, merchant_id=invoice.merchant_id, order_id=order_id)
        for order_id in ties.orders
    ]


def _entry_ties(invoice: InvoiceRow, ties: Ties) -> list[InvoiceEntryRow]:
    return [
        InvoiceEntryRow(
            invoice_id=invoice.id, merchant_id=invoice.merchant_id, entry_id=share.entry_id, amount=share.amount
        )
        for share in ties.entries
    ]


def _row(merchant: Merchant, draft: Draft, ties: Ties, status: InvoiceStatus, drawn: DrawnNumber) -> InvoiceRow:
    cart = draft.cart
    today = drawn.at.astimezone(ZoneInfo(merchant.time_zone)).date()
    return InvoiceRow(
        id=new_id("inv"),
        merchant_id=merchant.id,
        series_id=drawn.series_id,
        kind=draft.kind,
        corrects_id=ties.corrects_id,
        period=drawn.period,
        sequence=drawn.sequence,
        number=drawn.number,
        status=status,
        language=draft.language,
        issued_on=today,
        delivered_on=draft.delivered_on or today,
        order_number=draft.order_number,
        seller=to_json(merchant.seller),
        branding=to_json(merchant.branding),
        buyer=to_json(draft.buyer),
        payments=[to_json(payment) for payment in draft.payments],
        particulars=to_json(draft.particulars),
        currency=cart.currency,
        prices=cart.prices,
        discounts=[to_json(discount) for discount in cart.discounts],
        allowances=[to_json(allowance) for allowance in cart.allowances],
        surcharges=[to_json(surcharge) for surcharge in cart.surcharges],
        charges=[to_json(charge) for charge in cart.charges],
        **{name: getattr(cart.totals, name) for name in _TOTALS},
        tax_rounding=cart.tax_rounding,
        finalized_at=drawn.at,
        place=drawn.place,
        previous_proof=drawn.previous_proof,
    )


def _line_rows(invoice: InvoiceRow, cart: PricedCart) -> list[InvoiceLineRow]:
    return [
        InvoiceLineRow(
            invoice_id=invoice.id,
            merchant_id=invoice.merchant_id,
            **{name: getattr(line, name) for name in _LINE_FIELDS},
            adjustments=[to_json(adjustment) for adjustment in line.adjustments],
        )
        for line in cart.lines
    ]


def _subtotal_rows(invoice: InvoiceRow, cart: PricedCart) -> list[TaxSubtotalRow]:
    return [
        TaxSubtotalRow(
            invoice_id=invoice.id,
            merchant_id=invoice.merchant_id,
            **{name: getattr(subtotal, name) for name in _SUBTOTAL_FIELDS},
        )
        for subtotal in cart.subtotals
    ]


_LINE_FIELDS = (
    "position", "sku", "name", "description", "quantity", "unit", "unit_price", "amount",
    "net_unit_price", "net_amount", "tax_category", "tax_rate", "tax_rule", "order_number",
)  # fmt: skip
_SUBTOTAL_FIELDS = ("tax_category", "tax_rate", "basis", "tax", "exemption_code", "exemption_reason")
_TOTALS = (
    "line_total", "allowance_total", "charge_total", "basis_total", "tax_total", "grand_total", "rounding",
)  # fmt: skip


async def read(session: AsyncSession, row: InvoiceRow) -> Invoice:
    """The finalized document of a row."""
    return Invoice(
        kind=InvoiceKind(row.kind),
        number=row.number,
        language=row.language,
        issued_on=row.issued_on,
        delivered_on=row.delivered_on,
        finalized_at=row.finalized_at,
        order_number=row.order_number,
        seller=from_json(Seller, row.seller),
        branding=from_json(Branding, row.branding),
        buyer=from_json(Customer, row.buyer),
        cart=await _cart(session, row),
        payments=tuple(from_json(PaymentMade, payment) for payment in row.payments),
        particulars=from_json(Particulars, row.particulars),
    )


async def ties_of(session: AsyncSession, row: InvoiceRow) -> Ties:
    """What a document is about, in the order of the ids."""
    orders = await session.scalars(
        select(InvoiceOrderRow.order_id).where(InvoiceOrderRow.invoice_id == row.id).order_by(InvoiceOrderRow.order_id)
    )
    entries = await session.scalars(
        select(InvoiceEntryRow).where(InvoiceEntryRow.invoice_id == row.id).order_by(InvoiceEntryRow.entry_id)
    )
    return Ties(
        orders=tuple(orders),
        entries=tuple(EntryShare(entry_id=tie.entry_id, amount=tie.amount) for tie in entries),
        corrects_id=row.corrects_id,
    )


async def subtotals_of(session: AsyncSession, *invoice_ids: str) -> tuple[TaxSubtotal, ...]:
    """The tax subtotals of these documents, highest rate first."""
    found = await session.scalars(
        select(TaxSubtotalRow)
        .where(TaxSubtotalRow.invoice_id.in_(invoice_ids))
        .order_by(TaxSubtotalRow.tax_category, TaxSubtotalRow.tax_rate.desc())
    )
    return tuple(
        TaxSubtotal(
            **{name: getattr(row, name) for name in _SUBTOTAL_FIELDS} | {"tax_category": TaxCategory(row.tax_category)}
        )
        for row in found
    )


async def _cart(session: AsyncSession, invoice: InvoiceRow) -> PricedCart:
    lines = await session.scalars(
        select(InvoiceLineRow).where(InvoiceLineRow.invoice_id == invoice.id).order_by(InvoiceLineRow.position)
    )
    return PricedCart(
        currency=invoice.currency,
        prices=PriceMode(invoice.prices),
        lines=tuple(_line(line) for line in lines),
        discounts=tuple(from_json(PricedDiscount, discount) for discount in invoice.discounts),
        allowances=tuple(from_json(Allowance, allowance) for allowance in invoice.allowances),
        surcharges=tuple(from_json(PricedSurcharge, surcharge) for surcharge in invoice.surcharges),
        charges=tuple(from_json(Charge, charge) for charge in invoice.charges),
        subtotals=await subtotals_of(session, invoice.id),
        totals=Totals(**{name: getattr(invoice, name) for name in _TOTALS}),
        tax_rounding=TaxRounding(invoice.tax_rounding),
    )


def _line(row: InvoiceLineRow) -> PricedLine:
    values: dict[str, Any] = {name: getattr(row, name) for name in _LINE_FIELDS}
    values |= {"tax_category": TaxCategory(row.tax_category), "tax_rule": TaxRule(row.tax_rule)}
    return PricedLine(**values, adjustments=tuple(from_json(LineAdjustment, one) for one in row.adjustments))

"""Documents of every kind to render, on the cart of `tests.documents.invoices`."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from domain.cart import PricedSurcharge, TaxCategory, TaxSubtotal
from domain.invoices import Deduction, DocumentReference, Invoice, InvoiceKind, Particulars
from tests.documents.invoices import DISCOUNT, LINES, a_line, an_invoice, many_lines

CORRECTED = DocumentReference(number="RE-2026-004100", issued_on=date(2026, 11, 3))


def a_credit_note(*, reason: str | None = "Rücksendung", **changes: Any) -> Invoice:
    """Takes two lines back."""
    told = Particulars(corrects=CORRECTED, reason=reason)
    values: dict[str, Any] = {
        "number": "GS-2026-000012",
        "lines": LINES[:2],
        "paid": False,
        "particulars": told,
    } | changes
    return an_invoice(kind=InvoiceKind.CREDIT_NOTE, **values)


def a_cancelation(**changes: Any) -> Invoice:
    """Takes everything back."""
    told = Particulars(corrects=CORRECTED, reason="Falscher Empfänger")
    return an_invoice(kind=InvoiceKind.CANCELATION, number="ST-2026-000002", paid=False, particulars=told, **changes)


def a_deposit(**changes: Any) -> Invoice:
    """Asks for money before the goods."""
    line = a_line("Anzahlung auf Auftrag SO-88213", "500.00")
    told = Particulars(due_on=date(2026, 12, 7))
    return an_invoice(
        kind=InvoiceKind.DEPOSIT, number="AZ-2026-000003", lines=(line,), paid=False, particulars=told, **changes
    )


def a_final_invoice(**changes: Any) -> Invoice:
    """Deducts a deposit that had two tax rates."""
    subtotals = (
        TaxSubtotal(tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19), basis=50_000, tax=9_500),
        TaxSubtotal(tax_category=TaxCategory.STANDARD, tax_rate=Decimal(7), basis=10_000, tax=700),
    )
    document = DocumentReference(number="AZ-2026-000003", issued_on=date(2026, 9, 1))
    deduction = Deduction(document=document, amount=70_200, subtotals=subtotals)
    return an_invoice(paid=False, particulars=Particulars(deductions=(deduction,)), **changes)


def a_collective_invoice(lines: int, *, per_order: int = 5) -> Invoice:
    """Has lines of several orders."""
    invoice = an_invoice(lines=many_lines(lines))
    numbered = [
        replace(line, order_number=f"SO-{100 + index // per_order}") for index, line in enumerate(invoice.cart.lines)
    ]
    return replace(invoice, cart=replace(invoice.cart, lines=tuple(numbered)))


def untaxed(category: TaxCategory, *, code: str | None = None, reason: str | None = None, **changes: Any) -> Invoice:
    """An open invoice all of one category without tax."""
    invoice = an_invoice(
        lines=tuple(replace(line, tax_category=TaxCategory.ZERO, tax_rate=Decimal(0)) for line in LINES),
        paid=False,
        **changes,
    )
    (subtotal,) = invoice.cart.subtotals
    cart = replace(
        invoice.cart,
        lines=tuple(replace(line, tax_category=category) for line in invoice.cart.lines),
        subtotals=(replace(subtotal, tax_category=category, exemption_code=code, exemption_reason=reason),),
    )
    return replace(invoice, cart=cart)


def with_surcharge() -> Invoice:
    """Has a discount and a surcharge on the cart, and a total rounded down by a cent."""
    invoice = an_invoice(discounts=(DISCOUNT,), paid=False)
    wrap = PricedSurcharge(
        name="Geschenkverpackung", amount=450, tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19)
    )
    return replace(
        invoice, cart=replace(invoice.cart, surcharges=(wrap,), totals=replace(invoice.cart.totals, rounding=-1))
    )

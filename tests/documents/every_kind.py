"""A document of every kind, for every network, and with everything a document can tell."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from domain.cart import (
    Allowance,
    Charge,
    LineAdjustment,
    PricedCart,
    PricedLine,
    PricedSurcharge,
    TaxCategory,
    TaxSubtotal,
    Totals,
)
from domain.checkout import Address, PriceMode
from domain.electronic_addresses import ElectronicAddress
from domain.invoices import Deduction, DocumentReference, Invoice, InvoiceKind, Particulars, Period
from tests.documents.invoices import BUYER, DISCOUNT, LINES, MERCHANT, a_line, a_payment, an_invoice

LEITWEG_ID = "04011000-12345-03"
AUTHORITY = replace(BUYER, name="Frau Amt", company="Bezirksamt Mitte", leitweg_id=LEITWEG_ID)
ABROAD = replace(
    BUYER,
    name="Élodie Martin",
    company="Ateliers du Nord SARL",
    vat_id="FR40303265045",
    address=Address(line1="12 rue de la Paix", postal_code="75002", city="Paris", country="FR"),
)
IN_PEPPOL = replace(ABROAD, electronic_address=ElectronicAddress(scheme="0009", id="12345678200077"))
SELLER_IN_PEPPOL = replace(MERCHANT.seller, electronic_address=ElectronicAddress(scheme="9930", id="DE123456788"))

INVOICED = DocumentReference(number="RE-2026-000815", issued_on=date(2026, 10, 2))
DEPOSIT = Deduction(
    document=DocumentReference(number="AZ-2026-000007", issued_on=date(2026, 9, 1)),
    amount=59_500,
    subtotals=(TaxSubtotal(tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19), basis=50_000, tax=9_500),),
)

EVERYTHING = Particulars(
    buyer_reference="Abteilung 7",
    purchase_order="PO 4711/b",
    notes=("Lieferung frei Haus.", "Es gelten unsere Bedingungen.\nStand 2026."),
    service_period=Period(start=date(2026, 11, 1), end=date(2026, 11, 20)),
    delivery_address=replace(BUYER.address, line1="Hof 3", line2="Tor B", city="Potsdam", postal_code="14467"),
    due_on=date(2026, 12, 7),
)


def untaxed(category: TaxCategory, *, code: str | None = None, reason: str | None = None) -> PricedCart:
    """A cart of one line without tax, for this reason."""
    line = PricedLine(
        position=1,
        name="Beratung",
        quantity=Decimal(2),
        unit="HUR",
        unit_price=Decimal("150.00"),
        amount=30_000,
        net_unit_price=Decimal("150.00"),
        net_amount=30_000,
        tax_category=category,
        tax_rate=Decimal(0),
    )
    return PricedCart(
        currency="EUR",
        prices=PriceMode.NET,
        lines=(line,),
        discounts=(),
        allowances=(),
        subtotals=(
            TaxSubtotal(
                tax_category=category,
                tax_rate=Decimal(0),
                basis=30_000,
                tax=0,
                exemption_code=code,
                exemption_reason=reason,
            ),
        ),
        totals=Totals(line_total=30_000, allowance_total=0, basis_total=30_000, tax_total=0, grand_total=30_000),
    )


def adjusted() -> PricedCart:
    """A cart with discounts and charges on a line and on the whole, of two orders, rounded to 5 cents."""
    standard: dict[str, Any] = {"tax_category": TaxCategory.STANDARD, "tax_rate": Decimal(19)}
    line = PricedLine(
        position=1,
        sku="MW-1042",
        name="Schreibtisch",
        quantity=Decimal(2),
        unit="C62",
        unit_price=Decimal("100.00"),
        amount=18_500,
        net_unit_price=Decimal("100.00"),
        net_amount=18_500,
        adjustments=(
            LineAdjustment(reason="Mengenrabatt", amount=2_000, net_amount=2_000),
            LineAdjustment(reason="Sonderfarbe", amount=500, net_amount=500, charge=True),
        ),
        order_number="SO-1",
        **standard,
    )
    other = replace(line, position=2, sku=None, adjustments=(), net_amount=20_000, amount=20_000, order_number="SO-2")
    return PricedCart(
        currency="EUR",
        prices=PriceMode.NET,
        lines=(line, other),
        discounts=(),
        allowances=(Allowance(reason="Treue", amount=1_000, **standard),),
        surcharges=(PricedSurcharge(name="Versand", amount=490, **standard),),
        charges=(Charge(reason="Versand", amount=490, **standard),),
        subtotals=(TaxSubtotal(basis=37_990, tax=7_218, **standard),),
        totals=Totals(
            line_total=38_500,
            allowance_total=1_000,
            charge_total=490,
            basis_total=37_990,
            tax_total=7_218,
            grand_total=45_208,
            rounding=2,
        ),
    )


def a_correction(kind: InvoiceKind, **changes: Any) -> Invoice:
    """A credit note over the discounted cart, or a cancelation of it."""
    particulars = Particulars(corrects=INVOICED, reason="Ware beschädigt zurückgesandt")
    return replace(an_invoice(kind=kind, particulars=particulars, paid=False), **changes)


KINDS = {
    "an invoice": an_invoice(discounts=(DISCOUNT,)),
    "an invoice with gross prices": an_invoice(discounts=(DISCOUNT,), prices=PriceMode.GROSS),
    "an open invoice": an_invoice(paid=False),
    "an open invoice in dollars": an_invoice(paid=False, currency="USD"),
    "an invoice with everything": an_invoice(paid=False, particulars=EVERYTHING),
    "an invoice of two orders with discounts and charges": an_invoice(paid=False, cart=adjusted()),
    "a credit note": a_correction(InvoiceKind.CREDIT_NOTE),
    "a credit note that was paid back": a_correction(InvoiceKind.CREDIT_NOTE, payments=(a_payment(164_601),)),
    "a credit note that is due": a_correction(
        InvoiceKind.CREDIT_NOTE, particulars=replace(EVERYTHING, corrects=INVOICED)
    ),
    "a cancelation": a_correction(InvoiceKind.CANCELATION),
    "a deposit invoice": an_invoice(kind=InvoiceKind.DEPOSIT, lines=(a_line("Anzahlung", "500.00"),), paid=False),
    "a final invoice": an_invoice(paid=False, particulars=Particulars(deductions=(DEPOSIT,))),
    "a final invoice that was paid": an_invoice(
        payments=(a_payment(164_601 - DEPOSIT.amount),), particulars=Particulars(deductions=(DEPOSIT,))
    ),
    "zero rate": an_invoice(lines=(a_line("Schulung", "100.00", rate="0"), *LINES)),
    "exempt by a code": an_invoice(paid=False, cart=untaxed(TaxCategory.EXEMPT, code="VATEX-EU-132")),
    "exempt by words": an_invoice(paid=False, cart=untaxed(TaxCategory.EXEMPT, reason="Kleinunternehmer, § 19 UStG")),
    "reverse charge": an_invoice(paid=False, cart=untaxed(TaxCategory.REVERSE_CHARGE), buyer=ABROAD),
    "intra-community": an_invoice(paid=False, cart=untaxed(TaxCategory.INTRA_COMMUNITY), buyer=ABROAD),
    "an intra-community deposit": an_invoice(
        kind=InvoiceKind.DEPOSIT, paid=False, cart=untaxed(TaxCategory.INTRA_COMMUNITY), buyer=ABROAD
    ),
    "export": an_invoice(paid=False, cart=untaxed(TaxCategory.EXPORT), language="en"),
    "outside the scope of VAT": an_invoice(paid=False, cart=untaxed(TaxCategory.OUTSIDE_SCOPE), language="fr"),
    "outside the scope, by a seller with a VAT identifier only": an_invoice(
        paid=False,
        cart=untaxed(TaxCategory.OUTSIDE_SCOPE),
        seller=replace(MERCHANT.seller, register=None),
    ),
}


def for_an_authority(invoice: Invoice) -> Invoice:
    """The same document for a German authority, which takes XRechnungen."""
    particulars = replace(invoice.particulars, buyer_reference=None)
    buyer = replace(AUTHORITY, vat_id=invoice.buyer.vat_id, address=invoice.buyer.address)
    return replace(invoice, buyer=buyer, particulars=particulars)


def through_peppol(invoice: Invoice) -> Invoice:
    """The same document between two who take documents through Peppol."""
    seller = replace(invoice.seller, electronic_address=SELLER_IN_PEPPOL.electronic_address)
    return replace(invoice, seller=seller, buyer=IN_PEPPOL)

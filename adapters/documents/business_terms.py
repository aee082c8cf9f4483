"""What an electronic invoice says beyond the invoice's own fields, whatever the syntax it is written in.

Both writers, `cii` and `ubl`, take from here what takes a decision: codes, references, notes, how to pay. BT-… and
BG-… are the business terms of EN 16931-1.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from adapters.documents.tables import TAXED, reason_for_no_tax
from adapters.documents.words import words_of
from domain.cart import TaxCategory, TaxSubtotal
from domain.checkout import Address
from domain.currencies import exponent
from domain.decimals import plain
from domain.e_invoices import MOST_DECIMALS, Profile, profile_of
from domain.electronic_addresses import MAIL, ElectronicAddress
from domain.errors import InvalidDraft
from domain.invoices import CORRECTIONS, Deduction, DocumentReference, Invoice, InvoiceKind
from domain.merchants import Seller
from domain.money import major_from_minor

EN_16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{EN_16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL = f"{EN_16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"

INVOICED_OBJECT = "130"
"""UNTDID 1001: what a line's reference to an object is (BT-128)."""
SELLERS_ORDER = "VN"
"""UNTDID 1153: an order by the seller's number (BT-128-1)."""

_COMMERCIAL_INVOICE = "380"  # UNTDID 1001
_CREDIT_NOTE = "381"
_PREPAYMENT_INVOICE = "386"
_PARTIAL_INVOICE = "326"

_CARD = "48"  # UNTDID 4461
_CREDIT_TRANSFER = "30"
_SEPA_CREDIT_TRANSFER = "58"
_ONLINE_PAYMENT_SERVICE = "68"
_NOT_DEFINED = "1"

_REASON_CODES = {
    TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
    TaxCategory.INTRA_COMMUNITY: "VATEX-EU-IC",
    TaxCategory.EXPORT: "VATEX-EU-G",
    TaxCategory.OUTSIDE_SCOPE: "VATEX-EU-O",
}
"""The one code of the VATEX list that says no more than the category itself."""


def specification(profile: Profile) -> str:
    """BT-24."""
    return {Profile.EN_16931: EN_16931, Profile.XRECHNUNG: XRECHNUNG, Profile.PEPPOL: PEPPOL}[profile]


def process(profile: Profile) -> str | None:
    """BT-23, which XRechnung and Peppol ask for."""
    return None if profile is Profile.EN_16931 else BILLING_PROCESS


def type_code(invoice: Invoice) -> str:
    """BT-3. A cancelation is a credit note over all of an invoice: its amounts are positive and say what is not owed
    any more. Code 384 would turn them round, as a corrected invoice says what is owed instead.

    XRechnung's list (BR-DE-17) has no prepayment invoice; there a deposit is an invoice over a part.
    """
    if invoice.kind in CORRECTIONS:
        return _CREDIT_NOTE
    if invoice.kind is InvoiceKind.DEPOSIT:
        return _PARTIAL_INVOICE if profile_of(invoice) is Profile.XRECHNUNG else _PREPAYMENT_INVOICE
    return _COMMERCIAL_INVOICE


def notes(invoice: Invoice) -> tuple[str, ...]:
    """BT-22: why a document corrects another, the document's own notes, and what is deducted with its tax.

    Peppol takes one note only (PEPPOL-EN16931-R002), so there they are lines of one.
    """
    said = (
        *([invoice.particulars.reason] if invoice.particulars.reason else []),
        *invoice.particulars.notes,
        *(_deducted(deduction, invoice) for deduction in invoice.particulars.deductions),
    )
    return ("\n".join(said),) if said and profile_of(invoice) is Profile.PEPPOL else said


def _deducted(deduction: Deduction, invoice: Invoice) -> str:
    wording, currency = words_of(invoice), invoice.cart.currency
    parts = [
        wording.say(
            "e_invoice.deduction",
            number=deduction.document.number,
            date=wording.date(deduction.document.issued_on),
            amount=wording.money(deduction.amount, currency),
        ),
        *(
            wording.say(
                "e_invoice.deducted_tax",
                rate=wording.rate(subtotal.tax_rate),
                basis=wording.money(subtotal.basis, currency),
                tax=wording.money(subtotal.tax, currency),
            )
            for subtotal in deduction.subtotals
        ),
    ]
    return "; ".join(parts)


def buyers_order(invoice: Invoice) -> str:
    """BT-13: the buyer's own order number; without one, the number the order has with the seller."""
    return invoice.particulars.purchase_order or invoice.order_number


def sellers_order(invoice: Invoice) -> str | None:
    """BT-14, beside an order number of the buyer's own."""
    return invoice.order_number if invoice.particulars.purchase_order else None


def preceding(invoice: Invoice) -> tuple[DocumentReference, ...]:
    """BG-3: what the document corrects, and the deposit invoices it deducts."""
    corrects = invoice.particulars.corrects
    return (*([corrects] if corrects else []), *(one.document for one in invoice.particulars.deductions))


def sellers_address(seller: Seller) -> ElectronicAddress:
    """BT-34."""
    return seller.electronic_address or ElectronicAddress(scheme=MAIL, id=seller.email)


def buyers_address(invoice: Invoice) -> ElectronicAddress:
    """BT-49."""
    return invoice.buyer.electronic_address or ElectronicAddress(scheme=MAIL, id=invoice.buyer.email)


def _is_taxed(invoice: Invoice) -> bool:
    """Outside the scope of VAT nobody's VAT identifier may be named (BR-O-02)."""
    return all(subtotal.tax_category is not TaxCategory.OUTSIDE_SCOPE for subtotal in invoice.cart.subtotals)


def sellers_vat_id(invoice: Invoice) -> str | None:
    """BT-31."""
    return invoice.seller.vat_id if _is_taxed(invoice) else None


def buyers_vat_id(invoice: Invoice) -> str | None:
    """BT-48."""
    return invoice.buyer.vat_id if _is_taxed(invoice) else None


def sellers_identifier(invoice: Invoice) -> str | None:
    """BT-29, where neither a register entry nor a VAT identifier says who the seller is (BR-CO-26)."""
    if sellers_vat_id(invoice) or invoice.seller.register:
        return None
    return invoice.seller.tax_number or invoice.seller.vat_id


def delivered_on(invoice: Invoice) -> date | None:
    """BT-72. A period says it better, and a deposit is paid before delivery; only category K demands a date then
    (BR-IC-11)."""
    is_early = invoice.kind is InvoiceKind.DEPOSIT and not _is_intra_community(invoice)
    return None if is_early or invoice.particulars.service_period else invoice.delivered_on


def delivered_to(invoice: Invoice) -> Address | None:
    """BG-15: the document's own. The buyer's address for category K, where BR-IC-12 demands the country, and where
    no day is said, as CII must not leave the delivery empty (PEPPOL-EN16931-R008)."""
    is_needed = _is_intra_community(invoice) or delivered_on(invoice) is None
    return invoice.particulars.delivery_address or (invoice.buyer.address if is_needed else None)


def _is_intra_community(invoice: Invoice) -> bool:
    return any(subtotal.tax_category is TaxCategory.INTRA_COMMUNITY for subtotal in invoice.cart.subtotals)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentInstructions:
    """BG-16: how it was or is to be paid (BT-81, UNTDID 4461), in words (BT-82); the last digits of a card (BT-87)
    and its brand; the account to pay to (BG-17)."""

    code: str
    text: str | None = None
    card_digits: str | None = None
    card_brand: str | None = None
    iban: str | None = None
    account_name: str | None = None
    bic: str | None = None


def payment_instructions(invoice: Invoice) -> PaymentInstructions:
    """The seller's account while something is due to him; else what was paid with."""
    is_correction = invoice.kind in CORRECTIONS
    if invoice.seller.iban and not is_correction and (invoice.due > 0 or not invoice.payments):
        return _transfer(invoice)
    if not invoice.payments:
        return PaymentInstructions(code=_NOT_DEFINED if is_correction else _ONLINE_PAYMENT_SERVICE)
    paid = invoice.payments[0]
    card = re.fullmatch(r"([\w ]+?) \W*([0-9]{4})", paid.detail or "") if paid.method == "card" else None
    if card:
        return PaymentInstructions(code=_CARD, text=paid.detail, card_brand=card[1], card_digits=card[2])
    if paid.method == "bank_transfer" and invoice.seller.iban:
        return _transfer(invoice)
    method = words_of(invoice).say_or(f"methods.{paid.method}", paid.method)
    return PaymentInstructions(code=_ONLINE_PAYMENT_SERVICE, text=f"{method} {paid.detail or ''}".strip())


def _transfer(invoice: Invoice) -> PaymentInstructions:
    seller = invoice.seller
    return PaymentInstructions(
        code=_SEPA_CREDIT_TRANSFER if invoice.cart.currency == "EUR" else _CREDIT_TRANSFER,
        iban=seller.iban,
        account_name=seller.name,
        bic=seller.bic,
    )


def payment_terms(invoice: Invoice) -> str | None:
    """BT-20, required when something is due without a day it is due on (BR-CO-25)."""
    if invoice.due <= 0 or invoice.particulars.due_on:
        return None
    key = "e_invoice.credit_terms" if invoice.kind in CORRECTIONS else "payment.terms"
    return words_of(invoice).say(key)


def exemption_reason(invoice: Invoice, subtotal: TaxSubtotal) -> str | None:
    """BT-120, in the very words of the page; None where there is tax."""
    return None if subtotal.tax_category in TAXED else reason_for_no_tax(words_of(invoice), subtotal)


def exemption_code(subtotal: TaxSubtotal) -> str | None:
    """BT-121."""
    return subtotal.exemption_code or _REASON_CODES.get(subtotal.tax_category)


def amount(minor: int, currency: str) -> str:
    """An amount in major units, with no more than two decimals (BR-DEC-…). Raises InvalidDraft where it has more,
    which `domain.e_invoices` finds before a number is drawn."""
    written = plain(major_from_minor(minor, currency), least_decimals=min(MOST_DECIMALS, exponent(currency)))
    if -int(written.as_tuple().exponent) > MOST_DECIMALS:
        raise InvalidDraft([f"an amount in {currency} has more than {MOST_DECIMALS} decimals"])
    return f"{written:f}"


def number(value: Decimal) -> str:
    """A quantity, price or rate, without needless zeros."""
    return f"{plain(value):f}"

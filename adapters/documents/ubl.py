"""The document as XML: UBL 2.1 Invoice and CreditNote, as XRechnung 3.0 and Peppol BIS Billing 3 take them.

The order of elements is that of the schemas. BT-… and BG-… are the business terms of EN 16931-1; what takes a
decision is decided in `business_terms`.
"""

from collections.abc import Iterator

from lxml.etree import _Element

from adapters.documents import business_terms as terms
from adapters.documents.business_terms import amount, number
from adapters.documents.markup import Vocabulary, written
from domain.cart import Allowance, Charge, LineAdjustment, PricedLine, TaxCategory, TaxSubtotal
from domain.checkout import Address
from domain.e_invoices import profile_of
from domain.electronic_addresses import ElectronicAddress
from domain.invoices import CORRECTIONS, DocumentReference, Invoice, Period

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd"
_COMPONENTS = {"cac": f"{_SCHEMA}:CommonAggregateComponents-2", "cbc": f"{_SCHEMA}:CommonBasicComponents-2"}
_INVOICE = Vocabulary({"ubl": f"{_SCHEMA}:Invoice-2", **_COMPONENTS})
_CREDIT_NOTE = Vocabulary({"ubl": f"{_SCHEMA}:CreditNote-2", **_COMPONENTS})
_PARTS = Vocabulary(_COMPONENTS)

_UNKNOWN_BRAND = "NA"


def write(invoice: Invoice) -> bytes:
    """The document as UTF-8 XML. The same invoice gives the same bytes."""
    is_credit = invoice.kind in CORRECTIONS
    root = _CREDIT_NOTE.root("ubl:CreditNote") if is_credit else _INVOICE.root("ubl:Invoice")
    root.extend(
        element
        for element in (*_head(invoice), *_references(invoice), *_parties(invoice), *_money(invoice))
        if element is not None and (element.text or len(element))
    )
    line_name = "CreditNoteLine" if is_credit else "InvoiceLine"
    quantity_name = "CreditedQuantity" if is_credit else "InvoicedQuantity"
    root.extend(_line(line, invoice.cart.currency, line_name, quantity_name) for line in invoice.cart.lines)
    return written(root)


def _head(invoice: Invoice) -> Iterator[_Element | None]:
    """A credit note says with its payment means when it is due, and its type under another name."""
    is_credit, profile = invoice.kind in CORRECTIONS, profile_of(invoice)
    due_on = invoice.particulars.due_on
    yield _cbc("CustomizationID", terms.specification(profile))
    yield _cbc("ProfileID", terms.process(profile))
    yield _cbc("ID", invoice.number)
    yield _cbc("IssueDate", invoice.issued_on.isoformat())
    if due_on and not is_credit:
        yield _cbc("DueDate", due_on.isoformat())
    yield _cbc("CreditNoteTypeCode" if is_credit else "InvoiceTypeCode", terms.type_code(invoice))
    for note in terms.notes(invoice):
        yield _cbc("Note", note)
    yield _cbc("DocumentCurrencyCode", invoice.cart.currency)
    yield _cbc("BuyerReference", invoice.buyer_reference)


def _references(invoice: Invoice) -> Iterator[_Element | None]:
    yield _period(invoice.particulars.service_period)
    yield _cac(
        "OrderReference",
        _cbc("ID", terms.buyers_order(invoice)),
        _cbc("SalesOrderID", terms.sellers_order(invoice)),
    )
    for document in terms.preceding(invoice):
        yield _preceding(document)


def _period(period: Period | None) -> _Element | None:
    """BG-14."""
    if period is None:
        return None
    start, end = period.start.isoformat(), period.end.isoformat()
    return _cac("InvoicePeriod", _cbc("StartDate", start), _cbc("EndDate", end))


def _preceding(document: DocumentReference) -> _Element:
    """BG-3."""
    return _cac(
        "BillingReference",
        _cac(
            "InvoiceDocumentReference",
            _cbc("ID", document.number),
            _cbc("IssueDate", document.issued_on.isoformat()),
        ),
    )


def _parties(invoice: Invoice) -> Iterator[_Element | None]:
    yield _cac("AccountingSupplierParty", _seller(invoice))
    yield _cac("AccountingCustomerParty", _buyer(invoice))
    yield _delivery(invoice)


def _seller(invoice: Invoice) -> _Element:
    """BG-4."""
    seller = invoice.seller
    return _cac(
        "Party",
        _endpoint(terms.sellers_address(seller)),
        _cac("PartyIdentification", _cbc("ID", terms.sellers_identifier(invoice))),
        _address("PostalAddress", seller.address),
        _registration("VAT", terms.sellers_vat_id(invoice)),
        _registration("FC", seller.tax_number),
        _cac(
            "PartyLegalEntity",
            _cbc("RegistrationName", seller.name),
            _cbc("CompanyID", seller.register),
            _cbc("CompanyLegalForm", seller.managing_directors),
        ),
        _cac(
            "Contact",
            _cbc("Name", seller.name),
            _cbc("Telephone", seller.phone),
            _cbc("ElectronicMail", seller.email),
        ),
    )


def _buyer(invoice: Invoice) -> _Element:
    """BG-7. A company is the buyer, and the person its contact."""
    buyer = invoice.buyer
    return _cac(
        "Party",
        _endpoint(terms.buyers_address(invoice)),
        _cac("PartyIdentification", _cbc("ID", buyer.number)),
        _address("PostalAddress", buyer.address),
        _registration("VAT", terms.buyers_vat_id(invoice)),
        _cac("PartyLegalEntity", _cbc("RegistrationName", buyer.company or buyer.name)),
        _cac("Contact", _cbc("Name", buyer.name if buyer.company else None)),
    )


def _endpoint(address: ElectronicAddress) -> _Element:
    """BT-34 and BT-49."""
    return _cbc("EndpointID", address.id, schemeID=address.scheme)


def _address(name: str, address: Address) -> _Element:
    return _cac(
        name,
        _cbc("StreetName", address.line1),
        _cbc("AdditionalStreetName", address.line2),
        _cbc("CityName", address.city),
        _cbc("PostalZone", address.postal_code),
        _cac("Country", _cbc("IdentificationCode", address.country)),
    )


def _registration(scheme: str, identifier: str | None) -> _Element | None:
    """BT-31 and BT-48 (`VAT`, VAT identifier) or BT-32 (`FC`, tax number)."""
    if identifier is None:
        return None
    return _cac("PartyTaxScheme", _cbc("CompanyID", identifier), _cac("TaxScheme", _cbc("ID", scheme)))


def _delivery(invoice: Invoice) -> _Element:
    """BG-13."""
    to, on = terms.delivered_to(invoice), terms.delivered_on(invoice)
    return _cac(
        "Delivery",
        _cbc("ActualDeliveryDate", on.isoformat() if on else None),
        _cac("DeliveryLocation", _address("Address", to)) if to else None,
    )


def _money(invoice: Invoice) -> Iterator[_Element | None]:
    cart = invoice.cart
    yield _payment_means(invoice)
    yield _cac("PaymentTerms", _cbc("Note", terms.payment_terms(invoice)))
    for allowance in cart.allowances:
        yield _of_document(allowance, cart.currency)
    for charge in cart.charges:
        yield _of_document(charge, cart.currency)
    yield _cac(
        "TaxTotal",
        _amount("TaxAmount", cart.totals.tax_total, cart.currency),
        *(_subtotal(subtotal, invoice) for subtotal in cart.subtotals),
    )
    yield _totals(invoice)


def _payment_means(invoice: Invoice) -> _Element:
    """BG-16, and BT-9 of a credit note."""
    instructions = terms.payment_instructions(invoice)
    due_on = invoice.particulars.due_on if invoice.kind in CORRECTIONS else None
    named = {"name": instructions.text} if instructions.text else {}
    return _cac(
        "PaymentMeans",
        _cbc("PaymentMeansCode", instructions.code, **named),
        _cbc("PaymentDueDate", due_on.isoformat() if due_on else None),
        _cbc("PaymentID", invoice.number),
        _card(instructions),
        _cac(
            "PayeeFinancialAccount",
            _cbc("ID", instructions.iban),
            _cbc("Name", instructions.account_name),
            _cac("FinancialInstitutionBranch", _cbc("ID", instructions.bic)),
        ),
    )


def _card(instructions: terms.PaymentInstructions) -> _Element | None:
    """BG-18. The schema wants a brand."""
    if instructions.card_digits is None:
        return None
    return _cac(
        "CardAccount",
        _cbc("PrimaryAccountNumberID", instructions.card_digits),
        _cbc("NetworkID", instructions.card_brand or _UNKNOWN_BRAND),
    )


def _of_document(item: Allowance | Charge, currency: str) -> _Element:
    """BG-20 and BG-21."""
    return _cac(
        "AllowanceCharge",
        _cbc("ChargeIndicator", "true" if isinstance(item, Charge) else "false"),
        _cbc("AllowanceChargeReason", item.reason),
        _amount("Amount", item.amount, currency),
        _tax_category("TaxCategory", item),
    )


def _subtotal(subtotal: TaxSubtotal, invoice: Invoice) -> _Element:
    """BG-23."""
    currency = invoice.cart.currency
    return _cac(
        "TaxSubtotal",
        _amount("TaxableAmount", subtotal.basis, currency),
        _amount("TaxAmount", subtotal.tax, currency),
        _cac(
            "TaxCategory",
            _cbc("ID", subtotal.tax_category.value),
            _cbc("Percent", number(subtotal.tax_rate)),
            _cbc("TaxExemptionReasonCode", terms.exemption_code(subtotal)),
            _cbc("TaxExemptionReason", terms.exemption_reason(invoice, subtotal)),
            _cac("TaxScheme", _cbc("ID", "VAT")),
        ),
    )


def _totals(invoice: Invoice) -> _Element:
    """BG-22."""
    totals, currency = invoice.cart.totals, invoice.cart.currency
    return _cac(
        "LegalMonetaryTotal",
        _amount("LineExtensionAmount", totals.line_total, currency),
        _amount("TaxExclusiveAmount", totals.basis_total, currency),
        _amount("TaxInclusiveAmount", totals.grand_total, currency),
        _amount("AllowanceTotalAmount", totals.allowance_total, currency),
        _amount("ChargeTotalAmount", totals.charge_total, currency),
        _amount("PrepaidAmount", invoice.paid_total, currency),
        _amount("PayableRoundingAmount", totals.rounding, currency) if totals.rounding else None,
        _amount("PayableAmount", invoice.due, currency),
    )


def _line(line: PricedLine, currency: str, name: str, quantity_name: str) -> _Element:
    """BG-25. Amounts are net whatever the shop's price mode."""
    return _cac(
        name,
        _cbc("ID", str(line.position)),
        _cbc(quantity_name, number(line.quantity), unitCode=line.unit),
        _amount("LineExtensionAmount", line.net_amount, currency),
        _order_of_line(line),
        *(_adjustment(adjustment, currency) for adjustment in line.adjustments),
        _cac(
            "Item",
            _cbc("Description", line.description),
            _cbc("Name", line.name),
            _cac("SellersItemIdentification", _cbc("ID", line.sku)),
            _tax_category("ClassifiedTaxCategory", line),
        ),
        _cac("Price", _cbc("PriceAmount", number(line.net_unit_price), currencyID=currency)),
    )


def _order_of_line(line: PricedLine) -> _Element | None:
    """BT-128: which of several orders a line is of."""
    if line.order_number is None:
        return None
    return _cac(
        "DocumentReference",
        _cbc("ID", line.order_number, schemeID=terms.SELLERS_ORDER),
        _cbc("DocumentTypeCode", terms.INVOICED_OBJECT),
    )


def _adjustment(adjustment: LineAdjustment, currency: str) -> _Element:
    """BG-27 and BG-28."""
    return _cac(
        "AllowanceCharge",
        _cbc("ChargeIndicator", "true" if adjustment.charge else "false"),
        _cbc("AllowanceChargeReason", adjustment.reason),
        _amount("Amount", adjustment.net_amount, currency),
    )


def _tax_category(name: str, taxed: PricedLine | Allowance | Charge) -> _Element:
    """Outside the scope of VAT there is no rate (BR-O-05 to -07), but in the breakdown (BR-DE-14)."""
    has_rate = taxed.tax_category is not TaxCategory.OUTSIDE_SCOPE
    return _cac(
        name,
        _cbc("ID", taxed.tax_category.value),
        _cbc("Percent", number(taxed.tax_rate) if has_rate else None),
        _cac("TaxScheme", _cbc("ID", "VAT")),
    )


def _amount(name: str, minor: int, currency: str) -> _Element:
    return _cbc(name, amount(minor, currency), currencyID=currency)


def _cac(name: str, *content: _Element | str | None) -> _Element:
    return _PARTS.element(f"cac:{name}", *content)


def _cbc(name: str, text: str | None, /, **attributes: str) -> _Element:
    return _PARTS.element(f"cbc:{name}", text, **attributes)

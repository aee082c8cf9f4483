"""The document as XML: UN/CEFACT Cross Industry Invoice, as Factur-X 1.0 (ZUGFeRD 2) embeds it and XRechnung takes it.

The order of elements is that of the schema. BT-… and BG-… are the business terms of EN 16931-1; what takes a
decision is decided in `business_terms`.
"""

from datetime import date

from lxml.etree import _Element

from adapters.documents import business_terms as terms
from adapters.documents.business_terms import amount, number
from adapters.documents.markup import Vocabulary, written
from domain.cart import Allowance, Charge, LineAdjustment, PricedLine, TaxCategory, TaxSubtotal
from domain.checkout import Address
from domain.e_invoices import Profile, profile_of
from domain.electronic_addresses import ElectronicAddress
from domain.invoices import DocumentReference, Invoice, Period

_STANDARD = "urn:un:unece:uncefact:data:standard"
_CII = Vocabulary(
    {
        "rsm": f"{_STANDARD}:CrossIndustryInvoice:100",
        "ram": f"{_STANDARD}:ReusableAggregateBusinessInformationEntity:100",
        "udt": f"{_STANDARD}:UnqualifiedDataType:100",
        "qdt": f"{_STANDARD}:QualifiedDataType:100",
    }
)
_DATE = "102"
"""UNTDID 2379: CCYYMMDD."""


def write(invoice: Invoice) -> bytes:
    """The document as UTF-8 XML. The same invoice gives the same bytes."""
    document = _CII.root(
        "rsm:CrossIndustryInvoice",
        _context(invoice),
        _element(
            "rsm:ExchangedDocument",
            _ram("ID", invoice.number),
            _ram("TypeCode", terms.type_code(invoice)),
            _ram("IssueDateTime", _day(invoice.issued_on)),
            *(_ram("IncludedNote", _ram("Content", note)) for note in terms.notes(invoice)),
        ),
        _transaction(invoice),
    )
    return written(document)


def _context(invoice: Invoice) -> _Element:
    """BT-23 and BT-24. The hybrid PDF has no level for Peppol, whose documents are UBL; there it is EN 16931."""
    profile = profile_of(invoice)
    if profile is Profile.PEPPOL:
        profile = Profile.EN_16931
    return _element(
        "rsm:ExchangedDocumentContext",
        _ram("BusinessProcessSpecifiedDocumentContextParameter", _ram("ID", terms.process(profile))),
        _ram("GuidelineSpecifiedDocumentContextParameter", _ram("ID", terms.specification(profile))),
    )


def _transaction(invoice: Invoice) -> _Element:
    return _element(
        "rsm:SupplyChainTradeTransaction",
        *(_line(line, invoice.cart.currency) for line in invoice.cart.lines),
        _agreement(invoice),
        _delivery(invoice),
        _settlement(invoice),
    )


def _line(line: PricedLine, currency: str) -> _Element:
    """BG-25. Amounts are net whatever the shop's price mode."""
    return _ram(
        "IncludedSupplyChainTradeLineItem",
        _ram("AssociatedDocumentLineDocument", _ram("LineID", str(line.position))),
        _ram(
            "SpecifiedTradeProduct",
            _ram("SellerAssignedID", line.sku),
            _ram("Name", line.name),
            _ram("Description", line.description),
        ),
        _ram(
            "SpecifiedLineTradeAgreement",
            _ram("NetPriceProductTradePrice", _ram("ChargeAmount", number(line.net_unit_price))),
        ),
        _ram("SpecifiedLineTradeDelivery", _ram("BilledQuantity", number(line.quantity), unitCode=line.unit)),
        _line_settlement(line, currency),
    )


def _line_settlement(line: PricedLine, currency: str) -> _Element:
    return _ram(
        "SpecifiedLineTradeSettlement",
        _ram("ApplicableTradeTax", *_tax(line)),
        *(_adjustment(adjustment, currency) for adjustment in line.adjustments),
        _ram(
            "SpecifiedTradeSettlementLineMonetarySummation",
            _ram("LineTotalAmount", amount(line.net_amount, currency)),
        ),
        _order_of_line(line),
    )


def _order_of_line(line: PricedLine) -> _Element | None:
    """BT-128: which of several orders a line is of."""
    if line.order_number is None:
        return None
    return _ram(
        "AdditionalReferencedDocument",
        _ram("IssuerAssignedID", line.order_number),
        _ram("TypeCode", terms.INVOICED_OBJECT),
        _ram("ReferenceTypeCode", terms.SELLERS_ORDER),
    )


def _agreement(invoice: Invoice) -> _Element:
    return _ram(
        "ApplicableHeaderTradeAgreement",
        _ram("BuyerReference", invoice.buyer_reference),
        _ram("SellerTradeParty", *_seller(invoice)),
        _ram("BuyerTradeParty", *_buyer(invoice)),
        _ram("SellerOrderReferencedDocument", _ram("IssuerAssignedID", terms.sellers_order(invoice))),
        _ram("BuyerOrderReferencedDocument", _ram("IssuerAssignedID", terms.buyers_order(invoice))),
    )


def _seller(invoice: Invoice) -> list[_Element]:
    """BG-4."""
    seller = invoice.seller
    return [
        _ram("ID", terms.sellers_identifier(invoice)),
        _ram("Name", seller.name),
        _ram("Description", seller.managing_directors),
        _ram("SpecifiedLegalOrganization", _ram("ID", seller.register)),
        _ram(
            "DefinedTradeContact",
            _ram("DepartmentName", seller.name),
            _ram("TelephoneUniversalCommunication", _ram("CompleteNumber", seller.phone)),
            _ram("EmailURIUniversalCommunication", _ram("URIID", seller.email)),
        ),
        _address(seller.address),
        _electronic_address(terms.sellers_address(seller)),
        _registration("VA", terms.sellers_vat_id(invoice)),
        _registration("FC", seller.tax_number),
    ]


def _buyer(invoice: Invoice) -> list[_Element]:
    """BG-7. A company is the buyer, and the person its contact."""
    buyer = invoice.buyer
    return [
        _ram("ID", buyer.number),
        _ram("Name", buyer.company or buyer.name),
        _ram("DefinedTradeContact", _ram("PersonName", buyer.name if buyer.company else None)),
        _address(buyer.address),
        _electronic_address(terms.buyers_address(invoice)),
        _registration("VA", terms.buyers_vat_id(invoice)),
    ]


def _address(address: Address) -> _Element:
    return _ram(
        "PostalTradeAddress",
        _ram("PostcodeCode", address.postal_code),
        _ram("LineOne", address.line1),
        _ram("LineTwo", address.line2),
        _ram("CityName", address.city),
        _ram("CountryID", address.country),
    )


def _electronic_address(address: ElectronicAddress) -> _Element:
    """BT-34 and BT-49."""
    return _ram("URIUniversalCommunication", _ram("URIID", address.id, schemeID=address.scheme))


def _registration(scheme: str, identifier: str | None) -> _Element:
    """BT-31 and BT-48 (`VA`, VAT identifier) or BT-32 (`FC`, tax number)."""
    return _ram("SpecifiedTaxRegistration", _ram("ID", identifier, schemeID=scheme))


def _delivery(invoice: Invoice) -> _Element:
    """BG-13."""
    to, on = terms.delivered_to(invoice), terms.delivered_on(invoice)
    return _ram(
        "ApplicableHeaderTradeDelivery",
        _ram("ShipToTradeParty", _address(to)) if to else None,
        _ram("ActualDeliverySupplyChainEvent", _ram("OccurrenceDateTime", _day(on))) if on else None,
    )


def _settlement(invoice: Invoice) -> _Element:
    cart = invoice.cart
    return _ram(
        "ApplicableHeaderTradeSettlement",
        _ram("PaymentReference", invoice.number),
        _ram("InvoiceCurrencyCode", cart.currency),
        _payment_means(terms.payment_instructions(invoice)),
        *(_subtotal(subtotal, invoice) for subtotal in cart.subtotals),
        _period(invoice.particulars.service_period),
        *(_of_document(allowance, cart.currency) for allowance in cart.allowances),
        *(_of_document(charge, cart.currency) for charge in cart.charges),
        _payment_terms(invoice),
        _totals(invoice),
        *(_preceding(document) for document in terms.preceding(invoice)),
    )


def _payment_means(instructions: terms.PaymentInstructions) -> _Element:
    return _ram(
        "SpecifiedTradeSettlementPaymentMeans",
        _ram("TypeCode", instructions.code),
        _ram("Information", instructions.text),
        _ram("ApplicableTradeSettlementFinancialCard", _ram("ID", instructions.card_digits)),
        _ram(
            "PayeePartyCreditorFinancialAccount",
            _ram("IBANID", instructions.iban),
            _ram("AccountName", instructions.account_name),
        ),
        _ram("PayeeSpecifiedCreditorFinancialInstitution", _ram("BICID", instructions.bic)),
    )


def _subtotal(subtotal: TaxSubtotal, invoice: Invoice) -> _Element:
    """BG-23."""
    category, currency = subtotal.tax_category, invoice.cart.currency
    return _ram(
        "ApplicableTradeTax",
        _ram("CalculatedAmount", amount(subtotal.tax, currency)),
        _ram("TypeCode", "VAT"),
        _ram("ExemptionReason", terms.exemption_reason(invoice, subtotal)),
        _ram("BasisAmount", amount(subtotal.basis, currency)),
        _ram("CategoryCode", category.value),
        _ram("ExemptionReasonCode", terms.exemption_code(subtotal)),
        _ram("RateApplicablePercent", number(subtotal.tax_rate)),
    )


def _period(period: Period | None) -> _Element | None:
    """BG-14."""
    if period is None:
        return None
    return _ram(
        "BillingSpecifiedPeriod",
        _ram("StartDateTime", _day(period.start)),
        _ram("EndDateTime", _day(period.end)),
    )


def _adjustment(adjustment: LineAdjustment, currency: str) -> _Element:
    """BG-27 and BG-28."""
    return _ram(
        "SpecifiedTradeAllowanceCharge",
        _ram("ChargeIndicator", _element("udt:Indicator", "true" if adjustment.charge else "false")),
        _ram("ActualAmount", amount(adjustment.net_amount, currency)),
        _ram("Reason", adjustment.reason),
    )


def _of_document(item: Allowance | Charge, currency: str) -> _Element:
    """BG-20 and BG-21."""
    return _ram(
        "SpecifiedTradeAllowanceCharge",
        _ram("ChargeIndicator", _element("udt:Indicator", "true" if isinstance(item, Charge) else "false")),
        _ram("ActualAmount", amount(item.amount, currency)),
        _ram("Reason", item.reason),
        _ram("CategoryTradeTax", *_tax(item)),
    )


def _payment_terms(invoice: Invoice) -> _Element:
    """BT-20 and BT-9."""
    due_on = invoice.particulars.due_on
    return _ram(
        "SpecifiedTradePaymentTerms",
        _ram("Description", terms.payment_terms(invoice)),
        _ram("DueDateDateTime", _day(due_on)) if due_on else None,
    )


def _totals(invoice: Invoice) -> _Element:
    """BG-22."""
    totals, currency = invoice.cart.totals, invoice.cart.currency
    return _ram(
        "SpecifiedTradeSettlementHeaderMonetarySummation",
        _ram("LineTotalAmount", amount(totals.line_total, currency)),
        _ram("ChargeTotalAmount", amount(totals.charge_total, currency)),
        _ram("AllowanceTotalAmount", amount(totals.allowance_total, currency)),
        _ram("TaxBasisTotalAmount", amount(totals.basis_total, currency)),
        _ram("TaxTotalAmount", amount(totals.tax_total, currency), currencyID=currency),
        _ram("RoundingAmount", amount(totals.rounding, currency) if totals.rounding else None),
        _ram("GrandTotalAmount", amount(totals.grand_total, currency)),
        _ram("TotalPrepaidAmount", amount(invoice.paid_total, currency)),
        _ram("DuePayableAmount", amount(invoice.due, currency)),
    )


def _preceding(document: DocumentReference) -> _Element:
    """BG-3."""
    issued = _element("qdt:DateTimeString", f"{document.issued_on:%Y%m%d}", format=_DATE)
    return _ram(
        "InvoiceReferencedDocument",
        _ram("IssuerAssignedID", document.number),
        _ram("FormattedIssueDateTime", issued),
    )


def _tax(taxed: PricedLine | Allowance | Charge) -> list[_Element]:
    """Outside the scope of VAT there is no rate (BR-O-05 to -07), but in the breakdown (BR-DE-14)."""
    has_rate = taxed.tax_category is not TaxCategory.OUTSIDE_SCOPE
    return [
        _ram("TypeCode", "VAT"),
        _ram("CategoryCode", taxed.tax_category.value),
        _ram("RateApplicablePercent", number(taxed.tax_rate) if has_rate else None),
    ]


def _day(day: date) -> _Element:
    return _element("udt:DateTimeString", f"{day:%Y%m%d}", format=_DATE)


def _ram(tag: str, /, *content: _Element | str | None, **attributes: str) -> _Element:
    return _element(f"ram:{tag}", *content, **attributes)


def _element(name: str, /, *content: _Element | str | None, **attributes: str) -> _Element:
    return _CII.element(name, *content, **attributes)

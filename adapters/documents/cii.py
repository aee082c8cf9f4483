"""The invoice as XML: UN/CEFACT Cross Industry Invoice, profile EN 16931 of Factur-X 1.0 (ZUGFeRD 2).

The order of elements is that of the schema. BT-… and BG-… are the business terms of EN 16931-1.
"""

from datetime import date
from decimal import Decimal

from lxml import etree
from lxml.etree import _Element

from adapters.documents.words import words
from domain.cart import Allowance, PricedLine, TaxCategory, TaxSubtotal
from domain.checkout import Address, Customer
from domain.currencies import MOST_DOCUMENT_DECIMALS, exponent
from domain.decimals import plain
from domain.invoices import Invoice
from domain.merchants import Seller
from domain.money import major_from_minor

GUIDELINE = "urn:cen.eu:en16931:2017"
COMMERCIAL_INVOICE = "380"  # UNTDID 1001

_STANDARD = "urn:un:unece:uncefact:data:standard"
_NAMESPACES = {
    "rsm": f"{_STANDARD}:CrossIndustryInvoice:100",
    "ram": f"{_STANDARD}:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_STANDARD}:UnqualifiedDataType:100",
}

_CREDIT_TRANSFER = "58"
_ONLINE_PAYMENT_SERVICE = "68"
_PAYMENT_MEANS = {
    "card": "48",
    "sepa_debit": "59",
    "bank_transfer": _CREDIT_TRANSFER,
    "customer_balance": _CREDIT_TRANSFER,
}
"""UNTDID 4461 by what a provider calls the method; all others are an online payment service."""


def write(invoice: Invoice) -> bytes:
    """The invoice as UTF-8 XML. The same invoice gives the same bytes."""
    currency = invoice.cart.currency
    document = _rsm(
        "CrossIndustryInvoice",
        _rsm(
            "ExchangedDocumentContext",
            _ram("GuidelineSpecifiedDocumentContextParameter", _ram("ID", GUIDELINE)),
        ),
        _rsm(
            "ExchangedDocument",
            _ram("ID", invoice.number),
            _ram("TypeCode", COMMERCIAL_INVOICE),
            _ram("IssueDateTime", _day(invoice.issued_on)),
        ),
        _rsm(
            "SupplyChainTradeTransaction",
            *(_line(line, currency) for line in invoice.cart.lines),
            _agreement(invoice),
            _ram(
                "ApplicableHeaderTradeDelivery",
                _ram("ActualDeliverySupplyChainEvent", _ram("OccurrenceDateTime", _day(invoice.delivered_on))),
            ),
            _settlement(invoice),
        ),
    )
    return etree.tostring(document, encoding="UTF-8", xml_declaration=True, pretty_print=True)


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
            _ram("NetPriceProductTradePrice", _ram("ChargeAmount", _number(line.net_unit_price))),
        ),
        _ram(
            "SpecifiedLineTradeDelivery",
            _ram("BilledQuantity", _number(line.quantity), unitCode=line.unit),
        ),
        _ram(
            "SpecifiedLineTradeSettlement",
            _ram("ApplicableTradeTax", *_rate(line.tax_category, line.tax_rate)),
            _ram(
                "SpecifiedTradeSettlementLineMonetarySummation",
                _ram("LineTotalAmount", _amount(line.net_amount, currency)),
            ),
        ),
    )


def _agreement(invoice: Invoice) -> _Element:
    return _ram(
        "ApplicableHeaderTradeAgreement",
        _ram("SellerTradeParty", *_seller(invoice.seller)),
        _ram("BuyerTradeParty", *_buyer(invoice.buyer)),
        _ram("BuyerOrderReferencedDocument", _ram("IssuerAssignedID", invoice.order_number)),
    )


def _seller(seller: Seller) -> list[_Element]:
    """BG-4. Someone with neither VAT id nor register entry is identified by the tax number (BR-CO-26)."""
    identified = seller.vat_id or seller.register
    return [
        _ram("ID", None if identified else seller.tax_number),
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
        _electronic_address(seller.email),
        _registration("VA", seller.vat_id),
        _registration("FC", seller.tax_number),
    ]


def _buyer(buyer: Customer) -> list[_Element]:
    """BG-7. A company is the buyer, and the person its contact."""
    return [
        _ram("ID", buyer.number),
        _ram("Name", buyer.company or buyer.name),
        _ram("DefinedTradeContact", _ram("PersonName", buyer.name if buyer.company else None)),
        _address(buyer.address),
        _electronic_address(buyer.email),
        _registration("VA", buyer.vat_id),
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


def _electronic_address(email: str) -> _Element:
    """BT-34 and BT-49, scheme `EM` (electronic mail) of the EAS code list."""
    return _ram("URIUniversalCommunication", _ram("URIID", email, schemeID="EM"))


def _registration(scheme: str, number: str | None) -> _Element:
    """BT-31 and BT-48 (`VA`, VAT identifier) or BT-32 (`FC`, tax number)."""
    return _ram("SpecifiedTaxRegistration", _ram("ID", number, schemeID=scheme))


def _settlement(invoice: Invoice) -> _Element:
    cart = invoice.cart
    return _ram(
        "ApplicableHeaderTradeSettlement",
        _ram("PaymentReference", invoice.number),
        _ram("InvoiceCurrencyCode", cart.currency),
        _payment_means(invoice),
        *(_subtotal(subtotal, cart.currency) for subtotal in cart.subtotals),
        *(_allowance(allowance, cart.currency) for allowance in cart.allowances),
        _ram("SpecifiedTradePaymentTerms", _ram("Description", _terms(invoice))),
        _totals(invoice),
    )


def _payment_means(invoice: Invoice) -> _Element:
    """BG-16: what was paid with; when something is still to be paid, the seller's account (BG-17)."""
    seller = invoice.seller
    if seller.iban and (invoice.due > 0 or not invoice.payments):
        return _ram(
            "SpecifiedTradeSettlementPaymentMeans",
            _ram("TypeCode", _CREDIT_TRANSFER),
            _ram("PayeePartyCreditorFinancialAccount", _ram("IBANID", seller.iban), _ram("AccountName", seller.name)),
            _ram("PayeeSpecifiedCreditorFinancialInstitution", _ram("BICID", seller.bic)),
        )
    if not invoice.payments:
        return _ram("SpecifiedTradeSettlementPaymentMeans", _ram("TypeCode", _ONLINE_PAYMENT_SERVICE))
    paid = invoice.payments[0]
    return _ram(
        "SpecifiedTradeSettlementPaymentMeans",
        _ram("TypeCode", _PAYMENT_MEANS.get(paid.method, _ONLINE_PAYMENT_SERVICE)),
        _ram("Information", paid.detail),
    )


def _subtotal(subtotal: TaxSubtotal, currency: str) -> _Element:
    category = subtotal.tax_category
    return _ram(
        "ApplicableTradeTax",
        _ram("CalculatedAmount", _amount(subtotal.tax, currency)),
        _ram("TypeCode", "VAT"),
        _ram("BasisAmount", _amount(subtotal.basis, currency)),
        _ram("CategoryCode", category.value),
        _ram("RateApplicablePercent", _number(subtotal.tax_rate)),
    )


def _allowance(allowance: Allowance, currency: str) -> _Element:
    return _ram(
        "SpecifiedTradeAllowanceCharge",
        _ram("ChargeIndicator", _udt("Indicator", "false")),
        _ram("ActualAmount", _amount(allowance.amount, currency)),
        _ram("Reason", allowance.reason),
        _ram("CategoryTradeTax", *_rate(allowance.tax_category, allowance.tax_rate)),
    )


def _terms(invoice: Invoice) -> str | None:
    """BT-20, required when something is due (BR-CO-25)."""
    return words(invoice.language).say("payment.terms") if invoice.due > 0 else None


def _totals(invoice: Invoice) -> _Element:
    """BG-22."""
    totals, currency = invoice.cart.totals, invoice.cart.currency
    return _ram(
        "SpecifiedTradeSettlementHeaderMonetarySummation",
        _ram("LineTotalAmount", _amount(totals.line_total, currency)),
        _ram("AllowanceTotalAmount", _amount(totals.allowance_total, currency)),
        _ram("TaxBasisTotalAmount", _amount(totals.basis_total, currency)),
        _ram("TaxTotalAmount", _amount(totals.tax_total, currency), currencyID=currency),
        _ram("GrandTotalAmount", _amount(totals.grand_total, currency)),
        _ram("TotalPrepaidAmount", _amount(invoice.paid_total, currency)),
        _ram("DuePayableAmount", _amount(invoice.due, currency)),
    )


def _rate(category: TaxCategory, rate: Decimal) -> list[_Element]:
    return [
        _ram("TypeCode", "VAT"),
        _ram("CategoryCode", category.value),
        _ram("RateApplicablePercent", _number(rate)),
    ]


def _day(day: date) -> _Element:
    """UNTDID 2379 format 102: CCYYMMDD."""
    return _udt("DateTimeString", day.strftime("%Y%m%d"), format="102")


def _amount(minor_units: int, currency: str) -> str:
    """As many decimals as the currency has, two at most (BR-DEC): finer amounts are never priced."""
    decimals = min(exponent(currency), MOST_DOCUMENT_DECIMALS)
    return f"{plain(major_from_minor(minor_units, currency), least_decimals=decimals):f}"


def _number(number: Decimal) -> str:
    return f"{plain(number):f}"


def _rsm(tag: str, *content: _Element) -> _Element:
    return _element("rsm", tag, content, {})


def _ram(tag: str, *content: _Element | str | None, **attributes: str) -> _Element:
    return _element("ram", tag, content, attributes)


def _udt(tag: str, content: str, **attributes: str) -> _Element:
    return _element("udt", tag, (content,), attributes)


def _element(prefix: str, tag: str, content: tuple[_Element | str | None, ...], attributes: dict[str, str]) -> _Element:
    """An element. Children that say nothing are left out, as CII forbids empty elements."""
    element = etree.Element(f"{{{_NAMESPACES[prefix]}}}{tag}", attributes, nsmap=_NAMESPACES)
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None and (part.text or len(part)):
            element.append(part)
    return element

"""Reads CII and UBL back into the same plain structure: business terms of EN 16931-1 and what is said of them.

Written from the syntax bindings of EN 16931-3-2 and -3-3, and not from our writers. Every element with a text must be
read, so that nothing is written that the other syntax does not say.
"""

from functools import cache
from typing import Any, cast

from lxml import etree
from lxml.etree import _Element

Terms = dict[str, Any]
"""Values by term, in document order; a group is a list of terms."""

_STANDARD = "urn:un:unece:uncefact:data:standard"
_OASIS = "urn:oasis:names:specification:ubl:schema:xsd"
_NAMESPACES = {
    "rsm": f"{_STANDARD}:CrossIndustryInvoice:100",
    "ram": f"{_STANDARD}:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_STANDARD}:UnqualifiedDataType:100",
    "qdt": f"{_STANDARD}:QualifiedDataType:100",
    "cac": f"{_OASIS}:CommonAggregateComponents-2",
    "cbc": f"{_OASIS}:CommonBasicComponents-2",
}

_DEAL = "rsm:SupplyChainTradeTransaction"
_AGREEMENT = f"{_DEAL}/ram:ApplicableHeaderTradeAgreement"
_DELIVERY = f"{_DEAL}/ram:ApplicableHeaderTradeDelivery"
_SETTLEMENT = f"{_DEAL}/ram:ApplicableHeaderTradeSettlement"
_SUMS = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_MEANS = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementPaymentMeans"
_SELLER, _BUYER = f"{_AGREEMENT}/ram:SellerTradeParty", f"{_AGREEMENT}/ram:BuyerTradeParty"
_SUPPLIER, _CUSTOMER = "cac:AccountingSupplierParty/cac:Party", "cac:AccountingCustomerParty/cac:Party"
_TOTAL, _PAYMENT = "cac:LegalMonetaryTotal", "cac:PaymentMeans"
_CHARGED, _ALLOWED = "[ram:ChargeIndicator/udt:Indicator='true']", "[ram:ChargeIndicator/udt:Indicator='false']"
_UBL_CHARGED, _UBL_ALLOWED = "[cbc:ChargeIndicator='true']", "[cbc:ChargeIndicator='false']"

_HEAD = {
    "BT-1": ("rsm:ExchangedDocument/ram:ID", "cbc:ID"),
    "BT-2": ("rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString", "cbc:IssueDate"),
    "BT-3": ("rsm:ExchangedDocument/ram:TypeCode", "cbc:InvoiceTypeCode|cbc:CreditNoteTypeCode"),
    "BT-5": (f"{_SETTLEMENT}/ram:InvoiceCurrencyCode", "cbc:DocumentCurrencyCode"),
    "BT-9": (
        f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString",
        f"cbc:DueDate|{_PAYMENT}/cbc:PaymentDueDate",
    ),
    "BT-10": (f"{_AGREEMENT}/ram:BuyerReference", "cbc:BuyerReference"),
    "BT-13": (f"{_AGREEMENT}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", "cac:OrderReference/cbc:ID"),
    "BT-14": (
        f"{_AGREEMENT}/ram:SellerOrderReferencedDocument/ram:IssuerAssignedID",
        "cac:OrderReference/cbc:SalesOrderID",
    ),
    "BT-20": (f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:Description", "cac:PaymentTerms/cbc:Note"),
    "BT-22": ("rsm:ExchangedDocument/ram:IncludedNote/ram:Content", "cbc:Note"),
    "BT-23": (
        "rsm:ExchangedDocumentContext/ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID",
        "cbc:ProfileID",
    ),
    "BT-24": (
        "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID",
        "cbc:CustomizationID",
    ),
    "BT-27": (f"{_SELLER}/ram:Name", f"{_SUPPLIER}/cac:PartyLegalEntity/cbc:RegistrationName"),
    "BT-29": (f"{_SELLER}/ram:ID", f"{_SUPPLIER}/cac:PartyIdentification/cbc:ID"),
    "BT-30": (
        f"{_SELLER}/ram:SpecifiedLegalOrganization/ram:ID",
        f"{_SUPPLIER}/cac:PartyLegalEntity/cbc:CompanyID",
    ),
    "BT-31": (
        f"{_SELLER}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']",
        f"{_SUPPLIER}/cac:PartyTaxScheme[cac:TaxScheme/cbc:ID='VAT']/cbc:CompanyID",
    ),
    "BT-32": (
        f"{_SELLER}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='FC']",
        f"{_SUPPLIER}/cac:PartyTaxScheme[cac:TaxScheme/cbc:ID!='VAT']/cbc:CompanyID",
    ),
    "BT-33": (f"{_SELLER}/ram:Description", f"{_SUPPLIER}/cac:PartyLegalEntity/cbc:CompanyLegalForm"),
    "BT-34": (f"{_SELLER}/ram:URIUniversalCommunication/ram:URIID", f"{_SUPPLIER}/cbc:EndpointID"),
    "BT-34-1": (
        f"{_SELLER}/ram:URIUniversalCommunication/ram:URIID/@schemeID",
        f"{_SUPPLIER}/cbc:EndpointID/@schemeID",
    ),
    "BT-41": (f"{_SELLER}/ram:DefinedTradeContact/ram:DepartmentName", f"{_SUPPLIER}/cac:Contact/cbc:Name"),
    "BT-42": (
        f"{_SELLER}/ram:DefinedTradeContact/ram:TelephoneUniversalCommunication/ram:CompleteNumber",
        f"{_SUPPLIER}/cac:Contact/cbc:Telephone",
    ),
    "BT-43": (
        f"{_SELLER}/ram:DefinedTradeContact/ram:EmailURIUniversalCommunication/ram:URIID",
        f"{_SUPPLIER}/cac:Contact/cbc:ElectronicMail",
    ),
    "BT-44": (f"{_BUYER}/ram:Name", f"{_CUSTOMER}/cac:PartyLegalEntity/cbc:RegistrationName"),
    "BT-46": (f"{_BUYER}/ram:ID", f"{_CUSTOMER}/cac:PartyIdentification/cbc:ID"),
    "BT-48": (
        f"{_BUYER}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']",
        f"{_CUSTOMER}/cac:PartyTaxScheme[cac:TaxScheme/cbc:ID='VAT']/cbc:CompanyID",
    ),
    "BT-49": (f"{_BUYER}/ram:URIUniversalCommunication/ram:URIID", f"{_CUSTOMER}/cbc:EndpointID"),
    "BT-49-1": (f"{_BUYER}/ram:URIUniversalCommunication/ram:URIID/@schemeID", f"{_CUSTOMER}/cbc:EndpointID/@schemeID"),
    "BT-56": (f"{_BUYER}/ram:DefinedTradeContact/ram:PersonName", f"{_CUSTOMER}/cac:Contact/cbc:Name"),
    "BT-72": (
        f"{_DELIVERY}/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/udt:DateTimeString",
        "cac:Delivery/cbc:ActualDeliveryDate",
    ),
    "BT-73": (
        f"{_SETTLEMENT}/ram:BillingSpecifiedPeriod/ram:StartDateTime/udt:DateTimeString",
        "cac:InvoicePeriod/cbc:StartDate",
    ),
    "BT-74": (
        f"{_SETTLEMENT}/ram:BillingSpecifiedPeriod/ram:EndDateTime/udt:DateTimeString",
        "cac:InvoicePeriod/cbc:EndDate",
    ),
    "BT-81": (f"{_MEANS}/ram:TypeCode", f"{_PAYMENT}/cbc:PaymentMeansCode"),
    "BT-82": (f"{_MEANS}/ram:Information", f"{_PAYMENT}/cbc:PaymentMeansCode/@name"),
    "BT-83": (f"{_SETTLEMENT}/ram:PaymentReference", f"{_PAYMENT}/cbc:PaymentID"),
    "BT-84": (
        f"{_MEANS}/ram:PayeePartyCreditorFinancialAccount/ram:IBANID",
        f"{_PAYMENT}/cac:PayeeFinancialAccount/cbc:ID",
    ),
    "BT-85": (
        f"{_MEANS}/ram:PayeePartyCreditorFinancialAccount/ram:AccountName",
        f"{_PAYMENT}/cac:PayeeFinancialAccount/cbc:Name",
    ),
    "BT-86": (
        f"{_MEANS}/ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID",
        f"{_PAYMENT}/cac:PayeeFinancialAccount/cac:FinancialInstitutionBranch/cbc:ID",
    ),
    "BT-87": (
        f"{_MEANS}/ram:ApplicableTradeSettlementFinancialCard/ram:ID",
        f"{_PAYMENT}/cac:CardAccount/cbc:PrimaryAccountNumberID",
    ),
    "BT-106": (f"{_SUMS}/ram:LineTotalAmount", f"{_TOTAL}/cbc:LineExtensionAmount"),
    "BT-107": (f"{_SUMS}/ram:AllowanceTotalAmount", f"{_TOTAL}/cbc:AllowanceTotalAmount"),
    "BT-108": (f"{_SUMS}/ram:ChargeTotalAmount", f"{_TOTAL}/cbc:ChargeTotalAmount"),
    "BT-109": (f"{_SUMS}/ram:TaxBasisTotalAmount", f"{_TOTAL}/cbc:TaxExclusiveAmount"),
    "BT-110": (f"{_SUMS}/ram:TaxTotalAmount", "cac:TaxTotal/cbc:TaxAmount"),
    "BT-112": (f"{_SUMS}/ram:GrandTotalAmount", f"{_TOTAL}/cbc:TaxInclusiveAmount"),
    "BT-113": (f"{_SUMS}/ram:TotalPrepaidAmount", f"{_TOTAL}/cbc:PrepaidAmount"),
    "BT-114": (f"{_SUMS}/ram:RoundingAmount", f"{_TOTAL}/cbc:PayableRoundingAmount"),
    "BT-115": (f"{_SUMS}/ram:DuePayableAmount", f"{_TOTAL}/cbc:PayableAmount"),
}

_ADDRESS = (
    ("ram:LineOne", "cbc:StreetName"),
    ("ram:LineTwo", "cbc:AdditionalStreetName"),
    ("ram:CityName", "cbc:CityName"),
    ("ram:PostcodeCode", "cbc:PostalZone"),
    ("ram:CountryID", "cac:Country/cbc:IdentificationCode"),
)
_ADDRESSES = {
    ("BT-35", "BT-36", "BT-37", "BT-38", "BT-40"): (
        f"{_SELLER}/ram:PostalTradeAddress",
        f"{_SUPPLIER}/cac:PostalAddress",
    ),
    ("BT-50", "BT-51", "BT-52", "BT-53", "BT-55"): (
        f"{_BUYER}/ram:PostalTradeAddress",
        f"{_CUSTOMER}/cac:PostalAddress",
    ),
    ("BT-75", "BT-76", "BT-77", "BT-78", "BT-80"): (
        f"{_DELIVERY}/ram:ShipToTradeParty/ram:PostalTradeAddress",
        "cac:Delivery/cac:DeliveryLocation/cac:Address",
    ),
}
for _names, (_cii, _ubl) in _ADDRESSES.items():
    _HEAD |= {
        name: (f"{_cii}/{of_cii}", f"{_ubl}/{of_ubl}") for name, (of_cii, of_ubl) in zip(_names, _ADDRESS, strict=True)
    }


def _of_document(amount: str, reason: str, category: str, rate: str) -> dict[str, tuple[str, str]]:
    return {
        amount: ("ram:ActualAmount", "cbc:Amount"),
        reason: ("ram:Reason", "cbc:AllowanceChargeReason"),
        category: ("ram:CategoryTradeTax/ram:CategoryCode", "cac:TaxCategory/cbc:ID"),
        rate: ("ram:CategoryTradeTax/ram:RateApplicablePercent", "cac:TaxCategory/cbc:Percent"),
    }


_GROUPS = {
    "BG-3": (
        f"{_SETTLEMENT}/ram:InvoiceReferencedDocument",
        "cac:BillingReference/cac:InvoiceDocumentReference",
        {
            "BT-25": ("ram:IssuerAssignedID", "cbc:ID"),
            "BT-26": ("ram:FormattedIssueDateTime/qdt:DateTimeString", "cbc:IssueDate"),
        },
    ),
    "BG-20": (
        f"{_SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge{_ALLOWED}",
        f"cac:AllowanceCharge{_UBL_ALLOWED}",
        _of_document("BT-92", "BT-97", "BT-95", "BT-96"),
    ),
    "BG-21": (
        f"{_SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge{_CHARGED}",
        f"cac:AllowanceCharge{_UBL_CHARGED}",
        _of_document("BT-99", "BT-104", "BT-102", "BT-103"),
    ),
    "BG-23": (
        f"{_SETTLEMENT}/ram:ApplicableTradeTax",
        "cac:TaxTotal/cac:TaxSubtotal",
        {
            "BT-116": ("ram:BasisAmount", "cbc:TaxableAmount"),
            "BT-117": ("ram:CalculatedAmount", "cbc:TaxAmount"),
            "BT-118": ("ram:CategoryCode", "cac:TaxCategory/cbc:ID"),
            "BT-119": ("ram:RateApplicablePercent", "cac:TaxCategory/cbc:Percent"),
            "BT-120": ("ram:ExemptionReason", "cac:TaxCategory/cbc:TaxExemptionReason"),
            "BT-121": ("ram:ExemptionReasonCode", "cac:TaxCategory/cbc:TaxExemptionReasonCode"),
        },
    ),
    "BG-25": (
        f"{_DEAL}/ram:IncludedSupplyChainTradeLineItem",
        "cac:InvoiceLine|cac:CreditNoteLine",
        {
            "BT-126": ("ram:AssociatedDocumentLineDocument/ram:LineID", "cbc:ID"),
            "BT-128": (
                "ram:SpecifiedLineTradeSettlement/ram:AdditionalReferencedDocument/ram:IssuerAssignedID",
                "cac:DocumentReference/cbc:ID",
            ),
            "BT-128-1": (
                "ram:SpecifiedLineTradeSettlement/ram:AdditionalReferencedDocument/ram:ReferenceTypeCode",
                "cac:DocumentReference/cbc:ID/@schemeID",
            ),
            "BT-129": (
                "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",
                "cbc:InvoicedQuantity|cbc:CreditedQuantity",
            ),
            "BT-130": (
                "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity/@unitCode",
                "cbc:InvoicedQuantity/@unitCode|cbc:CreditedQuantity/@unitCode",
            ),
            "BT-131": (
                "ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
                "cbc:LineExtensionAmount",
            ),
            "BT-146": (
                "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",
                "cac:Price/cbc:PriceAmount",
            ),
            "BT-151": (
                "ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax/ram:CategoryCode",
                "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
            ),
            "BT-152": (
                "ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax/ram:RateApplicablePercent",
                "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
            ),
            "BT-153": ("ram:SpecifiedTradeProduct/ram:Name", "cac:Item/cbc:Name"),
            "BT-154": ("ram:SpecifiedTradeProduct/ram:Description", "cac:Item/cbc:Description"),
            "BT-155": (
                "ram:SpecifiedTradeProduct/ram:SellerAssignedID",
                "cac:Item/cac:SellersItemIdentification/cbc:ID",
            ),
            "BT-136": (
                f"ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeAllowanceCharge{_ALLOWED}/ram:ActualAmount",
                f"cac:AllowanceCharge{_UBL_ALLOWED}/cbc:Amount",
            ),
            "BT-139": (
                f"ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeAllowanceCharge{_ALLOWED}/ram:Reason",
                f"cac:AllowanceCharge{_UBL_ALLOWED}/cbc:AllowanceChargeReason",
            ),
            "BT-141": (
                f"ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeAllowanceCharge{_CHARGED}/ram:ActualAmount",
                f"cac:AllowanceCharge{_UBL_CHARGED}/cbc:Amount",
            ),
            "BT-144": (
                f"ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeAllowanceCharge{_CHARGED}/ram:Reason",
                f"cac:AllowanceCharge{_UBL_CHARGED}/cbc:AllowanceChargeReason",
            ),
        },
    ),
}

_DATES = {"BT-2", "BT-9", "BT-26", "BT-72", "BT-73", "BT-74"}
_SYNTAX_ONLY = {"TaxScheme", "ChargeIndicator", "NetworkID", "DocumentTypeCode", "Indicator"}
"""Elements of one syntax that say nothing beyond where they stand."""


def agreed(of_cii: Terms, of_ubl: Terms) -> bool:
    """Whether both say the same. For Peppol (BT-24) only UBL is meant, so its name and process are not compared."""
    for_peppol = ":billing:3.0" in of_ubl["BT-24"]
    apart = {"BT-23", "BT-24"} if for_peppol else set()
    return all(of_cii.get(term) == of_ubl.get(term) for term in (of_cii.keys() | of_ubl.keys()) - apart)


class Unread(AssertionError):
    """The document says something no business term was read from."""


def read(xml: bytes) -> Terms:
    """The business terms of a CII or UBL document. Raises Unread."""
    root = etree.fromstring(xml)
    syntax = 0 if etree.QName(root).localname == "CrossIndustryInvoice" else 1
    seen: set[_Element] = set()
    said = _values(root, _HEAD, syntax, seen)
    for group, (*paths, terms) in _GROUPS.items():
        if found := _found(root, paths[syntax]):
            said[group] = [_values(element, terms, syntax, seen) for element in found]
    if unread := [element.getroottree().getpath(element) for element in root.iter() if _says_more(element, seen)]:
        raise Unread(unread)
    return said


def _found(of: _Element, path: str) -> list[Any]:
    return cast("list[Any]", _compiled(path)(of))


@cache
def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=_NAMESPACES)


def _values(of: _Element, terms: dict[str, tuple[str, str]], syntax: int, seen: set[_Element]) -> Terms:
    said = {}
    for term, paths in terms.items():
        values = []
        for found in _found(of, paths[syntax]):
            if isinstance(found, str):
                values.append(str(found))
            else:
                seen.add(found)
                values.append(_iso(found.text) if term in _DATES else found.text)
        if values:
            said[term] = values[0] if len(values) == 1 else values
    return said


def _iso(day: str) -> str:
    compact = day.replace("-", "")
    return f"{compact[:4]}-{compact[4:6]}-{compact[6:]}"


def _says_more(element: _Element, seen: set[_Element]) -> bool:
    if element in seen or len(element) or not (element.text or "").strip():
        return False
    names = {etree.QName(element).localname, etree.QName(element.getparent()).localname}
    is_kind_of_tax = etree.QName(element).localname == "TypeCode" and element.text in {"VAT", "130"}
    return not names & _SYNTAX_ONLY and not is_kind_of_tax

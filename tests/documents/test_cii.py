"""The XML invoice: right by every official rule, and by those the official rules leave out."""

from dataclasses import replace
from decimal import Decimal

import pytest
from lxml import etree

from adapters.documents import cii
from domain.cart import PricedDiscount
from domain.checkout import PriceMode
from domain.invoices import Invoice, PaymentMade
from tests.documents.invoices import BUYER, DISCOUNT, LINES, MERCHANT, a_line, a_payment, an_invoice, many_lines
from tests.documents.validation import problems

_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
_SUM = "SpecifiedTradeSettlementHeaderMonetarySummation"


def _texts(xml: bytes, *path: str) -> list[str | None]:
    steps = "/".join(f"{_RAM}{step}" for step in path)
    return [element.text for element in etree.fromstring(xml).iterfind(f".//{steps}")]


GOOD = {
    "net": an_invoice(),
    "gross": an_invoice(prices=PriceMode.GROSS),
    "net with a discount over two rates": an_invoice(discounts=(DISCOUNT,)),
    "gross with two discounts over two rates": an_invoice(
        prices=PriceMode.GROSS, discounts=(DISCOUNT, PricedDiscount(name="Gutschein", amount=999))
    ),
    "open": an_invoice(paid=False),
    "partly paid": an_invoice(payments=(a_payment(100_000),)),
    "a person from abroad": an_invoice(
        buyer=type(BUYER)(
            name="Łukasz Żółć",
            email="lukasz@example.org",
            language="en",
            vat_id="PL1234567890",
            address=type(BUYER.address)(line1="ul. Długa 3", postal_code="00-238", city="Warszawa", country="PL"),
        )
    ),
    "zero rate": an_invoice(lines=(a_line("Schulung", "100.00", rate="0"), *LINES)),
    "without decimals": an_invoice(currency="JPY", lines=(a_line("Lampe", "12900", quantity="3"),)),
    "broken quantities and prices": an_invoice(lines=(a_line("Schrauben", "0.0375", quantity="1250.5"),)),
    "200 lines": an_invoice(prices=PriceMode.GROSS, lines=many_lines(200)),
    "a seller with a tax number only": an_invoice(
        seller=type(MERCHANT.seller)(
            name="Ada Brandt", address=MERCHANT.seller.address, tax_number="22/815/08151", email="ada@example.org"
        )
    ),
    "paid by direct debit": an_invoice(
        payments=(PaymentMade(amount=164_601, method="sepa_debit", paid_on=an_invoice().issued_on),)
    ),
}


@pytest.mark.parametrize("invoice", GOOD.values(), ids=GOOD.keys())
def test_every_kind_of_invoice_passes_the_official_rules(invoice: Invoice) -> None:
    assert problems(cii.write(invoice)) == []


@pytest.mark.parametrize("invoice", GOOD.values(), ids=GOOD.keys())
def test_line_amounts_are_what_quantity_and_price_round_to(invoice: Invoice) -> None:
    xml = cii.write(invoice)
    line = "IncludedSupplyChainTradeLineItem"
    prices = _texts(xml, line, "SpecifiedLineTradeAgreement", "NetPriceProductTradePrice", "ChargeAmount")
    quantities = _texts(xml, line, "SpecifiedLineTradeDelivery", "BilledQuantity")
    amounts = _texts(xml, "SpecifiedTradeSettlementLineMonetarySummation", "LineTotalAmount")
    assert len(prices) == len(quantities) == len(amounts) == len(invoice.cart.lines)
    for price, quantity, amount in zip(prices, quantities, amounts, strict=True):
        exact = Decimal(str(price)) * Decimal(str(quantity))
        assert exact.quantize(Decimal(str(amount)), rounding="ROUND_HALF_UP") == Decimal(str(amount))


@pytest.mark.parametrize("invoice", GOOD.values(), ids=GOOD.keys())
def test_the_same_invoice_gives_the_same_xml(invoice: Invoice) -> None:
    assert cii.write(invoice) == cii.write(invoice)


PLANTED = {
    "BT-106 sum of lines": (b"<ram:LineTotalAmount>1390.53", b"<ram:LineTotalAmount>1390.54", "BR-CO-10"),
    "BT-107 sum of allowances": (
        b"<ram:AllowanceTotalAmount>25.00",
        b"<ram:AllowanceTotalAmount>25.01",
        "BR-CO-11",
    ),
    "BT-109 total without tax": (b"<ram:TaxBasisTotalAmount>1365.53", b"<ram:TaxBasisTotalAmount>1365.54", "BR-CO-13"),
    "BT-110 total tax": (b'currencyID="EUR">250.89', b'currencyID="EUR">250.90', "BR-CO-14"),
    "BT-112 total with tax": (b"<ram:GrandTotalAmount>1616.42", b"<ram:GrandTotalAmount>1616.43", "BR-CO-15"),
    "BT-115 amount due": (b"<ram:DuePayableAmount>0.00", b"<ram:DuePayableAmount>0.01", "BR-CO-16"),
    "BT-116 basis of a rate": (b"<ram:BasisAmount>1294.21", b"<ram:BasisAmount>1294.22", "BR-S-08"),
    "BT-117 tax of a rate": (
        b"<ram:CalculatedAmount>245.90",
        b"<ram:CalculatedAmount>245.91",
        "BR-CO-14",
    ),
    "BT-131 amount of a line": (b"<ram:LineTotalAmount>849.00", b"<ram:LineTotalAmount>849.01", "BR-CO-10"),
    "an unknown country": (b"<ram:CountryID>DE<", b"<ram:CountryID>XX<", "BR-CL-14"),
}


@pytest.mark.parametrize(("good", "bad", "rule"), PLANTED.values(), ids=PLANTED.keys())
def test_the_validation_finds_a_planted_error(good: bytes, bad: bytes, rule: str) -> None:
    xml = cii.write(an_invoice(discounts=(DISCOUNT,)))
    assert good in xml
    assert any(rule in problem for problem in problems(xml.replace(good, bad, 1)))


def test_tax_charged_by_a_seller_without_any_registration_is_found() -> None:
    unregistered = replace(MERCHANT.seller, vat_id=None, tax_number=None)
    assert any("BR-S-02" in problem for problem in problems(cii.write(an_invoice(seller=unregistered))))


def test_an_order_of_elements_the_schema_does_not_know_is_found() -> None:
    xml = cii.write(an_invoice()).replace(b"<ram:TypeCode>380</ram:TypeCode>", b"", 1)
    assert any("schema" in problem for problem in problems(xml))


def test_a_company_is_the_buyer_and_the_person_its_contact() -> None:
    xml = cii.write(an_invoice())
    assert _texts(xml, "BuyerTradeParty", "Name") == ["Atelier Nordlicht GmbH"]
    assert _texts(xml, "BuyerTradeParty", "DefinedTradeContact", "PersonName") == ["Dr. Jana Köhler"]
    assert _texts(xml, "BuyerTradeParty", "ID") == ["K-10438"]


def test_the_assignment_key_is_the_order_reference() -> None:
    assert _texts(cii.write(an_invoice()), "BuyerOrderReferencedDocument", "IssuerAssignedID") == ["SO-88213"]


def test_a_paid_invoice_says_what_was_paid_and_that_nothing_is_due() -> None:
    xml = cii.write(an_invoice())
    assert _texts(xml, _SUM, "TotalPrepaidAmount") == ["1646.01"]
    assert _texts(xml, _SUM, "DuePayableAmount") == ["0.00"]
    assert _texts(xml, "SpecifiedTradeSettlementPaymentMeans", "TypeCode") == ["48"]
    assert _texts(xml, "SpecifiedTradePaymentTerms", "Description") == []


def test_an_open_invoice_says_when_and_where_to_pay() -> None:
    xml = cii.write(an_invoice(paid=False))
    assert _texts(xml, _SUM, "DuePayableAmount") == ["1646.01"]
    assert _texts(xml, "SpecifiedTradePaymentTerms", "Description") == ["Zahlbar sofort nach Erhalt, ohne Abzug."]
    assert _texts(xml, "PayeePartyCreditorFinancialAccount", "IBANID") == ["DE75512108001245126199"]


def test_a_currency_without_decimals_is_written_without() -> None:
    xml = cii.write(an_invoice(currency="JPY", lines=(a_line("Lampe", "12900"),)))
    assert _texts(xml, _SUM, "TaxBasisTotalAmount") == ["12900"]


def test_what_a_gross_shop_captured_is_the_total() -> None:
    xml = cii.write(an_invoice(prices=PriceMode.GROSS, lines=LINES[:1]))
    assert _texts(xml, _SUM, "GrandTotalAmount") == ["849.00"]
    assert _texts(xml, _SUM, "TaxBasisTotalAmount") == ["713.45"]
    assert _texts(xml, _SUM, "TaxTotalAmount") == ["135.55"]

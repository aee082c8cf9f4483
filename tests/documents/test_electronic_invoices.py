"""Every kind of document, for every network: right by the official rules in both syntaxes, which say the same."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from adapters.documents import cii, ubl
from adapters.documents.business_terms import EN_16931, PEPPOL, XRECHNUNG
from domain.cart import TaxCategory
from domain.e_invoices import Profile, profile_of
from domain.electronic_addresses import ElectronicAddress
from domain.errors import InvalidDraft
from domain.invoices import Invoice, InvoiceKind, PaymentMade
from tests.documents.business_terms import Terms, Unread, agreed, read
from tests.documents.every_kind import (
    AUTHORITY,
    EVERYTHING,
    IN_PEPPOL,
    KINDS,
    LEITWEG_ID,
    SELLER_IN_PEPPOL,
    a_correction,
    for_an_authority,
    through_peppol,
    untaxed,
)
from tests.documents.invoices import BUYER, a_line, an_invoice
from tests.documents.validation import problems

_WRITERS = {"CII": cii.write, "UBL": ubl.write}
_BEFORE_DELIVERY = "BR-DE-TMP-32"
"""XRechnung's advice that a day or period of delivery be there; a deposit is paid before."""

DOCUMENTS = {
    f"{name}, {network}": network_of(invoice)
    for network, network_of in (
        ("by mail", lambda invoice: invoice),
        ("for an authority", for_an_authority),
        ("through Peppol", through_peppol),
    )
    for name, invoice in KINDS.items()
}


@pytest.mark.parametrize("invoice", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_kind_of_document_passes_the_official_rules_in_both_syntaxes_and_they_say_the_same(
    invoice: Invoice,
) -> None:
    of_cii, of_ubl = cii.write(invoice), ubl.write(invoice)
    found = [*problems(of_cii), *problems(of_ubl)]
    advice = _BEFORE_DELIVERY if invoice.kind is InvoiceKind.DEPOSIT else "none"
    assert [one for one in found if not one.startswith(advice)] == []
    assert agreed(read(of_cii), read(of_ubl))
    assert (cii.write(invoice), ubl.write(invoice)) == (of_cii, of_ubl)


@pytest.fixture(params=["CII", "UBL"])
def said(request: pytest.FixtureRequest) -> Any:
    """What a document says, read back from the one and from the other syntax."""
    return lambda invoice: read(_WRITERS[request.param](invoice))


def _only(said: Terms, *terms: str) -> dict[str, Any]:
    return {term: said.get(term) for term in terms}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("an invoice", "380"),
        ("a final invoice", "380"),
        ("a credit note", "381"),
        ("a cancelation", "381"),
        ("a deposit invoice", "386"),
    ],
)
def test_each_kind_has_its_code(said: Any, name: str, code: str) -> None:
    assert said(KINDS[name])["BT-3"] == code


def test_a_deposit_is_a_partial_invoice_to_an_authority_as_xrechnung_knows_no_prepayment(said: Any) -> None:
    assert said(for_an_authority(KINDS["a deposit invoice"]))["BT-3"] == "326"


@pytest.mark.parametrize("kind", [InvoiceKind.CREDIT_NOTE, InvoiceKind.CANCELATION])
def test_a_correction_names_what_it_corrects_and_why_with_positive_amounts(said: Any, kind: InvoiceKind) -> None:
    found = said(a_correction(kind))
    assert found["BG-3"] == [{"BT-25": "RE-2026-000815", "BT-26": "2026-10-02"}]
    assert found["BT-22"] == "Ware beschädigt zurückgesandt"
    assert _only(found, "BT-112", "BT-113", "BT-115") == {"BT-112": "1646.01", "BT-113": "0.00", "BT-115": "1646.01"}


def test_a_correction_that_is_due_does_not_ask_the_buyer_to_pay(said: Any) -> None:
    found = said(a_correction(InvoiceKind.CREDIT_NOTE))
    assert _only(found, "BT-81", "BT-84", "BT-20") == {
        "BT-81": "1",
        "BT-84": None,
        "BT-20": "Die Rückzahlung erfolgt ohne Ihr Zutun.",
    }


def test_a_final_invoice_deducts_deposits_and_names_their_tax(said: Any) -> None:
    found = said(KINDS["a final invoice"])
    assert _only(found, "BT-112", "BT-113", "BT-115") == {"BT-112": "1646.01", "BT-113": "595.00", "BT-115": "1051.01"}
    assert found["BG-3"] == [{"BT-25": "AZ-2026-000007", "BT-26": "2026-09-01"}]
    assert found["BT-22"].replace("\N{NO-BREAK SPACE}", " ") == (
        "Abzüglich Anzahlung AZ-2026-000007 vom 1. September 2026: 595,00 €; darin 19 % USt auf 500,00 €: 95,00 €"
    )


def test_everything_a_document_tells_is_written(said: Any) -> None:
    found = said(KINDS["an invoice with everything"])
    assert _only(found, "BT-9", "BT-10", "BT-13", "BT-14", "BT-20", "BT-72", "BT-73", "BT-74") == {
        "BT-9": "2026-12-07",
        "BT-10": "Abteilung 7",
        "BT-13": "PO 4711/b",
        "BT-14": "SO-88213",
        "BT-20": None,
        "BT-72": None,
        "BT-73": "2026-11-01",
        "BT-74": "2026-11-20",
    }
    assert found["BT-22"] == ["Lieferung frei Haus.", "Es gelten unsere Bedingungen.\nStand 2026."]
    assert _only(found, "BT-75", "BT-76", "BT-77", "BT-78", "BT-80") == {
        "BT-75": "Hof 3",
        "BT-76": "Tor B",
        "BT-77": "Potsdam",
        "BT-78": "14467",
        "BT-80": "DE",
    }


def test_a_credit_note_says_when_it_is_due(said: Any) -> None:
    assert said(KINDS["a credit note that is due"])["BT-9"] == "2026-12-07"


def test_discounts_charges_orders_and_rounding_are_each_at_their_place(said: Any) -> None:
    found = said(KINDS["an invoice of two orders with discounts and charges"])
    first, second = found["BG-25"]
    assert _only(first, "BT-128", "BT-128-1", "BT-131", "BT-136", "BT-139", "BT-141", "BT-144", "BT-146") == {
        "BT-128": "SO-1",
        "BT-128-1": "VN",
        "BT-131": "185.00",
        "BT-136": "20.00",
        "BT-139": "Mengenrabatt",
        "BT-141": "5.00",
        "BT-144": "Sonderfarbe",
        "BT-146": "100",
    }
    assert second["BT-128"] == "SO-2"
    assert found["BG-20"] == [{"BT-92": "10.00", "BT-97": "Treue", "BT-95": "S", "BT-96": "19"}]
    assert found["BG-21"] == [{"BT-99": "4.90", "BT-104": "Versand", "BT-102": "S", "BT-103": "19"}]
    assert _only(found, "BT-106", "BT-107", "BT-108", "BT-109", "BT-110", "BT-112", "BT-114", "BT-115") == {
        "BT-106": "385.00",
        "BT-107": "10.00",
        "BT-108": "4.90",
        "BT-109": "379.90",
        "BT-110": "72.18",
        "BT-112": "452.08",
        "BT-114": "0.02",
        "BT-115": "452.10",
    }


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        (
            "exempt by a code",
            "VATEX-EU-132",
            "Steuerfrei: dem Gemeinwohl dienende Tätigkeit (Art. 132 der Richtlinie 2006/112/EG).",
        ),
        ("exempt by words", None, "Kleinunternehmer, § 19 UStG"),
        ("reverse charge", "VATEX-EU-AE", "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge)."),
        (
            "intra-community",
            "VATEX-EU-IC",
            "Steuerfreie innergemeinschaftliche Lieferung (Art. 138 der Richtlinie 2006/112/EG).",
        ),
        ("export", "VATEX-EU-G", "Exempt export (Article 146 of Directive 2006/112/EC)."),
        (
            "outside the scope of VAT",
            "VATEX-EU-O",
            "Opération hors du champ d\N{RIGHT SINGLE QUOTATION MARK}application de la TVA.",
        ),
    ],
)
def test_where_no_tax_is_charged_it_is_said_why(said: Any, name: str, code: str | None, reason: str | None) -> None:
    (breakdown,) = said(KINDS[name])["BG-23"]
    assert (breakdown.get("BT-121"), breakdown.get("BT-120")) == (code, reason)


def test_outside_the_scope_of_vat_nobodys_vat_identifier_is_named(said: Any) -> None:
    buyer = replace(BUYER, vat_id="FR40303265045")
    found = said(an_invoice(paid=False, cart=untaxed(TaxCategory.OUTSIDE_SCOPE), buyer=buyer))
    assert "BT-31" not in found
    assert "BT-48" not in found
    alone = said(KINDS["outside the scope, by a seller with a VAT identifier only"])
    assert alone["BT-29"] == "DE123456788"


@pytest.mark.parametrize(("brand", "digits"), [("Visa", "4242"), ("American Express", "0005")])
def test_a_card_is_known_by_its_brand_and_last_digits(said: Any, brand: str, digits: str) -> None:
    text = f"{brand} •••• {digits}"
    invoice = an_invoice(payments=(PaymentMade(amount=1, method="card", detail=text, paid_on=date(2026, 11, 23)),))
    paid = replace(invoice, seller=replace(invoice.seller, iban=None))
    assert _only(said(paid), "BT-81", "BT-82", "BT-87") == {"BT-81": "48", "BT-82": text, "BT-87": digits}
    assert f"<cbc:NetworkID>{brand}<".encode() in ubl.write(paid)


@pytest.mark.parametrize(
    ("method", "detail", "text"),
    [("sepa_debit", "•••• 3000", "SEPA-Lastschrift •••• 3000"), ("card", None, "Karte"), ("wero", None, "wero")],
)
def test_what_went_through_the_provider_is_an_online_payment(
    said: Any, method: str, detail: str | None, text: str
) -> None:
    """A direct debit without the mandate would be no direct debit to the rules; the provider holds the mandate."""
    paid = PaymentMade(amount=164_601, method=method, detail=detail, paid_on=an_invoice().issued_on)
    found = said(an_invoice(payments=(paid,)))
    assert _only(found, "BT-81", "BT-82") == {"BT-81": "68", "BT-82": text}


@pytest.mark.parametrize(("name", "code"), [("an open invoice", "58"), ("an open invoice in dollars", "30")])
def test_what_is_due_is_transferred_to_the_sellers_account(said: Any, name: str, code: str) -> None:
    assert _only(said(KINDS[name]), "BT-81", "BT-83", "BT-84", "BT-85", "BT-86") == {
        "BT-81": code,
        "BT-83": "RE-2026-004217",
        "BT-84": "DE75512108001245126199",
        "BT-85": "Meridian Werkstatt GmbH",
        "BT-86": "SOGEDEFFXXX",
    }


def test_an_authority_gets_an_xrechnung_with_its_leitweg_id(said: Any) -> None:
    found = said(an_invoice(buyer=AUTHORITY))
    assert _only(found, "BT-10", "BT-23", "BT-24", "BT-49", "BT-49-1") == {
        "BT-10": LEITWEG_ID,
        "BT-23": "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
        "BT-24": XRECHNUNG,
        "BT-49": AUTHORITY.email,
        "BT-49-1": "EM",
    }


def test_two_in_peppol_get_its_specification_in_ubl_and_a_hybrid_of_the_european_standard() -> None:
    invoice = an_invoice(seller=SELLER_IN_PEPPOL, buyer=IN_PEPPOL)
    assert read(ubl.write(invoice))["BT-24"] == PEPPOL
    assert read(cii.write(invoice))["BT-24"] == EN_16931


def test_two_in_peppol_are_reached_at_their_addresses(said: Any) -> None:
    found = said(an_invoice(seller=SELLER_IN_PEPPOL, buyer=IN_PEPPOL))
    assert _only(found, "BT-34", "BT-34-1", "BT-49", "BT-49-1") == {
        "BT-34": "DE123456788",
        "BT-34-1": "9930",
        "BT-49": "12345678200077",
        "BT-49-1": "0009",
    }


def test_peppol_takes_one_note_so_it_gets_one(said: Any) -> None:
    found = said(through_peppol(KINDS["an invoice with everything"]))
    assert found["BT-22"] == "Lieferung frei Haus.\nEs gelten unsere Bedingungen.\nStand 2026."


def test_all_others_get_the_european_standard_by_mail(said: Any) -> None:
    found = said(an_invoice())
    assert _only(found, "BT-23", "BT-24", "BT-34-1", "BT-49", "BT-49-1") == {
        "BT-23": None,
        "BT-24": EN_16931,
        "BT-34-1": "EM",
        "BT-49": BUYER.email,
        "BT-49-1": "EM",
    }


_GERMAN_IN_PEPPOL = replace(BUYER, electronic_address=ElectronicAddress(scheme="9930", id="DE999999999"))


@pytest.mark.parametrize(
    ("invoice", "profile"),
    [
        (an_invoice(particulars=replace(EVERYTHING, buyer_reference=LEITWEG_ID)), Profile.XRECHNUNG),
        (an_invoice(buyer=replace(IN_PEPPOL, leitweg_id=LEITWEG_ID), seller=SELLER_IN_PEPPOL), Profile.XRECHNUNG),
        (an_invoice(buyer=IN_PEPPOL), Profile.EN_16931),
        (an_invoice(seller=SELLER_IN_PEPPOL), Profile.EN_16931),
        (an_invoice(seller=SELLER_IN_PEPPOL, buyer=_GERMAN_IN_PEPPOL), Profile.EN_16931),
        (
            an_invoice(seller=SELLER_IN_PEPPOL, buyer=replace(_GERMAN_IN_PEPPOL, buyer_reference="7")),
            Profile.PEPPOL,
        ),
        (
            an_invoice(
                seller=replace(SELLER_IN_PEPPOL, phone=None), buyer=replace(_GERMAN_IN_PEPPOL, buyer_reference="7")
            ),
            Profile.EN_16931,
        ),
        (
            an_invoice(seller=SELLER_IN_PEPPOL, buyer=IN_PEPPOL, currency="JPY", lines=(a_line("Lampe", "12900"),)),
            Profile.EN_16931,
        ),
    ],
)
def test_the_specification_is_the_narrowest_whose_demands_are_met(invoice: Invoice, profile: Profile) -> None:
    assert profile_of(invoice) is profile


def test_a_third_decimal_that_says_something_is_refused_and_never_rounded_away() -> None:
    dinars = an_invoice(currency="KWD", lines=(a_line("Lampe", "12.950", rate="0"),))
    assert read(cii.write(dinars))["BT-112"] == read(ubl.write(dinars))["BT-112"] == "12.95"
    finer = replace(dinars, cart=replace(dinars.cart, totals=replace(dinars.cart.totals, grand_total=12955)))
    with pytest.raises(InvalidDraft, match="KWD"):
        cii.write(finer)


# What the rules must find, so that a document without faults means something. Each is one change of a good document.
_XML = cii.write(for_an_authority(KINDS["an invoice of two orders with discounts and charges"]))
_UBL = ubl.write(for_an_authority(KINDS["an invoice of two orders with discounts and charges"]))
_UBL_NOTE = ubl.write(for_an_authority(KINDS["a credit note"]))
_UBL_OUTSIDE = ubl.write(KINDS["outside the scope of VAT"])

PLANTED = {
    "UBL: BT-106 sum of lines": (_UBL, ">385.00<", ">385.01<", "BR-CO-10"),
    "UBL: BT-107 sum of allowances": (_UBL, ">10.00</cbc:AllowanceTotal", ">10.01</cbc:AllowanceTotal", "BR-CO-11"),
    "UBL: BT-108 sum of charges": (_UBL, ">4.90</cbc:ChargeTotal", ">4.91</cbc:ChargeTotal", "BR-CO-12"),
    "UBL: BT-109 total without tax": (_UBL, ">379.90</cbc:TaxExcl", ">379.91</cbc:TaxExcl", "BR-CO-13"),
    "UBL: BT-110 total tax": (_UBL, ">72.18<", ">72.19<", "BR-CO-14"),
    "UBL: BT-112 total with tax": (_UBL, ">452.08<", ">452.09<", "BR-CO-15"),
    "UBL: BT-114 rounding": (_UBL, ">0.02<", ">0.03<", "BR-CO-16"),
    "UBL: BT-115 amount due": (_UBL, ">452.10<", ">452.11<", "BR-CO-16"),
    "UBL: BT-116 basis of a rate, beyond the tolerance of 1.00": (
        _UBL,
        ">379.90</cbc:Taxable",
        ">380.91</cbc:Taxable",
        "BR-S-08",
    ),
    "UBL: BT-131 amount of a line": (_UBL, ">185.00<", ">185.01<", "BR-CO-10"),
    "UBL: three decimals": (_UBL, ">452.10<", ">452.100<", "BR-DEC-18"),
    "UBL: an unknown country": (_UBL, ">DE</cbc:Ident", ">XX</cbc:Ident", "BR-CL-14"),
    "UBL: an unknown scheme of addresses": (_UBL, 'schemeID="EM"', 'schemeID="XX"', "BR-CL-25"),
    "UBL: no Leitweg-ID": (_UBL, f"<cbc:BuyerReference>{LEITWEG_ID}</cbc:BuyerReference>", "", "BR-DE-15"),
    "UBL: no telephone number": (_UBL, "<cbc:Telephone>+49 40 5550 1400</cbc:Telephone>", "", "BR-DE-6"),
    "UBL: an IBAN that is none": (_UBL, ">DE755121", ">DE765121", "BR-DE-19"),
    "UBL: an unknown kind of document": (_UBL, ">380<", ">999<", "BR-CL-01"),
    "UBL: a VAT identifier outside the scope": (
        _UBL_OUTSIDE,
        "<cac:PartyLegalEntity>",
        "<cac:PartyTaxScheme><cbc:CompanyID>DE123456788</cbc:CompanyID>"
        "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity>",
        "BR-O-02",
    ),
    "UBL: no reason outside the scope": (_UBL_OUTSIDE, "VATEX-EU-O", "VATEX-EU-Q", "BR-CL-22"),
    "UBL: a credit note without a number": (_UBL_NOTE, "<cbc:ID>RE-2026-004217</cbc:ID>", "", "schema"),
    "CII: BT-108 sum of charges": (_XML, ">4.90</ram:ChargeTotal", ">4.91</ram:ChargeTotal", "BR-CO-12"),
    "CII: BT-114 rounding": (_XML, ">0.02<", ">0.03<", "BR-CO-16"),
    "CII: BT-131 amount of a line": (_XML, ">185.00<", ">185.01<", "BR-CO-10"),
    "CII: no Leitweg-ID": (_XML, f"<ram:BuyerReference>{LEITWEG_ID}</ram:BuyerReference>", "", "BR-DE-15"),
    "CII: an unknown kind of document": (_XML, ">380<", ">999<", "BR-CL-01"),
}


@pytest.mark.parametrize(("xml", "good", "bad", "rule"), PLANTED.values(), ids=PLANTED.keys())
def test_the_official_rules_find_a_planted_error(xml: bytes, good: str, bad: str, rule: str) -> None:
    assert problems(xml) == []
    assert good.encode() in xml
    found = problems(xml.replace(good.encode(), bad.encode(), 1))
    assert any(one.startswith(rule) for one in found), found


def test_a_reader_notices_what_only_one_syntax_says() -> None:
    note = b"</cbc:DocumentCurrencyCode><cbc:AccountingCost>4711</cbc:AccountingCost>"
    with pytest.raises(Unread, match="AccountingCost"):
        read(_UBL.replace(b"</cbc:DocumentCurrencyCode>", note))


def test_a_reader_notices_what_two_syntaxes_say_differently() -> None:
    assert agreed(read(_XML), read(_UBL))
    assert not agreed(read(_XML), read(_UBL.replace(b"Sonderfarbe", b"Sonderform")))

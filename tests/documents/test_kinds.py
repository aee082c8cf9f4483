# ruff: noqa: RUF001 -- typographic signs are what people read
"""What each kind of document says, in German, English and French."""

import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest

from adapters.documents import page
from adapters.documents.typesetter import Typesetter
from domain.cart import LineAdjustment, TaxCategory
from domain.checkout import Address, PriceMode
from domain.invoices import Invoice, Particulars, Period
from tests.documents.invoices import BUYER, LINES, a_line, a_payment, an_invoice
from tests.documents.kinds import (
    a_cancelation,
    a_collective_invoice,
    a_credit_note,
    a_deposit,
    a_final_invoice,
    untaxed,
    with_surcharge,
)
from tests.documents.reading import pages

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")

_ABROAD = replace(BUYER, vat_id="FR40303265045", address=replace(BUYER.address, country="FR"))


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


def _read(invoice: Invoice) -> str:
    """All text of the page, spaces of all kinds made one."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", page.write(invoice).partition("<body>")[2])).split())


TITLES = {
    "invoice": (an_invoice, ("Rechnung", "Invoice", "Facture")),
    "final invoice": (a_final_invoice, ("Schlussrechnung", "Final invoice", "Facture de solde")),
    "deposit": (a_deposit, ("Anzahlungsrechnung", "Deposit invoice", "Facture d’acompte")),
    "credit note": (a_credit_note, ("Rechnungskorrektur", "Credit note", "Avoir")),
    "cancelation": (a_cancelation, ("Stornorechnung", "Cancelation", "Facture d’annulation")),
}


@pytest.mark.parametrize(("made", "titles"), TITLES.values(), ids=TITLES.keys())
def test_every_kind_has_its_title_and_no_key_instead_of_a_text(made: object, titles: tuple[str, ...]) -> None:
    assert callable(made)
    for language, title in zip(("de", "en", "fr"), titles, strict=True):
        invoice = made(language=language)
        written = page.write(invoice)
        assert f"<title>{title} {invoice.number}</title>" in written
        for section in ("document", "table", "totals", "payment", "deductions", "exemptions", page.section(invoice)):
            assert f">{section}." not in written


@pytest.mark.parametrize("made", [a_credit_note, a_cancelation])
def test_a_correction_names_the_corrected_invoice_and_its_reason_and_asks_for_no_money(made: object) -> None:
    assert callable(made)
    text = _read(made())
    assert "Zur Rechnung RE-2026-004100 Rechnungsdatum 3. November 2026" in text
    assert "Grund: " in text
    assert "Die Rechnung RE-2026-004100 vom 3. November 2026" in text
    for demand in ("überweisen", "Offener Betrag", "Zahlbar", "Bezahlt"):
        assert demand not in text


def test_a_credit_note_tells_of_money_that_was_given_back() -> None:
    text = _read(a_credit_note(payments=(a_payment(131_852),)))
    assert "vermindert sich um 1.318,52 €" in text
    assert "1.318,52 € wurde am 23. November 2026 per Karte (Visa •••• 4242) erstattet" in text
    assert "Gutschriftbetrag 1.318,52 €" in text


def test_a_credit_note_over_an_amount_has_a_line_per_rate_with_the_tax_in_it() -> None:
    lines = (a_line("RE-2026-004100", "100.00"), a_line("RE-2026-004100", "20.00", rate="7"))
    text = _read(a_credit_note(language="en", prices=PriceMode.GROSS, lines=lines, reason=None))
    assert "Total credited €120.00 of which VAT 19% on €84.03 €15.97 of which VAT 7% on €18.69 €1.31" in text
    assert "Reason" not in text


def test_a_deposit_invoice_has_a_due_date_and_no_delivery(typesetter: Typesetter) -> None:
    (text,) = pages(typesetter.render(a_deposit()))
    assert "Zahlbar bis 7. Dezember 2026" in text
    assert "Zahlbar bis 7. Dezember 2026, ohne Abzug." in text
    assert "Lieferdatum" not in text


def test_a_final_invoice_lists_what_it_deducts_with_its_tax_and_asks_for_the_rest(typesetter: Typesetter) -> None:
    text = " ".join(pages(typesetter.render(a_final_invoice())))
    assert "Gesamtbetrag 1.646,01 € Abzüglich Anzahlungen −702,00 € Offener Betrag 944,01 €" in text
    assert "Anzahlungsrechnung Datum USt. Netto Steuer Brutto" in text
    assert "AZ-2026-000003 1. September 2026 19 % 500,00 € 95,00 € 595,00 €" in text
    assert "AZ-2026-000003 1. September 2026 7 % 100,00 € 7,00 € 107,00 €" in text
    assert "Bitte überweisen Sie 944,01 €" in text


def test_a_final_invoice_that_comes_to_less_than_its_deposits_shows_a_credit() -> None:
    text = _read(a_final_invoice(lines=LINES[3:4]))
    assert "Guthaben 499,70 €" in text
    assert "Ihnen steht ein Guthaben von 499,70 € zu." in text
    assert "überweisen" not in text


def test_a_collective_invoice_has_its_lines_by_order_with_a_sum_each() -> None:
    text = _read(a_collective_invoice(7))
    assert "Bestellung SO-100 154,34 € 1 Regalboden Nr. 1" in text
    assert "Bestellung SO-101 116,46 € 6 Regalboden Nr. 6" in text
    assert "Bestellnummer" not in text


def test_lines_of_one_order_are_not_headed_by_it() -> None:
    text = _read(a_collective_invoice(3))
    assert "Bestellung SO-100" not in text
    assert "Bestellnummer SO-88213" in text


@pytest.mark.parametrize(
    ("category", "code", "label", "notice"),
    [
        (TaxCategory.REVERSE_CHARGE, "VATEX-EU-AE", "Reverse Charge", "Steuerschuldnerschaft des Leistungsempfängers"),
        (TaxCategory.EXPORT, "VATEX-EU-G", "Ausfuhr, steuerfrei", "Steuerfreie Ausfuhrlieferung"),
        (TaxCategory.INTRA_COMMUNITY, None, "Innergemeinschaftlich", "Steuerfreie innergemeinschaftliche Lieferung"),
        (TaxCategory.EXEMPT, "VATEX-EU-132-1I", "Steuerfrei", "dem Gemeinwohl dienende Tätigkeit (Art. 132"),
        (TaxCategory.EXEMPT, "VATEX-XX-NEW", "Steuerfrei", "Steuerfrei nach den Vorschriften"),
        (TaxCategory.OUTSIDE_SCOPE, "VATEX-EU-O", "Nicht steuerbar", "Nicht steuerbare Leistung"),
    ],
)
def test_a_document_without_tax_says_why(category: TaxCategory, code: str | None, label: str, notice: str) -> None:
    text = _read(untaxed(category, code=code, buyer=_ABROAD))
    assert label in text
    assert notice in text
    assert "Ihre USt-IdNr. FR40303265045" in text
    assert "USt 0" not in text


@pytest.mark.parametrize(
    ("language", "notice"),
    [
        ("en", "Reverse charge: the recipient is liable for the VAT."),
        ("fr", "Autoliquidation : la TVA est due par le preneur."),
    ],
)
def test_the_reason_is_worded_in_the_language_of_the_document(language: str, notice: str) -> None:
    assert notice in _read(untaxed(TaxCategory.REVERSE_CHARGE, code="VATEX-EU-AE", language=language))


def test_the_sellers_own_words_for_an_exemption_come_first() -> None:
    reason = "Kein Ausweis von Umsatzsteuer, da Kleinunternehmer (§ 19 UStG)."
    text = _read(untaxed(TaxCategory.EXEMPT, code="VATEX-EU-132", reason=reason))
    assert reason in text
    assert "Gemeinwohl" not in text


def test_discounts_charges_and_rounding_are_shown_on_lines_and_below() -> None:
    invoice = with_surcharge()
    first = replace(
        invoice.cart.lines[0],
        adjustments=(
            LineAdjustment(reason="Messerabatt", amount=5_000, net_amount=5_000),
            LineAdjustment(reason="Eilzuschlag", amount=900, net_amount=900, charge=True),
        ),
    )
    text = _read(replace(invoice, cart=replace(invoice.cart, lines=(first, *invoice.cart.lines[1:]))))
    assert "Messerabatt: −50,00 € Eilzuschlag: 9,00 €" in text
    assert "Summe der Positionen 1.390,53 € Sommeraktion −25,00 € Geschenkverpackung 4,50 € Summe netto" in text
    assert "Gesamtbetrag 1.616,42 € Rundung −0,01 € Offener Betrag 1.616,41 €" in text


def test_references_period_notes_and_delivery_address_are_shown_where_there_are_any() -> None:
    told = Particulars(
        service_period=Period(start=date(2026, 10, 1), end=date(2026, 10, 31)),
        purchase_order="PO-4711",
        buyer_reference="04011000-12345-34",
        notes=("Erster Hinweis.", "Zweiter Hinweis."),
        delivery_address=Address(line1="Hafenstraße 3", postal_code="20457", city="Hamburg", country="DE"),
        due_on=date(2026, 12, 7),
    )
    text = _read(an_invoice(paid=False, particulars=told))
    for shown in (
        "Leistungszeitraum 1.–31. Okt. 2026",
        "Ihre Bestellnummer PO-4711",
        "Ihre Referenz 04011000-12345-34",
        "Erster Hinweis. Zweiter Hinweis.",
        "Lieferanschrift: Hafenstraße 3, 20457 Hamburg, Deutschland",
        "Zahlbar bis 7. Dezember 2026",
    ):
        assert shown in text
    assert "Lieferdatum" not in text
    assert "Leistungszeitraum" not in _read(an_invoice())


def test_a_line_outside_the_scope_of_tax_has_no_rate() -> None:
    assert "849,00 € – 849,00 €" in _read(untaxed(TaxCategory.OUTSIDE_SCOPE))
    assert "849,00 € 0 % 849,00 €" in _read(untaxed(TaxCategory.REVERSE_CHARGE))

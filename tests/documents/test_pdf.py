"""The PDF invoice: the marks of PDF/A-3a, PDF/UA-1 and Factur-X, and what a reader sees."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pikepdf
import pytest
from facturx import get_facturx_xml_from_pdf
from fontTools.ttLib import TTFont
from lxml import etree

from adapters.documents import cii, fonts
from adapters.documents.fonts import FontLibrary
from adapters.documents.logo import UnsafeLogo
from adapters.documents.typesetter import Typesetter
from domain.checkout import PriceMode
from domain.documents import RenderedInvoice
from domain.errors import MissingGlyphs
from tests.documents.invoices import BUYER, DISCOUNT, MERCHANT, a_line, a_payment, an_invoice, many_lines
from tests.documents.reading import opened, pages, places, used_fonts

# WeasyPrint leaves its own colour profile to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_MINUS = "\N{MINUS SIGN}"
_LONG = "Sonderanfertigung-Wohnzimmerschrankwandsystem" * 4


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.fixture(scope="module")
def rendered(typesetter: Typesetter) -> RenderedInvoice:
    return typesetter.render(an_invoice())


@pytest.fixture(scope="module")
def long(typesetter: Typesetter) -> RenderedInvoice:
    return typesetter.render(an_invoice(lines=many_lines(200), prices=PriceMode.GROSS))


def test_the_xml_in_the_pdf_is_the_xml_we_store_byte_for_byte(rendered: RenderedInvoice) -> None:
    name, xml = get_facturx_xml_from_pdf(io.BytesIO(rendered.pdf), check_xsd=False)
    assert name == "factur-x.xml"
    assert xml == rendered.xml == cii.write(an_invoice())


def test_the_xml_is_associated_with_the_document_once_as_its_alternative(rendered: RenderedInvoice) -> None:
    with opened(rendered) as pdf:
        (associated,) = pdf.Root["/AF"]
        assert associated["/AFRelationship"] == "/Alternative"
        assert associated["/F"] == associated["/UF"] == "factur-x.xml"
        assert associated["/EF"]["/F"]["/Subtype"] == "/text/xml"
        assert str(associated["/EF"]["/F"]["/Params"]["/ModDate"]) == "D:20261123094107Z"


def test_the_file_says_that_it_is_pdf_a_3a_pdf_ua_1_and_factur_x_in_one_rdf(rendered: RenderedInvoice) -> None:
    with opened(rendered) as pdf:
        xmp = etree.fromstring(pdf.Root["/Metadata"].read_bytes())
    (rdf,) = xmp.iter(f"{_RDF}RDF")
    said = {element.tag: element.text for element in rdf.iter()}
    attributes = {key: value for element in rdf for key, value in element.attrib.items()}
    pdfa, factur_x = "{http://www.aiim.org/pdfa/ns/id/}", "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
    assert (attributes[f"{pdfa}part"], attributes[f"{pdfa}conformance"]) == ("3", "A")
    assert said["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    assert said[f"{factur_x}DocumentType"] == "INVOICE"
    assert said[f"{factur_x}DocumentFileName"] == "factur-x.xml"
    assert said[f"{factur_x}ConformanceLevel"] == "EN 16931"
    described = {element.text for element in rdf.iter("{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")}
    assert described == {"http://www.aiim.org/pdfua/ns/id/", factur_x.strip("{}")}


def test_the_file_is_tagged_titled_and_has_a_language_and_an_output_intent(rendered: RenderedInvoice) -> None:
    with opened(rendered) as pdf:
        assert bool(pdf.Root["/MarkInfo"]["/Marked"])
        assert bool(pdf.Root["/ViewerPreferences"]["/DisplayDocTitle"])
        assert pdf.Root["/Lang"] == "de"
        assert pdf.docinfo["/Title"] == "Rechnung RE-2026-004217"
        assert pdf.Root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
        assert pdf.Root["/StructTreeRoot"]["/K"][0]["/S"] == "/Document"
        kinds = {str(item["/S"]) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/S" in item}
    assert {"/H1", "/H2", "/P", "/Table", "/TH", "/TD", "/Figure"} <= kinds


def test_every_font_is_embedded_and_ours_and_no_glyph_is_missing(long: RenderedInvoice) -> None:
    with TTFont(fonts.BUNDLED / "Inter-Regular.ttf") as font:
        known = set(range(1, font["maxp"].numGlyphs))
    with opened(long) as pdf:
        used = used_fonts(pdf)
        assert len(used) == 3
        for (descendant,) in (font["/DescendantFonts"] for font in used):
            assert fonts.FAMILY in str(descendant["/BaseFont"])
            assert "/FontFile2" in descendant["/FontDescriptor"]
        for page in pdf.pages:
            assert _glyphs(page)
            assert _glyphs(page) <= known


def _glyphs(page: pikepdf.Page) -> set[int]:
    """The numbers of the glyphs shown on a page. Number 0 is `.notdef`; missing ones count on from the last."""
    shown = [
        bytes(part)
        for instruction in pikepdf.parse_content_stream(page)
        if str(instruction.operator) == "TJ"
        for part in instruction.operands[0]
        if isinstance(part, pikepdf.String)
    ]
    return {int.from_bytes(text[at : at + 2]) for text in shown for at in range(0, len(text), 2)}


def test_qpdf_finds_nothing_wrong_with_the_file(rendered: RenderedInvoice, long: RenderedInvoice) -> None:
    for document in (rendered, long):
        with opened(document) as pdf:
            assert pdf.check_pdf_syntax() == []


def test_another_process_writes_the_same_bytes(rendered: RenderedInvoice) -> None:
    program = (
        "import hashlib; from adapters.documents.typesetter import Typesetter;"
        "from tests.documents.invoices import DISCOUNT, an_invoice; t = Typesetter();"
        "t.render(an_invoice(language='en', discounts=(DISCOUNT,)));"
        "print(hashlib.sha256(t.render(an_invoice()).pdf).hexdigest())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == sha256(rendered.pdf).hexdigest()


def test_a_german_net_invoice_shows_net_prices_and_adds_tax(rendered: RenderedInvoice) -> None:
    (page,) = pages(rendered)
    for text in (
        "Rechnung Bezahlt",
        "Atelier Nordlicht GmbH z. Hd. Dr. Jana Köhler Königsstraße 48 b 10961 Berlin",
        "Lieferdatum 23. November 2026",
        "2,5 Std. 68,00 € 19 % 170,00 €",
        "Summe netto 1.390,53 €",
        "USt 19 % auf 1.317,90 € 250,40 €",
        "USt 7 % auf 72,63 € 5,08 €",
        "Gesamtbetrag 1.646,01 €",
        f"Bereits bezahlt {_MINUS}1.646,01 €",
        "per Karte (Visa •••• 4242)",
        "USt-IdNr. DE123456788",
    ):
        assert text in page


def test_an_english_gross_invoice_shows_gross_prices_and_the_tax_in_them(typesetter: Typesetter) -> None:
    (page,) = pages(typesetter.render(an_invoice(language="en", prices=PriceMode.GROSS, discounts=(DISCOUNT,))))
    for text in (
        "prices include VAT",
        "€849.00 19% €849.00",
        "Sum of lines €1,390.53",
        f"Sommeraktion {_MINUS}€25.00",
        "Total €1,365.53",
        "of which VAT 19% on €1,087.57 €206.64",
        "Amount due €0.00",
        "Germany",
    ):
        assert text in page
    assert "Net total" not in page


def test_an_open_invoice_is_not_called_paid_and_says_how_to_pay(typesetter: Typesetter) -> None:
    (page,) = pages(typesetter.render(an_invoice(paid=False)))
    assert "Bezahlt" not in page
    assert "Bitte überweisen Sie 1.646,01 € unter Angabe der Rechnungsnummer RE-2026-004217" in page
    assert "IBAN DE75 5121 0800 1245 1261 99" in page
    assert "Offener Betrag 1.646,01 €" in page


def test_a_partly_paid_invoice_names_the_payment_and_the_rest(typesetter: Typesetter) -> None:
    (page,) = pages(typesetter.render(an_invoice(payments=(a_payment(100_000),))))
    assert "Der Betrag von 1.000,00 € wurde am 23. November 2026" in page
    assert "Bitte überweisen Sie 646,01 €" in page
    assert "überweisen Sie nichts" not in page


def test_every_page_of_a_long_invoice_has_a_head_and_its_number_and_the_last_one_a_line(long: RenderedInvoice) -> None:
    texts = pages(long)
    assert len(texts) > 5
    for number, text in enumerate(texts, start=1):
        assert "Pos. Beschreibung Menge Einzelpreis USt. Betrag" in text
        assert (f"RE-2026-004217 · Seite {number} / {len(texts)}" in text) == (number > 1)
    assert "Regalboden Nr. 200" in texts[-1]
    assert "Gesamtbetrag" in texts[-1]
    positions = [int(n) for text in texts for n in re.findall(r"Regalboden Nr\. (\d+)", text)]
    assert positions == list(range(1, 201))


@pytest.mark.parametrize("count", range(5, 14))
def test_totals_never_stand_alone_on_the_last_page(typesetter: Typesetter, count: int) -> None:
    texts = pages(typesetter.render(an_invoice(lines=many_lines(count))))
    assert "Gesamtbetrag" in texts[-1]
    assert "Regalboden" in texts[-1]


def test_very_long_names_stay_on_the_page_and_above_the_title(typesetter: Typesetter) -> None:
    buyer = replace(BUYER, company=_LONG[:120], address=replace(BUYER.address, line1=_LONG[:90], country="AT"))
    lines = (a_line(_LONG, "123456789.99", quantity="1000", description=_LONG * 5),)
    found = places(typesetter.render(an_invoice(buyer=buyer, lines=lines)))
    right_margin = 190 / 25.4 * 72
    assert [text for text, x, _ in found if x > right_margin] == []
    (country_y,) = (y for text, _, y in found if text == "Österreich")
    (title_y,) = (y for text, _, y in found if text == "Rechnung")
    assert country_y > title_y + 15


@pytest.mark.parametrize("name", ["Łukasz Żółć-Świątek", "Dvořáková", "Γιώργος", "Наталія", "Nguyễn Thị Hằng"])
def test_names_in_the_scripts_of_europe_are_drawn(typesetter: Typesetter, name: str) -> None:
    (page,) = pages(typesetter.render(an_invoice(buyer=replace(BUYER, name=name))))
    assert name in page


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("株式会社", "会式株社"),
        ("สมชาย", "ยสชาม"),
        ("Anna \N{GRINNING FACE}", "\N{GRINNING FACE}"),
        ("a\x07b", "\x07"),
    ],
)
def test_characters_no_font_has_are_named_before_anything_is_written(
    typesetter: Typesetter, name: str, missing: str
) -> None:
    with pytest.raises(MissingGlyphs) as caught:
        typesetter.render(an_invoice(buyer=replace(BUYER, name=name)))
    assert set(caught.value.characters) == set(missing)


def test_markup_in_a_name_is_text(typesetter: Typesetter) -> None:
    lines = (a_line("<img src='file:///etc/hosts'> & <b>x</b>", "1.00"),)
    (page,) = pages(typesetter.render(an_invoice(lines=lines)))
    assert "<img src='file:///etc/hosts'> & <b>x</b>" in page


def test_a_logo_that_loads_something_is_refused(typesetter: Typesetter) -> None:
    logo = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><image href="file:///etc/passwd"/></svg>'
    with pytest.raises(UnsafeLogo, match="image"):
        typesetter.render(an_invoice(branding=replace(MERCHANT.branding, logo=logo)))


def test_a_language_without_texts_is_written_in_english(typesetter: Typesetter) -> None:
    (page,) = pages(typesetter.render(an_invoice(language="pl")))
    assert "Invoice Paid" in page


def test_foreign_fonts_are_never_used(typesetter: Typesetter) -> None:
    """Symbols that some systems would rather draw with an emoji font."""
    symbols = "".join(
        c
        for c in "\N{HEAVY BLACK HEART}\N{CHECK MARK}\N{COPYRIGHT SIGN}\N{BLACK STAR}"
        if not FontLibrary().undrawable(c)
    )
    assert symbols
    rendered = typesetter.render(an_invoice(lines=(a_line(f"Ware {symbols}", "1.00"),)))
    with opened(rendered) as pdf:
        assert all(fonts.FAMILY in str(font["/BaseFont"]) for font in used_fonts(pdf))

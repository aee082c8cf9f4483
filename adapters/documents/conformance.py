"""What the hybrid PDF says of itself: PDF/UA-1, and which electronic invoice lies in it (Factur-X 1.0, ZUGFeRD 2)."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from domain.e_invoices import Profile, profile_of
from domain.invoices import Invoice

_TEMPLATE = Path(__file__).parent / "templates" / "conformance.xmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """How the XML is named inside the PDF. `version` is that of the specification the level stands for."""

    file_name: str
    level: str
    version: str


_FACTUR_X = Embedding(file_name="factur-x.xml", level="EN 16931", version="1.0")
_XRECHNUNG = Embedding(file_name="xrechnung.xml", level="XRECHNUNG", version="3.0")


def embedding(invoice: Invoice) -> Embedding:
    """XRechnung is a reference profile with a name of its own; to Factur-X all else is EN 16931."""
    return _XRECHNUNG if profile_of(invoice) is Profile.XRECHNUNG else _FACTUR_X


def xmp(embedded: Embedding) -> bytes:
    """The descriptions to be added to the file's one RDF."""
    declared = _template().substitute(file_name=embedded.file_name, level=embedded.level, version=embedded.version)
    return declared.encode()


@cache
def _template() -> Template:
    return Template(_TEMPLATE.read_text(encoding="utf-8"))

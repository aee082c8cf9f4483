"""Documents: rendered bytes, stored once under a key and known by their hash."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256


class DocumentKind(StrEnum):
    """What a stored document is."""

    INVOICE_PDF = "invoice_pdf"
    INVOICE_XML = "invoice_xml"
    INVOICE_UBL = "invoice_ubl"


MEDIA_TYPES = {
    DocumentKind.INVOICE_PDF: "application/pdf",
    DocumentKind.INVOICE_XML: "application/xml",
    DocumentKind.INVOICE_UBL: "application/xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRef:
    """Where a document lies. `sha256` is the lower-case hex digest of its bytes, `size` their count."""

    kind: DocumentKind
    key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedInvoice:
    """The faces of one invoice: the hybrid PDF, the CII XML that is embedded in it, byte for byte, and the UBL XML
    that says the same."""

    pdf: bytes
    xml: bytes
    ubl: bytes


def digest(content: bytes) -> str:
    """The lower-case hex SHA-256 of a document's bytes."""
    return sha256(content).hexdigest()

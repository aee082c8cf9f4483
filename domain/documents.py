"""Documents: rendered bytes, stored once under a key and known by their hash."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256


class DocumentKind(StrEnum):
    """What a stored document is."""

    INVOICE_PDF = "invoice_pdf"
    INVOICE_XML = "invoice_xml"


MEDIA_TYPES = {DocumentKind.INVOICE_PDF: "application/pdf", DocumentKind.INVOICE_XML: "application/xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRef:
    """Where a document lies. `sha256` is the lower-case hex digest of its bytes, `size` their count."""

    kind: DocumentKind
    key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedInvoice:
    """The two faces of one invoice: the hybrid PDF, and the CII XML that is embedded in it, byte for byte."""

    pdf: bytes
    xml: bytes


def digest(content: bytes) -> str:
    """The lower-case hex SHA-256 of a document's bytes."""
    return sha256(content).hexdigest()

"""Typesets an invoice as hybrid PDF: PDF/A-3a and PDF/UA-1, with the CII XML embedded as Factur-X wants it.

One typesetter per process, never two threads: Pango's font configuration is shared and corrupts silently.
"""

import logging
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pydyf
from weasyprint import CSS, HTML, Attachment, Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from adapters.documents import cii, page
from adapters.documents.fonts import FontLibrary
from domain.documents import RenderedInvoice
from domain.errors import DocumentError
from domain.invoices import Invoice

XML_NAME = "factur-x.xml"
_CONFORMANCE = (page.TEMPLATES / "conformance.xmp").read_bytes()
_END_OF_RDF = b"</rdf:RDF>"


class _OursOnly(URLFetcher):  # type: ignore[misc]
    """Lets pages load `data:` and our own fonts, and nothing else on this machine or the network."""

    def __init__(self, fonts: FontLibrary) -> None:
        super().__init__(allowed_protocols={"data", "file"}, allow_redirects=False)
        self._fonts = fonts

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        target = urlsplit(url)
        if target.scheme == "file" and Path(unquote(target.path)).resolve() not in self._fonts.paths:
            raise ValueError("documents may only load our fonts")
        return super().fetch(url, headers)


class Typesetter:
    """Keeps parsed styles, loaded fonts and decoded logos, which is half the cost of a page."""

    def __init__(self, fonts: FontLibrary | None = None) -> None:
        logging.getLogger("fontTools").setLevel(logging.WARNING)
        self._library = fonts or FontLibrary()
        self._fetcher = _OursOnly(self._library)
        self._fonts = FontConfiguration()
        self._styles = CSS(
            string=self._library.stylesheet() + (page.TEMPLATES / "document.css").read_text(encoding="utf-8"),
            url_fetcher=self._fetcher,
            font_config=self._fonts,
        )
        self._images: dict[str, Any] = {}

    def render(self, invoice: Invoice) -> RenderedInvoice:
        """The invoice as PDF and XML. Raises MissingGlyphs, and UnsafeLogo for a logo that is not plain."""
        markup = page.write(invoice)
        self._library.check(markup)
        xml = cii.write(invoice)
        return RenderedInvoice(pdf=self._typeset(markup, xml, invoice.finalized_at), xml=xml)

    def _typeset(self, markup: str, xml: bytes, finalized_at: datetime) -> bytes:
        """The same page, XML and time give the same bytes: nothing is taken from clock or chance."""
        document = HTML(string=markup, url_fetcher=self._fetcher).render(
            font_config=self._fonts, stylesheets=[self._styles], cache=self._images
        )
        _declare_conformance(document)
        created = finalized_at.astimezone(UTC)
        pdf: bytes = document.write_pdf(
            finisher=self._finish,
            attachments=[
                Attachment(
                    string=xml.decode(), name=XML_NAME, relationship="Alternative", created=created, modified=created
                )
            ],
            pdf_variant="pdf/a-3a",
            pdf_tags=True,
            pdf_identifier=sha256(xml).digest()[:16],
        )
        return pdf

    def _finish(self, document: Document, pdf: pydyf.PDF) -> None:
        foreign = {font.family for font in document.fonts.values()} - set(self._library.families)
        if foreign:
            raise DocumentError(f"a font of this machine would be used: {', '.join(sorted(foreign))}")
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))  # WeasyPrint lists every attachment twice


def _declare_conformance(document: Document) -> None:
    """Adds PDF/UA and Factur-X to the one RDF of the file: readers ignore a second one."""
    plain = document.metadata.generate_rdf_metadata

    def generate(*arguments: Any) -> bytes:
        rdf: bytes = plain(*arguments)
        return rdf.replace(_END_OF_RDF, _CONFORMANCE + _END_OF_RDF)

    document.metadata.generate_rdf_metadata = generate

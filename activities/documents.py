"""Rendering the invoice, and keeping what was rendered."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.documents import DocumentKind
from domain.ports import DocumentStore, InvoiceBook, InvoiceRenderer
from domain.steps import OfInvoice, StoredDocuments


class DocumentActivities:
    """Renders once; a run that comes again finds the stored bytes by their hash."""

    def __init__(self, invoices: InvoiceBook, renderer: InvoiceRenderer, store: DocumentStore) -> None:
        self._invoices = invoices
        self._renderer = renderer
        self._store = store

    @activity.defn
    @translated
    @heartbeating
    async def render_invoice(self, step: OfInvoice) -> StoredDocuments:
        """Write PDF and XML, store them, note where they lie."""
        stored = await self._invoices.documents(step)
        if len(stored) < len(DocumentKind):
            invoice = await self._invoices.invoice(step)
            rendered = await self._renderer.render(invoice)
            folder = f"{step.merchant_id}/{step.invoice_id}/{invoice.number}"
            pdf = await self._store.put(DocumentKind.INVOICE_PDF, f"{folder}.pdf", rendered.pdf)
            xml = await self._store.put(DocumentKind.INVOICE_XML, f"{folder}.xml", rendered.xml)
            await self._invoices.record_documents(step, (pdf, xml))
            stored = {pdf.kind: pdf, xml.kind: xml}
        return StoredDocuments(
            pdf_sha256=stored[DocumentKind.INVOICE_PDF].sha256, xml_sha256=stored[DocumentKind.INVOICE_XML].sha256
        )

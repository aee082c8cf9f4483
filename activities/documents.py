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
        """Write PDF and XML, store them, note where they lie. A face that is stored already stays as it is."""
        stored = await self._invoices.documents(step)
        if len(stored) < len(DocumentKind):
            invoice = await self._invoices.invoice(step)
            rendered = await self._renderer.render(invoice)
            place = f"{step.merchant_id}/{step.invoice_id}/{invoice.number}"
            faces = {
                DocumentKind.INVOICE_PDF: (f"{place}.pdf", rendered.pdf),
                DocumentKind.INVOICE_XML: (f"{place}.xml", rendered.xml),
                DocumentKind.INVOICE_UBL: (f"{place}.ubl.xml", rendered.ubl),
            }
            added = [
                await self._store.put(kind, key, content)
                for kind, (key, content) in faces.items()
                if kind not in stored
            ]
            await self._invoices.record_documents(step, tuple(added))
            stored = stored | {document.kind: document for document in added}
        return StoredDocuments(
            pdf_sha256=stored[DocumentKind.INVOICE_PDF].sha256,
            xml_sha256=stored[DocumentKind.INVOICE_XML].sha256,
            ubl_sha256=stored[DocumentKind.INVOICE_UBL].sha256,
        )

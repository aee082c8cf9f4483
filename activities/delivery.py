"""Mailing the invoice."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.deliveries import DeliveryStatus
from domain.documents import MEDIA_TYPES, DocumentKind
from domain.errors import MailRefused
from domain.invoices import Invoice
from domain.ports import (
    Attachment,
    DeliveryBook,
    DocumentStore,
    InvoiceBook,
    InvoiceMailWriter,
    Mailer,
    OutgoingMail,
    QueuedDelivery,
)
from domain.steps import Delivery, OfInvoice


class DeliveryActivities:
    """What is mailed is what was stored. Once the server's answer is on record, nothing is mailed again."""

    def __init__(
        self,
        deliveries: DeliveryBook,
        invoices: InvoiceBook,
        store: DocumentStore,
        writer: InvoiceMailWriter,
        mailer: Mailer,
        *,
        sender: str,
    ) -> None:
        self._deliveries = deliveries
        self._invoices = invoices
        self._store = store
        self._writer = writer
        self._mailer = mailer
        self._sender = sender

    @activity.defn
    @translated
    @heartbeating
    async def send_invoice(self, step: OfInvoice) -> Delivery:
        """Hand the mail to the server and keep its answer.

        Dying between the server's answer and our record of it makes a second copy possible: SMTP cannot do
        better. The copy carries the same Message-ID and Date, so it can be told from a new message.
        """
        queued = await self._deliveries.queue(step)
        if queued.sent:
            return Delivery(status=DeliveryStatus.SENT, answer=queued.answer)
        try:
            answer = await self._mailer.send(await self._mail(step, queued))
        except MailRefused as refusal:
            await self._deliveries.record_error(step, refusal.answer)
            raise
        await self._deliveries.record_sent(step, answer)
        return Delivery(status=DeliveryStatus.SENT, answer=answer)

    async def _mail(self, step: OfInvoice, queued: QueuedDelivery) -> OutgoingMail:
        invoice = await self._invoices.invoice(step)
        written = self._writer.write(invoice)
        return OutgoingMail(
            message_id=queued.message_id,
            date=queued.queued_at,
            sender_name=invoice.seller.name,
            sender=self._sender,
            recipient_name=invoice.buyer.name,
            recipient=invoice.buyer.email,
            subject=written.subject,
            text=written.text,
            html=written.html,
            attachments=(await self._pdf(step, invoice),),
        )

    async def _pdf(self, step: OfInvoice, invoice: Invoice) -> Attachment:
        documents = await self._invoices.documents(step)
        content = await self._store.get(documents[DocumentKind.INVOICE_PDF])
        return Attachment(
            name=f"{invoice.number}.pdf", media_type=MEDIA_TYPES[DocumentKind.INVOICE_PDF], content=content
        )

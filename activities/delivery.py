"""Mailing documents, and learning what became of the mail."""

from temporalio import activity

from activities.failures import translated
from activities.heartbeat import heartbeating
from domain.deliveries import ACCEPTED, DeliveryStatus, Dispatch, QueuedDelivery
from domain.documents import MEDIA_TYPES, DocumentKind
from domain.e_invoices import Profile, profile_of
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
    async def queue_delivery(self, dispatch: Dispatch) -> QueuedDelivery:
        """Write down that the document is to be mailed; nothing is sent yet."""
        return await self._deliveries.queue(dispatch)

    @activity.defn
    @translated
    @heartbeating
    async def send_invoice(self, step: OfInvoice) -> Delivery:
        """Mail a document for the first time."""
        return await self._send(Dispatch(merchant_id=step.merchant_id, invoice_id=step.invoice_id))

    @activity.defn
    @translated
    @heartbeating
    async def send_again(self, dispatch: Dispatch) -> Delivery:
        """Mail a document because somebody asked for it."""
        return await self._send(dispatch)

    async def _send(self, dispatch: Dispatch) -> Delivery:
        """Hand the mail to the server and keep its answer.

        Dying between the server's answer and our record of it makes a second copy possible: SMTP cannot do
        better. The copy carries the same Message-ID and Date, so it can be told from a new message.
        """
        queued = await self._deliveries.queue(dispatch)
        if queued.status in ACCEPTED:
            return Delivery(status=queued.status, answer=queued.answer)
        try:
            answer = await self._mailer.send(await self._mail(dispatch, queued))
        except MailRefused as refusal:
            await self._deliveries.record_error(dispatch, refusal.answer)
            raise
        await self._deliveries.record_sent(dispatch, answer)
        return Delivery(status=DeliveryStatus.SENT, answer=answer)

    async def _mail(self, dispatch: Dispatch, queued: QueuedDelivery) -> OutgoingMail:
        step = OfInvoice(merchant_id=dispatch.merchant_id, invoice_id=dispatch.invoice_id)
        invoice = await self._invoices.invoice(step)
        written = self._writer.write(invoice)
        return OutgoingMail(
            message_id=queued.message_id,
            date=queued.queued_at,
            sender_name=invoice.seller.name,
            sender=self._sender,
            recipient_name=invoice.buyer.name,
            recipient=queued.recipient,
            subject=written.subject,
            text=written.text,
            html=written.html,
            attachments=await self._attachments(step, invoice),
        )

    async def _attachments(self, step: OfInvoice, invoice: Invoice) -> tuple[Attachment, ...]:
        """The stored PDF; for an authority its XRechnung as well, which is to be filed as XML and not inside a PDF."""
        documents = await self._invoices.documents(step)
        files = [(DocumentKind.INVOICE_PDF, "pdf")]
        if profile_of(invoice) is Profile.XRECHNUNG:
            files.append((DocumentKind.INVOICE_XML, "xml"))
        return tuple(
            [
                Attachment(
                    name=f"{invoice.number}.{ending}",
                    media_type=MEDIA_TYPES[kind],
                    content=await self._store.get(documents[kind]),
                )
                for kind, ending in files
            ]
        )

"""What the process needs from the outside world, in the house's words. Adapters implement these."""

from dataclasses import dataclass
from typing import Protocol

from domain.documents import DocumentKind, DocumentRef, RenderedInvoice
from domain.invoices import Invoice
from domain.payments import OpenedSession, PaymentReport, SessionOrder, SessionReport


class PaymentProvider(Protocol):
    """A payment provider with hosted payment pages.

    Every method raises ProviderUnavailable when the same call may succeed later, and ProviderRefused when
    it never will.
    """

    async def open_session(self, order: SessionOrder) -> OpenedSession:
        """Open a payable session. The same idempotency key gives the same session, however often called."""
        ...

    async def read_session(self, merchant_id: str, session_id: str) -> SessionReport:
        """What the provider says of this session and its payment now."""
        ...

    async def expire_session(self, merchant_id: str, session_id: str) -> SessionReport:
        """Make the session unpayable, then read it back. One that was paid meanwhile is reported as paid."""
        ...

    async def read_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        """What the provider says of this payment now."""
        ...


class InvoiceRenderer(Protocol):
    """Writes an invoice as hybrid PDF and XML. The same invoice gives the same bytes."""

    async def render(self, invoice: Invoice) -> RenderedInvoice:
        """Raises MissingGlyphs when the fonts at hand cannot draw the invoice's text."""
        ...


class DocumentStore(Protocol):
    """Keeps documents for ever. Raises DocumentDiffers when other bytes are already under a key."""

    async def put(self, kind: DocumentKind, key: str, content: bytes) -> DocumentRef:
        """Store durably, once; putting the same bytes again changes nothing."""
        ...

    async def get(self, ref: DocumentRef) -> bytes:
        """The stored bytes, checked against the hash. Raises NotFound or DocumentDiffers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that rides on a mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A mail. `message_id` is stable: sending again after a crash repeats it, so it can be recognised."""

    message_id: str
    sender_name: str
    sender: str
    recipient_name: str
    recipient: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


class Mailer(Protocol):
    """Hands mail to a mail server. Raises MailDeferred to try again later, MailRefused to give up."""

    async def send(self, mail: OutgoingMail) -> str:
        """Returns the server's answer to the message, which is the evidence that it was sent."""
        ...

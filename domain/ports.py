"""What the process needs from the outside world, in the house's words. Adapters implement these."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.documents import DocumentKind, DocumentRef, RenderedInvoice
from domain.invoices import Invoice
from domain.payments import OpenedSession, PaymentReport, SessionOrder, SessionReport
from domain.steps import (
    Balance,
    Close,
    CreateEntry,
    Entry,
    FinalizedInvoice,
    IssueLink,
    OfCheckout,
    OfInvoice,
    OpenSession,
    PaymentLink,
    RecordFindings,
    RecordSession,
    Review,
    SalesOrder,
    Standing,
)


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
    """A mail. `message_id` and `date` are stable: sending again after a crash repeats them, so that the
    copy can be recognised."""

    message_id: str
    date: datetime
    sender_name: str
    sender: str
    recipient_name: str
    recipient: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMail:
    """The words of a mail, in the customer's language."""

    subject: str
    text: str
    html: str


class InvoiceMailWriter(Protocol):
    """Words the mail that carries an invoice."""

    def write(self, invoice: Invoice) -> WrittenMail:
        """The same invoice gives the same words."""
        ...


class Mailer(Protocol):
    """Hands mail to a mail server. Raises MailDeferred to try again later, MailRefused to give up."""

    async def send(self, mail: OutgoingMail) -> str:
        """Returns the server's answer to the message, which is the evidence that it was sent."""
        ...


class CheckoutBook(Protocol):
    """Keeps checkouts, their entries and links. Every method is one transaction."""

    async def create_entry(self, step: CreateEntry) -> Entry:
        """Open checkout and entry, or find those of the assignment key. Raises InvalidInput, and NotFound
        for an unknown merchant."""
        ...

    async def issue_payment_link(self, step: IssueLink) -> PaymentLink:
        """Issue the link, or find the one that was issued."""
        ...

    async def close(self, step: Close) -> None:
        """End a checkout that brought no money."""
        ...

    async def review(self, step: Review) -> None:
        """Put the checkout before a person."""
        ...

    async def resume(self, step: OfCheckout) -> None:
        """Take the checkout back from review to where it was."""
        ...


class PaymentBook(Protocol):
    """Keeps sessions and payments, and ties money to entries. Every method is one transaction."""

    async def session_order(self, step: OpenSession) -> SessionOrder:
        """What to open a session for. Raises NotFound."""
        ...

    async def record_session(self, step: RecordSession) -> None:
        """Write down an opened session; it becomes the one open session of its entry."""
        ...

    async def record_findings(self, step: RecordFindings) -> Standing:
        """Apply what the provider said, forward only, and mark messages as applied."""
        ...

    async def balance_entry(self, step: OfCheckout) -> Balance:
        """Assign available money to the entry until it is balanced."""
        ...


class OrderBook(Protocol):
    """Keeps sales orders."""

    async def create_sales_order(self, step: OfCheckout) -> SalesOrder:
        """Create the order of a paid checkout, or find it."""
        ...


class InvoiceBook(Protocol):
    """Keeps invoices and where their documents lie. Every method is one transaction."""

    async def create_invoice(self, step: OfCheckout) -> FinalizedInvoice:
        """Build the invoice of the order, draw its number and finalize it, or find the one in force."""
        ...

    async def invoice(self, step: OfInvoice) -> Invoice:
        """The finalized invoice. Raises NotFound."""
        ...

    async def documents(self, step: OfInvoice) -> dict[DocumentKind, DocumentRef]:
        """The stored documents of the invoice."""
        ...

    async def record_documents(self, step: OfInvoice, documents: tuple[DocumentRef, ...]) -> None:
        """Write down where documents lie, once. Raises DocumentDiffers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedDelivery:
    """A delivery that is due: `sent` tells that the mail server accepted it before, with this `answer`."""

    message_id: str
    queued_at: datetime
    sent: bool
    answer: str | None


class DeliveryBook(Protocol):
    """Keeps deliveries. Every method is one transaction."""

    async def queue(self, step: OfInvoice) -> QueuedDelivery:
        """Queue the invoice's mail, or find it as it is."""
        ...

    async def record_sent(self, step: OfInvoice, answer: str) -> None:
        """The mail server accepted the message: the checkout is completed."""
        ...

    async def record_error(self, step: OfInvoice, answer: str) -> None:
        """The mail server refused the message for good."""
        ...

"""What the process needs from the outside world, in the house's words. Adapters implement these."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.captures import AskCapture, AskedCapture, CaptureOrder, DropCapture
from domain.cases import (
    DecideCase,
    Docket,
    NewCase,
    OfCase,
    RecordRefund,
    SortOut,
    TracedPayment,
    TracePayment,
)
from domain.checkout import CheckoutRequest
from domain.corrections import IssueCorrection, IssuedCorrection
from domain.deliveries import DeliveryReport, Dispatch, QueuedDelivery
from domain.disputes import DisputeReport, DisputeStanding, RecordDispute, RemindOfDispute
from domain.documents import DocumentKind, DocumentRef, RenderedInvoice
from domain.invoice_runs import NoteSent, OfInvoiceRun, OpenInvoiceRun, RunStanding, Unsent, Waiting
from domain.invoices import Invoice
from domain.payments import (
    OpenedSession,
    PaymentReport,
    ProviderEvent,
    SessionOrder,
    SessionReport,
    SettledBy,
)
from domain.payouts import PayoutReport, PayoutStanding, ReconcilePayout
from domain.reconciliation import EndedSession, EventPage, StandingCheckout, Sweep, WaitingEvent
from domain.refund_steps import (
    AdoptRefund,
    ApplyRefund,
    DecideRefund,
    OfRefund,
    Prepared,
    PrepareRefund,
    RefundStanding,
    Released,
)
from domain.refunds import RefundOrder, RefundReport
from domain.settlement_steps import CreatedLink, CreateLink, DoSettlement, OfLink, Settled
from domain.steps import (
    Balance,
    Close,
    Closed,
    CreateEntry,
    Entry,
    FinalizedInvoice,
    FindOpenSessions,
    IssueLink,
    KnownSessions,
    OfCheckout,
    OfInvoice,
    OpenSession,
    PayableSession,
    PaymentLink,
    RecordFindings,
    RecordSession,
    Review,
    SalesOrder,
    SentInvoice,
    Standing,
)
from domain.vat_ids import RecordVatEvidence, UnverifiedVatId, VatEvidence
from domain.views import InboxEntry


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

    async def capture_payment(self, order: CaptureOrder) -> PaymentReport:
        """Capture an authorized payment, once, and read it back. One that was captured or has ended meanwhile is
        reported as it is; refused is only a capture that leaves the authorization standing."""
        ...

    async def cancel_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        """Release an authorization, then read it back. A payment that holds none is left and reported as it is."""
        ...

    async def read_dispute(self, merchant_id: str, reference: str) -> DisputeReport:
        """What the provider says of this dispute now."""
        ...

    async def read_payout(self, merchant_id: str, reference: str) -> PayoutReport:
        """What the provider says of this payout now, with all its items."""
        ...

    async def refund_payment(self, order: RefundOrder) -> RefundReport:
        """Give money of a payment back. The same idempotency key gives the same refund, however often called."""
        ...

    async def read_refund(self, merchant_id: str, reference: str) -> RefundReport:
        """What the provider says of this refund now."""
        ...

    async def list_events(self, merchant_id: str, since: datetime, until: datetime, after: str | None) -> EventPage:
        """A page of the relevant messages the provider made in this time (UTC), whether or not they reached us."""
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

    async def close(self, step: Close) -> Closed:
        """End a checkout that brought no money. What lay on its entry from elsewhere is available again."""
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

    async def record_session(self, step: RecordSession) -> bool:
        """Write down an opened session; it becomes the one open session of its entries. False, and nothing done, if
        one of them has another that can be paid."""
        ...

    async def open_sessions(self, step: FindOpenSessions) -> tuple[PayableSession, ...]:
        """The sessions in which somebody could pay for these entries."""
        ...

    async def known_sessions(self, step: OfCheckout) -> KnownSessions:
        """What a run that was lost knew of its sessions."""
        ...

    async def record_findings(self, step: RecordFindings) -> Standing:
        """Apply what the provider said, forward only, and mark messages as applied."""
        ...

    async def balance_entry(self, step: OfCheckout) -> Balance:
        """Assign available money to the entry until it is balanced."""
        ...

    async def ask_capture(self, step: AskCapture) -> AskedCapture:
        """Write down, once, how much of an authorization the shop wants captured, or say why not."""
        ...

    async def drop_capture(self, step: DropCapture) -> None:
        """Forget what the shop wanted captured of an authorization that still stands: the provider refused it."""
        ...


class LateMoneyBook(Protocol):
    """Keeps account of money that does not fit, and of what becomes of it. Every method is one transaction."""

    async def trace_payment(self, step: TracePayment) -> TracedPayment:
        """Find whose payment this is. Nobody's is written down as available, and its messages as applied."""
        ...

    async def sort_out(self, step: SortOut) -> Docket:
        """Find what does not fit, decide by policy or open a case, and remind of what is overdue."""
        ...

    async def reopen(self, step: OfCase) -> bool:
        """Accept late money: the entry of the closed checkout takes money again, and the checkout is captured.

        False when the money is no longer enough; then the case is settled without effect.
        """
        ...

    async def record_refund(self, step: RecordRefund) -> None:
        """Close the case of a refund that arrived. What failed is available again, and a case of its own."""
        ...

    async def settle(self, step: OfCase) -> None:
        """The decision was carried out."""
        ...


class CaseBook(Protocol):
    """Keeps what a person must decide. Every method is one transaction."""

    async def open_case(self, case: NewCase) -> str:
        """Open a case and tell of it, or find the one of this fact. Answers its id."""
        ...

    async def decide(self, step: DecideCase) -> None:
        """Write the decision down, once. Raises NotFound, CaseDecided, and InvalidInput for what is no option."""
        ...


class DisputeBook(Protocol):
    """Keeps disputes, and the money they hold back. Every method is one transaction."""

    async def record_dispute(self, step: RecordDispute) -> DisputeStanding:
        """Apply what the provider said, forward only, and mark messages as applied."""
        ...

    async def remind(self, step: RemindOfDispute) -> None:
        """Tell the shop, once, that evidence is due soon."""
        ...


class PayoutBook(Protocol):
    """Keeps payouts and their items. Every method is one transaction."""

    async def record_payout(self, step: ReconcilePayout, report: PayoutReport) -> PayoutStanding:
        """Write a payout down, compare each item with the books, and open cases for what differs."""
        ...


class RefundBook(Protocol):
    """Keeps refunds, and does with the money what they say. Every method is one transaction."""

    async def prepare(self, step: PrepareRefund) -> Prepared:
        """Write a shop's refund down, or find it. Never more than the payment has left, however many ask."""
        ...

    async def standing(self, step: OfRefund) -> RefundStanding | None:
        """Where a refund stands, if there is such a refund."""
        ...

    async def decide(self, step: DecideRefund) -> RefundStanding:
        """Approve or reject, once. Raises NotFound and RefundDecided."""
        ...

    async def release(self, step: OfRefund) -> Released:
        """What to order of the provider, unless the checkout's run still needs the money. Raises NotFound."""
        ...

    async def adopt(self, step: AdoptRefund) -> RefundStanding | None:
        """Write down a refund that somebody else made, or find it. None while its payment is not known as captured."""
        ...

    async def apply(self, step: ApplyRefund) -> RefundStanding:
        """Book what the provider says as one: payment, entry, credit note, events, messages. Raises NotFound."""
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

    async def find_invoice(self, step: OfCheckout) -> SentInvoice | None:
        """The invoice in force, if an invoice run has made it; the checkout is brought to where its invoice is."""
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


class DeliveryBook(Protocol):
    """Keeps deliveries. Every method is one transaction."""

    async def queue(self, dispatch: Dispatch) -> QueuedDelivery:
        """Queue the mail of a document, or find it as it is. Raises NotFound."""
        ...

    async def record_sent(self, dispatch: Dispatch, answer: str) -> None:
        """The mail server accepted the message; if it is the first of an invoice, its checkouts are completed."""
        ...

    async def record_error(self, dispatch: Dispatch, answer: str) -> None:
        """The mail server refused the message for good."""
        ...

    async def record_report(self, report: DeliveryReport) -> bool:
        """A mail server reported what became of a message; False if it is none of ours.

        A bounce becomes a case, so that somebody is told.
        """
        ...


class Inbox(Protocol):
    """Where a provider's messages become durable."""

    async def record(self, merchant_id: str, event: ProviderEvent) -> InboxEntry:
        """Commit the message, once per event id, and say whose business it is."""
        ...


class ReconciliationBook(Protocol):
    """Finds what was left behind. What it lists is bounded, oldest first."""

    async def merchants(self) -> tuple[str, ...]:
        """The ids of all merchants."""
        ...

    async def read_until(self, merchant_id: str) -> datetime | None:
        """How far the provider's own list of messages has been read; None if it never was."""
        ...

    async def note_read(self, merchant_id: str, until: datetime) -> None:
        """The list has been read up to here; an earlier time changes nothing."""
        ...

    async def unknown(self, merchant_id: str, event_ids: tuple[str, ...]) -> frozenset[str]:
        """Which of these messages never reached the inbox."""
        ...

    async def unapplied(self, sweep: Sweep) -> tuple[WaitingEvent, ...]:
        """Messages nobody has acted upon; those older than an hour only once an hour."""
        ...

    async def ended_sessions(self, sweep: Sweep) -> tuple[EndedSession, ...]:
        """Sessions noted as open after their end."""
        ...

    async def standing_checkouts(self, sweep: Sweep) -> tuple[StandingCheckout, ...]:
        """Checkouts that stand still though they are not closed, and this round's share of all others."""
        ...


class Reporter(Protocol):
    """Tells the running processes, and starts them again."""

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent, found_by: SettledBy) -> None:
        """Tell the process that looks after the subject of a message."""
        ...

    async def restart(self, merchant_id: str, request: CheckoutRequest) -> bool:
        """Start the run of a checkout again if it is not running; True if it was not."""
        ...


class VatRegister(Protocol):
    """The register of the VAT ids of businesses in the European Union."""

    async def ask(self, vat_id: str, requester: str | None) -> VatEvidence:
        """Whether the register knows the id, asked by the holder of another one. Raises VatRegisterUnavailable."""
        ...


class VatIdBook(Protocol):
    """Keeps what the register said of buyers' VAT ids."""

    async def unverified(self, now: datetime) -> tuple[UnverifiedVatId, ...]:
        """Ids to ask about again now, bounded, the longest waiting first."""
        ...

    async def record(self, step: RecordVatEvidence) -> None:
        """Write an answer down, unless there is one, and open a case if an invoice rests on an id that is none."""
        ...


class CorrectionBook(Protocol):
    """Keeps corrections. Every method is one transaction."""

    async def issue(self, step: IssueCorrection) -> IssuedCorrection:
        """Finalize the cancelation or credit note of this id, or find it; or say why there can be none.

        Never more is taken back than was invoiced, however many ask.
        """
        ...


class SettlementBook(Protocol):
    """Keeps what is done with entries beside paying them. Every method is one transaction."""

    async def settle(self, step: DoSettlement) -> Settled:
        """Reduce, cancel or assign, once; or say what hinders it, and then nothing was done."""
        ...


class LinkBook(Protocol):
    """Keeps links for several entries. Every method is one transaction."""

    async def create(self, step: CreateLink) -> CreatedLink:
        """Issue the link, or find it; or say what hinders it, and then nothing was done."""
        ...

    async def find(self, step: OfLink) -> CreatedLink:
        """The link, if there is one."""
        ...


class InvoiceRunBook(Protocol):
    """Keeps invoice runs, and bills what they plan. A step that runs again finds what it has done."""

    async def open(self, step: OpenInvoiceRun) -> RunStanding:
        """Write a run down, or find it. Raises NotFound for an unknown merchant."""
        ...

    async def plan(self, step: OfInvoiceRun) -> RunStanding:
        """Note the next orders that can be billed, in one transaction; after the last the run goes on to billing."""
        ...

    async def bill(self, step: OfInvoiceRun) -> RunStanding:
        """Finalize the next invoices, each in a transaction of its own. What is wrong with one is kept at its orders;
        a dry run finalizes none."""
        ...

    async def unsent(self, step: OfInvoiceRun) -> Unsent:
        """The next invoices of the run that wait to be sent."""
        ...

    async def note_sent(self, step: NoteSent) -> RunStanding:
        """Keep what became of sending invoices."""
        ...

    async def waiting(self, merchant_id: str, invoice_ids: tuple[str, ...]) -> Waiting:
        """The runs of checkouts that wait for these invoices."""
        ...

    async def complete(self, step: OfInvoiceRun) -> RunStanding:
        """The run has done all it could: the shop is told."""
        ...


class InvoiceTeller(Protocol):
    """Speaks to the runs of checkouts that wait for an invoice run."""

    async def tell_invoiced(self, workflow_ids: tuple[str, ...]) -> None:
        """Have them look for their invoices. A run that is over, or lost, is left alone: it looks by itself."""
        ...

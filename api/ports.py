"""What the routes need: runs to talk to, things to read, an inbox for facts. `api.main` wires adapters."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.audit import AuditPage, SeriesPage
from domain.book_views import AccountBalance, BookingFilter, BookingPage, BookingView
from domain.booking_exports import ExportPage, ExportView, MadeExport, RequestExport
from domain.captures import CaptureRequest
from domain.cases import CaseStatus, DecideCase
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.corrections import CorrectionRequest
from domain.deliveries import DeliveryReport, Dispatch
from domain.documents import DocumentRef
from domain.entries import EntryStatus
from domain.errors import QuittanceError, Violation
from domain.invoice_runs import InvoiceRunRequest, RunOrderStatus
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.ledger_views import (
    EntryDetailView,
    EntryPage,
    LinkView,
    OrderDetailView,
    OrderPage,
    PaymentDetailView,
    PaymentPage,
    SettlementView,
    Wanted,
)
from domain.merchants import Merchant
from domain.monitoring import Figures
from domain.payments import PaymentStatus, ProviderEvent
from domain.periods import ChangePeriod, PeriodPage, PeriodView
from domain.refund_requests import RefundRequest
from domain.settlement_steps import LinkRequest
from domain.settlements import Request
from domain.vat_ids import VatEvidence
from domain.views import (
    AcceptedCorrection,
    CasePage,
    CaseView,
    CheckoutPage,
    CheckoutView,
    InboxEntry,
    InvoicePage,
    InvoiceRunPage,
    InvoiceRunView,
    InvoiceView,
    PaymentPageView,
    PayoutPage,
    PayoutView,
    RefundView,
    RunOrderPage,
    SentDeliveryView,
)


class RunsUnavailable(QuittanceError):
    """The workflow service cannot be reached now: the caller should try again."""


class TooLateToCancel(QuittanceError):
    """The checkout cannot be canceled any more; `awaiting_payment` means that a part of the money is there."""

    def __init__(self, status: CheckoutStatus) -> None:
        self.status = status
        super().__init__(f"the checkout is {status}")


class NotPayable(QuittanceError):
    """The checkout is not waiting for a payment: paid, expired, canceled or under review."""

    def __init__(self, status: CheckoutStatus) -> None:
        self.status = status
        super().__init__(f"the checkout is {status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCheckout:
    """The checkout of an assignment key. `created` says whether this very call started it."""

    checkout_id: str
    created: bool


class CheckoutRuns(Protocol):
    """The running checkouts. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def open(
        self, merchant_id: str, request: CheckoutRequest, vat_evidence: VatEvidence | None = None
    ) -> OpenedCheckout:
        """Start the run of this assignment key, or find it; answers once its payment link is durable."""
        ...

    async def open_payment_page(self, workflow_id: str) -> str:
        """The URL of the one payable provider session, opened if need be. Raises NotPayable."""
        ...

    async def payer_returned(self, workflow_id: str) -> CheckoutStatus:
        """Have the run ask the provider now (bounded to a few seconds), and say where the checkout stands."""
        ...

    async def cancel(self, workflow_id: str, *, reason: str, by: str) -> None:
        """Cancel the checkout; answers once it is. Raises TooLateToCancel, and NotPayable when the run is over."""
        ...

    async def capture(self, workflow_id: str, request: CaptureRequest) -> None:
        """Capture authorized money; answers once it is, or was before. Raises InvalidInput, NothingToCapture,
        CapturedOtherwise, CaptureRefused, and NotPayable when the run is over or being canceled."""
        ...

    async def decide(self, case: CaseView, step: DecideCase) -> None:
        """Tell the run that waits for this case; answers once the decision is durable. Raises CaseDecided."""
        ...

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent) -> None:
        """Tell the run the entry names of a fact; when it has ended, start the process for late facts."""
        ...

    async def ready(self) -> bool:
        """Whether the workflow service answers."""
        ...


class RefundRuns(Protocol):
    """The running refunds. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def ask(self, merchant_id: str, request: RefundRequest) -> bool:
        """Start the refund of this key, or find it; True if this very call started it.

        Answers once the refund is durable. Raises NotFound, NothingToRefund, and InvalidInput for more than is left.
        """
        ...

    async def decide(self, merchant_id: str, refund_id: str, *, approved: bool, by: str, reason: str) -> None:
        """Approve or reject a refund that waits for it. Raises NotFound and RefundDecided."""
        ...


class ResendRuns(Protocol):
    """Runs that mail documents again."""

    async def ask(self, dispatch: Dispatch) -> None:
        """Mail a document; answers once that is durable. Raises RunsUnavailable."""
        ...


class Exporter(Protocol):
    """Everything of a merchant."""

    def archive(self, merchant_id: str) -> AsyncIterator[bytes]:
        """A tar archive of all rows and documents, chunk by chunk."""
        ...


class Deliveries(Protocol):
    """What became of mail."""

    async def record_report(self, report: DeliveryReport) -> bool:
        """A mail server reported on a message; False if it is none of ours. Commits before it answers."""
        ...


class CorrectionRuns(Protocol):
    """The running corrections. Raises RunsUnavailable when the workflow service does not answer."""

    async def ask(self, merchant_id: str, request: CorrectionRequest) -> bool:
        """Start the correction of this key, or find it; True if this very call started it.

        Answers once the document is finalized. Raises NotFound, NotCorrectable, and InvalidInput for more than is left.
        """
        ...


class SeriesAudit(Protocol):
    """Reads number series, and checks them."""

    async def series(self, merchant_id: str, *, cursor: str | None, limit: int) -> SeriesPage:
        """The merchant's series. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def audit(self, merchant_id: str, series_id: str, *, cursor: str | None, limit: int) -> AuditPage | None:
        """Check the next `limit` documents of a series and their files. Raises InvalidInput for a bad cursor."""
        ...


class SettlementRuns(Protocol):
    """What is done with entries. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def ask(self, merchant_id: str, request: Request, *, by: str) -> bool:
        """Have it done, or find that it was; True if this very call did it.

        Answers once it is durable. Raises NotFound, InvalidInput, EntryCanceled and MoneyNeeded; then nothing was done.
        """
        ...


class LinkRuns(Protocol):
    """Links for several entries. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def open(self, merchant_id: str, request: LinkRequest) -> tuple[str, bool]:
        """Issue the link, or find that of the key; its id, and whether this very call issued it.

        Raises InvalidInput when these entries cannot be paid by one link.
        """
        ...

    async def open_payment_page(self, merchant_id: str, our_id: str) -> str:
        """The URL of the one payable provider session, opened if need be. Raises NotPayable."""
        ...

    async def payer_returned(self, merchant_id: str, our_id: str) -> CheckoutStatus:
        """Have the run ask the provider now, and say where the link stands."""
        ...


class Ledger(Protocol):
    """What can be read of entries, orders, payments, settlements and links. Another merchant's do not exist.

    Lists are newest first, and raise InvalidInput for a cursor that is not one of ours.
    """

    async def entry(self, merchant_id: str, entry_id: str) -> EntryDetailView | None:
        """One entry."""
        ...

    async def entries(self, merchant_id: str, wanted: Wanted, status: EntryStatus | None) -> EntryPage:
        """A page of entries."""
        ...

    async def payment(self, merchant_id: str, payment_id: str) -> PaymentDetailView | None:
        """One payment."""
        ...

    async def payments(self, merchant_id: str, wanted: Wanted, status: PaymentStatus | None) -> PaymentPage:
        """A page of payments."""
        ...

    async def order(self, merchant_id: str, order_id: str) -> OrderDetailView | None:
        """One order."""
        ...

    async def orders(self, merchant_id: str, wanted: Wanted) -> OrderPage:
        """A page of orders."""
        ...

    async def settlement_of_key(self, merchant_id: str, key: str) -> SettlementView | None:
        """What was done under a shop's key."""
        ...

    async def link(self, merchant_id: str, link_id: str) -> LinkView | None:
        """One link for several entries."""
        ...


class InvoiceRuns(Protocol):
    """The running invoice runs. Every method raises RunsUnavailable when the workflow service does not answer."""

    async def start(self, merchant_id: str, request: InvoiceRunRequest) -> bool:
        """Start the run of this key, or find it; True if this very call started it. Answers once it is durable."""
        ...


class Reader(Protocol):
    """Everything that can be read. Another merchant's things do not exist."""

    async def merchant_of_key(self, api_key: str) -> Merchant | None:
        """The merchant whose live API key this is."""
        ...

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """The merchant of this id."""
        ...

    async def checkout(self, merchant_id: str, checkout_id: str) -> CheckoutView | None:
        """One checkout."""
        ...

    async def checkout_of_key(self, merchant_id: str, assignment_key: str) -> CheckoutView | None:
        """The checkout that an assignment key names."""
        ...

    async def checkouts(
        self,
        merchant_id: str,
        *,
        assignment_key: str | None,
        status: CheckoutStatus | None,
        cursor: str | None,
        limit: int,
    ) -> CheckoutPage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def invoice(self, merchant_id: str, invoice_id: str) -> InvoiceView | None:
        """One invoice."""
        ...

    async def deliveries(self, merchant_id: str, invoice_id: str) -> tuple[SentDeliveryView, ...]:
        """Every mail with a document, newest first."""
        ...

    async def invoices(
        self,
        merchant_id: str,
        *,
        kind: InvoiceKind | None,
        status: InvoiceStatus | None,
        cursor: str | None,
        limit: int,
    ) -> InvoicePage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def correction_of_key(self, merchant_id: str, key: str) -> AcceptedCorrection | None:
        """The correction that a shop's key names."""
        ...

    async def deposit_problems(self, merchant_id: str, request: CheckoutRequest, total: int) -> tuple[Violation, ...]:
        """Why a new checkout of `total` minor units cannot deduct the deposits it names."""
        ...

    async def refund(self, merchant_id: str, refund_id: str) -> RefundView | None:
        """One refund."""
        ...

    async def refund_of_key(self, merchant_id: str, key: str) -> RefundView | None:
        """The refund that a shop's key names."""
        ...

    async def cases(self, merchant_id: str, *, status: CaseStatus | None, cursor: str | None, limit: int) -> CasePage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def case(self, merchant_id: str, case_id: str) -> CaseView | None:
        """One case."""
        ...

    async def payouts(self, merchant_id: str, *, cursor: str | None, limit: int) -> PayoutPage:
        """Newest first, without items. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def payout(self, merchant_id: str, payout_id: str) -> PayoutView | None:
        """One payout with its items."""
        ...

    async def invoice_run(self, merchant_id: str, run_id: str) -> InvoiceRunView | None:
        """One invoice run, as far as it is."""
        ...

    async def invoice_runs(self, merchant_id: str, *, cursor: str | None, limit: int) -> InvoiceRunPage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def invoice_run_orders(
        self, merchant_id: str, run_id: str, *, status: RunOrderStatus | None, cursor: str | None, limit: int
    ) -> RunOrderPage:
        """What became of the orders of a run, oldest first. Raises InvalidInput for a foreign cursor."""
        ...

    async def payment_page(self, token: str) -> PaymentPageView | None:
        """What the payment page of this link shows."""
        ...

    async def ready(self) -> bool:
        """Whether the database answers."""
        ...


class Cases(Protocol):
    """Decisions of cases that no run waits for."""

    async def decide(self, step: DecideCase) -> None:
        """Write the decision down, once. Raises NotFound, CaseDecided, and InvalidInput for what is no option."""
        ...


class Books(Protocol):
    """The bookings of merchants. Another merchant's do not exist."""

    async def bookings(self, merchant_id: str, wanted: BookingFilter, *, cursor: str | None, limit: int) -> BookingPage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def booking(self, merchant_id: str, booking_id: str) -> BookingView | None:
        """One booking."""
        ...

    async def rebook(self, merchant_id: str, booking_id: str, *, by: str, reason: str) -> str:
        """Take a booking back and book the same on the accounts of today's chart, once; the new booking's id.

        Raises NotFound, and InvalidInput for a reversal.
        """
        ...

    async def trial_balance(self, merchant_id: str, first_day: date, last_day: date) -> tuple[AccountBalance, ...]:
        """What every account began with, what moved in it, and what it ended with."""
        ...

    async def periods(self, merchant_id: str, *, cursor: str | None, limit: int) -> PeriodPage:
        """Closings and reopenings of months, newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def change_period(self, step: ChangePeriod) -> PeriodView:
        """Close or reopen a month. Raises InvalidInput for one that is not over."""
        ...

    async def export(self, step: RequestExport) -> MadeExport:
        """A batch of what is new in a range, or the latest of the range. Raises InvalidInput."""
        ...

    async def exports(self, merchant_id: str, *, cursor: str | None, limit: int) -> ExportPage:
        """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
        ...

    async def exported(self, merchant_id: str, export_id: str) -> ExportView | None:
        """One batch."""
        ...

    def file(self, merchant_id: str, export_id: str) -> AsyncIterator[bytes]:
        """The file of a batch, piece by piece, always the same bytes. Raises NotFound."""
        ...


class Documents(Protocol):
    """Reads stored documents."""

    async def get(self, ref: DocumentRef) -> bytes:
        """The stored bytes, checked against their hash."""
        ...


class Webhooks(Protocol):
    """Verifies a provider's messages."""

    def verify(self, merchant_id: str, body: bytes, signature: str | None) -> ProviderEvent:
        """The message, if it is the provider's own and fresh. Raises InvalidWebhook for everything else."""
        ...


class Inbox(Protocol):
    """Where facts become durable before anybody is told that we have them."""

    async def record(self, merchant_id: str, event: ProviderEvent) -> InboxEntry:
        """Commit the message, once per event id. A message that names another merchant's checkout has no run."""
        ...


class Monitor(Protocol):
    """Reads the house's health."""

    async def figures(self) -> Figures:
        """A reading, as of now."""
        ...

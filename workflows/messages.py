"""What is said to a run and what it answers. Facts from outside are signals; requests are updates."""

from dataclasses import dataclass
from datetime import datetime

from domain.captures import Refusal as CaptureRefusal
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.corrections import CorrectionRequest
from domain.corrections import Refusal as CorrectionRefusal
from domain.deliveries import Dispatch
from domain.invoice_runs import InvoiceRunRequest, RunOrderStatus
from domain.payments import SettledBy
from domain.refund_requests import RefundRequest
from domain.refund_steps import Refusal
from domain.refunds import RefundStatus
from domain.settlement_steps import Hindrance, LinkRequest
from domain.settlements import Request
from domain.vat_ids import VatEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCheckout:
    """The input of `CheckoutWorkflow`, public: a Python backend may start the run itself.

    Start it with update-with-start: workflow id `workflow_id(...)`, conflict policy USE_EXISTING, update
    `payment_link`. `opened_by` is any text that is new for each request; the update's answer repeats the
    text of the request that opened the checkout. What `POST /v1/checkouts` checks is checked here too.
    `vat_evidence` is what the register said of the buyer's VAT id; without it, the id is unverified for now.
    """

    merchant_id: str
    request: CheckoutRequest
    opened_by: str
    vat_evidence: VatEvidence | None = None


def workflow_id(merchant_id: str, assignment_key: str) -> str:
    """The id of a checkout's run: one per merchant and assignment key."""
    return f"checkout:{merchant_id}:{assignment_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLink:
    """The checkout has an entry and a payment link, durably."""

    checkout_id: str
    opened_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """A provider said that something happened: go and look. The id is the provider's, so repeats are known.

    `found_by` is how we heard of it: by the provider's own message, or by the sweep.
    """

    event_id: str
    session_id: str | None = None
    payment_reference: str | None = None
    found_by: SettledBy = SettledBy.WEBHOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """Where the customer pays now."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutStanding:
    """Where the checkout stands."""

    status: CheckoutStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutResult:
    """How a run ended."""

    checkout_id: str
    status: CheckoutStatus
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCheckout:
    """Somebody wants the checkout canceled: why, in 1 to 200 characters, and who."""

    reason: str
    by: str = "ops"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureCheckout:
    """The shop wants authorized money captured: `amount` as a decimal string in major units, None for all that is
    owed; `payment_id` names the authorization, None is the one that waits."""

    amount: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureStanding:
    """Where the checkout stands after a capture; `refusal` says why nothing was captured."""

    status: CheckoutStatus
    refusal: CaptureRefusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePayment:
    """The input of `LatePaymentWorkflow`: whose money it looks after.

    Either a checkout's, or that of a payment that we cannot tie to a checkout, by the provider's reference of
    the payment or, as long as that is all we know, of its session.
    """

    merchant_id: str
    checkout_id: str | None = None
    payment_reference: str | None = None
    session_id: str | None = None


def late_payment_id(checkout_id: str) -> str:
    """The id of the run that looks after money of a checkout that does not fit."""
    return f"late-payment:{checkout_id}"


def unknown_payment_id(merchant_id: str, reference: str) -> str:
    """The id of the run that looks after a payment we cannot tie to a checkout."""
    return f"unknown-payment:{merchant_id}:{reference}"


def money_run_id(late: LatePayment) -> str:
    """The id of the run that looks after this money."""
    if late.checkout_id is not None:
        return late_payment_id(late.checkout_id)
    return unknown_payment_id(late.merchant_id, late.payment_reference or late.session_id or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDecision:
    """A person's decision of a case: one of its options, why, and who."""

    case_id: str
    decision: str
    reason: str
    by: str = "ops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """The input of `DisputeWorkflow`: a dispute, by the provider's id."""

    merchant_id: str
    reference: str


def dispute_id(reference: str) -> str:
    """The id of the run that looks after a dispute."""
    return f"dispute:{reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """The input of `PayoutWorkflow`: a payout, by the provider's id."""

    merchant_id: str
    reference: str


def payout_id(reference: str) -> str:
    """The id of the run that compares a payout with the books."""
    return f"payout:{reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRefund:
    """The input of `RefundWorkflow`: asked for by a shop (`refund_id`, `request`), or spoken of by a provider
    (`reference`, its id there). `opened_by` is any text that is new for each request."""

    merchant_id: str
    refund_id: str | None = None
    request: RefundRequest | None = None
    opened_by: str = ""
    reference: str | None = None


def refund_run_id(reference: str) -> str:
    """The id of a refund's run: by our own id, or by the provider's for one that we did not order."""
    return f"refund:{reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFact:
    """A provider said that something happened to a refund: go and look. Both ids are the provider's."""

    event_id: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRefund:
    """The refund is in the books, durably; or `refusal` says why not."""

    refund_id: str | None = None
    opened_by: str | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDecision:
    """Somebody approves or rejects a refund: why, and who."""

    approved: bool
    reason: str
    by: str = "ops"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundVerdict:
    """Where the refund stands after a decision; `taken` is False when it was decided otherwise before, or when
    there is no such refund, as `refusal` then says."""

    taken: bool
    status: RefundStatus | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    """How a run ended; None for a refund that was refused."""

    refund_id: str | None
    status: RefundStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartResend:
    """The input of `ResendWorkflow`: what to mail again."""

    dispatch: Dispatch


def resend_id(merchant_id: str, invoice_id: str, key: str) -> str:
    """The id of the run that mails a document again: one per key of the shop."""
    return f"resend:{merchant_id}:{invoice_id}:{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCorrection:
    """The input of `CorrectionWorkflow`. `opened_by` is any text that is new for each request."""

    merchant_id: str
    correction_id: str
    request: CorrectionRequest
    opened_by: str


def correction_run_id(reference: str) -> str:
    """The id of a correction's run, by our own id of it."""
    return f"correction:{reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCorrection:
    """The correction is finalized, durably; or `refusal` says why not."""

    document_id: str | None = None
    opened_by: str | None = None
    refusal: CorrectionRefusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionResult:
    """How a run ended; None for a correction that was refused."""

    document_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSettlement:
    """The input of `SettlementWorkflow`: what is to be done with entries, under which id of ours, and by whom.

    `opened_by` is any text that is new for each request.
    """

    merchant_id: str
    settlement_id: str
    request: Request
    by: str
    opened_by: str


def settlement_run_id(settlement_id: str) -> str:
    """The id of the run that does what was asked for under a key."""
    return f"settlement:{settlement_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was asked for is in the books, durably; or `hindrance` says why not."""

    opened_by: str | None = None
    hindrance: Hindrance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPaymentLink:
    """The input of `PaymentLinkWorkflow`: a new link for several entries, or (without `request`) one in the books.

    `opened_by` is any text that is new for each request.
    """

    merchant_id: str
    link_id: str
    request: LinkRequest | None = None
    opened_by: str = ""


def payment_link_run_id(link_id: str) -> str:
    """The id of the run of a link for several entries."""
    return f"payment-link:{link_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartInvoiceRun:
    """The input of `InvoiceRunWorkflow`, public. `run_id` is `domain.invoice_runs.run_id(...)` of the request's key;
    `opened_by` is any text that is new for each request. After `longest_history` events the run continues as new."""

    merchant_id: str
    run_id: str
    opened_by: str
    request: InvoiceRunRequest
    longest_history: int = 5_000


def invoice_run_id(run_id: str) -> str:
    """The workflow id of an invoice run."""
    return f"invoice-run:{run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedInvoiceRun:
    """The run is in the books, durably."""

    opened_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRunResult:
    """How a run ended: what became of its orders."""

    run_id: str
    orders: dict[RunOrderStatus, int]

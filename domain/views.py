"""What can be read: one flat picture of each thing, for the API. Amounts are minor units, times UTC."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.cart import PricedCart
from domain.cases import CaseStatus
from domain.checkout import CheckoutRequest, CheckoutStatus, Redirects
from domain.corrections import CorrectionRequest
from domain.deliveries import DeliveryStatus
from domain.disputes import DisputeStatus
from domain.documents import DocumentRef
from domain.entries import EntryStatus
from domain.errors import BrokenRule
from domain.invoice_runs import InvoiceRunRequest, RunOrderStatus, RunPhase
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.merchants import Branding, Seller
from domain.payments import AttemptStatus, PaymentStatus, Promise, SettledBy
from domain.payouts import PayoutItemKind, PayoutStatus
from domain.refund_requests import RefundRequest
from domain.refunds import RefundOrigin, RefundStatus
from domain.vat_ids import VatEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """A receivable."""

    id: str
    status: EntryStatus
    initial_amount: int
    open_amount: int
    outstanding_amount: int
    expected_amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """A money transfer. `fee` and `net` are in minor units of `settlement_currency`.

    `promise` says why the money of a pending payment will come; `failure` why it does not. Of a payment that was
    authorized, `authorized_amount` says how much, and `capture_before` until when it could be captured.
    """

    id: str
    status: PaymentStatus
    amount: int
    currency: str
    provider: str
    provider_reference: str
    settled_by: SettledBy
    fee: int | None = None
    net: int | None = None
    settlement_currency: str | None = None
    available_on: date | None = None
    promise: Promise | None = None
    authorized_amount: int | None = None
    capture_before: datetime | None = None
    to_capture: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """An attempt to pay: what became of a provider session, and why. `payment_id` is None while nothing was tried."""

    number: int
    status: AttemptStatus
    reason: str | None
    payment_id: str | None
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """Money a customer's bank claims back, and until when evidence can be handed in."""

    id: str
    status: DisputeStatus
    amount: int
    currency: str
    reason: str
    evidence_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A finding, what can be decided about it, and what was. `workflow_id` is the run that waits for the decision.

    `amount` in minor units of `currency`, where the case is about money. `detail` says more, in words.
    """

    id: str
    kind: str
    status: CaseStatus
    checkout_id: str | None
    payment_id: str | None
    payment_reference: str | None
    workflow_id: str | None
    amount: int | None
    currency: str | None
    detail: str | None
    options: tuple[str, ...]
    opened_at: datetime
    due_at: datetime | None
    overdue: bool
    decision: str | None = None
    reason: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[CaseView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutItemView:
    """A movement of the provider's balance within a payout; `matched` when the books know it with this amount."""

    reference: str
    kind: PayoutItemKind
    source: str | None
    amount: int
    fee: int
    net: int
    payment_id: str | None
    checkout_id: str | None
    matched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutView:
    """A transfer to the merchant's bank account. `matched` when every item agrees with the books.

    `items` is None where a list leaves them out.
    """

    id: str
    reference: str
    status: PayoutStatus
    amount: int
    currency: str
    arrives_on: date
    matched: bool
    created_at: datetime
    items: tuple[PayoutItemView, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[PayoutView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """A sales order. `invoice_id` is the invoice in force, `build_error` why the last attempt to bill it failed,
    `last_run_id` the last invoice run that looked at it."""

    id: str
    number: str
    total: int
    service_date: date | None = None
    invoice_id: str | None = None
    build_error: str | None = None
    last_run_id: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """How far the mail with the document is."""

    status: DeliveryStatus
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDeliveryView:
    """One mail with a document. `key` is that of the request that asked for it, empty for the document's own run."""

    id: str
    key: str
    status: DeliveryStatus
    recipient: str
    message_id: str
    answer: str | None
    queued_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """A document that takes back from another one. `total` in minor units."""

    id: str
    kind: InvoiceKind
    number: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedCorrection:
    """What was asked for under a key, and the id of the document that came of it."""

    request: CorrectionRequest
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """A finalized document. `pdf`, `xml` and `ubl` are None until the documents are stored. A credit note or
    cancelation corrects the invoice `corrects_id`; the invoice is `corrected_by` it. `orders` are the ids of the orders
    it is about, oldest first; `deducts` are deposit invoices, by number."""

    id: str
    number: str
    status: InvoiceStatus
    currency: str
    total: int
    kind: InvoiceKind = InvoiceKind.INVOICE
    issued_on: date | None = None
    reason: str | None = None
    corrects_id: str | None = None
    corrected_by: tuple[CorrectionView, ...] = ()
    deducts: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    pdf: DocumentRef | None = None
    xml: DocumentRef | None = None
    ubl: DocumentRef | None = None
    delivery: DeliveryView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[InvoiceView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteView:
    """A document that takes back what a refund gave back."""

    id: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """Money given back. `request` and `key` are the shop's; None for a refund that was made otherwise.

    It has a credit note for each invoice it gave money back of.
    """

    id: str
    checkout_id: str | None
    payment_id: str
    status: RefundStatus
    origin: RefundOrigin
    amount: int
    currency: str
    reason: str | None
    failure: str | None
    approved_by: str | None
    credit_notes: tuple[CreditNoteView, ...]
    key: str | None
    request: RefundRequest | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A case a person must decide: why, since when, and what can be chosen. `problems` are the rules a draft broke."""

    reason: str
    since: datetime
    options: tuple[str, ...]
    problems: tuple[BrokenRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxView:
    """How a checkout is taxed, and what is known of the buyer's VAT id where that decides about it."""

    cart: PricedCart
    vat_id: VatEvidence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLinkView:
    """The link that was given to the customer. `token` is the unguessable part of `/pay/{token}`."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutView:
    """One purchase and all that came of it. `request` is what the shop sent first; a list leaves `tax` out."""

    id: str
    merchant_id: str
    assignment_key: str
    status: CheckoutStatus
    currency: str
    total: int
    request: CheckoutRequest
    workflow_id: str
    payment_link: PaymentLinkView | None
    entry: EntryView
    payments: tuple[PaymentView, ...] = ()
    attempts: tuple[AttemptView, ...] = ()
    disputes: tuple[DisputeView, ...] = ()
    order: OrderView | None = None
    invoice: InvoiceView | None = None
    refunds: tuple[RefundView, ...] = ()
    review: ReviewView | None = None
    tax: TaxView | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[CheckoutView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayableView:
    """What is to be paid on one of several entries."""

    assignment_key: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPageView:
    """What the payment page shows a customer. `time_zone` (IANA) is the seller's, in which times are shown.

    `attempt` is how the latest attempt to pay stands, None before the first; `promise` is why money is on its way.
    `deducted` is what deposits have paid already, in minor units of the cart's currency.

    A link for several entries (`link_id`, which then stands for the checkout) has no cart but what is to be paid on
    each of them.
    """

    checkout_id: str
    merchant_id: str
    workflow_id: str
    assignment_key: str
    status: CheckoutStatus
    language: str
    time_zone: str
    expires_at: datetime
    seller: Seller
    branding: Branding
    cart: PricedCart | None
    redirects: Redirects | None
    attempt: AttemptStatus | None = None
    promise: Promise | None = None
    deducted: int = 0

    link_id: str | None = None
    link_currency: str = ""
    payables: tuple[PayableView, ...] = ()

    @property
    def amount(self) -> int:
        """What the customer is to pay, in minor units; what of it he has paid is not taken off for one cart."""
        if self.cart is None:
            return sum(payable.amount for payable in self.payables)
        return self.cart.totals.payable - self.deducted

    @property
    def currency(self) -> str:
        """The currency of the amount."""
        return self.link_currency if self.cart is None else self.cart.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """A recorded provider message: the checkout and run it belongs to, if known, and whether it was applied."""

    workflow_id: str | None
    checkout_id: str | None
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRunView:
    """An invoice run: how far it is, what became of its orders, and what it invoiced (a dry run: would invoice), in
    minor units per currency. `first_number` and `last_number` are of its invoices, by the time they were finalized."""

    id: str
    request: InvoiceRunRequest
    until: date
    phase: RunPhase
    workflow_id: str
    orders: dict[RunOrderStatus, int]
    invoices: int
    amounts: dict[str, int]
    first_number: str | None
    last_number: str | None
    created_at: datetime
    billed_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRunPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[InvoiceRunView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrderView:
    """An order in a run. Orders with the same `group` share an invoice, or would."""

    order_id: str
    number: str
    group: str
    status: RunOrderStatus
    amount: int
    currency: str
    invoice_id: str | None
    invoice_number: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrderPage:
    """One page of a run's orders, oldest first. `next_cursor` is None on the last page."""

    items: tuple[RunOrderView, ...]
    next_cursor: str | None

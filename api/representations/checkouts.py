"""What a shop reads, as JSON: the views of the house, with money as decimal strings and times in UTC."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.services import Site
from domain.audit import AuditPage, FindingKind, Series, SeriesPage
from domain.cart import TaxCategory, TaxRule
from domain.cases import CaseStatus
from domain.checkout import CheckoutStatus
from domain.deliveries import DeliveryStatus
from domain.disputes import DisputeStatus
from domain.entries import EntryStatus
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.money import Money
from domain.payments import AttemptStatus, PaymentStatus, Promise, SettledBy
from domain.payouts import PayoutItemKind, PayoutStatus
from domain.refunds import RefundOrigin, RefundStatus
from domain.vat_ids import VatIdStatus
from domain.views import (
    AttemptView,
    CasePage,
    CaseView,
    CheckoutPage,
    CheckoutView,
    DisputeView,
    EntryView,
    InvoicePage,
    InvoiceView,
    OrderView,
    PaymentLinkView,
    PaymentView,
    PayoutItemView,
    PayoutPage,
    PayoutView,
    RefundView,
    ReviewView,
    SentDeliveryView,
    TaxView,
)

Amount = Annotated[str, Field(description="major units, as a decimal string", examples=["839.00"])]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class Representation(BaseModel):
    """What is answered; nothing that is not described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PaymentLinkOut(Representation):
    """The link to send the customer to."""

    url: str
    expires_at: Moment


class EntryOut(Representation):
    """The receivable of a checkout. `expected_amount` is promised and not there yet."""

    id: str
    status: EntryStatus
    initial_amount: Amount
    open_amount: Amount
    outstanding_amount: Amount
    expected_amount: Amount


class PaymentOut(Representation):
    """A money transfer. `settled_by` says which way we learned of it first.

    `fee` and `net` are in `settlement_currency`; the provider can pay the money out from `available_on`. All are
    null until the provider has booked the payment.

    A pending payment with a `promise` needs nothing more from the customer: `authorized` money waits until you
    capture it, at the latest at `capture_before`; `delayed` money comes in days, or not. `failure` says why not.
    """

    id: str
    status: PaymentStatus
    amount: Amount
    currency: str
    provider: str
    provider_reference: str
    settled_by: SettledBy
    fee: Amount | None = None
    net: Amount | None = None
    settlement_currency: str | None = None
    available_on: date | None = None
    promise: Promise | None = None
    authorized_amount: Amount | None = None
    capture_before: Moment | None = None
    failure: str | None = None


class AttemptOut(Representation):
    """An attempt to pay: `open` while it can be paid, else what became of it. `reason` says what went wrong last."""

    number: int
    status: AttemptStatus
    reason: str | None
    payment: str | None
    opened_at: Moment
    expires_at: Moment


class DisputeOut(Representation):
    """Money a customer's bank claims back, and until when evidence can be handed in at the provider."""

    id: str
    status: DisputeStatus
    amount: Amount
    reason: str
    evidence_due_at: Moment | None


class CaseOut(Representation):
    """A finding that a policy or a person decides. `overdue` when nobody decided by `due_at`."""

    model_config = ConfigDict(title="Case")

    id: str
    kind: str
    status: CaseStatus
    checkout: str | None
    payment: str | None
    provider_reference: str | None
    amount: Amount | None
    currency: str | None
    detail: str | None
    options: list[str]
    opened_at: Moment
    due_at: Moment | None
    overdue: bool
    decision: str | None
    reason: str | None
    decided_by: str | None
    decided_at: Moment | None
    settled_at: Moment | None


class CaseList(Representation):
    """A page of cases, newest first. `next_cursor` is null on the last page."""

    items: list[CaseOut]
    next_cursor: str | None


class PayoutItemOut(Representation):
    """A movement of the provider's balance. `source` is the provider's id of what moved it; negative went out."""

    reference: str
    kind: PayoutItemKind
    source: str | None
    amount: Amount
    fee: Amount
    net: Amount
    payment: str | None
    checkout: str | None
    matched: bool


class PayoutOut(Representation):
    """A transfer to the merchant's bank account. `matched` when every item of it agrees with the books."""

    id: str
    provider_reference: str
    status: PayoutStatus
    amount: Amount
    currency: str
    arrives_on: date
    matched: bool
    created_at: Moment


class PayoutDetailOut(PayoutOut):
    """A payout with all it consists of."""

    items: list[PayoutItemOut]


class PayoutList(Representation):
    """A page of payouts, newest first. `next_cursor` is null on the last page."""

    items: list[PayoutOut]
    next_cursor: str | None


class OrderOut(Representation):
    """The sales order. `invoice` is the id of the invoice in force, `build_error` why the last attempt to bill it
    failed, `last_invoice_run` the run that looked at it last."""

    id: str
    number: str
    total: Amount
    service_date: date | None = None
    invoice: str | None = None
    build_error: str | None = None
    last_invoice_run: str | None = None
    created_at: Moment


class DeliveryOut(Representation):
    """How far the mail with the document is; `sent` means that the mail server accepted it."""

    status: DeliveryStatus
    at: Moment


class SentDeliveryOut(Representation):
    """One mail with a document. `answer` is what the mail server said last; `key` is null for the first mail."""

    id: str
    key: str | None
    status: DeliveryStatus
    recipient: str
    message_id: str
    answer: str | None
    queued_at: Moment
    updated_at: Moment


class DeliveryList(Representation):
    """The deliveries of a document, newest first."""

    items: list[SentDeliveryOut]


class DownloadLinkOut(Representation):
    """Where a document may be fetched, and how long."""

    url: str
    expires_at: Moment


class CorrectionOut(Representation):
    """A document that takes back from this one; read it as an invoice."""

    id: str
    kind: InvoiceKind
    number: str
    total: Amount


class InvoiceOut(Representation):
    """A finalized invoice, or a credit note or cancelation, which `corrects` one by its id and is named there under
    `corrected_by`. `orders` are the ids of the orders it is about, `deducts` the numbers of deposit invoices. `pdf` and
    `xml` are addresses of the stored documents, null until they are stored."""

    id: str
    kind: InvoiceKind
    corrects: str | None
    corrected_by: list[CorrectionOut] = []
    deducts: list[str] = []
    orders: list[str] = []
    number: str
    issued_on: date | None = None
    reason: str | None = None
    status: InvoiceStatus
    currency: str
    total: Amount
    pdf: str | None
    xml: str | None
    delivery: DeliveryOut | None


class ProblemOut(Representation):
    """A rule that the draft of a document breaks: its name, and the field (a JSON Pointer into the draft)."""

    rule: str
    field: str
    message: str


class InvoiceList(Representation):
    """A page of documents, newest first. `next_cursor` is null on the last page."""

    items: list[InvoiceOut]
    next_cursor: str | None


class SeriesOut(Representation):
    """A number series. `documents` counts all that were ever finalized in it; `last_proof` is the end of its chain."""

    model_config = ConfigDict(title="Series")

    id: str
    kind: str
    legal_entity: str | None
    period: str
    last_number: int
    last_drawn_at: Moment | None
    documents: int
    last_proof: str | None


class SeriesList(Representation):
    """A page of number series. `next_cursor` is null on the last page."""

    items: list[SeriesOut]
    next_cursor: str | None


class FindingOut(Representation):
    """Something that is not as it was finalized, about the document `number`, and what to do about it."""

    kind: FindingKind
    number: str
    detail: str
    remedy: str


class AuditOut(Representation):
    """What a stretch of a series was found to be. `next_cursor` is null when it was the last."""

    model_config = ConfigDict(title="Audit")

    series: SeriesOut
    checked: int
    findings: list[FindingOut]
    next_cursor: str | None


class ReviewOut(Representation):
    """A case that a person must decide. `problems` are the rules a draft broke, if that is why."""

    reason: str
    since: Moment
    options: list[str]
    problems: list[ProblemOut] = []


class LineTaxOut(Representation):
    """What falls on a line, and why: `stated` by the shop, or the rule by which its tax class was resolved."""

    position: int
    tax_category: TaxCategory
    tax_rate: str
    tax_rule: TaxRule


class TaxSubtotalOut(Representation):
    """Tax of one category and rate. Without tax, the reason: a code of the VATEX list, or words."""

    tax_category: TaxCategory
    tax_rate: str
    basis: Amount
    tax: Amount
    exemption_code: str | None
    exemption_reason: str | None


class VatIdOut(Representation):
    """What the register (VIES) said of the buyer's VAT id. `request_id` proves the question."""

    status: VatIdStatus
    request_id: str | None
    answered_at: Moment | None


class TaxOut(Representation):
    """How the checkout is taxed. `vat_id` is null where the buyer's VAT id decides nothing."""

    lines: list[LineTaxOut]
    subtotals: list[TaxSubtotalOut]
    rounding: Amount
    vat_id: VatIdOut | None


class WorkflowOut(Representation):
    """The run behind the checkout, and where to look at it."""

    id: str
    url: str


class CreditNoteOut(Representation):
    """A document that takes back what a refund gave back; read it as an invoice."""

    id: str
    number: str


class RefundOut(Representation):
    """Money given back. `key` is the shop's, null for a refund that was made otherwise; `failure` says why the
    money did not go, or came back."""

    id: str
    checkout: str | None
    payment: str
    key: str | None
    status: RefundStatus
    origin: RefundOrigin
    amount: Amount
    currency: str
    reason: str | None
    failure: str | None
    approved_by: str | None
    credit_notes: list[CreditNoteOut]
    created_at: Moment
    updated_at: Moment


class CheckoutOut(Representation):
    """One purchase and all that came of it. While its payment is awaited, `awaits` says who has to do something: the
    `customer` pays, `capture` is yours, or the `provider` brings what is on its way."""

    model_config = ConfigDict(title="Checkout")

    id: str
    assignment_key: str
    status: CheckoutStatus
    currency: str
    total: Amount
    awaits: Literal["customer", "capture", "provider"] | None = None
    payment_link: PaymentLinkOut | None
    entry: EntryOut
    payments: list[PaymentOut]
    attempts: list[AttemptOut] = []
    disputes: list[DisputeOut] = []
    order: OrderOut | None
    invoice: InvoiceOut | None
    refunds: list[RefundOut]
    review: ReviewOut | None
    tax: TaxOut | None = None
    workflow: WorkflowOut
    created_at: Moment
    updated_at: Moment


class CheckoutList(Representation):
    """A page of checkouts, newest first. `next_cursor` is null on the last page."""

    items: list[CheckoutOut]
    next_cursor: str | None


class PartsOut(Representation):
    """Which parts answer."""

    database: bool
    workflows: bool


class ReadinessOut(Representation):
    """Whether this process can do its work now."""

    status: Literal["ok", "degraded"]
    parts: PartsOut


def checkout(view: CheckoutView, site: Site) -> CheckoutOut:
    """A checkout as its shop sees it."""
    return CheckoutOut(
        id=view.id,
        assignment_key=view.assignment_key,
        status=view.status,
        currency=view.currency,
        total=amount(view.total, view.currency),
        awaits=_awaits(view),
        payment_link=_payment_link(view.payment_link, site) if view.payment_link else None,
        entry=_entry(view.entry, view.currency),
        payments=[payment(one) for one in view.payments],
        attempts=[_attempt(attempt) for attempt in view.attempts],
        disputes=[_dispute(dispute) for dispute in view.disputes],
        order=_order(view.order, view.currency) if view.order else None,
        invoice=invoice(view.invoice, site) if view.invoice else None,
        refunds=[refund(one) for one in view.refunds],
        review=_review(view.review) if view.review else None,
        tax=_tax(view.tax) if view.tax else None,
        workflow=WorkflowOut(id=view.workflow_id, url=site.workflow_url(view.workflow_id)),
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def _awaits(view: CheckoutView) -> Literal["customer", "capture", "provider"] | None:
    if view.status is not CheckoutStatus.AWAITING_PAYMENT:
        return None
    promises = {payment.promise for payment in view.payments}
    if Promise.AUTHORIZED in promises:
        return "capture"
    return "provider" if Promise.DELAYED in promises else "customer"


def _attempt(view: AttemptView) -> AttemptOut:
    return AttemptOut(
        number=view.number,
        status=view.status,
        reason=view.reason,
        payment=view.payment_id,
        opened_at=view.opened_at,
        expires_at=view.expires_at,
    )


def checkout_list(page: CheckoutPage, site: Site) -> CheckoutList:
    """A page of checkouts."""
    return CheckoutList(items=[checkout(view, site) for view in page.items], next_cursor=page.next_cursor)


def invoice(view: InvoiceView, site: Site) -> InvoiceOut:
    """An invoice, with the addresses of its documents."""
    address = site.invoice_url(view.id)
    return InvoiceOut(
        id=view.id,
        kind=view.kind,
        corrects=view.corrects_id,
        corrected_by=[
            CorrectionOut(id=one.id, kind=one.kind, number=one.number, total=amount(one.total, view.currency))
            for one in view.corrected_by
        ],
        deducts=list(view.deducts),
        orders=list(view.orders),
        number=view.number,
        issued_on=view.issued_on,
        reason=view.reason,
        status=view.status,
        currency=view.currency,
        total=amount(view.total, view.currency),
        pdf=f"{address}/pdf" if view.pdf else None,
        xml=f"{address}/xml" if view.xml else None,
        delivery=DeliveryOut(status=view.delivery.status, at=view.delivery.at) if view.delivery else None,
    )


def delivery(view: SentDeliveryView) -> SentDeliveryOut:
    """A mail as its shop sees it."""
    return SentDeliveryOut(
        id=view.id,
        key=view.key or None,
        status=view.status,
        recipient=view.recipient,
        message_id=view.message_id,
        answer=view.answer,
        queued_at=view.queued_at,
        updated_at=view.updated_at,
    )


def invoice_list(page: InvoicePage, site: Site) -> InvoiceList:
    """A page of documents."""
    return InvoiceList(items=[invoice(view, site) for view in page.items], next_cursor=page.next_cursor)


def series(view: Series) -> SeriesOut:
    """A number series."""
    return SeriesOut(
        id=view.id,
        kind=view.kind,
        legal_entity=view.legal_entity or None,
        period=view.period,
        last_number=view.last_number,
        last_drawn_at=view.last_drawn_at,
        documents=view.documents,
        last_proof=view.last_proof,
    )


def series_list(page: SeriesPage) -> SeriesList:
    """A page of number series."""
    return SeriesList(items=[series(view) for view in page.items], next_cursor=page.next_cursor)


def audit(page: AuditPage) -> AuditOut:
    """What an audit found."""
    return AuditOut(
        series=series(page.series),
        checked=page.checked,
        findings=[
            FindingOut(kind=one.kind, number=one.number, detail=one.detail, remedy=one.remedy) for one in page.findings
        ],
        next_cursor=page.next_cursor,
    )


def refund(view: RefundView) -> RefundOut:
    """A refund as its shop sees it."""
    return RefundOut(
        id=view.id,
        checkout=view.checkout_id,
        payment=view.payment_id,
        key=view.key,
        status=view.status,
        origin=view.origin,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        reason=view.reason,
        failure=view.failure,
        approved_by=view.approved_by,
        credit_notes=[CreditNoteOut(id=note.id, number=note.number) for note in view.credit_notes],
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def case(view: CaseView) -> CaseOut:
    """A case."""
    about_money = view.amount is not None and view.currency is not None
    return CaseOut(
        id=view.id,
        kind=view.kind,
        status=view.status,
        checkout=view.checkout_id,
        payment=view.payment_id,
        provider_reference=view.payment_reference,
        amount=amount(view.amount or 0, view.currency or "") if about_money else None,
        currency=view.currency,
        detail=view.detail,
        options=list(view.options),
        opened_at=view.opened_at,
        due_at=view.due_at,
        overdue=view.overdue,
        decision=view.decision,
        reason=view.reason,
        decided_by=view.decided_by,
        decided_at=view.decided_at,
        settled_at=view.settled_at,
    )


def case_list(page: CasePage) -> CaseList:
    """A page of cases."""
    return CaseList(items=[case(view) for view in page.items], next_cursor=page.next_cursor)


def payout(view: PayoutView) -> PayoutDetailOut:
    """A payout with its items."""
    items = [_payout_item(item, view.currency) for item in view.items or ()]
    return PayoutDetailOut(**_payout_head(view).model_dump(), items=items)


def payout_list(page: PayoutPage) -> PayoutList:
    """A page of payouts."""
    return PayoutList(items=[_payout_head(view) for view in page.items], next_cursor=page.next_cursor)


def _payout_head(view: PayoutView) -> PayoutOut:
    return PayoutOut(
        id=view.id,
        provider_reference=view.reference,
        status=view.status,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        arrives_on=view.arrives_on,
        matched=view.matched,
        created_at=view.created_at,
    )


def amount(minor: int, currency: str) -> str:
    """Minor units as a decimal string in major units."""
    return Money(minor, currency).to_decimal_string()


def _payment_link(view: PaymentLinkView, site: Site) -> PaymentLinkOut:
    return PaymentLinkOut(url=site.payment_url(view.token), expires_at=view.expires_at)


def _entry(view: EntryView, currency: str) -> EntryOut:
    return EntryOut(
        id=view.id,
        status=view.status,
        initial_amount=amount(view.initial_amount, currency),
        open_amount=amount(view.open_amount, currency),
        outstanding_amount=amount(view.outstanding_amount, currency),
        expected_amount=amount(view.expected_amount, currency),
    )


def payment(view: PaymentView) -> PaymentOut:
    """A payment as it is shown everywhere."""
    settled_in = view.settlement_currency or view.currency
    return PaymentOut(
        id=view.id,
        status=view.status,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        provider=view.provider,
        provider_reference=view.provider_reference,
        settled_by=view.settled_by,
        fee=None if view.fee is None else amount(view.fee, settled_in),
        net=None if view.net is None else amount(view.net, settled_in),
        settlement_currency=view.settlement_currency,
        available_on=view.available_on,
        promise=view.promise,
        authorized_amount=None if view.authorized_amount is None else amount(view.authorized_amount, view.currency),
        capture_before=view.capture_before,
        failure=view.failure,
    )


def _dispute(view: DisputeView) -> DisputeOut:
    return DisputeOut(
        id=view.id,
        status=view.status,
        amount=amount(view.amount, view.currency),
        reason=view.reason,
        evidence_due_at=view.evidence_due_at,
    )


def _payout_item(view: PayoutItemView, currency: str) -> PayoutItemOut:
    return PayoutItemOut(
        reference=view.reference,
        kind=view.kind,
        source=view.source,
        amount=amount(view.amount, currency),
        fee=amount(view.fee, currency),
        net=amount(view.net, currency),
        payment=view.payment_id,
        checkout=view.checkout_id,
        matched=view.matched,
    )


def _order(view: OrderView, currency: str) -> OrderOut:
    return OrderOut(
        id=view.id,
        number=view.number,
        total=amount(view.total, currency),
        service_date=view.service_date,
        invoice=view.invoice_id,
        build_error=view.build_error,
        last_invoice_run=view.last_run_id,
        created_at=view.created_at,
    )


def _review(view: ReviewView) -> ReviewOut:
    return ReviewOut(
        reason=view.reason,
        since=view.since,
        options=list(view.options),
        problems=[ProblemOut(rule=one.rule, field=one.field, message=one.message) for one in view.problems],
    )


def _tax(view: TaxView) -> TaxOut:
    cart, evidence = view.cart, view.vat_id
    return TaxOut(
        lines=[
            LineTaxOut(
                position=line.position,
                tax_category=line.tax_category,
                tax_rate=f"{line.tax_rate:f}",
                tax_rule=line.tax_rule,
            )
            for line in cart.lines
        ],
        subtotals=[
            TaxSubtotalOut(
                tax_category=subtotal.tax_category,
                tax_rate=f"{subtotal.tax_rate:f}",
                basis=amount(subtotal.basis, cart.currency),
                tax=amount(subtotal.tax, cart.currency),
                exemption_code=subtotal.exemption_code,
                exemption_reason=subtotal.exemption_reason,
            )
            for subtotal in cart.subtotals
        ],
        rounding=amount(cart.totals.rounding, cart.currency),
        vat_id=None
        if evidence is None
        else VatIdOut(status=evidence.status, request_id=evidence.request_id, answered_at=evidence.answered_at),
    )

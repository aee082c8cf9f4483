"""What a shop reads, as JSON: the views of the house, with money as decimal strings and times in UTC."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.services import Site
from domain.cases import CaseStatus
from domain.checkout import CheckoutStatus
from domain.deliveries import DeliveryStatus
from domain.disputes import DisputeStatus
from domain.entries import EntryStatus
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.money import Money
from domain.payments import PaymentStatus, SettledBy
from domain.payouts import PayoutItemKind, PayoutStatus
from domain.refunds import RefundOrigin, RefundStatus
from domain.views import (
    CasePage,
    CaseView,
    CheckoutPage,
    CheckoutView,
    DisputeView,
    EntryView,
    InvoiceView,
    OrderView,
    PaymentLinkView,
    PaymentView,
    PayoutItemView,
    PayoutPage,
    PayoutView,
    RefundView,
    ReviewView,
)

Amount = Annotated[str, Field(description="major units, as a decimal string", examples=["839.00"])]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class _Representation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PaymentLinkOut(_Representation):
    """The link to send the customer to."""

    url: str
    expires_at: Moment


class EntryOut(_Representation):
    """The receivable of a checkout."""

    id: str
    status: EntryStatus
    initial_amount: Amount
    open_amount: Amount
    outstanding_amount: Amount


class PaymentOut(_Representation):
    """A money transfer. `settled_by` says which way we learned of it first.

    `fee` and `net` are in `settlement_currency`; the provider can pay the money out from `available_on`. All are
    null until the provider has booked the payment.
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


class DisputeOut(_Representation):
    """Money a customer's bank claims back, and until when evidence can be handed in at the provider."""

    id: str
    status: DisputeStatus
    amount: Amount
    reason: str
    evidence_due_at: Moment | None


class CaseOut(_Representation):
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


class CaseList(_Representation):
    """A page of cases, newest first. `next_cursor` is null on the last page."""

    items: list[CaseOut]
    next_cursor: str | None


class PayoutItemOut(_Representation):
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


class PayoutOut(_Representation):
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


class PayoutList(_Representation):
    """A page of payouts, newest first. `next_cursor` is null on the last page."""

    items: list[PayoutOut]
    next_cursor: str | None


class OrderOut(_Representation):
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


class DeliveryOut(_Representation):
    """How far the mail with the document is; `sent` means that the mail server accepted it."""

    status: DeliveryStatus
    at: Moment


class InvoiceOut(_Representation):
    """A finalized invoice, or a credit note, which `corrects` one by its id. `orders` are the ids of the orders it is
    about. `pdf` and `xml` are addresses of the stored documents, null until they are stored."""

    id: str
    kind: InvoiceKind
    corrects: str | None
    orders: list[str] = []
    number: str
    status: InvoiceStatus
    total: Amount
    pdf: str | None
    xml: str | None
    delivery: DeliveryOut | None


class ReviewOut(_Representation):
    """A case that a person must decide."""

    reason: str
    since: Moment
    options: list[str]


class WorkflowOut(_Representation):
    """The run behind the checkout, and where to look at it."""

    id: str
    url: str


class CreditNoteOut(_Representation):
    """The document that takes back what a refund gave back; read it as an invoice."""

    id: str
    number: str


class RefundOut(_Representation):
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
    credit_note: CreditNoteOut | None
    created_at: Moment
    updated_at: Moment


class CheckoutOut(_Representation):
    """One purchase and all that came of it."""

    model_config = ConfigDict(title="Checkout")

    id: str
    assignment_key: str
    status: CheckoutStatus
    currency: str
    total: Amount
    payment_link: PaymentLinkOut | None
    entry: EntryOut
    payments: list[PaymentOut]
    disputes: list[DisputeOut] = []
    order: OrderOut | None
    invoice: InvoiceOut | None
    refunds: list[RefundOut]
    review: ReviewOut | None
    workflow: WorkflowOut
    created_at: Moment
    updated_at: Moment


class CheckoutList(_Representation):
    """A page of checkouts, newest first. `next_cursor` is null on the last page."""

    items: list[CheckoutOut]
    next_cursor: str | None


class PartsOut(_Representation):
    """Which parts answer."""

    database: bool
    workflows: bool


class ReadinessOut(_Representation):
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
        payment_link=_payment_link(view.payment_link, site) if view.payment_link else None,
        entry=_entry(view.entry, view.currency),
        payments=[_payment(payment) for payment in view.payments],
        disputes=[_dispute(dispute) for dispute in view.disputes],
        order=_order(view.order, view.currency) if view.order else None,
        invoice=invoice(view.invoice, site) if view.invoice else None,
        refunds=[refund(one) for one in view.refunds],
        review=_review(view.review) if view.review else None,
        workflow=WorkflowOut(id=view.workflow_id, url=site.workflow_url(view.workflow_id)),
        created_at=view.created_at,
        updated_at=view.updated_at,
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
        orders=list(view.orders),
        number=view.number,
        status=view.status,
        total=amount(view.total, view.currency),
        pdf=f"{address}/pdf" if view.pdf else None,
        xml=f"{address}/xml" if view.xml else None,
        delivery=DeliveryOut(status=view.delivery.status, at=view.delivery.at) if view.delivery else None,
    )


def refund(view: RefundView) -> RefundOut:
    """A refund as its shop sees it."""
    note = view.credit_note
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
        credit_note=None if note is None else CreditNoteOut(id=note.id, number=note.number),
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
    )


def _payment(view: PaymentView) -> PaymentOut:
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
    return ReviewOut(reason=view.reason, since=view.since, options=list(view.options))

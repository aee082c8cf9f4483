"""What a shop reads, as JSON: the views of the house, with money as decimal strings and times in UTC."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.services import Site
from domain.checkout import CheckoutStatus
from domain.deliveries import DeliveryStatus
from domain.entries import EntryStatus
from domain.invoices import InvoiceStatus
from domain.money import Money
from domain.payments import PaymentStatus, SettledBy
from domain.views import (
    CheckoutPage,
    CheckoutView,
    EntryView,
    InvoiceView,
    OrderView,
    PaymentLinkView,
    PaymentView,
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
    """A money transfer. `settled_by` says which way we learned of it first."""

    id: str
    status: PaymentStatus
    amount: Amount
    currency: str
    provider: str
    provider_reference: str
    settled_by: SettledBy


class OrderOut(_Representation):
    """The sales order."""

    id: str
    number: str
    total: Amount
    created_at: Moment


class DeliveryOut(_Representation):
    """How far the mail with the document is; `sent` means that the mail server accepted it."""

    status: DeliveryStatus
    at: Moment


class InvoiceOut(_Representation):
    """A finalized invoice. `pdf` and `xml` are addresses of the stored documents, null until they are stored."""

    id: str
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


class RefundOut(_Representation):
    """Money given back."""

    id: str


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
        order=_order(view.order, view.currency) if view.order else None,
        invoice=invoice(view.invoice, site) if view.invoice else None,
        refunds=[],
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
        number=view.number,
        status=view.status,
        total=amount(view.total, view.currency),
        pdf=f"{address}/pdf" if view.pdf else None,
        xml=f"{address}/xml" if view.xml else None,
        delivery=DeliveryOut(status=view.delivery.status, at=view.delivery.at) if view.delivery else None,
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
    return PaymentOut(
        id=view.id,
        status=view.status,
        amount=amount(view.amount, view.currency),
        currency=view.currency,
        provider=view.provider,
        provider_reference=view.provider_reference,
        settled_by=view.settled_by,
    )


def _order(view: OrderView, currency: str) -> OrderOut:
    return OrderOut(id=view.id, number=view.number, total=amount(view.total, currency), created_at=view.created_at)


def _review(view: ReviewView) -> ReviewOut:
    return ReviewOut(reason=view.reason, since=view.since, options=list(view.options))

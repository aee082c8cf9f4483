"""Checkouts, with all that came of them."""

from typing import Literal

from pydantic import ConfigDict, Field

from api.representations.base import Amount, Moment, Page, Representation, WorkflowOut, amount
from api.representations.entries import EntryOut, entry
from api.representations.invoices import InvoiceOut, invoice
from api.representations.orders import OrderOut, order
from api.representations.payment_links import PaymentLinkOut, payment_link
from api.representations.payments import AttemptOut, DisputeOut, PaymentOut, attempt, dispute, payment
from api.representations.refunds import RefundOut, refund
from api.representations.taxes import TaxOut, tax
from api.services import Site
from domain.checkout import CheckoutStatus
from domain.payments import Promise
from domain.views import CheckoutView, ReviewView


class ProblemOut(Representation):
    """A rule that the draft of a document breaks: its name, and the field (a JSON Pointer into the draft)."""

    rule: str
    field: str
    message: str


class ReviewOut(Representation):
    """A case that a person must decide. `problems` are the rules a draft broke, if that is why."""

    reason: str
    since: Moment
    options: list[str]
    problems: list[ProblemOut] = Field([])


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
    attempts: list[AttemptOut] = Field([])
    disputes: list[DisputeOut] = Field([])
    order: OrderOut | None
    invoice: InvoiceOut | None
    refunds: list[RefundOut]
    review: ReviewOut | None
    tax: TaxOut | None = None
    workflow: WorkflowOut
    created_at: Moment
    updated_at: Moment


class CheckoutList(Page[CheckoutOut]):
    """A page of checkouts, newest first. `next_cursor` is null on the last page."""


def checkout(view: CheckoutView, site: Site) -> CheckoutOut:
    """A checkout as its shop sees it."""
    return CheckoutOut(
        id=view.id,
        assignment_key=view.assignment_key,
        status=view.status,
        currency=view.currency,
        total=amount(view.total, view.currency),
        awaits=_awaits(view),
        payment_link=payment_link(view.payment_link, site) if view.payment_link else None,
        entry=entry(view.entry, view.currency),
        payments=[payment(one) for one in view.payments],
        attempts=[attempt(one) for one in view.attempts],
        disputes=[dispute(one) for one in view.disputes],
        order=order(view.order, view.currency) if view.order else None,
        invoice=invoice(view.invoice, site) if view.invoice else None,
        refunds=[refund(one) for one in view.refunds],
        review=_review(view.review) if view.review else None,
        tax=tax(view.tax) if view.tax else None,
        workflow=WorkflowOut(id=view.workflow_id, url=site.workflow_url(view.workflow_id)),
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def _awaits(view: CheckoutView) -> Literal["customer", "capture", "provider"] | None:
    if view.status is not CheckoutStatus.AWAITING_PAYMENT:
        return None
    promises = {one.promise for one in view.payments}
    if Promise.AUTHORIZED in promises:
        return "capture"
    return "provider" if Promise.DELAYED in promises else "customer"


def _review(view: ReviewView) -> ReviewOut:
    return ReviewOut(
        reason=view.reason,
        since=view.since,
        options=list(view.options),
        problems=[ProblemOut(rule=one.rule, field=one.field, message=one.message) for one in view.problems],
    )

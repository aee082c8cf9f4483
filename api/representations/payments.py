"""Payments, the attempts to make them, and disputes about them."""

from datetime import date

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Page, Representation, amount
from domain.disputes import DisputeStatus
from domain.entries import EntryItemKind
from domain.ledger_views import EntryItemView, PaymentDetailView
from domain.payments import AttemptStatus, PaymentStatus, Promise, SettledBy
from domain.views import AttemptView, DisputeView, PaymentView


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


class PaymentItemOut(Representation):
    """Where money of the payment is."""

    entry: str
    kind: EntryItemKind
    amount: Amount
    process: str
    created_at: Moment


class PaymentDetailOut(PaymentOut):
    """A payment and where its money is: `captured` is what is assigned, available, refunded and disputed."""

    model_config = ConfigDict(title="PaymentDetail")

    checkout: str | None
    captured: Amount
    assigned: Amount
    available: Amount
    refunded: Amount
    disputed: Amount
    method: str | None
    detail: str | None
    captured_at: Moment | None
    items: list[PaymentItemOut]
    created_at: Moment
    updated_at: Moment


class PaymentList(Page[PaymentDetailOut]):
    """A page of payments, newest first. `next_cursor` is null on the last page."""


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


def payment_detail(view: PaymentDetailView) -> PaymentDetailOut:
    """A payment and where its money is."""
    currency = view.payment.currency
    names = ("captured", "assigned", "available", "refunded", "disputed")
    return PaymentDetailOut(
        **payment(view.payment).model_dump(),
        checkout=view.checkout_id,
        **{name: amount(getattr(view, name), currency) for name in names},
        method=view.method,
        detail=view.detail,
        captured_at=view.captured_at,
        items=[_item(item, currency) for item in view.items],
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def attempt(view: AttemptView) -> AttemptOut:
    """An attempt to pay."""
    return AttemptOut(
        number=view.number,
        status=view.status,
        reason=view.reason,
        payment=view.payment_id,
        opened_at=view.opened_at,
        expires_at=view.expires_at,
    )


def dispute(view: DisputeView) -> DisputeOut:
    """Money that a customer's bank claims back."""
    return DisputeOut(
        id=view.id,
        status=view.status,
        amount=amount(view.amount, view.currency),
        reason=view.reason,
        evidence_due_at=view.evidence_due_at,
    )


def _item(item: EntryItemView, currency: str) -> PaymentItemOut:
    return PaymentItemOut(
        entry=item.entry_id,
        kind=item.kind,
        amount=amount(item.amount, currency),
        process=item.process,
        created_at=item.created_at,
    )

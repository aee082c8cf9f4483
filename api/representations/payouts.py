"""Payouts, and what they consist of."""

from datetime import date

from api.representations.base import Amount, Moment, Page, Representation, amount
from domain.payouts import PayoutItemKind, PayoutStatus
from domain.views import PayoutItemView, PayoutView


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


class PayoutDetailOut(PayoutOut):
    """A payout with all it consists of."""

    items: list[PayoutItemOut]


class PayoutList(Page[PayoutOut]):
    """A page of payouts, newest first. `next_cursor` is null on the last page."""


def payout(view: PayoutView) -> PayoutOut:
    """A payout without its items."""
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


def payout_detail(view: PayoutView) -> PayoutDetailOut:
    """A payout with its items."""
    items = [_item(item, view.currency) for item in view.items or ()]
    return PayoutDetailOut(**payout(view).model_dump(), items=items)


def _item(view: PayoutItemView, currency: str) -> PayoutItemOut:
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

"""What Stripe's payouts and balance transactions mean in the house's words."""

from collections.abc import Iterable
from datetime import UTC, datetime

import stripe

from adapters.stripe.amounts import settled_from_stripe
from domain.payouts import PayoutItem, PayoutItemKind, PayoutReport, PayoutStatus

SOURCES_OF_ENTRIES = ["data.source"]
_KINDS = {
    "charge": PayoutItemKind.CHARGE,
    "refund": PayoutItemKind.REFUND,
    "refund_failure": PayoutItemKind.REFUND,
    "dispute": PayoutItemKind.DISPUTE,
    "dispute_reversal": PayoutItemKind.DISPUTE,
    "fee": PayoutItemKind.FEE,
    "network_cost": PayoutItemKind.FEE,
    "tax": PayoutItemKind.FEE,
}
"""By Stripe's reporting category (docs.stripe.com/reports/reporting-categories)."""


def is_itemized(payout: stripe.Payout) -> bool:
    """Whether Stripe can list what the payout consists of: not for manual ones, nor while it still works on it."""
    return payout.automatic and payout.reconciliation_status == "completed"


def payout_report(payout: stripe.Payout, entries: Iterable[stripe.BalanceTransaction]) -> PayoutReport:
    """What a payout and its balance transactions say; the transactions' sources must have been read with them."""
    currency = payout.currency.upper()
    return PayoutReport(
        reference=payout.id,
        status=PayoutStatus(payout.status),
        amount=settled_from_stripe(payout.amount, currency),
        currency=currency,
        arrives_on=datetime.fromtimestamp(payout.arrival_date, UTC).date(),
        manual=not payout.automatic,
        itemized=is_itemized(payout),
        items=tuple(_item(entry, currency) for entry in entries if entry.reporting_category != "payout"),
    )


def _item(entry: stripe.BalanceTransaction, currency: str) -> PayoutItem:
    amount, fee = settled_from_stripe(entry.amount, currency), settled_from_stripe(entry.fee, currency)
    return PayoutItem(
        reference=entry.id,
        kind=_KINDS.get(entry.reporting_category, PayoutItemKind.OTHER),
        source=_source(entry.source),
        amount=amount,
        fee=fee,
        net=amount - fee,
    )


def _source(source: object) -> str | None:
    """The id our books know it by: a charge is known as the payment it was an attempt of."""
    if isinstance(source, str):
        return source
    if isinstance(source, stripe.Charge) and source.payment_intent is not None:
        intent = source.payment_intent
        return intent if isinstance(intent, str) else intent.id
    return getattr(source, "id", None)

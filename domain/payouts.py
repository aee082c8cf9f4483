"""Payouts: what a provider transfers to the merchant's bank account, and of which movements of money it consists.

A payout agrees with the books when its items add up to its amount and each of them is one of our payments,
refunds or disputes. What the provider keeps for itself (fees) needs no counterpart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class PayoutStatus(StrEnum):
    """Pending and in transit: on its way. Paid: the bank has it, as far as is known. Failed: the bank sent it back."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


_ALLOWED = {
    PayoutStatus.PENDING: {
        PayoutStatus.IN_TRANSIT,
        PayoutStatus.PAID,
        PayoutStatus.FAILED,
        PayoutStatus.CANCELED,
    },
    PayoutStatus.IN_TRANSIT: {PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.CANCELED},
    PayoutStatus.PAID: {PayoutStatus.FAILED},
    PayoutStatus.FAILED: set[PayoutStatus](),
    PayoutStatus.CANCELED: set[PayoutStatus](),
}
"""A bank may send a payout back days after it was reported as paid."""


def advance(current: PayoutStatus, reported: PayoutStatus) -> PayoutStatus:
    """The status after a provider's report: forward where allowed, unchanged where the report is stale."""
    return reported if reported in _ALLOWED[current] else current


class PayoutItemKind(StrEnum):
    """What moved the provider's balance. Fee is the provider's own; other is anything we do not know."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutItem:
    """One movement of the provider's balance: `net = amount - fee`, minor units of the payout's currency.

    `reference` is the provider's id of the movement, `source` that of the payment, refund or dispute it is
    about. Money that went out is negative.
    """

    reference: str
    kind: PayoutItemKind
    source: str | None
    amount: int
    fee: int
    net: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutReport:
    """What the provider says of one payout now. `amount` in minor units of ISO `currency`.

    `itemized` is False while the provider still puts the list of items together; for payouts the merchant
    ordered by hand (`manual`) it never does.
    """

    reference: str
    status: PayoutStatus
    amount: int
    currency: str
    arrives_on: date
    manual: bool
    itemized: bool
    items: tuple[PayoutItem, ...] = ()

    @property
    def items_total(self) -> int:
        """What the items add up to."""
        return sum(item.net for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """What our books know under a provider's id. `amount` is positive, in minor units of ISO `currency`."""

    kind: PayoutItemKind
    reference: str
    payment_id: str
    amount: int
    currency: str


class Mismatch(StrEnum):
    """Why a payout does not agree with the books.

    Unknown: an item of something we have never heard of. Amount: known, with another amount. Total: the items
    do not add up to the payout. Not itemized: the provider cannot say what the payout consists of.
    """

    UNKNOWN = "unknown"
    AMOUNT = "amount"
    TOTAL = "total"
    NOT_ITEMIZED = "not_itemized"


Books = Mapping[tuple[PayoutItemKind, str], Counterpart]


def books_of(counterparts: Iterable[Counterpart]) -> Books:
    """Counterparts by what they are found by."""
    return {(one.kind, one.reference): one for one in counterparts}


def compare(item: PayoutItem, currency: str, books: Books) -> tuple[Counterpart | None, Mismatch | None]:
    """Our side of an item of a payout in `currency`, and how the two differ.

    Amounts are compared where both sides speak of one currency; a converted amount is the provider's to know.
    """
    if item.kind is PayoutItemKind.FEE:
        return None, None
    ours = books.get((item.kind, item.source)) if item.source else None
    if ours is None:
        return None, Mismatch.UNKNOWN
    differs = ours.currency == currency and ours.amount != abs(item.amount)
    return ours, Mismatch.AMOUNT if differs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcilePayout:
    """Read a payout, and compare it with the books at `at` (UTC); the messages that made us look are applied."""

    merchant_id: str
    reference: str
    event_ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutStanding:
    """Where a payout stands. `complete` is False while the provider still puts its items together."""

    status: PayoutStatus
    complete: bool
    matched: bool
    items: int

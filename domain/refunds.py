"""Refunds: money given back, what a provider says of it, and how our record of it may move.

A refund is of one payment. Asked for by the shop it goes *prepared, approved, pending, refunded*; one made in the
provider's dashboard, or for money that did not fit, begins *pending*. Records move forward only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from domain.errors import IllegalTransition


class RefundStatus(StrEnum):
    """Prepared: asked for. Approved: may be carried out. Pending: at the provider. Refunded: the customer has it.

    Failed: the provider refused it, or the money came back. Canceled: it never left.
    """

    PREPARED = "prepared"
    APPROVED = "approved"
    PENDING = "pending"
    REFUNDED = "refunded"
    FAILED = "failed"
    CANCELED = "canceled"


_ALLOWED = {
    RefundStatus.PREPARED: {RefundStatus.APPROVED, RefundStatus.CANCELED},
    RefundStatus.APPROVED: {RefundStatus.PENDING, RefundStatus.FAILED, RefundStatus.CANCELED},
    RefundStatus.PENDING: {RefundStatus.REFUNDED, RefundStatus.FAILED, RefundStatus.CANCELED},
    RefundStatus.REFUNDED: {RefundStatus.FAILED},
    RefundStatus.FAILED: set[RefundStatus](),
    RefundStatus.CANCELED: set[RefundStatus](),
}
"""A customer's bank may send money back days after the provider called the refund done."""

UNDER_WAY = frozenset({RefundStatus.PREPARED, RefundStatus.APPROVED, RefundStatus.PENDING})
"""Not decided yet: the money may still go."""


def move(current: RefundStatus, wanted: RefundStatus) -> RefundStatus:
    """`wanted`, if a refund may go there from `current`; else IllegalTransition. Staying is allowed."""
    if wanted is not current and wanted not in _ALLOWED[current]:
        raise IllegalTransition("refund", current, wanted)
    return wanted


def advance(current: RefundStatus, reported: RefundStatus) -> RefundStatus:
    """The status after a provider's report: forward where allowed, unchanged where the report is stale."""
    return reported if reported in _ALLOWED[current] else current


class RefundOrigin(StrEnum):
    """Who gave the money back: the shop, somebody at the provider, or we because it did not fit, or because a
    reduction or cancelation had set it free."""

    SHOP = "shop"
    PROVIDER = "provider"
    LATE_MONEY = "late_money"
    CREDIT_BALANCE = "credit_balance"


class RefundApproval(StrEnum):
    """Whether a refund the shop asks for waits until somebody approves it."""

    NONE = "none"
    REQUIRED = "required"


def refundable(*, captured: int, refunded: int, disputed: int, under_way: Iterable[int]) -> int:
    """What of a payment can still be given back, in minor units: never below zero.

    `disputed` is what banks have taken back. `under_way` are the amounts of refunds that are not decided yet
    and not counted in `refunded`.
    """
    return max(0, captured - refunded - disputed - sum(under_way))


REFUND_ID_PREFIX = "ref_"


def refund_id(merchant_id: str, key: str) -> str:
    """Our id of the refund with this key: the same whoever asks, so two requests meet in one refund."""
    return f"{REFUND_ID_PREFIX}{sha256(f'{merchant_id}/{key}'.encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """What to give back of a payment. `amount` in minor units of ISO `currency`.

    `idempotency_key` is a business key: ordering with the same key is one refund. `refund_id` is our own id of
    it, which the provider keeps with the refund, beside `checkout_id`, and repeats in its messages.
    """

    merchant_id: str
    payment_reference: str
    amount: int
    currency: str
    idempotency_key: str
    refund_id: str
    checkout_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """What the provider says of one refund now. `reference` is its id there, `failure` its reason in words.

    `refund_id` is our own id of it, None for a refund that somebody made at the provider.
    """

    reference: str
    status: RefundStatus
    amount: int
    currency: str
    failure: str | None = None
    refund_id: str | None = None
    payment_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRefund:
    """Ask the provider what it says now of a refund, by its reference there."""

    merchant_id: str
    reference: str

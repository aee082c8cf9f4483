"""Disputes: a customer's bank takes money back, and may give it up again.

The provider says what happened, we say what follows for the money. Records move forward only: a closed dispute
is never opened again by a late or repeated message. The one step back that exists is a bank's own: a lost
dispute may still be won, since money that returns must not go unnoticed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import IllegalTransition
from domain.payments import PaymentStatus

REMIND_BEFORE = timedelta(days=2)
"""How long before the evidence is due the shop is reminded."""


class DisputeStatus(StrEnum):
    """Opened: evidence may be handed in. Won: the money is ours again. Lost: it is not.

    Withdrawn: closed without a decision, because the customer or the bank gave up; the money is ours.
    """

    OPENED = "opened"
    WON = "won"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


_ALLOWED = {
    DisputeStatus.OPENED: {DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.WITHDRAWN},
    DisputeStatus.WON: set[DisputeStatus](),
    DisputeStatus.LOST: {DisputeStatus.WON},
    DisputeStatus.WITHDRAWN: set[DisputeStatus](),
}


def move(current: DisputeStatus, wanted: DisputeStatus) -> DisputeStatus:
    """`wanted`, if a dispute may go there from `current`; else IllegalTransition. Staying is allowed."""
    if wanted is not current and wanted not in _ALLOWED[current]:
        raise IllegalTransition("dispute", current, wanted)
    return wanted


def advance(current: DisputeStatus, reported: DisputeStatus) -> DisputeStatus:
    """The status after a provider's report: forward where allowed, unchanged where the report is stale."""
    return reported if reported in _ALLOWED[current] else current


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """What the provider says of one dispute now. `amount` in minor units of ISO `currency`; times UTC.

    `withdrawn` says that the provider took the money from the merchant's balance; an inquiry of a bank leaves
    it there. `fee` is what the provider charges for the dispute, in minor units of the merchant's settlement
    currency. `payment_reference` is None for money that was never asked for by us; `checkout_id` is our own
    mark on the payment.
    """

    reference: str
    payment_reference: str | None
    status: DisputeStatus
    amount: int
    currency: str
    withdrawn: bool
    reason: str
    opened_at: datetime
    evidence_due_at: datetime | None = None
    fee: int | None = None
    checkout_id: str | None = None


def held(status: DisputeStatus, amount: int, *, withdrawn: bool, before: int) -> int:
    """How much of the payment a dispute of `amount` holds back at `status`, in minor units.

    `before` is what it held so far: while it is open only more can be taken, so a report that is older than the
    withdrawal gives nothing back.
    """
    if status is DisputeStatus.LOST:
        return amount
    if status is DisputeStatus.OPENED:
        return amount if withdrawn else before
    return 0


def payment_status(current: PaymentStatus, *, left: int, paid_out: bool) -> PaymentStatus:
    """The status of a payment of which `left` minor units are still ours, or ours again.

    A payment is reversed when a dispute holds all that was left of it. A partial dispute leaves it as it is.
    A payment that comes back is final if the provider had paid it out, else collected.
    """
    if left == 0:
        return PaymentStatus.REVERSED
    if current is not PaymentStatus.REVERSED:
        return current
    return PaymentStatus.FINAL if paid_out else PaymentStatus.COLLECTED


def remind_at(status: DisputeStatus, evidence_due_at: datetime | None) -> datetime | None:
    """When the shop is reminded of the evidence (UTC); None when there is nothing to hand in."""
    if status is not DisputeStatus.OPENED or evidence_due_at is None:
        return None
    return evidence_due_at - REMIND_BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtDispute:
    """Ask the provider what it says of a dispute now."""

    merchant_id: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDispute:
    """Apply what the provider said at `at` (UTC), and mark the messages that made us look as applied."""

    merchant_id: str
    report: DisputeReport
    event_ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeStanding:
    """Where a dispute stands. `remind_at` (UTC) is None when nobody is to be reminded, or was already.

    `known` is False while the payment it is about is not in the books; `ours` says whether it is to be expected
    there. `homeless_in` is the checkout to which money returned that its entry has no use for any more.
    """

    status: DisputeStatus
    known: bool = True
    ours: bool = True
    remind_at: datetime | None = None
    homeless_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfDispute:
    """Tell the shop that evidence is due soon; `at` is now (UTC)."""

    merchant_id: str
    reference: str
    at: datetime

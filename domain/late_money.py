"""Money that does not fit: after the checkout closed, too little, too much, in the wrong currency, or unknown to us.

Looked at is a payment's available money: captured, and neither assigned to an entry nor refunded. Which way it
does not fit follows from the entry alone; what is done about it is the merchant's policy.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.entries import EntryStatus


class LateMoneyPolicy(StrEnum):
    """What becomes of money for a closed checkout: carry the purchase out after all, give it back, or ask."""

    ACCEPT = "accept"
    REFUND = "refund"
    HOLD = "hold"


class OverpaymentPolicy(StrEnum):
    """What becomes of money beyond what was owed."""

    REFUND = "refund"
    HOLD = "hold"


class ShortPaymentPolicy(StrEnum):
    """What becomes of too little money while the checkout still waits."""

    HOLD = "hold"
    REFUND = "refund"


class Policies(Protocol):
    """The merchant's policies."""

    @property
    def late_money(self) -> LateMoneyPolicy: ...

    @property
    def overpayment(self) -> OverpaymentPolicy: ...

    @property
    def short_payment(self) -> ShortPaymentPolicy: ...


class Misfit(StrEnum):
    """Why a payment's available money has no place in the books.

    Of a link for several entries, short is what is left over though entries of the link still wait: too little for any.
    """

    LATE = "late_payment"
    LATE_SHORT = "late_short_payment"
    SHORT = "short_payment"
    LINK_SHORT = "link_short_payment"
    SURPLUS = "surplus"
    CURRENCY = "wrong_currency"
    UNKNOWN = "unknown_payment"
    REFUND_FAILED = "refund_failed"


class Decision(StrEnum):
    """What is done about it. The first four are for people and policies, the last is said by the books alone.

    Accept: open the entry again and carry the purchase out. Refund: give all available money of the payment
    back. Await rest: the customer may pay what is missing. Keep: a person settles it outside; the money stays
    available. Resolved: there is nothing left to decide.
    """

    ACCEPT = "accept"
    REFUND = "refund"
    AWAIT_REST = "await_rest"
    KEEP = "keep"
    RESOLVED = "resolved"


NOTHING_TO_DO = frozenset({Decision.KEEP, Decision.AWAIT_REST, Decision.RESOLVED})
"""Decisions that leave the money where it is."""


def covers(decision: Decision, decided: int, available: int) -> bool:
    """Whether a decision about `decided` minor units of a payment also says what becomes of `available` ones now.

    Nobody has decided about money that found its place and lost it again, nor about what came to lie beside kept money.
    """
    return decision in {Decision.KEEP, Decision.AWAIT_REST} and available <= decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What the entry of a payment's checkout still takes: `outstanding` minor units of `currency`.

    `available` is the available money of all the checkout's payments in that currency. `awaited` says whether a run
    is still to take it: an entry that a dispute opened again after the invoice takes nothing by itself. `shut` says
    that the entry was canceled for good: what comes for it is never accepted.
    """

    status: EntryStatus
    currency: str
    outstanding: int
    available: int
    awaited: bool = True
    shut: bool = False


def misfit(owed: Owed | None, currency: str) -> Misfit | None:
    """How available money in `currency` does not fit; None when the checkout's run has a use for it.

    `owed` is None for a payment that belongs to no checkout of ours.
    """
    if owed is None:
        return Misfit.UNKNOWN
    if currency != owed.currency:
        return Misfit.CURRENCY
    unwanted = owed.status is EntryStatus.OPEN and not owed.awaited
    if owed.shut or owed.status is EntryStatus.BALANCED or unwanted:
        return Misfit.SURPLUS
    enough = owed.available >= owed.outstanding
    if owed.status is EntryStatus.CANCELED:
        return Misfit.LATE if enough else Misfit.LATE_SHORT
    return None if enough else Misfit.SHORT


OPTIONS: dict[Misfit, tuple[Decision, ...]] = {
    Misfit.LATE: (Decision.ACCEPT, Decision.REFUND),
    Misfit.LATE_SHORT: (Decision.REFUND, Decision.KEEP),
    Misfit.SHORT: (Decision.AWAIT_REST, Decision.REFUND),
    Misfit.LINK_SHORT: (Decision.REFUND, Decision.KEEP),
    Misfit.SURPLUS: (Decision.REFUND, Decision.KEEP),
    Misfit.CURRENCY: (Decision.REFUND, Decision.KEEP),
    Misfit.UNKNOWN: (Decision.REFUND, Decision.KEEP),
    Misfit.REFUND_FAILED: (Decision.REFUND, Decision.KEEP),
}
"""What a person can choose."""


def treatment(kind: Misfit, policies: Policies) -> Decision | None:
    """What the merchant's policy says; None puts it before a person.

    Only money that covers all that was owed can be accepted. Money unknown to us is never given back
    unasked: on a shared provider account it may be somebody else's business.
    """
    match kind:
        case Misfit.LATE if policies.late_money is LateMoneyPolicy.ACCEPT:
            return Decision.ACCEPT
        case Misfit.LATE | Misfit.LATE_SHORT | Misfit.CURRENCY:
            return Decision.REFUND if policies.late_money is LateMoneyPolicy.REFUND else None
        case Misfit.SHORT | Misfit.LINK_SHORT:
            return Decision.REFUND if policies.short_payment is ShortPaymentPolicy.REFUND else None
        case Misfit.SURPLUS:
            return Decision.REFUND if policies.overpayment is OverpaymentPolicy.REFUND else None
        case Misfit.UNKNOWN | Misfit.REFUND_FAILED:
            return None

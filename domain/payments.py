"""Payments: what a provider tells of money, and how our record of it may move.

A report is always read from the provider at the moment of use; it is never taken from a webhook's body.
Records move forward only: a late, older or repeated report changes nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.capture_modes import DelayedMethod
from domain.errors import IllegalTransition


class PaymentStatus(StrEnum):
    """One money transfer. Pending: promised. Collected: the provider captured it. Final: paid out to the merchant.

    Reversed: taken back by a dispute or a failed settlement. Failed, expired and canceled end an attempt
    that never brought money.
    """

    PENDING = "pending"
    COLLECTED = "collected"
    FINAL = "final"
    REVERSED = "reversed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


_ALLOWED = {
    PaymentStatus.PENDING: {
        PaymentStatus.COLLECTED,
        PaymentStatus.FINAL,
        PaymentStatus.FAILED,
        PaymentStatus.EXPIRED,
        PaymentStatus.CANCELED,
    },
    PaymentStatus.COLLECTED: {PaymentStatus.FINAL, PaymentStatus.REVERSED},
    PaymentStatus.FINAL: {PaymentStatus.REVERSED},
    PaymentStatus.REVERSED: {PaymentStatus.COLLECTED, PaymentStatus.FINAL},
    PaymentStatus.FAILED: {PaymentStatus.PENDING, PaymentStatus.COLLECTED, PaymentStatus.FINAL},
    PaymentStatus.EXPIRED: {PaymentStatus.COLLECTED, PaymentStatus.FINAL},
    PaymentStatus.CANCELED: {PaymentStatus.COLLECTED, PaymentStatus.FINAL},
}
"""Money beats every other fact: an attempt we thought dead becomes Collected when the provider holds money.
A won dispute brings a reversed payment back."""


def move(current: PaymentStatus, wanted: PaymentStatus) -> PaymentStatus:
    """`wanted`, if a payment may go there from `current`; else IllegalTransition. Staying is allowed."""
    if wanted is not current and wanted not in _ALLOWED[current]:
        raise IllegalTransition("payment", current, wanted)
    return wanted


def advance(current: PaymentStatus, reported: PaymentStatus, *, promised: bool = False) -> PaymentStatus:
    """The status after a provider's report: forward where allowed, unchanged where the report is stale.

    An attempt that failed may be tried again, but not once its money was `promised`: that ended its session. Only a
    dispute reverses money and brings it back, and it does not come as a payment report: to the provider
    a disputed payment is as captured as before.
    """
    disputed = PaymentStatus.REVERSED in {current, reported}
    broken = promised and reported is PaymentStatus.PENDING
    return current if disputed or broken or reported not in _ALLOWED[current] else reported


class Promise(StrEnum):
    """Why money of a pending payment will come without the customer doing more.

    Authorized: the provider holds it until the merchant captures it, or the authorization ends. Delayed: the customer
    has ordered his bank to pay, which takes days and may fail.
    """

    AUTHORIZED = "authorized"
    DELAYED = "delayed"


class SettledBy(StrEnum):
    """Which way we learned of the money first."""

    WEBHOOK = "webhook"
    RETURN = "return"
    POLL = "poll"
    SWEEP = "sweep"


class SessionStatus(StrEnum):
    """A provider session: the page a customer pays on. Only an open one can be paid."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class AttemptStatus(StrEnum):
    """How an attempt to pay stands: a session that can be paid, or what became of it.

    Expired: the customer left without paying. All others are those of the payment that was tried.
    """

    OPEN = "open"
    PENDING = "pending"
    COLLECTED = "collected"
    FINAL = "final"
    REVERSED = "reversed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


ABANDONED = "abandoned"
"""The reason of an attempt that the customer left."""


def attempt(
    session: SessionStatus, payment: PaymentStatus | None, failure: str | None
) -> tuple[AttemptStatus, str | None]:
    """How an attempt stands, and the reason of what went wrong last in it. `failure` is the payment's."""
    if session is SessionStatus.OPEN:
        return AttemptStatus.OPEN, failure
    undone = payment in {None, PaymentStatus.PENDING, PaymentStatus.CANCELED}
    if session is SessionStatus.EXPIRED and undone:
        return AttemptStatus.EXPIRED, ABANDONED
    return AttemptStatus(payment or PaymentStatus.PENDING), failure


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrder:
    """What a provider session is opened for. `amount` in minor units of ISO `currency`; `expires_at` UTC.

    `idempotency_key` is a business key: opening with the same key gives the same session. With `manual_capture` the
    money is only authorized. `delayed_methods` are offered beside those that take effect at once, as far as they go
    with the currency; never with manual capture.
    """

    merchant_id: str
    checkout_id: str
    entry_id: str
    idempotency_key: str
    amount: int
    currency: str
    title: str
    language: str
    customer_email: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    manual_capture: bool = False
    delayed_methods: tuple[DelayedMethod, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A payable session: `url` is where the customer pays."""

    session_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReport:
    """What the provider says of one payment now. Amounts in minor units of ISO `currency`.

    `reference` is the provider's id of the payment, the same in every report of it. `fee` and `net` are in
    minor units of `settlement_currency`, and `available_on` is the day (UTC) from which the provider can pay
    the money out: None until the provider has booked the charge. `method` and `detail` are for people (`card`,
    `Visa •••• 4242`), never card data. `failure` is the provider's reason in words.

    `promise` says why the money of a pending payment will come; `capture_before` (UTC) is when an authorization ends
    at the latest, where the provider says so.
    """

    reference: str
    status: PaymentStatus
    amount: int
    currency: str
    captured_at: datetime | None = None
    method: str | None = None
    detail: str | None = None
    fee: int | None = None
    net: int | None = None
    settlement_currency: str | None = None
    available_on: date | None = None
    failure: str | None = None
    checkout_id: str | None = None
    promise: Promise | None = None
    capture_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """What the provider says of one session now, and of its payment if it has one."""

    session_id: str
    status: SessionStatus
    payment: PaymentReport | None = None


class EventSubject(StrEnum):
    """What a provider's message is about: it decides which process goes and looks."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """A message of a provider, verified and read as far as needed to know whose business it is.

    It says "go look", nothing more. `checkout_id`, `session_id` and `payment_reference` name what to look
    at, as far as the message tells; `reference` is the provider's id of the subject, `refund_id` our own id of
    a refund. `relevant` is False for kinds of message we have no use for.
    """

    provider: str
    event_id: str
    type: str
    relevant: bool
    subject: EventSubject = EventSubject.PAYMENT
    reference: str | None = None
    refund_id: str | None = None
    checkout_id: str | None
    session_id: str | None
    payment_reference: str | None
    raw: str

"""What each step of a refund takes and gives. Ids, amounts and the shop's own words; never card or bank data.

Every step may be asked again with the same input, and then gives the same result without a second effect.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Violation
from domain.refund_requests import RefundRequest
from domain.refunds import RefundOrder, RefundReport, RefundStatus
from domain.steps import OfInvoice


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRefund:
    """A step that needs no more than to know the refund."""

    merchant_id: str
    refund_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStanding:
    """Where a refund stands. `booked` says that the books have the money as given back, `kept_with` names the
    checkout that brought the payment.

    `settled` says that nothing more is to be done, unless the provider speaks of the refund once more.
    `loose` says that money which was not tied to the entry went or came: it may fit otherwise now.
    `credit_notes` are the documents of what was invoiced and is given back.
    """

    refund_id: str
    checkout_id: str | None
    kept_with: str | None
    payment_reference: str
    status: RefundStatus
    provider_reference: str | None
    opened_by: str | None
    booked: bool
    settled: bool
    loose: bool
    credit_notes: tuple[OfInvoice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRefund:
    """Write a shop's refund down, if there is so much to give back. `opened_by` tells this request from repeats."""

    merchant_id: str
    refund_id: str
    opened_by: str
    request: RefundRequest


class RefusalKind(StrEnum):
    """Why a refund was not even prepared, or cannot be found."""

    INVALID = "invalid"
    NOTHING_CAPTURED = "nothing_captured"
    NO_CHECKOUT = "no_checkout"
    NO_REFUND = "no_refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refund that was not prepared; nothing was written down."""

    kind: RefusalKind
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared refund, or why there is none."""

    standing: RefundStanding | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRefund:
    """Somebody approves or rejects a prepared refund: who, and why."""

    merchant_id: str
    refund_id: str
    approved: bool
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An approved refund that goes to the provider. `order` is None while the checkout is still being carried
    out, and when the money is not there any more: then the refund has failed."""

    standing: RefundStanding
    order: RefundOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRefund:
    """Write down a refund that we did not order by this process, as the provider tells of it."""

    merchant_id: str
    report: RefundReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRefund:
    """Apply what the provider says of a refund, and mark the messages that made us look as applied.

    `report` is None when the provider refused the refund, `failure` then says why. `money_run` is the id of the
    run that looks after money that came back.
    """

    merchant_id: str
    refund_id: str
    money_run: str
    report: RefundReport | None = None
    failure: str | None = None
    event_ids: tuple[str, ...] = ()

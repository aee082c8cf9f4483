"""What a customer's way to the provider came to, as the shop is told and its customer is shown."""

from enum import StrEnum

from domain.checkout import CheckoutStatus
from domain.payments import AttemptStatus, Promise
from domain.views import PaymentPageView

PAID = frozenset(
    {
        CheckoutStatus.CAPTURED,
        CheckoutStatus.ORDERED,
        CheckoutStatus.BALANCED,
        CheckoutStatus.INVOICED,
        CheckoutStatus.COMPLETED,
    }
)
_FRUITLESS = {AttemptStatus.FAILED, AttemptStatus.EXPIRED, AttemptStatus.CANCELED}


class Result(StrEnum):
    """Success: the money is captured, or none was due. Authorized: it is held until the shop captures it.

    Pending: it comes in days. Failure: it does not come; while the checkout awaits a payment, its link is still good.
    Review: a person decides. Unconfirmed: the provider has not said yet.
    """

    SUCCESS = "success"
    AUTHORIZED = "authorized"
    PENDING = "pending"
    FAILURE = "failure"
    REVIEW = "review"
    UNCONFIRMED = "unconfirmed"


def result_of(view: PaymentPageView, status: CheckoutStatus) -> Result:
    """What there is to say of a checkout that stands at `status`."""
    if status in PAID or (view.amount == 0 and status is CheckoutStatus.AWAITING_PAYMENT):
        return Result.SUCCESS
    if status is CheckoutStatus.NEEDS_REVIEW:
        return Result.REVIEW
    if status is not CheckoutStatus.AWAITING_PAYMENT:
        return Result.FAILURE
    if view.promise is not None:
        return Result.AUTHORIZED if view.promise is Promise.AUTHORIZED else Result.PENDING
    return Result.FAILURE if view.attempt in _FRUITLESS else Result.UNCONFIRMED


def notice_of(view: PaymentPageView, status: CheckoutStatus) -> str:
    """The section of the texts that says so to the customer."""
    awaiting = status is CheckoutStatus.AWAITING_PAYMENT
    match result_of(view, status):
        case Result.SUCCESS:
            return "paid" if view.amount else "nothing_due"
        case Result.AUTHORIZED:
            return "authorized"
        case Result.PENDING | Result.UNCONFIRMED:
            return "pending_long"
        case Result.FAILURE if awaiting:
            return "failed"
        case Result.FAILURE | Result.REVIEW:
            return status.value

"""What a shop asks for when it wants money given back, and whether two requests ask for the same."""

import re
from dataclasses import dataclass

from domain.errors import Difference, InvalidAmount, InvalidInput, Violation
from domain.money import Money
from domain.violations import Violations

LONGEST_REASON = 200
KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
"""The shop's idempotency keys; match with `fullmatch`. Ours have a slash, so the two never meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """A refund, as a shop states it. `key` is its own idempotency key.

    `amount` is a decimal string in major units of the payment's currency; None is all that is left.
    `payment_id` is needed only when several payments of the checkout have money left.
    """

    checkout_id: str
    key: str
    amount: str | None = None
    reason: str
    payment_id: str | None = None


def check(request: RefundRequest) -> None:
    """Raise InvalidInput with all that is wrong, as far as it can be known without the books."""
    violations = Violations()
    if not KEY.fullmatch(request.key):
        violations.add("/key", "must be 1 to 100 letters, digits or . _ : -")
    violations.check_text("/reason", request.reason, most=LONGEST_REASON)
    if violations.found:
        raise InvalidInput(violations.found)


def amount_of(request: RefundRequest, currency: str, left: int) -> int:
    """What is to be given back, in minor units. Raises InvalidInput when it is no amount, or more than is `left`."""
    if request.amount is None and left > 0:
        return left
    most = Money(left, currency)
    problem = None
    try:
        amount = Money.parse(request.amount or "0", currency)
    except InvalidAmount as error:
        problem = f"{error}; {most} can be given back"
    else:
        if amount.minor <= 0 or amount > most:
            problem = f"must be more than zero and at most what is left: {most}"
    if problem:
        raise InvalidInput([Violation(pointer="/amount", message=problem)])
    return amount.minor


def differences(accepted: RefundRequest, received: RefundRequest, currency: str) -> tuple[Difference, ...]:
    """The fields in which two requests under one key mean different things."""
    return tuple(
        Difference(pointer=f"/{name}", accepted=ours, received=theirs)
        for name in ("checkout_id", "amount", "reason", "payment_id")
        for ours, theirs in [(getattr(accepted, name), getattr(received, name))]
        if ours != theirs and not (name == "amount" and _same_amount(ours, theirs, currency))
    )


def _same_amount(left: str | None, right: str | None, currency: str) -> bool:
    if left is None or right is None:
        return left is right
    try:
        return Money.parse(left, currency) == Money.parse(right, currency)
    except InvalidAmount:
        return False

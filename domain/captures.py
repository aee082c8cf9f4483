"""Captures of authorized money: what a shop asks for, and the authorization and amount that come of it.

An authorization is captured once, in full or in part; the provider releases the rest. Asking again for what was
captured changes nothing, so no key is needed: the payment itself is the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import (
    CapturedOtherwise,
    CaptureRefused,
    InvalidAmount,
    InvalidInput,
    NothingToCapture,
    QuittanceError,
    Violation,
)
from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest:
    """A capture, as a shop states it. `amount` is a decimal string in major units; None is all that is owed, as far
    as it is authorized. `payment_id` names the authorization; None is the one that waits."""

    checkout_id: str
    amount: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A payment that was authorized. `amount` is what was authorized, in minor units of ISO `currency`.

    `stands` while it can be captured; `captured` is how much was captured of it, or is to be.
    """

    payment_id: str
    amount: int
    currency: str
    stands: bool
    captured: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What the entry still takes, in minor units. With `whole_only` the merchant gives short payments back."""

    amount: int
    whole_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """The capture of this payment, of so many minor units."""

    payment_id: str
    amount: int


def choose(request: CaptureRequest, authorizations: Sequence[Authorization], owed: Owed) -> Capture:
    """What to capture, or what was captured when the request is a repeated one.

    Raises InvalidInput for an amount that is none, more than was authorized or is owed, or too little where the
    merchant gives short payments back; CapturedOtherwise; NothingToCapture.
    """
    named = [one for one in authorizations if request.payment_id in {None, one.payment_id}]
    for waiting in named:
        if waiting.stands and waiting.captured is None and owed.amount > 0:
            return Capture(payment_id=waiting.payment_id, amount=_amount(request, waiting, owed))
    for done in reversed(named):
        if done.captured is not None:
            if request.amount is not None and _parsed(request.amount, done.currency) != done.captured:
                raise CapturedOtherwise(done.captured, done.currency)
            return Capture(payment_id=done.payment_id, amount=done.captured)
    raise NothingToCapture(request.checkout_id)


def _amount(request: CaptureRequest, waiting: Authorization, owed: Owed) -> int:
    most = min(waiting.amount, owed.amount)
    amount = most if request.amount is None else _parsed(request.amount, waiting.currency)
    if not 0 < amount <= most:
        raise _invalid(f"must be more than zero and at most what is authorized and owed: {_said(most, waiting)}")
    if owed.whole_only and amount < owed.amount:
        raise _invalid(f"must be all that is owed, {_said(owed.amount, waiting)}: less would be given back at once")
    return amount


def _said(minor: int, waiting: Authorization) -> Money:
    return Money(minor, waiting.currency)


def _parsed(amount: str, currency: str) -> int:
    try:
        return Money.parse(amount, currency).minor
    except InvalidAmount as error:
        raise _invalid(str(error)) from error


def _invalid(message: str) -> InvalidInput:
    return InvalidInput([Violation(pointer="/amount", message=message)])


class RefusalKind(StrEnum):
    """Why nothing was captured."""

    INVALID = "invalid"
    NOTHING_AUTHORIZED = "nothing_authorized"
    CAPTURED_OTHERWISE = "captured_otherwise"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing was captured, as a run answers it. `amount` and `currency` are of an earlier capture."""

    kind: RefusalKind
    checkout_id: str
    violations: tuple[Violation, ...] = ()
    amount: int = 0
    currency: str = ""

    @classmethod
    def of(cls, error: InvalidInput | NothingToCapture | CapturedOtherwise, checkout_id: str) -> "Refusal":
        """The refusal that an error means."""
        match error:
            case InvalidInput():
                return cls(kind=RefusalKind.INVALID, checkout_id=checkout_id, violations=error.violations)
            case NothingToCapture():
                return cls(kind=RefusalKind.NOTHING_AUTHORIZED, checkout_id=checkout_id)
            case CapturedOtherwise():
                return cls(
                    kind=RefusalKind.CAPTURED_OTHERWISE,
                    checkout_id=checkout_id,
                    amount=error.amount,
                    currency=error.currency,
                )

    def error(self) -> QuittanceError:
        """The error that the refusal means."""
        match self.kind:
            case RefusalKind.INVALID:
                return InvalidInput(self.violations)
            case RefusalKind.NOTHING_AUTHORIZED:
                return NothingToCapture(self.checkout_id)
            case RefusalKind.CAPTURED_OTHERWISE:
                return CapturedOtherwise(self.amount, self.currency)
            case RefusalKind.PROVIDER:
                return CaptureRefused("the provider refused the capture")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCapture:
    """Write down that the shop wants an authorization captured."""

    merchant_id: str
    request: CaptureRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCapture:
    """The capture is written down (`reference` is the provider's id of the payment), or `refusal` says why not."""

    reference: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCapture:
    """The provider refused the capture of this payment: it may be asked for again, in another amount."""

    merchant_id: str
    checkout_id: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOrder:
    """What is captured of an authorized payment: `amount` in minor units of ISO `currency`.

    `idempotency_key` is a business key: a payment is captured once, however often it is asked for.
    """

    merchant_id: str
    payment_reference: str
    amount: int
    currency: str
    idempotency_key: str

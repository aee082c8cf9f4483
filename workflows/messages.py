"""What is said to a run and what it answers. Facts from outside are signals; requests are updates."""

from dataclasses import dataclass
from datetime import datetime

from domain.checkout import CheckoutRequest, CheckoutStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCheckout:
    """The input of `CheckoutWorkflow`, public: a Python backend may start the run itself.

    Start it with update-with-start: workflow id `workflow_id(...)`, conflict policy USE_EXISTING, update
    `payment_link`. `opened_by` is any text that is new for each request; the update's answer repeats the
    text of the request that opened the checkout. What `POST /v1/checkouts` checks is checked here too.
    """

    merchant_id: str
    request: CheckoutRequest
    opened_by: str


def workflow_id(merchant_id: str, assignment_key: str) -> str:
    """The id of a checkout's run: one per merchant and assignment key."""
    return f"checkout:{merchant_id}:{assignment_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLink:
    """The checkout has an entry and a payment link, durably."""

    checkout_id: str
    opened_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """A provider said that something happened: go and look. The id is the provider's, so repeats are known."""

    event_id: str
    session_id: str | None = None
    payment_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """Where the customer pays now."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutStanding:
    """Where the checkout stands."""

    status: CheckoutStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutResult:
    """How a run ended."""

    checkout_id: str
    status: CheckoutStatus
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePayment:
    """The input of `LatePaymentWorkflow`: a checkout whose run is over, and of which a provider still speaks."""

    merchant_id: str
    checkout_id: str


def late_payment_id(checkout_id: str) -> str:
    """The id of the run that looks after late facts of a checkout."""
    return f"late-payment:{checkout_id}"

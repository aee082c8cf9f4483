"""A checkout: what a shop asks for, and the states it goes through.

`CheckoutRequest` is public: it is the body of `POST /v1/checkouts` and, with a merchant, the input of
`CheckoutWorkflow`. Amounts, prices, quantities and rates are decimal strings, as on the wire; turning
them into exact numbers, and refusing what is wrong, is the job of `domain.pricing`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.capture_modes import CaptureMode
from domain.electronic_addresses import ElectronicAddress


class PriceMode(StrEnum):
    """Whether the prices of a checkout contain tax (`gross`) or tax is added to them (`net`)."""

    GROSS = "gross"
    NET = "net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address. `country` is ISO 3166-1 alpha-2."""

    line1: str
    line2: str | None = None
    postal_code: str
    city: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who buys, and to whom the invoice is addressed and mailed. `language` is ISO 639-1.

    `electronic_address` is BT-49 where it is not the mail address. `leitweg_id` (of a German authority, which gets an
    XRechnung) and `buyer_reference` both are BT-10, so there is one of them at most.
    """

    name: str
    company: str | None = None
    email: str
    language: str = "en"
    vat_id: str | None = None
    number: str | None = None
    address: Address
    electronic_address: ElectronicAddress | None = None
    leitweg_id: str | None = None
    buyer_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedDiscount:
    """A discount on the whole cart, spread over the tax rates, or on one line; in the checkout's price mode."""

    name: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedLineCharge:
    """A charge on one line, in the checkout's price mode, taxed like the line."""

    name: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCharge:
    """A charge on the whole cart such as shipping, in the checkout's price mode; its tax is said as a line's is."""

    name: str
    amount: str
    tax_category: str = "S"
    tax_rate: str | None = None
    tax_class: str | None = None
    supply: str = "goods"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedLine:
    """One thing bought. Decimal strings: `quantity`, `unit_price` (major units), `tax_rate` (per cent).

    `unit` is a code of UN/ECE Recommendation 20 (`C62` one, `HUR` hour); `tax_category` one of
    UNTDID 5305 as EN 16931 uses it (`S` standard rate, `Z` zero rate). Instead of category and rate a line may name
    its `tax_class`, which `domain.tax` resolves, with the kind of `supply`. Category E names its reason: by a code of
    the VATEX list or in words.
    """

    sku: str | None = None
    name: str
    description: str | None = None
    quantity: str
    unit: str = "C62"
    unit_price: str
    tax_category: str = "S"
    tax_rate: str | None = None
    tax_class: str | None = None
    supply: str = "goods"
    exemption_code: str | None = None
    exemption_reason: str | None = None
    discounts: tuple[RequestedDiscount, ...] = ()
    charges: tuple[RequestedLineCharge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirects:
    """Where the payment page sends the customer back to.

    `pending` is for a payment that takes days; without it the customer stays on our page, which says so.
    """

    success: str
    failure: str
    cancel: str
    pending: str | None = None


DEFAULT_EXPIRY_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """One purchase, as a shop states it. `total` is optional; given, it must be what the lines give.

    `capture` says whether the money is captured at once or only authorized; None is what the merchant is set to.

    `document` is what it is invoiced by, `invoice` or `deposit`; `deducts` are the assignment keys of deposits that its
    invoice deducts (see `domain.deposits`).
    """

    assignment_key: str
    currency: str
    prices: PriceMode
    total: str | None = None
    customer: Customer
    lines: tuple[RequestedLine, ...]
    discounts: tuple[RequestedDiscount, ...] = ()
    charges: tuple[RequestedCharge, ...] = ()
    redirects: Redirects | None = None
    expires_in_seconds: int = DEFAULT_EXPIRY_SECONDS
    metadata: dict[str, str] = field(default_factory=dict)
    capture: CaptureMode | None = None
    document: str = "invoice"
    deducts: tuple[str, ...] = ()


class CheckoutStatus(StrEnum):
    """How far a checkout is. The order of the members is the order of the process."""

    AWAITING_PAYMENT = "awaiting_payment"
    CAPTURED = "captured"
    ORDERED = "ordered"
    BALANCED = "balanced"
    INVOICED = "invoiced"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELED = "canceled"
    NEEDS_REVIEW = "needs_review"


ENDED = frozenset({CheckoutStatus.EXPIRED, CheckoutStatus.CANCELED, CheckoutStatus.COMPLETED})
"""Where a run leaves a checkout for good."""

LONGEST_REASON = 200
"""Characters somebody may use to say why he cancels, decides or refunds."""

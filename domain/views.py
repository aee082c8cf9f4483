"""What can be read: one flat picture of each thing, for the API. Amounts are minor units, times UTC."""

from dataclasses import dataclass
from datetime import datetime

from domain.cart import PricedCart
from domain.checkout import CheckoutRequest, CheckoutStatus, Redirects
from domain.deliveries import DeliveryStatus
from domain.documents import DocumentRef
from domain.entries import EntryStatus
from domain.invoices import InvoiceStatus
from domain.merchants import Branding, Seller
from domain.payments import PaymentStatus, SettledBy


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """A receivable."""

    id: str
    status: EntryStatus
    initial_amount: int
    open_amount: int
    outstanding_amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """A money transfer."""

    id: str
    status: PaymentStatus
    amount: int
    currency: str
    provider: str
    provider_reference: str
    settled_by: SettledBy


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """A sales order."""

    id: str
    number: str
    total: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """How far the mail with the document is."""

    status: DeliveryStatus
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """A finalized invoice. `pdf` and `xml` are None until the documents are stored."""

    id: str
    number: str
    status: InvoiceStatus
    currency: str
    total: int
    pdf: DocumentRef | None = None
    xml: DocumentRef | None = None
    delivery: DeliveryView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A case a person must decide: why, since when, and what can be chosen."""

    reason: str
    since: datetime
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLinkView:
    """The link that was given to the customer. `token` is the unguessable part of `/pay/{token}`."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutView:
    """One purchase and all that came of it. `request` is what the shop sent first."""

    id: str
    merchant_id: str
    assignment_key: str
    status: CheckoutStatus
    currency: str
    total: int
    request: CheckoutRequest
    workflow_id: str
    payment_link: PaymentLinkView | None
    entry: EntryView
    payments: tuple[PaymentView, ...] = ()
    order: OrderView | None = None
    invoice: InvoiceView | None = None
    review: ReviewView | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[CheckoutView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPageView:
    """What the payment page shows a customer. `time_zone` (IANA) is the seller's, in which times are shown."""

    checkout_id: str
    merchant_id: str
    workflow_id: str
    assignment_key: str
    status: CheckoutStatus
    language: str
    time_zone: str
    expires_at: datetime
    seller: Seller
    branding: Branding
    cart: PricedCart
    redirects: Redirects | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """A recorded provider message: the checkout and run it belongs to, if known, and whether it was applied."""

    workflow_id: str | None
    checkout_id: str | None
    applied: bool

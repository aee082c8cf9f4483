"""What can be read of entries, orders, payments and links: flat pictures for the API. Minor units, times in UTC."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.checkout import CheckoutStatus, Customer, PriceMode
from domain.entries import EntryItemKind, EntryStatus
from domain.payments import PaymentStatus
from domain.settlement_steps import LinkRequest
from domain.settlements import ReductionKind, Request, SettlementKind
from domain.views import PaymentView


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryItemView:
    """Money between a payment and an entry, and which step of which process tied it last."""

    entry_id: str
    payment_id: str
    kind: EntryItemKind
    amount: int
    process: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedPaymentView:
    """An item of an entry together with its payment, as it stands now."""

    item: EntryItemView
    status: PaymentStatus
    provider: str
    provider_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveView:
    """Money that a settlement assigned."""

    payment_id: str
    entry_id: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementView:
    """A reduction, cancelation or assignment, and what came of it: the credit note, refunds of freed money.

    `key` is the shop's, None for a cancelation, which has none. `request` is what was asked for.
    """

    id: str
    kind: SettlementKind
    key: str | None
    entry_id: str | None
    reduction: ReductionKind | None
    amount: int
    currency: str
    reason: str | None
    done_by: str
    moves: tuple[MoveView, ...]
    refunds: tuple[str, ...]
    credit_note_id: str | None
    request: Request
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetailView:
    """A receivable with all that was done with it."""

    id: str
    checkout_id: str
    assignment_key: str
    status: EntryStatus
    currency: str
    initial_amount: int
    reductions: int
    open_amount: int
    assigned_amount: int
    expected_amount: int
    outstanding_amount: int
    items: tuple[TiedPaymentView, ...]
    settlements: tuple[SettlementView, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDetailView:
    """A payment, and where its money is. `captured` is the sum of the four others."""

    payment: PaymentView
    checkout_id: str | None
    captured: int
    assigned: int
    available: int
    refunded: int
    disputed: int
    method: str | None
    detail: str | None
    captured_at: datetime | None
    items: tuple[EntryItemView, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineView:
    """One thing sold."""

    position: int
    sku: str | None
    name: str
    description: str | None
    quantity: Decimal
    unit: str
    unit_price: Decimal
    tax_category: str
    tax_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDiscountView:
    """A discount on the order, in its price mode."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetailView:
    """A sales order with its lines."""

    id: str
    number: str
    checkout_id: str
    currency: str
    prices: PriceMode
    total: int
    buyer: Customer
    lines: tuple[OrderLineView, ...]
    discounts: tuple[OrderDiscountView, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEntryView:
    """An entry of a link: what of it is still to be paid there, and where its checkout stands."""

    entry_id: str
    checkout_id: str
    assignment_key: str
    checkout_status: CheckoutStatus
    outstanding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A payment link for several entries. `payable` is the sum of what is outstanding on them."""

    id: str
    token: str
    currency: str
    payable: int
    entries: tuple[LinkEntryView, ...]
    request: LinkRequest
    workflow_id: str
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[EntryDetailView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[PaymentDetailView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One page of a list, newest first. `next_cursor` is None on the last page."""

    items: tuple[OrderDetailView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which things of a list, and which page: of this checkout, under this assignment key, from this cursor on."""

    checkout_id: str | None = None
    assignment_key: str | None = None
    cursor: str | None = None
    limit: int = 20

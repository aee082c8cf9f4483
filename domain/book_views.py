"""What can be read of the books. Amounts are minor units, debits positive; days are in the merchant's calendar."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.bookings import BookingKind
from domain.cart import TaxCategory
from domain.checkout import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedLine:
    """One side of a booking, on its account. `debtor` is the customer's personal account below a receivable."""

    role: str
    account: str
    account_name: str
    amount: int
    debtor: int | None = None
    tax_category: TaxCategory | None = None
    tax_rate: Decimal | None = None
    automatic: bool = False
    tax_key: str | None = None
    entry_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingView:
    """A booking with its lines. `buyer` is the customer of its document, where the reader asked for it."""

    id: str
    sequence: int
    kind: BookingKind
    fact: str
    currency: str
    document_date: date
    booking_date: date
    reference: str
    checkout_id: str | None
    payment_id: str | None
    invoice_id: str | None
    payout_id: str | None
    reverses_id: str | None
    by: str | None
    reason: str | None
    created_at: datetime
    lines: tuple[BookedLine, ...]
    buyer: Customer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings to list; None takes all. Days are booking dates, both included."""

    first_day: date | None = None
    last_day: date | None = None
    kind: BookingKind | None = None
    account: str | None = None
    reference: str | None = None
    checkout_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingPage:
    """A page of bookings, newest first."""

    items: tuple[BookingView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """An account over a range of days: `opening` is its balance before, `debit` and `credit` what moved in it."""

    account: str
    name: str
    currency: str
    opening: int
    debit: int
    credit: int

    @property
    def closing(self) -> int:
        """Its balance after."""
        return self.opening + self.debit - self.credit

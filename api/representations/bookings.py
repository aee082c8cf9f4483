"""Bookings, the balances they make, and the months they are in. Debits are positive."""

from datetime import date

from api.representations.base import Amount, Moment, Page, Representation, amount
from domain.book_views import AccountBalance, BookedLine, BookingView
from domain.bookings import BookingKind
from domain.cart import TaxCategory
from domain.periods import PeriodView


class BookingLineOut(Representation):
    """One side of a booking: `debit` or `credit`, the other is null."""

    account: str
    account_name: str
    role: str
    debtor: int | None
    debit: Amount | None
    credit: Amount | None
    tax_category: TaxCategory | None
    tax_rate: str | None
    entry: str | None


class BookingOut(Representation):
    """A booking. `booking_date` is later than `document_date` when the month of the document was closed."""

    id: str
    kind: BookingKind
    booking_date: date
    document_date: date
    reference: str
    currency: str
    checkout: str | None
    payment: str | None
    invoice: str | None
    payout: str | None
    reverses: str | None
    by: str | None
    reason: str | None
    created_at: Moment
    lines: list[BookingLineOut]


class BookingList(Page[BookingOut]):
    """A page of bookings, newest first. `next_cursor` is null on the last page."""


class AccountBalanceOut(Representation):
    """An account over a range of days; a negative balance is a credit."""

    account: str
    name: str
    currency: str
    opening: Amount
    debit: Amount
    credit: Amount
    closing: Amount


class TrialBalanceOut(Representation):
    """Every account that was ever moved, by number and currency."""

    accounts: list[AccountBalanceOut]


class PeriodChangeOut(Representation):
    """A month that was closed or reopened."""

    month: str
    closed: bool
    by: str
    reason: str
    at: Moment


class PeriodList(Page[PeriodChangeOut]):
    """A page of closings and reopenings, newest first: a month stands as its newest says; others are open."""


def booking(view: BookingView) -> BookingOut:
    """A booking with its lines."""
    return BookingOut(
        id=view.id,
        kind=view.kind,
        booking_date=view.booking_date,
        document_date=view.document_date,
        reference=view.reference,
        currency=view.currency,
        checkout=view.checkout_id,
        payment=view.payment_id,
        invoice=view.invoice_id,
        payout=view.payout_id,
        reverses=view.reverses_id,
        by=view.by,
        reason=view.reason,
        created_at=view.created_at,
        lines=[_line(line, view.currency) for line in view.lines],
    )


def trial_balance(balances: tuple[AccountBalance, ...]) -> TrialBalanceOut:
    """The balances of all accounts."""
    return TrialBalanceOut(
        accounts=[
            AccountBalanceOut(
                account=one.account,
                name=one.name,
                currency=one.currency,
                opening=amount(one.opening, one.currency),
                debit=amount(one.debit, one.currency),
                credit=amount(one.credit, one.currency),
                closing=amount(one.closing, one.currency),
            )
            for one in balances
        ]
    )


def period_change(view: PeriodView) -> PeriodChangeOut:
    """One closing or reopening."""
    return PeriodChangeOut(month=view.month, closed=view.closed, by=view.by, reason=view.reason, at=view.at)


def _line(line: BookedLine, currency: str) -> BookingLineOut:
    stated = amount(abs(line.amount), currency)
    return BookingLineOut(
        account=line.account,
        account_name=line.account_name,
        role=line.role,
        debtor=line.debtor,
        debit=stated if line.amount > 0 else None,
        credit=stated if line.amount < 0 else None,
        tax_category=line.tax_category,
        tax_rate=None if line.tax_rate is None else f"{line.tax_rate:f}",
        entry=line.entry_id,
    )

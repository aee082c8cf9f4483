"""Bookings: what each fact means in double entry.

A rule takes an amount and gives lines on roles; debits are positive, credits negative, and every rule's lines sum to
zero by construction. A negative amount is the same fact the other way round, so a correction is a reversal and needs
no rule of its own. Every set of lines is in one currency: what a provider converts is two sets, one in each
currency, against the conversion account. Fees are booked in the currency the provider settles in.

What a customer owes and has paid is kept per entry: `receivables` while documents ask for more than was assigned,
`prepayments` while more was assigned than documents ask for, never both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.accounts import Role, Tax
from domain.cart import TaxSubtotal
from domain.decimals import plain
from domain.invoices import InvoiceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One side of a booking. Debits are positive minor units, credits negative. `entry_id` says whose balance it is."""

    role: Role
    amount: int
    tax: Tax | None = None
    entry_id: str | None = None


Lines = tuple[Line, ...]
Claims = Sequence[tuple[str, int]]
"""What a document asks of each entry, in minor units."""


class BookingKind(StrEnum):
    """What a booking tells of."""

    PAYMENT = "payment"
    ASSIGNMENT = "assignment"
    FEE = "fee"
    REFUND = "refund"
    DISPUTE = "dispute"
    DISPUTE_FEE = "dispute_fee"
    INVOICE = "invoice"
    DEPOSIT = "deposit"
    CREDIT_NOTE = "credit_note"
    CANCELATION = "cancelation"
    ROUNDING = "rounding"
    DEDUCTION = "deduction"
    OFFSET = "offset"
    WRITE_OFF = "write_off"
    PAYOUT = "payout"
    ARRIVAL = "arrival"
    PAYOUT_FEE = "payout_fee"
    CONVERSION = "conversion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a booking is about, in words and ids. `of` is the id of the thing; with `kind` it names the fact.

    `document_date` is the day of the fact in the merchant's calendar, `reference` the number people look it up by.
    """

    kind: BookingKind
    of: str
    currency: str
    document_date: date
    reference: str
    checkout_id: str | None = None
    payment_id: str | None = None
    invoice_id: str | None = None
    payout_id: str | None = None

    @property
    def fact(self) -> str:
        """The fact's unique name: what was booked under it adds up to what the fact says."""
        return f"{self.kind}:{self.of}"


@dataclass(frozen=True, slots=True)
class Position:
    """Where the balance of an entry stands in the books: what is owed, and what was paid before it was."""

    receivable: int = 0
    prepayment: int = 0


def money_came(amount: int) -> Lines:
    """The provider captured money; it belongs to no entry yet."""
    return _pair(Role.CLEARING, Role.UNASSIGNED, amount)


def money_left(amount: int) -> Lines:
    """A refund, or what a bank took back: it leaves the provider out of what belongs to no entry."""
    return _pair(Role.UNASSIGNED, Role.CLEARING, amount)


def assigned(position: Position, entry_id: str, amount: int) -> Lines:
    """Money is tied to an entry: it pays what is owed first, the rest is paid ahead. Negative: it is untied, and
    what was paid ahead goes first."""
    if amount >= 0:
        pays = min(amount, max(0, position.receivable))
    else:
        pays = amount + min(-amount, max(0, position.prepayment))
    return _some(
        Line(role=Role.UNASSIGNED, amount=amount),
        Line(role=Role.RECEIVABLES, amount=-pays, entry_id=entry_id),
        Line(role=Role.PREPAYMENTS, amount=pays - amount, entry_id=entry_id),
    )


def offset(position: Position, entry_id: str) -> Lines:
    """Set what was paid ahead against what is owed by now, or keep what is owed too little as paid ahead."""
    owed = position.receivable - position.prepayment
    moved = position.receivable - max(0, owed)
    return _some(
        Line(role=Role.PREPAYMENTS, amount=moved, entry_id=entry_id),
        Line(role=Role.RECEIVABLES, amount=-moved, entry_id=entry_id),
    )


def fee(amount: int) -> Lines:
    """What the provider keeps for a payment, or bills by itself."""
    return _pair(Role.FEES, Role.CLEARING, amount)


def dispute_fee(amount: int) -> Lines:
    """What the provider charges for a dispute."""
    return _pair(Role.DISPUTE_FEES, Role.CLEARING, amount)


def payout(amount: int) -> Lines:
    """Money leaves the provider for the bank."""
    return _pair(Role.TRANSIT, Role.CLEARING, amount)


def arrival(amount: int) -> Lines:
    """A payout is on the bank account."""
    return _pair(Role.BANK, Role.TRANSIT, amount)


def converted(amount: int) -> Lines:
    """Money in one of the two currencies of a conversion: it came to the provider's balance, or left it (negative)."""
    return _pair(Role.CLEARING, Role.CONVERSION, amount)


def rounding(amount: int, entry_id: str) -> Lines:
    """What the customer owes beyond the total of a document, because the amount due was rounded."""
    return _some(
        Line(role=Role.RECEIVABLES, amount=amount, entry_id=entry_id), Line(role=Role.ROUNDING, amount=-amount)
    )


def gross_claims(gross: int, claims: Claims) -> Claims:
    """What a document of `gross` total asks of each entry before rounding and deductions, which are the first one's."""
    (first, amount), *others = claims
    return [(first, amount + gross - sum(claimed for _, claimed in claims)), *others]


def document(
    kind: InvoiceKind, corrects: InvoiceKind | None, subtotals: Sequence[TaxSubtotal], claims: Claims
) -> Lines:
    """A finalized document: receivable against revenue (or deposits received) and output VAT, per category and rate.

    `claims` are what it asks of each entry, the gross total together. `corrects` is the kind of the document that a
    credit note or cancelation takes back from; it goes the other way.
    """
    role = Role.DEPOSITS if InvoiceKind.DEPOSIT in {kind, corrects} else Role.REVENUE
    lines = _taxed(role, subtotals, claims)
    return lines if corrects is None else taken_back(lines)


def deduction(subtotals: Sequence[TaxSubtotal], rounding: int, entry_id: str) -> Lines:
    """A final invoice takes a deposit in: deposit, its VAT and its `rounding` go, and so much less is owed."""
    return taken_back(_rounded(Role.DEPOSITS, subtotals, rounding, entry_id))


def written_off(kind: InvoiceKind, subtotals: Sequence[TaxSubtotal], rounding: int, entry_id: str) -> Lines:
    """What is given up though a document of this `kind` asks for it: a loss, or a deposit that never comes.

    Its VAT is corrected (§ 17 UStG), and `rounding` is the part of the document's rounding that goes with it.
    """
    role = Role.DEPOSITS if kind is InvoiceKind.DEPOSIT else Role.LOSSES
    return taken_back(_rounded(role, subtotals, rounding, entry_id))


def _rounded(role: Role, subtotals: Sequence[TaxSubtotal], rounding: int, entry_id: str) -> Lines:
    """What is owed by rates and by what rounding left over."""
    asked = _taxed(role, subtotals, ((entry_id, _gross(subtotals) + rounding),))
    return (*asked, *_some(Line(role=Role.ROUNDING, amount=-rounding)))


def _pair(debit: Role, credit: Role, amount: int) -> Lines:
    return _some(Line(role=debit, amount=amount), Line(role=credit, amount=-amount))


def _gross(subtotals: Iterable[TaxSubtotal]) -> int:
    return sum(subtotal.basis + subtotal.tax for subtotal in subtotals)


def _taxed(role: Role, subtotals: Sequence[TaxSubtotal], claims: Claims) -> Lines:
    owed = [Line(role=Role.RECEIVABLES, amount=amount, entry_id=entry_id) for entry_id, amount in claims]
    parts = [
        line
        for subtotal in subtotals
        for tax in [Tax(subtotal.tax_category, plain(subtotal.tax_rate))]
        for line in (
            Line(role=role, amount=-subtotal.basis, tax=tax),
            Line(role=Role.OUTPUT_VAT, amount=-subtotal.tax, tax=tax),
        )
    ]
    return _some(*owed, *parts)


def taken_back(lines: Iterable[Line]) -> Lines:
    """The same lines the other way round."""
    return tuple(Line(role=line.role, amount=-line.amount, tax=line.tax, entry_id=line.entry_id) for line in lines)


def _some(*lines: Line) -> Lines:
    """Without the lines that say nothing."""
    return tuple(line for line in lines if line.amount)

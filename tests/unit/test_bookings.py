"""What a fact means in double entry: every rule's lines sum to zero, on the accounts it should."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import bookings
from domain.accounts import Role
from domain.bookings import Lines, Position
from domain.cart import TaxCategory, TaxSubtotal
from domain.invoices import InvoiceKind
from domain.periods import Month, booking_date

ENTRY = "ent_1"
AMOUNTS = st.integers(-(10**12), 10**12)
DUE = st.integers(0, 10**9)
POSITIONS = st.one_of(st.builds(Position, receivable=DUE, prepayment=st.just(0)), st.builds(Position, prepayment=DUE))
TAXES = st.one_of(
    st.tuples(st.just(TaxCategory.STANDARD), st.sampled_from([Decimal(19), Decimal(7), Decimal("5.5"), Decimal(25)])),
    st.tuples(st.sampled_from([one for one in TaxCategory if one is not TaxCategory.STANDARD]), st.just(Decimal(0))),
)


@st.composite
def subtotals(draw: st.DrawFn) -> list[TaxSubtotal]:
    """Subtotals of a document; each category and rate once."""
    taxes = draw(st.lists(TAXES, min_size=1, max_size=4, unique=True))
    return [
        TaxSubtotal(tax_category=category, tax_rate=rate, basis=draw(DUE), tax=draw(DUE) if rate else 0)
        for category, rate in taxes
    ]


def claims(parts: list[TaxSubtotal]) -> list[tuple[str, int]]:
    """The gross total of two entries."""
    gross = sum(part.basis + part.tax for part in parts)
    return [(ENTRY, gross - gross // 3), ("ent_2", gross // 3)]


def balances(lines: Lines) -> dict[Role, int]:
    """What each role ends with."""
    found: dict[Role, int] = defaultdict(int)
    for line in lines:
        found[line.role] += line.amount
    return dict(found)


@given(amount=AMOUNTS)
@pytest.mark.parametrize(
    "rule",
    [
        bookings.money_came,
        bookings.money_left,
        bookings.fee,
        bookings.dispute_fee,
        bookings.payout,
        bookings.arrival,
        bookings.converted,
    ],
)
def test_money_that_moves_is_booked_on_two_sides_and_back_again(rule: "type", amount: int) -> None:
    lines, back = rule(amount), rule(-amount)
    assert sum(line.amount for line in lines) == 0
    assert len(lines) == (2 if amount else 0)
    assert all(value == 0 for value in balances((*lines, *back)).values())


@given(position=POSITIONS, amount=AMOUNTS)
def test_an_assignment_pays_what_is_owed_and_the_rest_is_paid_ahead(position: Position, amount: int) -> None:
    lines = bookings.assigned(position, ENTRY, amount)
    moved = balances(lines)
    receivable = position.receivable + moved.get(Role.RECEIVABLES, 0)
    prepayment = position.prepayment - moved.get(Role.PREPAYMENTS, 0)
    assert sum(line.amount for line in lines) == 0
    assert moved.get(Role.UNASSIGNED, 0) == amount
    assert receivable - prepayment == position.receivable - position.prepayment - amount
    assert min(receivable, prepayment) == 0


@given(receivable=AMOUNTS, prepayment=DUE)
def test_an_offset_leaves_an_entry_owing_or_paid_ahead_never_both(receivable: int, prepayment: int) -> None:
    lines = bookings.offset(Position(receivable, prepayment), ENTRY)
    moved = balances(lines)
    owed, ahead = receivable + moved.get(Role.RECEIVABLES, 0), prepayment - moved.get(Role.PREPAYMENTS, 0)
    assert sum(line.amount for line in lines) == 0
    assert owed - ahead == receivable - prepayment
    assert min(owed, ahead) == 0


@given(parts=subtotals(), kind=st.sampled_from([InvoiceKind.INVOICE, InvoiceKind.DEPOSIT]))
def test_a_document_is_booked_net_and_tax_apart_against_what_is_owed(
    parts: list[TaxSubtotal], kind: InvoiceKind
) -> None:
    lines = bookings.document(kind, None, parts, claims(parts))
    moved = balances(lines)
    earned = Role.DEPOSITS if kind is InvoiceKind.DEPOSIT else Role.REVENUE
    assert sum(line.amount for line in lines) == 0
    assert moved.get(earned, 0) == -sum(part.basis for part in parts)
    assert moved.get(Role.OUTPUT_VAT, 0) == -sum(part.tax for part in parts)
    assert {line.role for line in lines if line.amount > 0} <= {Role.RECEIVABLES}


@given(
    parts=subtotals(),
    kind=st.sampled_from([InvoiceKind.CREDIT_NOTE, InvoiceKind.CANCELATION]),
    corrects=st.sampled_from([InvoiceKind.INVOICE, InvoiceKind.DEPOSIT]),
)
def test_a_correction_takes_back_what_the_document_booked(
    parts: list[TaxSubtotal], kind: InvoiceKind, corrects: InvoiceKind
) -> None:
    both = (
        *bookings.document(corrects, None, parts, claims(parts)),
        *bookings.document(kind, corrects, parts, claims(parts)),
    )
    assert all(value == 0 for value in balances(both).values())


@given(parts=subtotals(), rounding=st.integers(-4, 4), deposits=subtotals(), of_deposits=st.integers(-4, 4))
def test_every_entry_owes_what_the_document_asks_of_it_after_rounding_and_deductions(
    parts: list[TaxSubtotal], rounding: int, deposits: list[TaxSubtotal], of_deposits: int
) -> None:
    gross, deducted = (sum(part.basis + part.tax for part in some) for some in (parts, deposits))
    asked = gross + rounding - deducted - of_deposits
    wanted = [(ENTRY, asked - 500), ("ent_2", 500)]
    lines = (
        *bookings.document(InvoiceKind.INVOICE, None, parts, bookings.gross_claims(gross, wanted)),
        *bookings.rounding(rounding, ENTRY),
        *bookings.deduction(deposits, of_deposits, ENTRY),
    )
    assert sum(line.amount for line in lines) == 0
    for entry_id, amount in wanted:
        assert sum(line.amount for line in lines if line.entry_id == entry_id) == amount


@given(parts=subtotals(), rounding=st.integers(-4, 4))
def test_a_final_invoice_takes_deposits_in_with_their_tax_and_their_rounding(
    parts: list[TaxSubtotal], rounding: int
) -> None:
    asked = bookings.document(InvoiceKind.DEPOSIT, None, parts, claims(parts))
    deposit, deducted = (*asked, *bookings.rounding(rounding, ENTRY)), bookings.deduction(parts, rounding, ENTRY)
    assert sum(line.amount for line in deducted) == 0
    assert all(value == 0 for value in balances((*deposit, *deducted)).values())


@given(parts=subtotals(), rounding=st.integers(-4, 4))
@pytest.mark.parametrize(
    ("kind", "role"), [(InvoiceKind.INVOICE, Role.LOSSES), (InvoiceKind.DEPOSIT, Role.DEPOSITS)], ids=str
)
def test_what_is_written_off_corrects_its_tax(
    kind: InvoiceKind, role: Role, parts: list[TaxSubtotal], rounding: int
) -> None:
    lines = bookings.written_off(kind, parts, rounding, ENTRY)
    moved = balances(lines)
    assert sum(line.amount for line in lines) == 0
    assert moved.get(role, 0) == sum(part.basis for part in parts)
    assert moved.get(Role.OUTPUT_VAT, 0) == sum(part.tax for part in parts)
    assert moved.get(Role.ROUNDING, 0) == rounding


@given(amount=AMOUNTS)
def test_rounding_is_owed_by_the_customer(amount: int) -> None:
    lines = bookings.rounding(amount, ENTRY)
    assert sum(line.amount for line in lines) == 0
    assert balances(lines).get(Role.RECEIVABLES, 0) == amount


def test_a_fact_of_a_closed_month_is_booked_on_the_first_day_of_the_next_open_one() -> None:
    day = date(2026, 11, 24)
    assert booking_date(day, set()) == day
    assert booking_date(day, {"2026-10"}) == day
    assert booking_date(day, {"2026-11"}) == date(2026, 12, 1)
    assert booking_date(day, {"2026-11", "2026-12", "2027-02"}) == date(2027, 1, 1)
    assert str(Month(2026, 12).next) == "2027-01"

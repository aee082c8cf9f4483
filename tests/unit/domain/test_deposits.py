"""Deposits: what is left of one to deduct is what the customer paid and did not get back, to the cent."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain import totals
from domain.cart import PricedCart, TaxCategory, TaxRounding
from domain.checkout import PriceMode
from domain.corrections import LineCredit
from domain.credit_notes import CreditedLine, credit, credit_lines
from domain.deposits import Deposit, left_of
from domain.errors import InvalidInput
from domain.invoices import DocumentReference

RATES = ("19", "7", "20")


def asked(amounts: list[int], tax_rounding: TaxRounding) -> PricedCart:
    """The cart of a deposit invoice, with a line of each rate in turn."""
    lines = [
        totals.CartLine(
            name="Anzahlung",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal(amount).scaleb(-2),
            tax_category=TaxCategory.STANDARD,
            tax_rate=Decimal(RATES[place % len(RATES)]),
        )
        for place, amount in enumerate(amounts)
    ]
    return totals.price_cart(
        currency="EUR", prices=PriceMode.GROSS, lines=lines, discounts=[], tax_rounding=tax_rounding
    )


def left(cart: PricedCart, notes: list[PricedCart]) -> Deposit:
    """The deposit after these credit notes."""
    return Deposit(
        checkout_id="chk_1",
        document=DocumentReference(number="AZ-2026-000001", issued_on=date(2026, 11, 1)),
        currency="EUR",
        subtotals=left_of(cart.subtotals, [one for note in notes for one in note.subtotals]),
        rounding=cart.totals.rounding - sum(note.totals.rounding for note in notes),
        paid=True,
    )


def by_amount(cart: PricedCart, notes: list[PricedCart], amount: int) -> PricedCart:
    """The next credit note, of an amount."""
    return credit(
        "AZ-2026-000001",
        "EUR",
        cart.subtotals,
        [one for note in notes for one in note.subtotals],
        amount,
        tax_rounding=cart.tax_rounding,
        rounding=cart.totals.rounding - sum(note.totals.rounding for note in notes),
    )


_amounts = st.lists(st.integers(1, 99_999), min_size=1, max_size=4)


@given(_amounts, st.sampled_from(TaxRounding), st.data())
def test_what_is_left_of_a_deposit_is_what_was_paid_less_what_was_credited(
    amounts: list[int], tax_rounding: TaxRounding, data: st.DataObject
) -> None:
    cart, notes = asked(amounts, tax_rounding), list[PricedCart]()

    assert left(cart, notes).amount == sum(amounts)
    for _ in range(3):
        rest = sum(amounts) - sum(note.totals.payable for note in notes)
        if rest:
            notes.append(by_amount(cart, notes, data.draw(st.integers(1, rest))))
        assert left(cart, notes).amount == sum(amounts) - sum(note.totals.payable for note in notes)


@given(_amounts, st.sampled_from(TaxRounding))
def test_nothing_is_left_of_a_deposit_whose_lines_were_all_credited(
    amounts: list[int], tax_rounding: TaxRounding
) -> None:
    cart, notes, earlier = asked(amounts, tax_rounding), list[PricedCart](), list[CreditedLine]()

    for line in cart.lines:
        try:
            note, taken = credit_lines(cart, notes, earlier, [LineCredit(position=line.position)])
        except InvalidInput:
            raise AssertionError(f"{line.amount} of line {line.position} are left") from None
        notes.append(note)
        earlier.extend(taken)

    assert left(cart, notes).amount == 0

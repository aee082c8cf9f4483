"""Credit notes: split by tax rate, exact to the minor unit, and never more than was invoiced."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import totals
from domain.cart import PricedCart, TaxCategory, TaxRounding
from domain.checkout import PriceMode
from domain.credit_notes import credit
from domain.errors import InvalidDraft

RATES = ("19", "7", "0")


def invoiced(amounts: dict[str, str], prices: PriceMode = PriceMode.GROSS) -> PricedCart:
    """An invoice's cart with one line per rate."""
    lines = [
        totals.CartLine(
            name="Ware",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal(amount),
            tax_category=TaxCategory.ZERO if rate == "0" else TaxCategory.STANDARD,
            tax_rate=Decimal(rate),
        )
        for rate, amount in amounts.items()
    ]
    return totals.price_cart(currency="EUR", prices=prices, lines=lines, discounts=[])


def note(cart: PricedCart, amount: int, *earlier: PricedCart) -> PricedCart:
    """A credit note over the cart, after earlier ones."""
    credited = [subtotal for one in earlier for subtotal in one.subtotals]
    return credit("RE-2026-000001", cart.currency, cart.subtotals, credited, amount)


def test_credit_of_everything_takes_back_exactly_what_each_rate_had() -> None:
    cart = invoiced({"19": "119.00", "7": "53.51", "0": "10.00"})

    full = note(cart, cart.totals.grand_total)

    assert full.subtotals == cart.subtotals
    assert [line.name for line in full.lines] == ["RE-2026-000001"] * 3


def test_partial_credit_is_split_in_proportion_to_the_rates() -> None:
    cart = invoiced({"19": "300.00", "7": "100.00"})

    part = note(cart, 10_000)

    gross = {str(subtotal.tax_rate): subtotal.basis + subtotal.tax for subtotal in part.subtotals}
    assert gross == {"19": 7_500, "7": 2_500}
    assert [(subtotal.basis, subtotal.tax) for subtotal in part.subtotals] == [(6_303, 1_197), (2_336, 164)]


def test_rate_that_gets_nothing_has_no_line() -> None:
    cart = invoiced({"19": "999.99", "7": "0.01"})

    assert [str(subtotal.tax_rate) for subtotal in note(cart, 1).subtotals] == ["19"]


@pytest.mark.parametrize("amount", [0, -1, 11_901])
def test_credit_of_nothing_or_too_much_takes_no_number(amount: int) -> None:
    with pytest.raises(InvalidDraft):
        note(invoiced({"19": "119.00"}), amount)


def test_second_credit_of_everything_is_refused() -> None:
    cart = invoiced({"19": "119.00"})

    with pytest.raises(InvalidDraft):
        note(cart, 1, note(cart, 11_900))


@given(data=st.data())
def test_credits_in_any_parts_never_exceed_a_rate_and_come_to_the_whole_invoice(data: st.DataObject) -> None:
    cents = st.integers(min_value=1, max_value=99_999)
    amounts = {rate: f"{data.draw(cents) / Decimal(100):.2f}" for rate in RATES}
    cart = invoiced(amounts, data.draw(st.sampled_from(PriceMode)))
    left, notes = cart.totals.grand_total, list[PricedCart]()
    while left:
        part = left if len(notes) == 4 else data.draw(st.integers(min_value=1, max_value=left))
        notes.append(note(cart, part, *notes))
        assert notes[-1].totals.grand_total == part
        assert totals.violations(notes[-1]) == ()
        left -= part
    for invoiced_rate in cart.subtotals:
        given_back = sum(
            subtotal.basis + subtotal.tax
            for one in notes
            for subtotal in one.subtotals
            if subtotal.tax_rate == invoiced_rate.tax_rate
        )
        assert given_back == invoiced_rate.basis + invoiced_rate.tax


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=3), st.data())
def test_strict_invoice_is_credited_to_the_cent_though_its_taxes_do_not_give_its_total(
    cents: list[int], data: st.DataObject
) -> None:
    lines = [
        totals.CartLine(
            name="Ware",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal(amount).scaleb(-2),
            tax_category=TaxCategory.STANDARD,
            tax_rate=Decimal(rate),
        )
        for amount, rate in zip(cents, (19, 7, 20), strict=False)
    ]
    cart = totals.price_cart(
        currency="EUR", prices=PriceMode.GROSS, lines=lines, discounts=[], tax_rounding=TaxRounding.STRICT
    )
    payable = cart.totals.payable
    first = data.draw(st.integers(1, payable))

    notes: list[PricedCart] = []
    for amount in (first, payable - first):
        if amount:
            credited = [subtotal for one in notes for subtotal in one.subtotals]
            left = cart.totals.rounding - sum(one.totals.rounding for one in notes)
            notes.append(
                credit(
                    "RE-1",
                    "EUR",
                    cart.subtotals,
                    credited,
                    amount,
                    tax_rounding=TaxRounding.STRICT,
                    rounding=left,
                )
            )

    assert sum(one.totals.payable for one in notes) == payable
    assert all(totals.violations(one) == () for one in notes)


def test_credit_note_repeats_why_no_tax_was_charged() -> None:
    exempt = totals.CartLine(
        name="Kurs",
        quantity=Decimal(1),
        unit="C62",
        unit_price=Decimal("80.00"),
        tax_category=TaxCategory.EXEMPT,
        tax_rate=Decimal(0),
        exemption_code="VATEX-EU-132-1I",
    )
    cart = totals.price_cart(currency="EUR", prices=PriceMode.NET, lines=[exempt], discounts=[])

    assert [subtotal.exemption_code for subtotal in note(cart, 4000).subtotals] == ["VATEX-EU-132-1I"]


def test_dinar_are_credited_in_steps_that_a_document_can_state() -> None:
    lines = [
        totals.CartLine(
            name="Ware",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal("1.010"),
            tax_category=TaxCategory.STANDARD,
            tax_rate=Decimal(rate),
        )
        for rate in (5, 10)
    ]
    cart = totals.price_cart(currency="KWD", prices=PriceMode.GROSS, lines=lines, discounts=[])

    assert note(cart, 1010).totals.payable == 1010
    with pytest.raises(InvalidDraft):
        note(cart, 1005)

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cart import PricedCart, PricedDiscount, TaxCategory, TaxRounding
from domain.checkout import PriceMode
from domain.currencies import EXPONENTS, document_step
from domain.errors import InvalidAmount
from domain.totals import CartLine, price_cart, violations

RATES = [Decimal(rate) for rate in ("0", "5.5", "7", "19", "20", "25")]


def a_line(price: str, rate: str = "19", quantity: str = "1") -> CartLine:
    return CartLine(
        name="Stuhl",
        quantity=Decimal(quantity),
        unit="C62",
        unit_price=Decimal(price),
        tax_category=TaxCategory.STANDARD if Decimal(rate) else TaxCategory.ZERO,
        tax_rate=Decimal(rate),
    )


def a_cart(prices: str, *lines: CartLine, discounts: tuple[int, ...] = (), currency: str = "EUR") -> PricedCart:
    reductions = [PricedDiscount(name=f"Rabatt {number}", amount=amount) for number, amount in enumerate(discounts)]
    return price_cart(currency=currency, prices=PriceMode(prices), lines=lines, discounts=reductions)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def on_paper(quantity: Decimal, price: Decimal, currency: str) -> int:
    """Quantity x price in minor units, in steps of what a document can state."""
    step = document_step(currency)
    return half_up(Fraction(quantity) * Fraction(price) * 10 ** EXPONENTS[currency] / step) * step


@st.composite
def carts(draw: st.DrawFn, modes: tuple[str, ...] = ("net", "gross")) -> PricedCart:
    """Carts as shops have them, and stranger ones: many rates, fractions, free things, coupons to the last cent."""
    currency = draw(st.sampled_from(["EUR", "USD", "JPY", "KWD"]))
    decimals = EXPONENTS[currency]
    lines = draw(
        st.lists(
            st.builds(
                lambda price, quantity, rate: a_line(str(Decimal(price).scaleb(-decimals)), str(rate), str(quantity)),
                st.integers(0, 200) | st.integers(0, 10**6),
                st.integers(1, 12).map(Decimal) | st.integers(1, 10**7).map(lambda units: Decimal(units).scaleb(-4)),
                st.sampled_from(RATES),
            ),
            min_size=1,
            max_size=8,
        )
    )
    step = document_step(currency)
    stated = sum(on_paper(line.quantity, line.unit_price, currency) for line in lines) // step
    taken_off = draw(st.integers(0, max(0, stated - 1)))
    cuts = sorted(draw(st.lists(st.integers(0, taken_off), max_size=3)))
    discounts = tuple((upper - lower) * step for lower, upper in pairwise([0, *cuts, taken_off]) if upper > lower)
    return a_cart(draw(st.sampled_from(modes)), *lines, discounts=discounts, currency=currency)


@settings(max_examples=200)
@given(carts())
def test_every_cart_adds_up(cart: PricedCart) -> None:
    assert violations(cart) == ()
    assert all(subtotal.basis >= 0 and subtotal.tax >= 0 for subtotal in cart.subtotals)


@settings(max_examples=200)
@given(carts(("gross",)))
def test_a_gross_cart_costs_what_the_shop_showed_to_the_last_unit(cart: PricedCart) -> None:
    step = document_step(cart.currency)
    shown = sum(on_paper(line.quantity, line.unit_price, cart.currency) for line in cart.lines)
    assert cart.totals.grand_total == shown - sum(discount.amount for discount in cart.discounts)
    for subtotal in cart.subtotals:
        gross, rate = subtotal.basis + subtotal.tax, Fraction(subtotal.tax_rate)
        assert subtotal.basis == half_up(gross * 100 / (100 + rate) / step) * step
        assert abs(subtotal.tax - subtotal.basis * rate / 100) <= step


@settings(max_examples=200)
@given(carts(("net",)))
def test_a_net_cart_is_taxed_once_per_rate(cart: PricedCart) -> None:
    step = document_step(cart.currency)
    expected = 0
    for subtotal in cart.subtotals:
        lines = [line for line in cart.lines if line.tax_rate == subtotal.tax_rate]
        allowances = [item for item in cart.allowances if item.tax_rate == subtotal.tax_rate]
        basis = sum(on_paper(line.quantity, line.unit_price, cart.currency) for line in lines)
        basis -= sum(item.amount for item in allowances)
        tax = half_up(basis * Fraction(subtotal.tax_rate) / 100 / step) * step
        assert (subtotal.basis, subtotal.tax) == (basis, tax)
        expected += basis + tax
    assert cart.totals.grand_total == expected
    assert sum(item.amount for item in cart.allowances) == sum(discount.amount for discount in cart.discounts)
    assert all(line.net_unit_price == line.unit_price and line.net_amount == line.amount for line in cart.lines)


@settings(max_examples=200)
@given(carts(("gross",)))
def test_no_shorter_net_price_would_give_the_net_amount(cart: PricedCart) -> None:
    decimals = EXPONENTS[cart.currency]
    for line in cart.lines:
        assert on_paper(line.quantity, line.net_unit_price, cart.currency) == line.net_amount
        used = -int(line.net_unit_price.as_tuple().exponent)
        if used > decimals:
            exact = Fraction(line.net_amount, 10**decimals) / Fraction(line.quantity) * 10 ** (used - 1)
            shorter = [Decimal(price).scaleb(1 - used) for price in (floor(exact), ceil(exact))]
            assert all(on_paper(line.quantity, price, cart.currency) != line.net_amount for price in shorter)


@settings(max_examples=200)
@given(carts())
def test_pricing_what_was_priced_gives_the_same_cart(cart: PricedCart) -> None:
    lines = [
        CartLine(
            name=line.name,
            quantity=line.quantity.quantize(Decimal("0.000001")),
            unit=line.unit,
            unit_price=line.unit_price.quantize(Decimal("0.000001")),
            tax_category=line.tax_category,
            tax_rate=line.tax_rate.quantize(Decimal("0.000001")),
        )
        for line in cart.lines
    ]
    again = price_cart(currency=cart.currency, prices=cart.prices, lines=lines, discounts=cart.discounts)
    assert again == cart
    assert repr(again) == repr(cart)


def test_the_contracts_checkout_comes_to_839_euros() -> None:
    cart = a_cart("gross", a_line("849.00"), discounts=(1000,))
    totals = cart.totals
    assert (cart.lines[0].net_amount, str(cart.lines[0].net_unit_price)) == (71345, "713.45")
    assert [(item.reason, item.amount) for item in cart.allowances] == [("Rabatt 0", 841)]
    assert [(item.basis, item.tax) for item in cart.subtotals] == [(70504, 13396)]
    assert (totals.line_total, totals.allowance_total, totals.basis_total) == (71345, 841, 70504)
    assert (totals.tax_total, totals.grand_total) == (13396, 83900)


@pytest.mark.parametrize(
    ("currency", "price", "quantity", "amount", "basis", "tax"),
    [
        ("JPY", "5980", "1", 5980, 5025, 955),
        ("JPY", "33.5", "3", 101, 85, 16),
        ("KWD", "123.450", "1", 123450, 103740, 19710),
        ("KWD", "0.333", "2", 670, 560, 110),
        ("ISK", "12900", "1", 12900, 10840, 2060),
        ("HUF", "45990.50", "1", 4599050, 3864748, 734302),
        ("CLF", "0.1234", "10", 12300, 10300, 2000),
        ("EUR", "0.004999", "1000", 500, 420, 80),
    ],
)
def test_amounts_are_what_a_document_in_their_currency_can_state(
    currency: str, price: str, quantity: str, amount: int, basis: int, tax: int
) -> None:
    """Minor units. Dinar and unidades de fomento go in steps of a hundredth, as EN 16931 has two decimals at most."""
    cart = a_cart("gross", a_line(price, quantity=quantity), currency=currency)
    [line], [subtotal] = cart.lines, cart.subtotals
    assert (line.amount, subtotal.basis, subtotal.tax) == (amount, basis, tax)
    assert cart.totals.payable == amount
    assert violations(cart) == ()


@pytest.mark.parametrize(
    ("gross", "basis", "tax", "rounding"),
    [("0.09", 8, 2, -1), ("0.16", 13, 2, 1), ("0.41", 34, 6, 1), ("1.19", 100, 19, 0)],
)
def test_strict_rounding_keeps_the_tax_and_says_what_is_left_over(
    gross: str, basis: int, tax: int, rounding: int
) -> None:
    """For 0.16 gross no two amounts of cents have 19 % between them: BT-114 takes the cent."""
    cart = price_cart(
        currency="EUR",
        prices=PriceMode.GROSS,
        lines=[a_line(gross)],
        discounts=[],
        tax_rounding=TaxRounding.STRICT,
    )
    [subtotal], totals = cart.subtotals, cart.totals
    assert (subtotal.basis, subtotal.tax, totals.rounding) == (basis, tax, rounding)
    assert totals.payable == totals.grand_total + rounding == round(100 * Decimal(gross))
    assert violations(cart) == ()


def test_a_coupon_is_spread_over_the_rates_by_their_gross_amounts() -> None:
    cart = a_cart("gross", a_line("100.00", "19"), a_line("50.00", "7"), discounts=(1000,))
    gross = {str(item.tax_rate): item.basis + item.tax for item in cart.subtotals}
    assert gross == {"19": 9333, "7": 4667}
    assert [(str(item.tax_rate), item.amount) for item in cart.allowances] == [("19", 560), ("7", 311)]


def test_tax_is_computed_on_the_sum_and_never_summed_over_lines() -> None:
    cart = a_cart("net", *[a_line("0.02")] * 3)
    assert cart.totals.tax_total == 1
    assert cart.totals.grand_total == 7


def test_rates_written_differently_are_one_rate() -> None:
    cart = a_cart("net", a_line("1.00", "20"), a_line("1.00", "20.0"), a_line("1.00", "20.00"))
    assert [(str(item.tax_rate), item.basis, item.tax) for item in cart.subtotals] == [("20", 300, 60)]


def test_a_net_price_gets_more_decimals_only_where_the_quantity_needs_them() -> None:
    cart = a_cart("gross", a_line("1.00", quantity="3"), a_line("0.99", quantity="1000"))
    assert [str(line.net_unit_price) for line in cart.lines] == ["0.84", "0.83193"]
    assert [line.net_amount for line in cart.lines] == [252, 83193]


def test_a_free_thing_may_come_with_a_paid_one() -> None:
    cart = a_cart("gross", a_line("849.00"), a_line("0.00", "7"))
    assert [(str(item.tax_rate), item.basis, item.tax) for item in cart.subtotals] == [
        ("19", 71345, 13555),
        ("7", 0, 0),
    ]
    assert violations(cart) == ()


def test_many_small_discounts_never_push_a_rate_below_zero() -> None:
    lines = [a_line("0.01", str(rate)) for rate in range(1, 11)]
    cart = a_cart("net", *lines, discounts=(1,) * 9)
    assert sorted(item.basis for item in cart.subtotals) == [0] * 9 + [1]


def test_discounts_beyond_the_lines_are_refused() -> None:
    with pytest.raises(InvalidAmount):
        a_cart("gross", a_line("1.00"), discounts=(60, 41))


def _cart_with(change: Callable[[PricedCart], dict[str, Any]]) -> PricedCart:
    cart = a_cart("gross", a_line("849.00"), a_line("1.15", "7", "2.5"), a_line("3.00", "0"), discounts=(1000,))
    assert violations(cart) == ()
    return replace(cart, **change(cart))


def _one_more(group: str, name: str) -> Callable[[PricedCart], dict[str, Any]]:
    """The cart's first line, allowance or subtotal, or its totals, with one field a unit more."""

    def change(cart: PricedCart) -> dict[str, Any]:
        value = getattr(cart, group)
        if not isinstance(value, tuple):
            return {group: replace(value, **{name: getattr(value, name) + 1})}
        return {group: (replace(value[0], **{name: getattr(value[0], name) + 1}), *value[1:])}

    return change


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("lines", "quantity"),
        ("lines", "unit_price"),
        ("lines", "amount"),
        ("lines", "net_unit_price"),
        ("lines", "net_amount"),
        ("lines", "tax_rate"),
        ("discounts", "amount"),
        ("allowances", "amount"),
        ("allowances", "tax_rate"),
        ("subtotals", "basis"),
        ("subtotals", "tax"),
        ("subtotals", "tax_rate"),
        ("totals", "line_total"),
        ("totals", "allowance_total"),
        ("totals", "basis_total"),
        ("totals", "tax_total"),
        ("totals", "grand_total"),
    ],
)
def test_a_cart_that_is_off_by_one_anywhere_is_no_sound_cart(group: str, name: str) -> None:
    assert violations(_cart_with(_one_more(group, name)))


def test_tax_that_is_wrong_by_a_cent_is_seen_even_when_all_sums_fit() -> None:
    cart = a_cart("net", a_line("100.00"))
    wrong = replace(
        cart,
        subtotals=(replace(cart.subtotals[0], tax=1901),),
        totals=replace(cart.totals, tax_total=1901, grand_total=11901),
    )
    assert [text for text in violations(wrong) if text.startswith("BR-CO-17")]


@pytest.mark.parametrize(
    "change",
    [
        lambda cart: {"subtotals": cart.subtotals[1:]},
        lambda cart: {"subtotals": (*cart.subtotals, cart.subtotals[0])},
        lambda cart: {"lines": cart.lines[1:]},
        lambda _: {"allowances": ()},
        lambda cart: {"allowances": (*cart.allowances, replace(cart.allowances[0], amount=0))},
        lambda cart: {"lines": (replace(cart.lines[0], tax_category=TaxCategory.ZERO), *cart.lines[1:])},
        lambda cart: {"lines": (replace(cart.lines[0], quantity=-cart.lines[0].quantity), *cart.lines[1:])},
        lambda _: {"prices": PriceMode.NET},
        lambda _: {"currency": "JPY"},
    ],
    ids=[
        "tax missing",
        "tax twice",
        "line missing",
        "no allowances",
        "empty allowance",
        "category",
        "sign",
        "mode",
        "yen",
    ],
)
def test_a_cart_whose_parts_do_not_belong_together_is_no_sound_cart(
    change: Callable[[PricedCart], dict[str, Any]],
) -> None:
    assert violations(_cart_with(change))

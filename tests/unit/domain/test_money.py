from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import EXPONENTS
from domain.errors import CurrencyMismatch, InvalidAmount
from domain.money import LARGEST_MINOR, Money, allocate, divide_half_up, minor_from_decimal, round_half_up

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(-LARGEST_MINOR, LARGEST_MINOR)


@given(minors, currencies)
def test_an_amount_survives_being_written_and_read(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.to_decimal_string(), currency) == money


@given(minors, minors, currencies)
def test_sums_and_comparisons_are_those_of_the_minor_units(left: int, right: int, currency: str) -> None:
    a, b = Money(left, currency), Money(right, currency)
    assert (a + b).minor == left + right
    assert (a - b).minor == left - right
    assert (-a).minor == -left
    assert (a < b, a <= b, a > b, a >= b, a == b) == (
        left < right,
        left <= right,
        left > right,
        left >= right,
        left == right,
    )


def test_two_currencies_never_meet_in_a_sum_or_comparison() -> None:
    euros, francs = Money(100, "EUR"), Money(100, "CHF")
    for meet in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(CurrencyMismatch):
            meet(euros, francs)
    assert euros != francs


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("839.00", "EUR", 83900),
        ("839", "EUR", 83900),
        ("839.5", "EUR", 83950),
        ("0", "EUR", 0),
        ("0.01", "EUR", 1),
        ("-0.01", "EUR", -1),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("9999999999.99", "EUR", LARGEST_MINOR),
        ("999999999999", "JPY", LARGEST_MINOR),
    ],
)
def test_decimal_strings_are_read_to_the_minor_unit(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1.",
        ".5",
        "+1",
        "1e2",
        "1E2",
        "1,00",
        "1 000",
        " 1",
        "1 ",
        "1\n",
        "007",
        "00",
        "-0",
        "-0.00",
        "--1",
        "1.000",
        "0x10",
        "NaN",
        "Infinity",
        "1_000",
        "٣",
        "½",
        "1.0.0",
        "10000000000.00",
        "9" * 100_000,
    ],
)
def test_everything_else_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text, "EUR")


@pytest.mark.parametrize("value", [839.0, 839, True, None, Decimal("839.00"), b"839.00", ["839.00"]])
def test_what_is_not_a_text_is_no_amount(value: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(value, "EUR")


def test_yen_have_no_decimals() -> None:
    with pytest.raises(InvalidAmount, match="must not have decimals"):
        Money.parse("500.0", "JPY")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("0.005", "EUR", 1),
        ("0.0049999999999999999999999999999999999", "EUR", 0),
        ("-0.005", "EUR", -1),
        ("2.675", "EUR", 268),
        ("0.5", "JPY", 1),
        ("0.0005", "KWD", 1),
        ("123456789012345678901234567890.125", "EUR", 12345678901234567890123456789013),
    ],
)
def test_halves_round_away_from_zero_whatever_the_number_of_digits(amount: str, currency: str, minor: int) -> None:
    assert minor_from_decimal(Decimal(amount), currency) == minor


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_division_rounds_like_decimals_do(numerator: int, denominator: int) -> None:
    rounded = divide_half_up(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    assert abs(rounded) >= abs(exact) or abs(rounded - exact) < Fraction(1, 2)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**12), max_value=10**12))
def test_rounding_a_decimal_and_rounding_its_fraction_agree(value: Decimal) -> None:
    assert round_half_up(value) == divide_half_up(*value.as_integer_ratio())


@given(st.integers(0, LARGEST_MINOR), st.lists(st.integers(0, LARGEST_MINOR), min_size=1, max_size=30).filter(any))
def test_parts_sum_to_the_whole_and_are_their_share_rounded_down_or_up(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(st.integers(0, LARGEST_MINOR), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_left_over_units_go_to_the_largest_remainders_and_then_to_the_first(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    parts = allocate(total, weights)
    remainders = [(total * weight % whole, -index) for index, weight in enumerate(weights)]
    favoured = [remainders[index] for index in range(len(parts)) if parts[index] > total * weights[index] // whole]
    others = [remainders[index] for index in range(len(parts)) if parts[index] == total * weights[index] // whole]
    assert min(favoured, default=(whole, 0)) > max(others, default=(-1, 0))


def test_a_share_of_nothing_is_nothing() -> None:
    assert allocate(0, [0, 0]) == (0, 0)
    assert allocate(10, [0, 3, 0]) == (0, 10, 0)
    assert allocate(100, [1, 1, 1]) == (34, 33, 33)


@pytest.mark.parametrize(("total", "weights"), [(1, [0, 0]), (1, []), (-1, [1]), (1, [2, -1])])
def test_what_cannot_be_allocated_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"weights"):
        allocate(total, weights)

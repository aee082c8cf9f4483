"""Money: integer minor units of one currency, and the only ways amounts are rounded and split.

Rounding is always half away from zero, once, at the end of a calculation (EN 16931-1, BR-CO-17 and others
call it "rounded to two decimals"). Nothing here meets a float.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Self

from domain.currencies import MOST_DOCUMENT_DECIMALS, document_step, exponent
from domain.decimals import EXACT, parse_decimal
from domain.errors import CurrencyMismatch

LARGEST_MINOR = 999_999_999_999
"""The largest amount that is taken from outside: twelve digits of minor units, 9,999,999,999.99 EUR."""

_MOST_DIGITS = len(str(LARGEST_MINOR))


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of an ISO 4217 currency; negative when owed the other way.

    Sums and comparisons of two currencies raise CurrencyMismatch; `==` just says no.
    """

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """The amount a decimal string in major units states: `839.00` or `839` EUR, `500` JPY.

        Raises InvalidAmount for other forms (see `domain.decimals`), for more decimals than the currency
        has, for more than twelve digits of minor units, and for an unknown currency.
        """
        decimals = exponent(currency)
        amount = parse_decimal(text, integer_digits=_MOST_DIGITS - decimals, decimals=decimals)
        return cls(minor_from_decimal(amount, currency), currency)

    def to_decimal_string(self) -> str:
        """The amount in major units with all decimals of its currency: `839.00`, `-0.05`, JPY `500`."""
        return f"{major_from_minor(self.minor, self.currency):f}"

    def __str__(self) -> str:
        return f"{self.to_decimal_string()} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor


def round_half_up(value: Decimal) -> int:
    """The nearest integer; halves go away from zero, as in commerce."""
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def divide_half_up(numerator: int, denominator: int) -> int:
    """The nearest integer to `numerator / denominator`, halves away from zero. `denominator` is positive."""
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def minor_from_decimal(amount: Decimal, currency: str) -> int:
    """An amount in major units, rounded half up to minor units."""
    return round_half_up(EXACT.scaleb(amount, exponent(currency)))


def document_amount(amount: Decimal, currency: str) -> int:
    """An amount in major units, rounded half up to what documents can say, in minor units (see `document_step`)."""
    decimals = min(exponent(currency), MOST_DOCUMENT_DECIMALS)
    return round_half_up(EXACT.scaleb(amount, decimals)) * document_step(currency)


def major_from_minor(minor: int, currency: str) -> Decimal:
    """An amount in major units, exactly, with all decimals of its currency."""
    return EXACT.scaleb(Decimal(minor), -exponent(currency))


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split `total` in proportion to `weights`, so that the parts sum to it exactly: largest remainder.

    Every part is its exact share rounded down or up; left-over units go to the largest remainders, among
    equal ones to the first. A weight of zero gets nothing. Total and weights must not be negative.
    """
    whole = sum(weights)
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("total and weights must not be negative")
    if whole == 0:
        if total:
            raise ValueError("nothing to allocate to: all weights are zero")
        return (0,) * len(weights)
    shares = [divmod(total * weight, whole) for weight in weights]
    left_over = total - sum(floor for floor, _ in shares)
    largest = sorted(range(len(shares)), key=lambda index: -shares[index][1])[:left_over]
    parts = [floor for floor, _ in shares]
    for index in largest:
        parts[index] += 1
    return tuple(parts)

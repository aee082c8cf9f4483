"""Exact decimals: how they are written on the wire, and how they are kept.

A decimal string is plain digits, at most one point with digits on both sides, and at most a leading minus:
`0`, `849`, `849.00`, `-3.5`. Refused are a plus, an exponent, spaces, separators, other scripts' digits,
superfluous leading zeros (`007`) and a negative zero, so that one number has one integer part.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation

from domain.errors import InvalidAmount

DECIMAL_STRING = re.compile(r"(?!-0(?:\.0*)?\Z)-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""Match with `fullmatch`."""

EXACT = Context(prec=120, traps=[Inexact, InvalidOperation])
"""For arithmetic that must not lose a digit: an inexact result is an exception."""

_LONGEST = 40


def parse_decimal(text: object, *, integer_digits: int, decimals: int) -> Decimal:
    """The number of a decimal string, exactly, with the decimals it was written with.

    Raises InvalidAmount for anything but a string of the form above, or for more digits than allowed before
    or after the point. The messages complete a sentence that names the field.
    """
    if not isinstance(text, str):
        raise InvalidAmount('must be a decimal string such as "839.00", not a number or anything else')
    if len(text) > _LONGEST or not DECIMAL_STRING.fullmatch(text):
        raise InvalidAmount('must be a plain decimal string such as "839.00": digits, and at most one point')
    integer, _, fraction = text.lstrip("-").partition(".")
    if len(fraction) > decimals:
        raise InvalidAmount(f"must not have more than {decimals} decimals" if decimals else "must not have decimals")
    if len(integer) > integer_digits:
        raise InvalidAmount(f"must not have more than {integer_digits} digits before the point")
    return Decimal(text)


def plain(value: Decimal, *, least_decimals: int = 0) -> Decimal:
    """The same number in its one shortest form: no exponent, no trailing zeros beyond `least_decimals`."""
    integer, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least_decimals, "0")
    return Decimal(f"{integer}.{fraction}" if fraction else integer)

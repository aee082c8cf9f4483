"""Amounts as Stripe counts them: mostly ISO 4217 minor units, but not for every currency.

Source: docs.stripe.com/currencies, "zero-decimal", "special cases" and "three-decimal currencies".
"""

from domain.currencies import exponent
from domain.errors import ProviderRefused
from domain.money import divide_half_up

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
ZERO_DECIMAL_SENT_WITH_TWO = frozenset({"ISK", "UGX"})
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def _stripe_exponent(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_stripe(minor: int, currency: str) -> int:
    """The amount to send for `minor` units of an ISO currency.

    Raises ProviderRefused when Stripe cannot express it: a fraction of what it counts in, or a
    three-decimal amount whose last digit is not 0.
    """
    shift = _stripe_exponent(currency) - exponent(currency)
    amount, rest = _shifted(minor, shift)
    if rest or (currency in THREE_DECIMAL and amount % 10):
        raise ProviderRefused(f"Stripe cannot charge {minor} minor units of {currency}", code="amount_not_expressible")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """The minor units of an ISO currency for an amount that Stripe reports."""
    shift = _stripe_exponent(currency) - exponent(currency)
    minor, rest = _shifted(amount, -shift)
    if rest:
        raise ProviderRefused(f"Stripe reports {amount} of {currency}, a fraction of its minor unit")
    return minor


def settled_from_stripe(amount: int, currency: str) -> int:
    """The minor units of what moved Stripe's balance: fees are finer than what can be charged in ISK and UGX.

    What is finer than a minor unit is rounded half up, so take a net amount as the difference of two such amounts.
    """
    shift = _stripe_exponent(currency) - exponent(currency)
    return divide_half_up(amount, 10**shift) if shift > 0 else amount * 10**-shift


def _shifted(amount: int, places: int) -> tuple[int, int]:
    """The amount moved by decimal places, and what does not fit."""
    if places >= 0:
        return amount * int(10**places), 0
    return divmod(amount, int(10**-places))

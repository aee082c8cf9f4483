"""Stripe's rules for amounts: which currencies it takes, their smallest unit, their smallest and largest charge.

All amounts are integers in Stripe's smallest unit. Source: docs.stripe.com/currencies. Minimums hold for the settlement
currency after conversion; the stand-in settles in the currency of the charge, so it applies them directly. Where Stripe
publishes none for a currency, one unit is enough here.
"""

from dataclasses import dataclass

from sandbox.stripe.errors import refuse

_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMAL = "bhd jod kwd omr tnd"
_ZERO_DECIMAL_WRITTEN_WITH_TWO = "isk ugx"
_TWO_DECIMAL = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc "
    "cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr "
    "kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen "
    "pgk php pkr pln qar ron rsd sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd "
    "uyu uzs wst xcd yer zar zmw"
)
_EXPONENTS = {
    **dict.fromkeys(_TWO_DECIMAL.split(), 2),
    **dict.fromkeys(_ZERO_DECIMAL.split(), 0),
    **dict.fromkeys(_THREE_DECIMAL.split(), 3),
    **dict.fromkeys(_ZERO_DECIMAL_WRITTEN_WITH_TWO.split(), 2),
}
_STEPS = {
    **dict.fromkeys(_THREE_DECIMAL.split(), 10),
    **dict.fromkeys(_ZERO_DECIMAL_WRITTEN_WITH_TWO.split(), 100),
}
_MINIMUM = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
    "huf": 17500, "inr": 50, "jpy": 50, "krw": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
_MAXIMUM = 99_999_999
_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}


@dataclass(frozen=True, slots=True)
class Fee:
    """What Stripe keeps of a charge, and what is left."""

    fee: int
    net: int


def check_currency(currency: str, param: str) -> None:
    """Refuse a currency Stripe does not take. `currency` in lower case."""
    if currency not in _EXPONENTS:
        refuse(f"Invalid currency: {currency}. Stripe does not support it.", param)


def check_unit(amount: int, currency: str, param: str) -> None:
    """Refuse an amount finer than what can be charged: three-decimal currencies end in 0, ISK and UGX in 00."""
    step = _STEPS.get(currency, 1)
    if amount % step:
        refuse(
            f"Invalid amount: {amount} {currency} must be divisible by {step}, the smallest unit that can be charged.",
            param,
        )


def check_total(amount: int, currency: str) -> None:
    """Refuse the total of a Checkout Session that is too small or too large to be charged."""
    minimum = _MINIMUM.get(currency, 1)
    if amount < minimum:
        refuse(
            f"The Checkout Session's total amount due must add up to at least {display(minimum, currency)} {currency}",
            code="amount_too_small",
        )
    if amount > _MAXIMUM:
        refuse(
            f"The Checkout Session's total amount due must be no more than {display(_MAXIMUM, currency)} {currency}",
            code="amount_too_large",
        )
    check_unit(amount, currency, "line_items")


def exponent(currency: str) -> int:
    """Decimal places of Stripe's smallest unit."""
    return _EXPONENTS.get(currency, 2)


def display(amount: int, currency: str) -> str:
    """An amount for people, as Stripe's messages write it: `€12.50`, `¥500`, `1.500 KWD`."""
    places = exponent(currency)
    digits = f"{abs(amount):0{places + 1}d}"
    number = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    sign = _SIGNS.get(currency)
    minus = "-" if amount < 0 else ""
    return f"{minus}{sign}{number}" if sign else f"{minus}{number} {currency.upper()}"


def fee_of(amount: int, currency: str) -> Fee:
    """The stand-in's tariff: 1.5 % (half a unit rounds up) and 25 of the smallest two-decimal unit."""
    fixed = {0: 25, 2: 25, 3: 250}[exponent(currency)]
    fee = min(amount, (amount * 15 + 500) // 1000 + fixed)
    return Fee(fee, amount - fee)

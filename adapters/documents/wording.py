"""The words of a document in one language: texts from `texts/*.toml`, amounts and dates as people write them."""

import tomllib
from copy import copy
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from domain.currencies import exponent
from domain.money import major_from_minor

_TEXTS = Path(__file__).parent / "texts"
_FALLBACK = "en"
_MINUS = "\N{MINUS SIGN}"
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def languages() -> frozenset[str]:
    """The languages (ISO 639-1) documents can be written in."""
    return frozenset(path.stem for path in _TEXTS.glob("*.toml"))


@cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((_TEXTS / f"{language}.toml").read_text(encoding="utf-8"))


class Wording:
    """Words, numbers and dates of a document. A language without texts is written in English."""

    def __init__(self, language: str, currency: str) -> None:
        self.language = language if language in languages() else _FALLBACK
        self._texts = _texts(self.language)
        self._locale = Locale.parse(self._texts["locale"])
        self._currency = currency

    def say(self, key: str, **values: str) -> str:
        """The text of a dotted key, with its `{placeholders}` filled in."""
        section, name = key.split(".")
        text: str = self._texts[section][name]
        return text.format(**values)

    def money(self, minor_units: int) -> str:
        """An amount with its currency, with as many decimals as the currency has."""
        return self._currency_text(major_from_minor(minor_units, self._currency))

    def price(self, price: Decimal) -> str:
        """A price, which may have more decimals than its currency."""
        return self._currency_text(price)

    def quantity(self, quantity: Decimal, unit: str) -> str:
        """A quantity with its unit (UN/ECE Recommendation 20); pieces are plain numbers."""
        number = format_decimal(quantity, locale=self._locale, decimal_quantization=False)
        name: str = self._texts["units"].get(unit, unit)
        return f"{number}{_NO_BREAK_SPACE}{name}" if name else number

    def rate(self, per_cent: Decimal) -> str:
        """A tax rate."""
        return format_percent(per_cent.scaleb(-2), locale=self._locale, decimal_quantization=False)

    def date(self, day: date) -> str:
        """A date in full."""
        return format_date(day, format="long", locale=self._locale)

    def country(self, code: str) -> str:
        """A country's name (ISO 3166-1 alpha-2); the code itself where no name is known."""
        return str(self._locale.territories.get(code, code))

    def method(self, method: str, detail: str | None) -> str:
        """A payment method in words, with what tells it from others."""
        name: str = self._texts["methods"].get(method, method.replace("_", " ").title())
        return f"{name} ({detail.replace(' ', _NO_BREAK_SPACE)})" if detail else name

    def _currency_text(self, amount: Decimal) -> str:
        pattern = copy(self._locale.currency_formats["standard"])
        decimals = exponent(self._currency)
        pattern.frac_prec = (decimals, decimals)
        text: str = pattern.apply(
            amount, self._locale, currency=self._currency, currency_digits=False, decimal_quantization=False
        )
        return text.replace("-", _MINUS)

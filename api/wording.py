"""The words of the customer's pages in one language: texts from `texts/*.toml`, amounts and times as people write."""

import re
import tomllib
from copy import copy
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from domain.currencies import exponent
from domain.money import major_from_minor

_TEXTS = Path(__file__).parent / "texts"
LANGUAGES = tuple(sorted((path.stem for path in _TEXTS.glob("*.toml")), key=lambda language: language != "en"))
"""The languages pages can be shown in (ISO 639-1); the first one is shown when nothing else fits."""

_MINUS = "\N{MINUS SIGN}"
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class Wording:
    """Words, numbers and times of a page. A language without texts is shown in English."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._texts = _texts(self.language)
        self._locale = Locale.parse(self._texts["locale"])

    def say(self, key: str, /, **values: str) -> str:
        """The text of a dotted key, with its `{placeholders}` filled in."""
        section, name = key.split(".")
        text: str = self._texts[section][name]
        return text.format(**values)

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units with its currency, with as many decimals as the currency has."""
        return self.price(major_from_minor(minor, currency), currency)

    def price(self, price: Decimal, currency: str) -> str:
        """A price in major units; decimals beyond those of the currency are shown."""
        pattern = copy(self._locale.currency_formats["standard"])
        pattern.frac_prec = (exponent(currency), exponent(currency))
        text: str = pattern.apply(
            price, self._locale, currency=currency, currency_digits=False, decimal_quantization=False
        )
        return text.replace("-", _MINUS)

    def quantity(self, quantity: Decimal, unit: str) -> str:
        """A quantity with its unit (UN/ECE Recommendation 20); pieces are plain numbers."""
        number = format_decimal(quantity, locale=self._locale, decimal_quantization=False)
        name: str = self._texts["units"].get(unit, unit)
        return f"{number}{_NO_BREAK_SPACE}{name}" if name else number

    def rate(self, per_cent: Decimal) -> str:
        """A tax rate."""
        return format_percent(per_cent / 100, locale=self._locale, decimal_quantization=False)

    def moment(self, at: datetime, time_zone: str) -> str:
        """A date and time in a time zone (IANA), which it names."""
        local = at.astimezone(ZoneInfo(time_zone))
        day = format_date(local, "long", locale=self._locale)
        return f"{day}, {format_time(local, 'HH:mm zzz', tzinfo=local.tzinfo, locale=self._locale)}"


def preferred_language(accept_language: str) -> str:
    """The first language of an `Accept-Language` header that pages can be shown in."""
    wanted = (re.split("[-;]", part.strip().lower())[0] for part in accept_language.split(","))
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])


@cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((_TEXTS / f"{language}.toml").read_text(encoding="utf-8"))

"""The words people read, in their language: texts from TOML files, amounts, dates and numbers as people write them."""

import tomllib
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_gmt, get_timezone_name
from babel.numbers import format_decimal, format_percent

from domain.currencies import exponent
from domain.money import major_from_minor

FALLBACK = "en"
_UNITS = Path(__file__).parent / "units"
_MINUS = "\N{MINUS SIGN}"
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@cache
def languages(texts: Path) -> frozenset[str]:
    """The languages (ISO 639-1) a folder of texts has."""
    return frozenset(path.stem for path in texts.glob("*.toml"))


@cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


class Wording:
    """One language of a folder of texts. A language the folder does not have is written in English.

    `locale` in the text file says how numbers and dates are written.
    """

    def __init__(self, texts: Path, language: str) -> None:
        self.language = language if language in languages(texts) else FALLBACK
        self._texts = _read(texts / f"{self.language}.toml")
        self._units = _read(_UNITS / f"{self.language}.toml")
        self._locale = Locale.parse(self._texts["locale"])

    def say(self, key: str, /, **values: str) -> str:
        """The text of a dotted key, with its `{placeholders}` filled in."""
        section, name = key.split(".")
        text: str = self._texts[section][name]
        return text.format(**values)

    def say_or(self, key: str, default: str) -> str:
        """The text of a dotted key, or `default` where the language has none."""
        section, name = key.split(".", 1)
        return str(self._texts[section].get(name, default))

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units with its currency, with as many decimals as the currency has."""
        return self.price(major_from_minor(minor, currency), currency)

    def price(self, price: Decimal, currency: str) -> str:
        """A price in major units; decimals beyond those of the currency are shown."""
        pattern = copy(self._locale.currency_formats["standard"])
        pattern.frac_prec = (exponent(currency), exponent(currency))
        text = pattern.apply(price, self._locale, currency=currency, currency_digits=False, decimal_quantization=False)
        return str(text).replace("-", _MINUS)

    def quantity(self, quantity: Decimal, unit: str) -> str:
        """A quantity with its unit (UN/ECE Recommendation 20); pieces are plain numbers."""
        number = format_decimal(quantity, locale=self._locale, decimal_quantization=False)
        name: str = self._units.get(unit, unit)
        return f"{number}{_NO_BREAK_SPACE}{name}" if name else number

    def rate(self, per_cent: Decimal) -> str:
        """A tax rate."""
        return format_percent(per_cent.scaleb(-2), locale=self._locale, decimal_quantization=False)

    def date(self, day: date) -> str:
        """A date in full."""
        return format_date(day, format="long", locale=self._locale)

    def moment(self, at: datetime, time_zone: str) -> str:
        """A date and time in a time zone (IANA), which it names."""
        local = at.astimezone(ZoneInfo(time_zone))
        name = get_timezone_name(local, width="short", locale=self._locale)
        if name[0] in "+-":  # the language has no short name for it
            name = get_timezone_gmt(local, width="long", locale=self._locale)
        return f"{self.date(local)}, {local:%H:%M} {name}"

    def country(self, code: str) -> str:
        """A country's name (ISO 3166-1 alpha-2); the code itself where no name is known."""
        return str(self._locale.territories.get(code, code))

"""The words people read, in their language: texts from TOML files, amounts, dates and numbers as people write them."""

import tomllib
from collections.abc import Mapping
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, get_timezone_gmt, get_timezone_name
from babel.numbers import format_decimal, format_percent

from domain.currencies import exponent
from domain.money import major_from_minor

FALLBACK = "en"
_HERE = Path(__file__).parent
DOCUMENTS = _HERE / "texts" / "documents"
MAILS = _HERE / "texts" / "mails"
PAGES = _HERE / "texts" / "pages"
_UNITS = _HERE / "units"
NO_TEXTS: Mapping[str, Mapping[str, str]] = {}
_MINUS = "\N{MINUS SIGN}"
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@cache
def languages(texts: Path) -> frozenset[str]:
    """The languages (ISO 639-1) a folder of texts has."""
    return frozenset(path.stem for path in texts.glob("*.toml"))


@cache
def product_texts(texts: Path, language: str) -> Mapping[str, str]:
    """All texts of a folder in one language by dotted key, and the units; empty for a language it does not have."""
    if language not in languages(texts):
        return {}
    return _flat(_read(texts / f"{language}.toml")) | _flat({"units": _read(_UNITS / f"{language}.toml")})


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _flat(tables: dict[str, Any]) -> dict[str, str]:
    return {
        f"{section}.{name}": text
        for section, table in tables.items()
        if isinstance(table, dict)
        for name, text in table.items()
    }


class Wording:
    """One language of a folder of texts, in the merchant's own words where there are any.

    A text is looked for in this order: the merchant's in this language, ours in this language, the merchant's in
    English, ours in English; the key itself is the last resort. `own` holds the merchant's texts, by language
    and dotted key. Numbers and dates are written as the language has it; one that neither we nor the merchant
    have texts in is English.
    """

    def __init__(self, texts: Path, language: str, own: Mapping[str, Mapping[str, str]] = NO_TEXTS) -> None:
        self.language = language if language in languages(texts) or language in own else FALLBACK
        self._texts = [
            layer
            for choice in dict.fromkeys((self.language, FALLBACK))
            for layer in (own.get(choice, {}), product_texts(texts, choice))
        ]
        self._locale = _locale(texts, self.language)

    def text(self, key: str) -> str:
        """The text of a dotted key as it is written, with its `{placeholders}`."""
        return self.say_or(key, key)

    def say_or(self, key: str, default: str) -> str:
        """The text of a dotted key, or `default` where no text has it."""
        return next((layer[key] for layer in self._texts if key in layer), default)

    def say(self, key: str, /, **values: str) -> str:
        """The text of a dotted key, with its `{placeholders}` filled in."""
        return self.text(key).format(**values)

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
        name = self.say_or(f"units.{unit}", unit)
        return f"{number}{_NO_BREAK_SPACE}{name}" if name else number

    def rate(self, per_cent: Decimal) -> str:
        """A tax rate."""
        return format_percent(per_cent.scaleb(-2), locale=self._locale, decimal_quantization=False)

    def period(self, start: date, end: date) -> str:
        """The days from `start` to `end`, both included, as short as people write it."""
        return str(format_interval(start, end, "yMMMd", locale=self._locale))

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


@cache
def _locale(texts: Path, language: str) -> Locale:
    """How numbers and dates are written: what our text file says, and for other languages what is usual."""
    if language in languages(texts):
        return Locale.parse(_read(texts / f"{language}.toml")["locale"])
    try:
        return Locale.parse(language)
    except UnknownLocaleError:
        return _locale(texts, FALLBACK)

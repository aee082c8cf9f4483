"""Rates of value added tax by country and date, and which country's tax an address belongs to.

The table is data: `tax_rates.toml` beside this file, with its sources.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from domain.checkout import Address

_TABLE = Path(__file__).with_name("tax_rates.toml")
NORTHERN_IRELAND = "XI"
"""In the Union for goods, outside of it for services; its VAT ids have this prefix too."""


class TaxClass(StrEnum):
    """What a product is taxed as, wherever it is sold; from the highest rate to the lowest."""

    STANDARD = "standard"
    REDUCED = "reduced"
    REDUCED_LOW = "reduced_low"
    SUPER_REDUCED = "super_reduced"


class NoRate(LookupError):
    """The table has no rate for this country and day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    rates: Mapping[str, tuple[tuple[date, Mapping[TaxClass, Decimal]], ...]]
    territory: Mapping[str, str]
    outside: Mapping[str, tuple[str, ...]]


def rate(country: str, tax_class: TaxClass, on: date) -> Decimal:
    """The rate in per cent of a class in a member state on a day.

    A state without a rate for the class has the next higher one: too much tax can be given back, too little is owed
    by the seller. Raises NoRate for a country that is not in the table, and for a day before its first row.
    """
    valid = [rates for since, rates in _table().rates.get(country, ()) if since <= on]
    if not valid:
        raise NoRate(country)
    classes = list(TaxClass)
    at_least = reversed(classes[: classes.index(tax_class) + 1])
    return next(valid[-1][candidate] for candidate in at_least if candidate in valid[-1])


def territory(address: Address) -> str:
    """Whose tax an address belongs to: a member state, `XI`, or the code of a country outside of the Union.

    Parts of member states that are outside of the tax territory get the state's code with `-outside`.
    """
    table = _table()
    country = table.territory.get(address.country, address.country)
    if country == "GB" and address.postal_code.strip().upper().startswith("BT"):
        return NORTHERN_IRELAND
    digits = "".join(filter(str.isdigit, address.postal_code))
    if digits.startswith(table.outside.get(country, ())):
        return f"{country}-outside"
    return country


def is_member_state(country: str) -> bool:
    """Whether this is a member state of the Union (`XI` is none)."""
    return country in _table().rates and country != NORTHERN_IRELAND


def country_of_vat_id(vat_id: str) -> str:
    """The country of a VAT id's prefix; Greece's is `EL`."""
    return "GR" if vat_id.startswith("EL") else vat_id[:2]


def is_eu_vat_id(vat_id: str) -> bool:
    """Whether this id is of a member state or Northern Ireland, by its prefix."""
    return country_of_vat_id(vat_id) in _table().rates


@cache
def _table() -> _Table:
    content = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    rates: dict[str, list[tuple[date, Mapping[TaxClass, Decimal]]]] = {}
    for row in content["rate"]:
        rates.setdefault(row["country"], []).append((row["from"], _rates(row)))
    return _Table(
        rates={country: tuple(sorted(rows, key=lambda row: row[0])) for country, rows in rates.items()},
        territory=content["territory"],
        outside={country: tuple(prefixes) for country, prefixes in content["outside"].items()},
    )


def _rates(row: Mapping[str, Any]) -> Mapping[TaxClass, Decimal]:
    return {tax_class: Decimal(row[tax_class]) for tax_class in TaxClass if tax_class in row}

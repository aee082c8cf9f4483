"""The words of documents: the same set in every language, amounts as people there write them."""

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.documents import fonts
from adapters.documents.wording import Wording, languages
from domain.units import UNITS

_TEXTS = Path(__file__).parents[2] / "adapters" / "documents" / "texts"
_NBSP = "\N{NO-BREAK SPACE}"


def _flat(language: str) -> dict[str, str]:
    tables: dict[str, Any] = tomllib.loads((_TEXTS / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": text
        for section, table in tables.items()
        if isinstance(table, dict)
        for key, text in table.items()
    }


def test_documents_are_written_in_german_english_and_french() -> None:
    assert languages() == {"de", "en", "fr"}


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    english, other = _flat("en"), _flat(language)
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert sorted(_places(other[key])) == sorted(_places(text)), key


def _places(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_unit_has_a_word(language: str) -> None:
    worded = {key.removeprefix("units.") for key in _flat(language) if key.startswith("units.")}
    assert set(UNITS) - worded == set()


@pytest.mark.parametrize("language", sorted(languages()))
def test_the_fonts_can_draw_every_text(language: str) -> None:
    assert fonts.undrawable("".join(_flat(language).values())) == ""


@pytest.mark.parametrize(
    ("language", "currency", "amount", "text"),
    [
        ("de", "EUR", 164_601, "1.646,01 €"),
        ("de", "EUR", -5, "−0,05 €"),  # noqa: RUF001
        ("en", "EUR", 164_601, "€1,646.01"),
        ("en", "JPY", 500, "JP¥500"),
        ("de", "KWD", 1_234_567, "1.234,567 KWD"),
        ("fr", "EUR", 164_601, "1\N{NARROW NO-BREAK SPACE}646,01 €"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(language: str, currency: str, amount: int, text: str) -> None:
    assert Wording(language, currency).money(amount).replace(_NBSP, " ") == text


def test_a_price_keeps_more_decimals_than_its_currency_has() -> None:
    assert Wording("de", "EUR").price(Decimal("0.0375")) == f"0,0375{_NBSP}€"


def test_dates_rates_and_quantities_are_written_as_people_do() -> None:
    wording = Wording("de", "EUR")
    assert wording.date(date(2026, 11, 3)) == "3. November 2026"
    assert wording.rate(Decimal("5.5")) == f"5,5{_NBSP}%"
    assert wording.quantity(Decimal("2.500"), "HUR") == f"2,5{_NBSP}Std."
    assert wording.quantity(Decimal(1200), "C62") == "1.200"


def test_a_method_nobody_has_words_for_is_shown_by_its_name() -> None:
    assert Wording("en", "EUR").method("pay_by_bank", None) == "Pay By Bank"

# ruff: noqa: RUF001 -- typographic signs are what people read
"""The words people read: the same set in every language, amounts and times as people there write them."""

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import wording
from adapters.documents.fonts import FontLibrary
from api.words import preferred_language
from domain.units import UNITS
from wording import DOCUMENTS, MAILS, PAGES, Wording, languages

_ROOT = Path(__file__).parents[2]
_UNITS = Path(wording.__file__).parent / "units"
_LANGUAGES = ["de", "en", "fr"]
_NBSP = "\N{NO-BREAK SPACE}"
_FOLDERS = pytest.mark.parametrize(
    "folder", [DOCUMENTS, PAGES, MAILS], ids=lambda folder: str(folder.relative_to(_ROOT))
)


def _read(folder: Path, language: str) -> dict[str, Any]:
    return tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))


def _flat(folder: Path, language: str) -> dict[str, str]:
    return {
        f"{section}.{key}": text
        for section, table in _read(folder, language).items()
        if isinstance(table, dict)
        for key, text in table.items()
    }


def _places(text: str) -> list[str]:
    return sorted(part.split("}")[0] for part in text.split("{")[1:])


def _words(language: str) -> Wording:
    return Wording(DOCUMENTS, language)


@_FOLDERS
def test_documents_mails_and_pages_are_written_in_german_english_and_french(folder: Path) -> None:
    assert sorted(languages(folder)) == _LANGUAGES


@_FOLDERS
@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_language_has_every_text_with_the_same_places(folder: Path, language: str) -> None:
    english, other = _flat(folder, "en"), _flat(folder, language)
    assert other.keys() == english.keys()
    assert {key: _places(text) for key, text in other.items()} == {key: _places(text) for key, text in english.items()}


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_unit_we_sell_by_has_a_word_and_no_other(language: str) -> None:
    assert _read(_UNITS, language).keys() == UNITS.keys()


@pytest.mark.parametrize("language", _LANGUAGES)
def test_the_fonts_can_draw_every_text_of_a_document(language: str) -> None:
    texts = [*_flat(DOCUMENTS, language).values(), *_read(_UNITS, language).values()]
    assert FontLibrary().undrawable("".join(texts)) == ""


def test_a_language_without_texts_is_written_in_english() -> None:
    assert _words("pl").language == "en"
    assert _words("pl").say("totals.grand") == "Total"


@pytest.mark.parametrize(
    ("language", "currency", "amount", "text"),
    [
        ("de", "EUR", 164_601, "1.646,01 €"),
        ("de", "EUR", -5, "−0,05 €"),
        ("en", "EUR", 164_601, "€1,646.01"),
        ("en", "JPY", 500, "JP¥500"),
        ("de", "KWD", 1_234_567, "1.234,567 KWD"),
        ("fr", "EUR", 164_601, "1\N{NARROW NO-BREAK SPACE}646,01 €"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(language: str, currency: str, amount: int, text: str) -> None:
    assert _words(language).money(amount, currency).replace(_NBSP, " ") == text


def test_a_price_keeps_more_decimals_than_its_currency_has() -> None:
    assert _words("de").price(Decimal("0.0375"), "EUR") == f"0,0375{_NBSP}€"


def test_dates_rates_and_quantities_are_written_as_people_do() -> None:
    words = _words("de")
    assert words.date(date(2026, 11, 3)) == "3. November 2026"
    assert words.rate(Decimal("5.5")) == f"5,5{_NBSP}%"
    assert words.quantity(Decimal("2.500"), "HUR") == f"2,5{_NBSP}Std."
    assert words.quantity(Decimal(1200), "C62") == "1.200"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "1. Dezember 2025, 00:30 MEZ"),
        ("en", "1 December 2025, 00:30 CET"),
        ("fr", "1 décembre 2025, 00:30 UTC+01:00"),
    ],
)
def test_a_moment_is_told_by_the_clocks_of_the_sellers_time_zone_and_names_it(language: str, text: str) -> None:
    at = datetime(2025, 11, 30, 23, 30, tzinfo=UTC)
    assert _words(language).moment(at, "Europe/Berlin") == text


def test_a_country_is_named_and_an_unknown_one_keeps_its_code() -> None:
    assert _words("fr").country("DE") == "Allemagne"
    assert _words("fr").country("QZ") == "QZ"


def test_what_a_text_says_may_be_called_key() -> None:
    assert Wording(PAGES, "en").say("page.order", key="SO-1") == "Order SO-1"


@pytest.mark.parametrize(
    ("header", "language"),
    [("fr-CH, de;q=0.5", "fr"), ("pl, de;q=0.5", "de"), ("EN-us", "en"), ("pl", "en"), ("", "en"), (";;q=,,", "en")],
)
def test_the_browsers_first_language_that_we_have_is_taken(header: str, language: str) -> None:
    assert preferred_language(header) == language

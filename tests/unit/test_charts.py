"""Charts of accounts: those that are shipped are complete, and what a merchant changes is checked when it is loaded."""

from decimal import Decimal
from pathlib import Path

import pytest

from adapters import charts
from adapters.merchant_file import InvalidMerchantFile, load
from domain.accounts import TAXED, Account, Role, Tax, violations
from domain.book_settings import BookSettings, Debtors
from domain.cart import TaxCategory

MERIDIAN = Path(__file__).parents[2] / "merchants" / "meridian.toml"
STANDARD = TaxCategory.STANDARD


@pytest.mark.parametrize("name", charts.names())
def test_a_shipped_chart_has_an_account_for_whatever_can_happen(name: str) -> None:
    chart = charts.shipped(name)
    assert violations(chart) == ()
    for role in Role:
        if role not in TAXED:
            assert chart.account(role).role is role
            continue
        for category in TaxCategory:
            if role is not Role.OUTPUT_VAT or category is STANDARD:
                rate = Decimal("5.5") if category is STANDARD else Decimal(0)
                assert chart.account(role, Tax(category, rate)).category is category


@pytest.mark.parametrize(("name", "revenue", "vat"), [("skr03", "8400", "1776"), ("skr04", "4400", "3806")])
def test_german_charts_know_automatic_accounts(name: str, revenue: str, vat: str) -> None:
    tax = Tax(STANDARD, Decimal(19))
    account = charts.shipped(name).account(Role.REVENUE, tax)
    assert (account.number, account.automatic) == (revenue, True)
    assert charts.shipped(name).account(Role.OUTPUT_VAT, tax).number == vat


def test_a_rate_without_account_of_its_own_has_that_of_its_category() -> None:
    chart = charts.shipped("skr03")
    assert chart.account(Role.REVENUE, Tax(STANDARD, Decimal("20"))).number == "8320"


def _load(directory: Path, books: str) -> BookSettings:
    text = MERIDIAN.read_text(encoding="utf-8").partition("[books]")[0]
    (directory / "meridian.svg").write_text(MERIDIAN.with_suffix(".svg").read_text("utf-8"), encoding="utf-8")
    file = directory / "meridian.toml"
    file.write_text(f"{text}[books]\n{books}", encoding="utf-8")
    return load(file).books


def test_a_merchant_chooses_a_chart_and_replaces_single_accounts(tmp_path: Path) -> None:
    books = _load(
        tmp_path,
        """
        chart = "skr04"
        debtors = "shared"
        account_length = 5
        [[books.accounts]]
        role = "revenue"
        category = "S"
        rate = "19"
        number = "44010"
        name = "Onlineshop 19 %"
        tax_key = "3"
        """,
    )
    own = Account(
        role=Role.REVENUE, category=STANDARD, rate=Decimal(19), number="44010", name="Onlineshop 19 %", tax_key="3"
    )
    assert (books.chart, books.debtors, books.first_debtor) == ("skr04", Debtors.SHARED, 100_000)
    chart = charts.of_merchant(books)
    assert chart.account(Role.REVENUE, Tax(STANDARD, Decimal(19))) == own
    assert chart.account(Role.REVENUE, Tax(STANDARD, Decimal(7))).number == "4300"


@pytest.mark.parametrize(
    ("books", "named"),
    [
        ('chart = "skr99"', "books.chart"),
        ("consultant = 5", "books.consultant"),
        ("first_debtor = 70000", "first_debtor must be between 10000 and 69999"),
        ('currency = "KWD"', "at most two decimals"),
        ('[[books.accounts]]\nrole = "cash"\nnumber = "1000"\nname = "Kasse"', "books.accounts.0.role"),
        ('[[books.accounts]]\nrole = "bank"\nnumber = "12"\nname = "Bank"', "books.accounts.0.number"),
        ('[[books.accounts]]\nrole = "bank"\ncategory = "S"\nnumber = "1200"\nname = "Bank"', "no tax category"),
        ('[[books.accounts]]\nrole = "revenue"\nnumber = "4000"\nname = "Sales"', "a tax category belongs here"),
        ('[[books.accounts]]\nrole = "bank"\nnumber = "1100"\nname = "My bank"', "described in two ways"),
    ],
)
def test_books_that_cannot_be_kept_are_refused_by_name(tmp_path: Path, books: str, named: str) -> None:
    with pytest.raises(InvalidMerchantFile, match=named):
        _load(tmp_path, books)

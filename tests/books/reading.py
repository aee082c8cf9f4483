"""Reads exported files back as an accountant's program would: into balances per account."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from domain.accounts import Chart, Role, Tax
from domain.book_views import AccountBalance
from domain.money import divide_half_up

Balances = Mapping[str, int]
RECEIVABLE = "1400"
"""Where the personal accounts of customers end up."""


def of_trial_balance(balances: Iterable[AccountBalance], currency: str = "EUR") -> Balances:
    """What moved in each account."""
    moved = {one.account: one.debit - one.credit for one in balances if one.currency == currency}
    return {account: amount for account, amount in moved.items() if amount}


def of_csv(content: bytes, currency: str = "EUR") -> Balances:
    """Debits less credits of every account, in minor units."""
    found: dict[str, int] = defaultdict(int)
    for row in csv.DictReader(io.StringIO(content.decode("utf-8"))):
        if row["currency"] == currency:
            found[row["account"]] += _cents(row["debit"]) - _cents(row["credit"])
    return {account: amount for account, amount in found.items() if amount}


def datev_rows(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """The header's fields, and the records by the names of their columns."""
    header, titles, *rows = csv.reader(io.StringIO(content.decode("cp1252"), newline=""), delimiter=";")
    assert all(len(row) == len(titles) for row in rows)
    return header, [dict(zip(titles, row, strict=True)) for row in rows]


def of_datev(content: bytes, chart: Chart) -> Balances:
    """What DATEV would book: tax taken out on automatic accounts and by keys, customers below receivables."""
    found: dict[str, int] = defaultdict(int)
    _, rows = datev_rows(content)
    for row in rows:
        amount = _cents(row["Umsatz (ohne Soll/Haben-Kz)"].replace(",", "."))
        sign = 1 if row["Soll/Haben-Kennzeichen"] == "S" else -1
        found[_ledger(row["Konto"])] += sign * amount
        for account, part in _counter(row, -sign * amount, chart):
            found[account] += part
    return {account: amount for account, amount in found.items() if amount}


def _counter(row: Mapping[str, str], amount: int, chart: Chart) -> list[tuple[str, int]]:
    number, key = _ledger(row["Gegenkonto (ohne BU-Schlüssel)"]), row["BU-Schlüssel"]
    own = next(account for account in chart.accounts if account.number == number)
    taxed = key in {"0002", "0003"} or (own.automatic and key != "0040")
    if not taxed:
        return [(number, amount)]
    rate = {"0002": Decimal(7), "0003": Decimal(19)}.get(key, own.rate or Decimal(0))
    share = Fraction(amount) * Fraction(rate) / (100 + Fraction(rate))
    tax = divide_half_up(share.numerator, share.denominator)
    assert own.category is not None
    vat = chart.account(Role.OUTPUT_VAT, Tax(own.category, rate))
    return [(number, amount - tax), (vat.number, tax)]


def _ledger(account: str) -> str:
    return RECEIVABLE if len(account) == 5 else account


def _cents(text: str) -> int:
    return int(Decimal(text or "0") * 100)

"""Accounts: the roles money and revenue play in the books, and the chart that gives each role its account.

Rules of booking (`domain.bookings`) speak of roles alone; numbers are a merchant's choice. Roles that are taxed have
an account per tax category, and where it matters per rate.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.cart import TaxCategory
from domain.decimals import plain


class Role(StrEnum):
    """What an account is for.

    Receivables: what customers owe by a document. Prepayments: money assigned to what was not invoiced yet.
    Unassigned: money that belongs to no entry. Clearing: money that lies with the provider. Transit: payouts on
    their way to the bank. Conversion: what the provider changed from one currency into another.
    Revenue, deposits, output VAT and losses are taxed: an account per category and rate.
    """

    RECEIVABLES = "receivables"
    PREPAYMENTS = "prepayments"
    UNASSIGNED = "unassigned"
    CLEARING = "clearing"
    TRANSIT = "transit"
    BANK = "bank"
    FEES = "fees"
    DISPUTE_FEES = "dispute_fees"
    CONVERSION = "conversion"
    ROUNDING = "rounding"
    REVENUE = "revenue"
    DEPOSITS = "deposits"
    OUTPUT_VAT = "output_vat"
    LOSSES = "losses"


TAXED = frozenset({Role.REVENUE, Role.DEPOSITS, Role.OUTPUT_VAT, Role.LOSSES})
"""Roles with an account per tax category."""


@dataclass(frozen=True, slots=True)
class Tax:
    """What a line is taxed by: category and rate (per cent)."""

    category: TaxCategory
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that plays a role. `category` and `rate` narrow a taxed role; without a rate it is for all others.

    `automatic` says that the accountant's program takes the tax out of a gross amount booked here by itself;
    `tax_key` is the key (DATEV: BU-Schlüssel) that makes it do so on an account that does not.
    """

    role: Role
    number: str
    name: str
    category: TaxCategory | None = None
    rate: Decimal | None = None
    automatic: bool = False
    tax_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of accounts. `datev` is the code of the DATEV chart it follows, such as `03`, if it follows one."""

    name: str
    datev: str | None
    accounts: tuple[Account, ...]

    def account(self, role: Role, tax: Tax | None = None) -> Account:
        """The account of a role: that of the very rate, else that of the category."""
        category = None if tax is None else tax.category
        mine = [account for account in self.accounts if (account.role, account.category) == (role, category)]
        exact = [account for account in mine if tax is not None and account.rate == tax.rate]
        general = [account for account in mine if account.rate is None]
        return (exact or general)[0]

    def with_overrides(self, overrides: Iterable[Account]) -> "Chart":
        """The same chart with single accounts replaced."""
        own = {_place(account): account for account in overrides}
        kept = tuple(account for account in self.accounts if _place(account) not in own)
        return Chart(name=self.name, datev=self.datev, accounts=(*own.values(), *kept))


def _place(account: Account) -> tuple[Role, TaxCategory | None, Decimal | None]:
    rate = None if account.rate is None else plain(account.rate)
    return account.role, account.category, rate


def violations(chart: Chart) -> tuple[str, ...]:
    """What is wrong with a chart, in words: a role without account, an account twice, a number with two meanings."""
    problems = [*_missing(chart), *_misplaced(chart.accounts), *_ambiguous(chart.accounts)]
    return tuple(dict.fromkeys(problems))


def _missing(chart: Chart) -> Iterable[str]:
    general = {(account.role, account.category) for account in chart.accounts if account.rate is None}
    for role in Role:
        if role not in TAXED and (role, None) not in general:
            yield f"{role} has no account"
        for category in TaxCategory if role in TAXED else ():
            needed = role is not Role.OUTPUT_VAT or category is TaxCategory.STANDARD
            if needed and (role, category) not in general:
                yield f"{role} has no account for category {category}"


def _misplaced(accounts: Iterable[Account]) -> Iterable[str]:
    places: set[tuple[Role, TaxCategory | None, Decimal | None]] = set()
    for account in accounts:
        where = f"account {account.number} ({account.role})"
        if not (account.number.isascii() and account.number.isdigit() and 3 <= len(account.number) <= 8):
            yield f"{where}: an account has 3 to 8 digits"
        if (account.role in TAXED) != (account.category is not None):
            yield f"{where}: {'a' if account.role in TAXED else 'no'} tax category belongs here"
        if account.rate is not None and account.category is not TaxCategory.STANDARD:
            yield f"{where}: only category S has rates"
        if account.automatic and account.tax_key is not None:
            yield f"{where}: an automatic account takes no tax key"
        if account.tax_key is not None and not (account.tax_key.isdigit() and len(account.tax_key) <= 4):
            yield f"{where}: a tax key has 1 to 4 digits"
        if _place(account) in places:
            yield f"{where}: there is another account for the same"
        places.add(_place(account))


def _ambiguous(accounts: Iterable[Account]) -> Iterable[str]:
    known: dict[str, tuple[str, bool]] = {}
    for account in accounts:
        meaning = (account.name, account.automatic)
        if known.setdefault(account.number, meaning) != meaning:
            yield f"account {account.number} is described in two ways: {known[account.number][0]}, {account.name}"

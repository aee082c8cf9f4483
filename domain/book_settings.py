"""How a merchant keeps books: the chart, customers' accounts, and what the accountant's program wants to know."""

from dataclasses import dataclass
from enum import StrEnum

from domain.accounts import Account

PLAIN = "plain"
"""The chart of a merchant who chose none."""


class Debtors(StrEnum):
    """Whether each customer has a personal account, or all share the first one."""

    EACH = "each"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSettings:
    """`chart` names a chart that is shipped, `accounts` replace single accounts of it.

    `consultant` and `client` are the numbers the tax consultant gave (DATEV: Berater, Mandant); without them there is
    no DATEV export. `account_length` is how many digits accounts have there; personal accounts have one more and
    begin at `first_debtor`. `fiscal_year_from` is the month (1 to 12) the fiscal year begins with. `currency` is the
    one the books are kept in.
    """

    chart: str = PLAIN
    accounts: tuple[Account, ...] = ()
    currency: str = "EUR"
    debtors: Debtors = Debtors.EACH
    first_debtor: int = 10_000
    account_length: int = 4
    fiscal_year_from: int = 1
    consultant: int | None = None
    client: int | None = None

    @property
    def last_debtor(self) -> int:
        """The end of the range personal accounts of customers have at the tax consultant's; 70000 on are suppliers."""
        return int(7 * 10**self.account_length) - 1


NO_CHOICE = BookSettings()
"""The books of a merchant who chose nothing: the plain chart, in euro."""

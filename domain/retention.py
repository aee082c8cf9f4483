"""How long documents must be kept.

In Germany invoices are kept for eight years and books for ten, counted from the end of the calendar year in which
they came to be (§ 147 (3), (4) AO; § 14b UStG). Other countries differ: the merchant says how many years.
"""

from dataclasses import dataclass
from datetime import date

LEAST_YEARS = 1
MOST_YEARS = 30


def kept_until(issued_on: date, years: int) -> date:
    """The last day a document must be kept."""
    return date(issued_on.year + years, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The documents of one year: how many there are, and until when they must be kept."""

    year: int
    documents: int
    kept_until: date

    def is_over(self, today: date) -> bool:
        """Whether they need not be kept any longer."""
        return today > self.kept_until

"""The entry: the receivable of a checkout, and the items that tie money to it.

    initial + reductions = open            what is owed
    open - assigned      = outstanding     what is still missing; 0 is balanced

All amounts are positive integer minor units of the entry's currency for money the customer owes or paid.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import IllegalTransition


class EntryStatus(StrEnum):
    """Open until the outstanding amount is zero; open again when money is taken back.

    Canceled when the checkout closed without money; open again only to accept money that came late. One that was
    canceled by itself stays so.
    """

    OPEN = "open"
    BALANCED = "balanced"
    CANCELED = "canceled"


_ALLOWED = {
    EntryStatus.OPEN: {EntryStatus.BALANCED, EntryStatus.CANCELED},
    EntryStatus.BALANCED: {EntryStatus.OPEN, EntryStatus.CANCELED},
    EntryStatus.CANCELED: {EntryStatus.OPEN},
}


def move(current: EntryStatus, wanted: EntryStatus) -> EntryStatus:
    """`wanted`, if an entry may go there from `current`; else IllegalTransition. Staying is allowed."""
    if wanted is not current and wanted not in _ALLOWED[current]:
        raise IllegalTransition("entry", current, wanted)
    return wanted


class EntryItemKind(StrEnum):
    """An item tells of money that is expected, or of money that is there and assigned to the entry."""

    EXPECTED = "expected"
    ASSIGNED = "assigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryBalance:
    """The amounts of one entry. `reductions` is zero or negative."""

    initial: int
    reductions: int = 0
    assigned: int = 0
    expected: int = 0

    @property
    def open(self) -> int:
        """What is owed."""
        return self.initial + self.reductions

    @property
    def outstanding(self) -> int:
        """What is owed and not yet covered by assigned money."""
        return self.open - self.assigned

    @property
    def status(self) -> EntryStatus:
        """Balanced when the assigned money covers what is owed."""
        return EntryStatus.BALANCED if self.outstanding <= 0 else EntryStatus.OPEN

    def assignable(self, available: int) -> int:
        """How much of `available` money this entry can take: never more than is outstanding."""
        return max(0, min(available, self.outstanding))

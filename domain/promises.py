"""Money that was promised and is not there yet: which of it an entry waits for, and which nobody needs."""

from collections.abc import Sequence

from domain.payments import Promise
from domain.steps import Promised


def sorted_by_need(
    promised: Sequence[Promised], *, missing: int, currency: str
) -> tuple[tuple[Promised, ...], tuple[str, ...]]:
    """What is waited for, and the references of authorizations that nobody needs, in the order they came.

    `missing` (minor units of `currency`) is what is still to be captured; 0 when nobody waits for money. What a
    bank was ordered to pay cannot be called back, so it is counted first and never needless; what the shop has asked
    for comes next.
    """
    mine = [one for one in promised if one.currency == currency]
    wanted: list[Promised] = []
    for one in sorted(mine, key=lambda one: (one.promise is Promise.AUTHORIZED, one.capture is None)):
        if missing > 0:
            wanted.append(one)
            missing -= one.amount
    needless = [one.reference for one in promised if one.promise is Promise.AUTHORIZED and one not in wanted]
    return tuple(wanted), tuple(needless)

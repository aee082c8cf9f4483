"""What a person may do with entries and money: reduce, cancel, settle with money that lies elsewhere.

    a reduction    lowers what is owed: as credit (the customer owes less) or as write-off (we give it up)
    a cancelation  ends an entry for good: nothing is owed any more, and it takes no money again
    a settlement   assigns available money of a payment to other open entries

The credit of an entry is the available money of the payments that its checkout brought: freed by a reduction or a
cancelation, or paid too much. Entries never go below zero; so a debit entry is cross settled with a credit by
assigning that money to it. Amounts are minor units where they are integers, decimal strings on the wire.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from domain.entries import EntryBalance
from domain.errors import Difference, InvalidAmount, InvalidInput, Violation
from domain.money import Money
from domain.violations import Violations

LONGEST_REASON = 200
MOST_ENTRIES = 50
"""So many entries at most are settled, or paid by one link, at once: all are locked together."""
KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
"""The shop's idempotency keys; match with `fullmatch`. Ours have a slash, so the two never meet."""


class ReductionKind(StrEnum):
    """A credit lowers the price, and an invoice that states it is corrected; a write-off leaves documents alone."""

    CREDIT = "credit"
    WRITE_OFF = "write_off"


class CreditBalance(StrEnum):
    """What becomes of money that a reduction or cancelation frees.

    Future settlement: it stays available for other entries. Prepared refund: it is given back once somebody has
    approved that. Direct refund: it is given back at once.
    """

    FUTURE_SETTLEMENT = "future_settlement"
    PREPARED_REFUND = "prepared_refund"
    DIRECT_REFUND = "direct_refund"


class SettlementKind(StrEnum):
    """What was done."""

    REDUCTION = "reduction"
    CANCELATION = "cancelation"
    ASSIGNMENT = "assignment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """Lower what is owed on an entry by `amount`, a decimal string in major units. `key` is the shop's."""

    kind: Literal["reduction"] = "reduction"
    key: str
    entry_id: str
    amount: str
    reduction: ReductionKind
    reason: str
    credit_balance: CreditBalance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelEntry:
    """End an entry for good. It is its own key: an entry is canceled once."""

    kind: Literal["cancelation"] = "cancelation"
    entry_id: str
    reason: str
    credit_balance: CreditBalance | None = None

    @property
    def key(self) -> str:
        """Never the shop's: it has a slash."""
        return f"cancel/{self.entry_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Assign available money to entries, in their order: of one payment, or the credit of another entry.

    `amount` is a decimal string in major units; None is as much as there is and is owed.
    """

    kind: Literal["assignment"] = "assignment"
    key: str
    entries: tuple[str, ...]
    payment_id: str | None = None
    credit_entry_id: str | None = None
    amount: str | None = None
    reason: str | None = None


Request = Reduce | CancelEntry | Settle

DEFAULTS = {
    SettlementKind.REDUCTION: CreditBalance.PREPARED_REFUND,
    SettlementKind.CANCELATION: CreditBalance.FUTURE_SETTLEMENT,
}


def strategy(request: Reduce | CancelEntry, of_merchant: CreditBalance | None) -> CreditBalance:
    """What becomes of freed money: as this call says, else as the merchant's setting does, else by default."""
    return request.credit_balance or of_merchant or DEFAULTS[SettlementKind(request.kind)]


def settlement_id(merchant_id: str, key: str) -> str:
    """Our id of what was asked for under this key: the same whoever asks, so two requests meet in one."""
    return f"set_{sha256(f'{merchant_id}/{key}'.encode()).hexdigest()[:24]}"


def check(request: Request) -> None:
    """Raise InvalidInput with all that is wrong, as far as it can be known without the books."""
    violations = Violations()
    if not isinstance(request, CancelEntry) and not KEY.fullmatch(request.key):
        violations.add("/key", "must be 1 to 100 letters, digits or . _ : -")
    violations.check_text("/reason", request.reason, most=LONGEST_REASON, optional=isinstance(request, Settle))
    if isinstance(request, Settle):
        check_entries(violations, request.entries, least=1)
        if (request.payment_id is None) is (request.credit_entry_id is None):
            violations.add("/payment_id", "name either a payment_id or a credit_entry_id whose money is to be used")
    if violations.found:
        raise InvalidInput(violations.found)


def check_entries(violations: Violations, entries: Sequence[str], *, least: int) -> None:
    """A list of entries, each named once."""
    if not least <= len(entries) <= MOST_ENTRIES:
        violations.add("/entries", f"must name {least} to {MOST_ENTRIES} entries")
    for place, entry in enumerate(entries):
        if entry in entries[:place]:
            violations.add(f"/entries/{place}", "is named before")


def reduction_of(request: Reduce, currency: str, balance: EntryBalance, *, invoiced: bool) -> int:
    """By how much to reduce, in minor units.

    Raises InvalidInput for more than is owed, and for all of it as long as nothing is invoiced: an entry that owes
    nothing before its invoice is canceled, not reduced.
    """
    amount = _parsed(request.amount, currency)
    if amount > balance.open:
        raise _wrong(f"must be at most what is owed: {Money(balance.open, currency)}")
    if amount == balance.open and not invoiced:
        raise _wrong(f"must leave something to pay of {Money(balance.open, currency)}; else cancel the entry")
    return amount


def freed(balance: EntryBalance, reduction: int) -> int:
    """How much assigned money a reduction sets free: what is then beyond what is owed."""
    return max(0, balance.assigned - (balance.open - reduction))


def settled_of(request: Settle, currency: str, *, available: int, owed: int) -> int:
    """How much to assign, in minor units. Raises InvalidInput for more than is available, or than is owed."""
    most = min(available, owed)
    if most <= 0:
        where = "/payment_id" if request.payment_id is not None else "/credit_entry_id"
        problem = "has no available money" if available <= 0 else "meets entries on which nothing is outstanding"
        raise InvalidInput([Violation(pointer=where, message=problem)])
    if request.amount is None:
        return most
    amount = _parsed(request.amount, currency)
    if amount > most:
        there, missing = Money(available, currency), Money(owed, currency)
        raise _wrong(f"must be at most {Money(most, currency)}: {there} is available, {missing} is outstanding")
    return amount


def _parsed(text: str, currency: str) -> int:
    try:
        amount = Money.parse(text, currency).minor
    except InvalidAmount as error:
        raise _wrong(str(error)) from error
    if amount <= 0:
        raise _wrong("must be more than zero")
    return amount


def _wrong(problem: str) -> InvalidInput:
    return InvalidInput([Violation(pointer="/amount", message=problem)])


def differences(accepted: Request, received: Request, currency: str) -> tuple[Difference, ...]:
    """The fields in which two requests under one key mean different things."""
    if type(accepted) is not type(received):
        return (Difference(pointer="/kind", accepted=accepted.kind, received=received.kind),)
    return tuple(
        Difference(pointer=f"/{name}", accepted=ours, received=theirs)
        for name in accepted.__dataclass_fields__
        for ours, theirs in [(getattr(accepted, name), getattr(received, name))]
        if ours != theirs and not (name == "amount" and _same_amount(ours, theirs, currency))
    )


def _same_amount(left: str | None, right: str | None, currency: str) -> bool:
    if left is None or right is None:
        return left is right
    try:
        return Money.parse(left, currency) == Money.parse(right, currency)
    except InvalidAmount:
        return False

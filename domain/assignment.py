"""Entry assignment: which receivables a document stands for, with how much of each, and what of it is still open.

On finalization an order's entry is found by the assignment key. What a document claims of an entry never changes;
how much of a claim is settled follows from the entry: money that is assigned to it, and what is not owed any more.
One entry may be claimed by several documents (a deposit and the final invoice), and one document may claim several
entries (a collective invoice). Amounts are minor units.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.entries import EntryStatus
from domain.errors import BrokenRule, InvalidDraft
from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryShare:
    """How much of an entry a document claims; of a correction, how much it gives up."""

    entry_id: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry as finalization finds it. `open` is what is owed, `claimed` what documents in force claim of it."""

    entry_id: str
    assignment_key: str
    status: EntryStatus
    currency: str
    open: int
    claimed: int = 0

    @property
    def unclaimed(self) -> int:
        """What no document asks for yet."""
        return self.open - self.claimed


def assign(assignment_key: str, amount: int, currency: str, candidates: Iterable[Candidate]) -> EntryShare:
    """The share of the entry of this key in a document that asks `amount` of it, all that is unclaimed.

    Raises InvalidDraft when there is none or more than one such entry, when it is canceled, or when it is about
    another currency or amount: a document must ask for what is owed, no more and no less.
    """
    found = [candidate for candidate in candidates if candidate.assignment_key == assignment_key]
    if len(found) != 1:
        number = f"{len(found)} entries have" if found else "no entry has"
        raise InvalidDraft(
            [_broken("found", f"{number} the assignment key {assignment_key}; exactly one must have it")]
        )
    (entry,) = found
    broken = []
    if entry.status is EntryStatus.CANCELED:
        broken.append(_broken("owed", f"the entry of {assignment_key} is canceled"))
    if entry.currency != currency:
        message = f"the entry of {assignment_key} is in {entry.currency}, the order in {currency}"
        broken.append(_broken("currency", message))
    elif entry.unclaimed != amount:
        owed = Money(entry.unclaimed, currency)
        message = f"{Money(amount, currency)} is billed for {assignment_key}, but its entry has {owed} to bill"
        broken.append(_broken("amount", message))
    if broken:
        raise InvalidDraft(broken)
    return EntryShare(entry_id=entry.entry_id, amount=amount)


def _broken(what: str, message: str) -> BrokenRule:
    return BrokenRule(rule=f"entry-{what}", field="/cart/totals", message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a document in force claims of an entry; `credited` is what its credit notes have given up of that."""

    document_id: str
    entry_id: str
    amount: int
    credited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What an entry has for its claims: `assigned` money, and `reduced`, what is not owed any more (positive)."""

    assigned: int
    reduced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What settles a document's claim of an entry: `money`, of which `earlier` documents had so much before it."""

    earlier: int
    money: int
    open: int


@dataclass(frozen=True, slots=True)
class Balances:
    """Who has what, by document and entry."""

    by_claim: dict[tuple[str, str], Covered] = field(default_factory=dict)

    def open(self, document_id: str) -> int:
        """The sum of the balances of a document: zero is paid."""
        return sum(covered.open for (document, _), covered in self.by_claim.items() if document == document_id)


def balances(claims: Sequence[Claim], settled: Mapping[str, Settled]) -> Balances:
    """What each claim has of its entry. `claims` are in the order of finalization: the oldest is served first.

    What was credited is off the claim it was credited on; other reductions (a write-off) count like money.
    """
    credited = dict.fromkeys(settled, 0)
    for claim in claims:
        credited[claim.entry_id] += claim.credited
    money = {entry_id: have.assigned for entry_id, have in settled.items()}
    forgiven = {entry_id: max(0, have.reduced - credited[entry_id]) for entry_id, have in settled.items()}
    result = Balances()
    for claim in claims:
        wanted = max(0, claim.amount - claim.credited)
        paid = min(wanted, money[claim.entry_id])
        let_off = min(wanted - paid, forgiven[claim.entry_id])
        earlier = settled[claim.entry_id].assigned - money[claim.entry_id]
        money[claim.entry_id] -= paid
        forgiven[claim.entry_id] -= let_off
        result.by_claim[claim.document_id, claim.entry_id] = Covered(
            earlier=earlier, money=paid, open=wanted - paid - let_off
        )
    return result


def window(amounts: Sequence[int], skip: int, take: int) -> tuple[int, ...]:
    """Of amounts in a row, the parts that lie behind the first `skip` minor units and within the `take` after."""
    parts, passed = [], 0
    for amount in amounts:
        start, end = max(passed, skip), min(passed + amount, skip + take)
        parts.append(max(0, end - start))
        passed += amount
    return tuple(parts)

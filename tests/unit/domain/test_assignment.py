"""Entry assignment: which entry a document claims, how much, and what of each claim is settled."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.assignment import Candidate, Claim, EntryShare, Settled, assign, balances, window
from domain.entries import EntryStatus
from domain.errors import InvalidDraft

ENTRY = Candidate(entry_id="ent_1", assignment_key="SO-1", status=EntryStatus.BALANCED, currency="EUR", open=83_900)


def test_entry_of_the_key_is_claimed_with_all_that_is_owed() -> None:
    other = replace(ENTRY, entry_id="ent_2", assignment_key="SO-2")
    assert assign("SO-1", 83_900, "EUR", [other, ENTRY]) == EntryShare(entry_id="ent_1", amount=83_900)


def test_entry_that_is_not_balanced_is_claimed_all_the_same() -> None:
    assert assign("SO-1", 83_900, "EUR", [replace(ENTRY, status=EntryStatus.OPEN)]).amount == 83_900


def test_final_invoice_claims_what_the_deposit_left_of_the_entry() -> None:
    assert assign("SO-1", 63_900, "EUR", [replace(ENTRY, claimed=20_000)]).amount == 63_900


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        ([], "no entry has the assignment key SO-1"),
        ([replace(ENTRY, assignment_key="SO-2")], "no entry has the assignment key SO-1"),
        ([ENTRY, ENTRY], "2 entries have the assignment key SO-1"),
        ([replace(ENTRY, currency="USD")], "is in USD, the order in EUR"),
        ([replace(ENTRY, open=83_899)], "839.00 EUR is billed for SO-1, but its entry has 838.99 EUR to bill"),
        ([replace(ENTRY, open=83_901)], "its entry has 839.01 EUR to bill"),
        ([replace(ENTRY, claimed=1)], "its entry has 838.99 EUR to bill"),
        ([replace(ENTRY, claimed=83_900)], "its entry has 0.00 EUR to bill"),
        ([replace(ENTRY, status=EntryStatus.CANCELED)], "the entry of SO-1 is canceled"),
    ],
    ids=[
        "none", "another key", "several", "currency", "too much", "too little", "claimed in part", "claimed", "canceled"
    ],
)  # fmt: skip
def test_entry_that_does_not_fit_is_refused_in_words(candidates: list[Candidate], words: str) -> None:
    with pytest.raises(InvalidDraft, match=words):
        assign("SO-1", 83_900, "EUR", candidates)


def claim(document: str, entry: str, amount: int, credited: int = 0) -> Claim:
    """What a document claims of an entry."""
    return Claim(document_id=document, entry_id=entry, amount=amount, credited=credited)


def test_invoice_is_paid_when_the_sum_over_its_entries_is_zero() -> None:
    claims = [claim("collective", "a", 100), claim("collective", "b", 50)]
    for a, b, left in ((100, 50, 0), (100, 49, 1), (0, 50, 100), (0, 0, 150)):
        settled = {"a": Settled(assigned=a, reduced=0), "b": Settled(assigned=b, reduced=0)}
        assert balances(claims, settled).open("collective") == left


def test_money_of_an_entry_serves_the_oldest_document_first() -> None:
    claims = [claim("deposit", "a", 200), claim("final", "a", 639)]
    for money, deposit, final in ((0, 200, 639), (150, 50, 639), (200, 0, 639), (500, 0, 339), (839, 0, 0)):
        standing = balances(claims, {"a": Settled(assigned=money, reduced=0)})
        assert (standing.open("deposit"), standing.open("final")) == (deposit, final)
    covered = standing.by_claim["final", "a"]
    assert (covered.earlier, covered.money) == (200, 639)


def test_refund_is_off_the_document_it_was_credited_on() -> None:
    claims = [claim("first", "a", 200), claim("second", "a", 639, credited=39)]
    standing = balances(claims, {"a": Settled(assigned=800, reduced=39)})
    assert (standing.open("first"), standing.open("second")) == (0, 0)
    assert standing.by_claim["first", "a"].money == 200


def test_what_is_written_off_counts_like_money() -> None:
    standing = balances([claim("invoice", "a", 839)], {"a": Settled(assigned=800, reduced=39)})
    assert standing.open("invoice") == 0
    assert standing.by_claim["invoice", "a"].money == 800


def test_dispute_opens_the_invoice_again() -> None:
    claims = [claim("invoice", "a", 839)]
    assert balances(claims, {"a": Settled(assigned=0, reduced=0)}).open("invoice") == 839


amounts = st.integers(min_value=0, max_value=1_000)


@given(st.lists(st.tuples(amounts, st.integers(0, 100)), min_size=1, max_size=6), amounts, amounts)
def test_no_minor_unit_is_counted_twice_and_none_is_lost(
    wanted: list[tuple[int, int]], assigned: int, written_off: int
) -> None:
    claims = [claim(str(n), "a", amount, min(amount, credited)) for n, (amount, credited) in enumerate(wanted)]
    credited = sum(one.credited for one in claims)
    standing = balances(claims, {"a": Settled(assigned=assigned, reduced=credited + written_off)})
    due = sum(one.amount - one.credited for one in claims)
    opened = sum(standing.open(one.document_id) for one in claims)
    assert opened == max(0, due - assigned - written_off)
    assert sum(covered.money for covered in standing.by_claim.values()) == min(assigned, due)


@given(st.lists(amounts, max_size=6), amounts, amounts)
def test_window_over_amounts_takes_what_lies_behind_the_skipped(row: list[int], skip: int, take: int) -> None:
    parts = window(row, skip, take)
    assert sum(parts) == max(0, min(sum(row) - skip, take))
    assert all(0 <= part <= amount for part, amount in zip(parts, row, strict=True))

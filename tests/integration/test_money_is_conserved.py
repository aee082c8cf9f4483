"""Invariants 4 and 7: captured = assigned + available + refunded, and a fact, once applied, is not undone.

What a provider says comes late, twice and in any order; the books must end the same.
"""

import asyncio
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.checkout import CheckoutStatus
from domain.payments import PaymentReport, PaymentStatus, SessionStatus, SettledBy
from domain.steps import Entry, Findings
from tests.clerk import TOTAL, Clerk, captured
from tests.proofs import spread

SESSION = "cs_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The money columns of a payment."""

    status: str
    captured: int
    assigned: int
    available: int
    refunded: int
    fee: int | None
    net: int | None


async def _payments(clerk: Clerk, entry: Entry) -> list[Money]:
    """The payments of the checkout, after a look at what always holds."""
    async with clerk.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT status, captured, assigned, available, refunded, fee, net FROM payments"
                " WHERE checkout_id = :id ORDER BY reference"
            ),
            {"id": entry.checkout_id},
        )
        payments = [Money(**row) for row in rows.mappings()]
        tied = await connection.execute(
            text(
                "SELECT e.assigned, coalesce(sum(i.amount), 0) FROM entries e"
                " LEFT JOIN entry_items i ON i.entry_id = e.id AND i.kind = 'assigned'"
                " WHERE e.id = :id GROUP BY e.id"
            ),
            {"id": entry.entry_id},
        )
    assigned_to_entry, sum_of_items = tied.one()
    assert all(p.captured == p.assigned + p.available + p.refunded for p in payments)
    assert assigned_to_entry == sum_of_items == sum(p.assigned for p in payments)
    assert assigned_to_entry <= entry.amount
    return payments


def _facts(entry: Entry) -> dict[str, Findings]:
    """What a provider may say of one payment on its way to success, by the name of the fact."""
    success = captured(entry)
    attempt = replace(success, captured_at=None, method=None, detail=None)
    open_, complete = SessionStatus.OPEN, SessionStatus.COMPLETE

    def said(status: SessionStatus, payment: PaymentReport) -> Findings:
        return Findings(session_id=SESSION, session_status=status, payment=payment)

    return {
        "pending": said(open_, replace(attempt, status=PaymentStatus.PENDING)),
        "declined": said(open_, replace(attempt, status=PaymentStatus.FAILED, failure="card_declined")),
        "captured": said(complete, success),
        "booked": said(complete, replace(success, fee=1_250, net=TOTAL - 1_250)),
        "canceled": said(SessionStatus.EXPIRED, replace(attempt, status=PaymentStatus.CANCELED)),
    }


PAID = Money(status="collected", captured=TOTAL, assigned=TOTAL, available=0, refunded=0, fee=1_250, net=TOTAL - 1_250)


@pytest.mark.proof
async def test_facts_in_any_order_and_each_twice_end_in_the_same_books(clerk: Clerk) -> None:
    names = ("pending", "declined", "captured", "booked", "canceled")

    async def hear(order: tuple[str, ...]) -> None:
        entry = await clerk.open()
        facts = _facts(entry)
        for number, name in enumerate(order):
            await clerk.find(entry, facts[name], facts[name])
            if number % 2:
                await clerk.balance(entry)
        standing = await clerk.find(entry, facts[order[-1]])
        balance = await clerk.balance(entry)
        assert await _payments(clerk, entry) == [PAID], order
        assert (standing.status, standing.captured) == (CheckoutStatus.CAPTURED, TOTAL), order
        assert (balance.balanced, balance.outstanding) == (True, 0), order

    orders = spread(list(permutations(names)), some=20)
    for start in range(0, len(orders), 10):
        await asyncio.gather(*(hear(order) for order in orders[start : start + 10]))


@pytest.mark.parametrize(
    "later",
    [
        {"status": PaymentStatus.FAILED, "failure": "card_declined"},
        {"status": PaymentStatus.CANCELED},
        {"status": PaymentStatus.EXPIRED},
        {"status": PaymentStatus.PENDING},
        {"status": PaymentStatus.REVERSED},
        {"status": PaymentStatus.COLLECTED, "amount": 1},
        {"status": PaymentStatus.COLLECTED, "currency": "USD"},
    ],
    ids=lambda later: "-".join(str(value) for value in later.values()),
)
@pytest.mark.parametrize("balanced", [False, True])
async def test_no_later_report_takes_captured_money_away_or_changes_how_much_it_was(
    clerk: Clerk, later: dict[str, Any], balanced: bool
) -> None:
    entry = await clerk.open()
    await clerk.find(entry, captured(entry))
    if balanced:
        await clerk.balance(entry)
    before = await _payments(clerk, entry)
    standing = await clerk.find(entry, replace(captured(entry), **later), settled_by=SettledBy.SWEEP)
    assert await _payments(clerk, entry) == before
    assert standing.captured == TOTAL


async def test_the_way_that_settled_a_payment_stays_the_first_one(clerk: Clerk) -> None:
    entry = await clerk.open()
    pending = replace(captured(entry), status=PaymentStatus.PENDING, captured_at=None)
    for settled_by, report in [
        (SettledBy.WEBHOOK, pending),
        (SettledBy.RETURN, captured(entry)),
        (SettledBy.POLL, captured(entry)),
    ]:
        await clerk.find(entry, report, settled_by=settled_by)
    async with clerk.engine.connect() as connection:
        assert (await connection.execute(text("SELECT settled_by FROM payments"))).scalar_one() == SettledBy.RETURN


async def test_the_same_fact_told_by_many_at_once_is_one_payment(clerk: Clerk) -> None:
    entry = await clerk.open()
    await asyncio.gather(*(clerk.find(entry, captured(entry)) for _ in range(10)))
    await asyncio.gather(*(clerk.balance(entry) for _ in range(10)))
    (payment,) = await _payments(clerk, entry)
    assert (payment.captured, payment.assigned) == (TOTAL, TOTAL)
    async with clerk.engine.connect() as connection:
        told = await connection.execute(text("SELECT type, count(*) FROM events GROUP BY type"))
    assert {kind: count for kind, count in told if kind != "checkout.created"} == {
        "checkout.captured": 1,
        "entry.balanced": 1,
    }


async def test_money_that_came_twice_is_assigned_once_and_the_rest_stays_available(clerk: Clerk) -> None:
    entry = await clerk.open()
    await clerk.find(entry, captured(entry, reference="pi_1"), captured(entry, reference="pi_2"))
    for _ in range(2):
        await clerk.balance(entry)
    first, second = await _payments(clerk, entry)
    assert {first.assigned, second.assigned} == {TOTAL, 0}
    assert {first.available, second.available} == {TOTAL, 0}


async def test_too_much_money_is_assigned_as_far_as_it_is_owed(clerk: Clerk) -> None:
    entry = await clerk.open()
    await clerk.find(entry, captured(entry, amount=TOTAL + 100))
    assert (await clerk.balance(entry)).balanced
    (payment,) = await _payments(clerk, entry)
    assert (payment.assigned, payment.available) == (TOTAL, 100)


async def test_too_little_money_never_balances_until_the_rest_comes(clerk: Clerk) -> None:
    entry = await clerk.open()
    short = await clerk.find(entry, captured(entry, amount=TOTAL - 1, reference="pi_1"))
    assert (short.covered, short.status) == (False, CheckoutStatus.AWAITING_PAYMENT)
    await clerk.find(entry, captured(entry, amount=1, reference="pi_2"))
    assert (await clerk.balance(entry)).outstanding == 0
    assert [payment.available for payment in await _payments(clerk, entry)] == [0, 0]


async def test_money_of_another_currency_is_kept_and_never_assigned(clerk: Clerk) -> None:
    entry = await clerk.open()
    standing = await clerk.find(entry, captured(entry, currency="USD"))
    assert (standing.covered, standing.captured) == (False, 0)
    assert standing.misfit is not None
    assert (await clerk.balance(entry)).outstanding == TOTAL
    (payment,) = await _payments(clerk, entry)
    assert (payment.available, payment.assigned) == (TOTAL, 0)


@pytest.mark.parametrize(
    "change",
    [
        "available = available + 1",
        "assigned = assigned - 1",
        "refunded = refunded + 1",
        "captured = 0",
        "assigned = -1, available = available + 1",
    ],
)
async def test_the_database_itself_refuses_money_from_nowhere_or_to_nowhere(clerk: Clerk, change: str) -> None:
    entry = await clerk.billable()
    before = await _payments(clerk, entry)
    with pytest.raises(IntegrityError):
        async with clerk.engine.begin() as connection:
            await connection.execute(text(f"UPDATE payments SET {change}"))
    assert await _payments(clerk, entry) == before


@pytest.mark.parametrize("change", ["assigned = initial + 1", "assigned = assigned - 1", "status = 'open'"])
async def test_the_database_itself_refuses_an_entry_that_is_balanced_by_word_only(clerk: Clerk, change: str) -> None:
    await clerk.billable()
    with pytest.raises(IntegrityError):
        async with clerk.engine.begin() as connection:
            await connection.execute(text(f"UPDATE entries SET {change}"))

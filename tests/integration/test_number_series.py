"""Invariant 5: numbers of a series are 1..N without gap or duplicate, in the order of their time."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, text, update

from adapters.postgres.series import DrawnNumber, draw
from adapters.postgres.tables import SeriesRow
from domain.invoices import InvoiceKind
from domain.merchants import Merchant
from tests.clerk import Clerk, at_work
from tests.fakes.merchants import NORDWERK, SUEDWERK

WRITERS = 20
DRAWS_EACH = 20
ROLLBACKS = 0.1
COUNTING_ON = replace(NORDWERK, number_pattern="RE-{000000}")


@pytest.fixture
async def clerk(database_url: str) -> AsyncIterator[Clerk]:
    """A clerk with a connection for each writer, and paper that numbers are written on as they are drawn."""
    async with at_work(database_url, pool_size=WRITERS) as it:
        async with it.engine.begin() as connection:
            await connection.execute(text("CREATE TABLE paper (sequence bigint, number text, at timestamptz)"))
        yield it


@dataclass(frozen=True, slots=True)
class Paper:
    """A number that was drawn and kept."""

    sequence: int
    number: str
    at: datetime


class Discarded(Exception):
    """The document this number was for did not come to be."""


async def _write(clerk: Clerk, merchant: Merchant = NORDWERK, *, discard: bool = False) -> DrawnNumber:
    """Draw a number and write it down in one transaction, which may fail at its very end."""
    async with clerk.sessions.begin() as session:
        drawn = await draw(session, merchant, InvoiceKind.INVOICE)
        await session.execute(
            text("INSERT INTO paper VALUES (:sequence, :number, :at)"),
            {"sequence": drawn.sequence, "number": drawn.number, "at": drawn.at},
        )
        if discard:
            raise Discarded
        return drawn


async def _many_writers(clerk: Clerk) -> None:
    async def writer(number: int) -> None:
        dice = random.Random(number)
        for _ in range(DRAWS_EACH):
            try:
                await _write(clerk, discard=dice.random() < ROLLBACKS)
            except Discarded:
                continue

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))


async def _paper(clerk: Clerk) -> list[Paper]:
    """What was kept, in the order of its time."""
    async with clerk.engine.connect() as connection:
        rows = await connection.execute(text("SELECT sequence, number, at FROM paper ORDER BY at, sequence"))
        return [Paper(*row) for row in rows]


def _kept() -> int:
    dice = [random.Random(number) for number in range(WRITERS)]
    return sum(each.random() >= ROLLBACKS for each in dice for _ in range(DRAWS_EACH))


async def test_numbers_drawn_by_many_at_once_have_no_gap_and_are_in_the_order_of_time(clerk: Clerk) -> None:
    await _many_writers(clerk)
    sequences = [paper.sequence for paper in await _paper(clerk)]
    assert _kept() < WRITERS * DRAWS_EACH
    assert sequences == list(range(1, _kept() + 1))


async def test_the_lock_of_the_series_is_what_keeps_numbers_apart(clerk: Clerk) -> None:
    """The same without the lock goes wrong: so the test above can fail."""
    unlocked = 0

    def without_lock(_c: Any, _cursor: Any, sql: str, parameters: Any, _x: Any, _many: Any) -> tuple[str, Any]:
        nonlocal unlocked
        unlocked += sql.endswith(" FOR UPDATE")
        return sql.removesuffix(" FOR UPDATE"), parameters

    event.listen(clerk.engine.sync_engine, "before_cursor_execute", without_lock, retval=True)
    await _many_writers(clerk)
    sequences = [paper.sequence for paper in await _paper(clerk)]
    assert unlocked == WRITERS * DRAWS_EACH
    assert len(sequences) == _kept()
    assert sorted(sequences) != list(range(1, _kept() + 1))


async def test_invoices_finalized_at_once_are_numbered_in_the_order_of_their_time(clerk: Clerk) -> None:
    entries = [await clerk.billable() for _ in range(WRITERS)]
    again = [entry for entry in entries for _ in range(2)]
    invoices = await asyncio.gather(*(clerk.bill(entry) for entry in again))
    async with clerk.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT sequence, id FROM invoices ORDER BY finalized_at"))).all()
    assert [sequence for sequence, _ in rows] == list(range(1, WRITERS + 1))
    assert {invoice.invoice_id for invoice in invoices} == {invoice_id for _, invoice_id in rows}


async def test_every_merchant_and_every_kind_of_document_has_a_series_of_its_own(clerk: Clerk) -> None:
    async with clerk.sessions.begin() as session:
        drawn = [
            (await draw(session, merchant, kind)).sequence
            for merchant, kind in [
                (NORDWERK, InvoiceKind.INVOICE),
                (SUEDWERK, InvoiceKind.INVOICE),
                (NORDWERK, InvoiceKind.CREDIT_NOTE),
                (NORDWERK, InvoiceKind.INVOICE),
            ]
        ]
    assert drawn == [1, 1, 1, 2]


async def test_a_fresh_series_starts_with_the_merchants_first_number(clerk: Clerk) -> None:
    merchant = replace(COUNTING_ON, first_number=4711)
    assert [(await _write(clerk, merchant)).number for _ in range(2)] == ["RE-004711", "RE-004712"]


async def _drawn_before(clerk: Clerk, **values: Any) -> None:
    """Let the last number of the series have been drawn like this."""
    await _write(clerk)
    async with clerk.engine.begin() as connection:
        await connection.execute(update(SeriesRow).values(**values))
        await connection.execute(text("DELETE FROM paper"))


async def test_a_new_year_starts_again_where_the_number_names_the_year(clerk: Clerk) -> None:
    await _drawn_before(clerk, period="2019", last_number=42, last_drawn_at=datetime(2019, 12, 31, tzinfo=UTC))
    drawn = [await _write(clerk), await _write(clerk)]
    assert [each.sequence for each in drawn] == [1, 2]
    assert [each.number for each in drawn] == [f"{drawn[0].period}-000001", f"{drawn[0].period}-000002"]
    assert int(drawn[0].period) > 2019


async def test_a_new_year_counts_on_where_the_number_does_not_name_the_year(clerk: Clerk) -> None:
    await _drawn_before(clerk, period="all", last_number=42, last_drawn_at=datetime(2019, 12, 31, tzinfo=UTC))
    assert (await _write(clerk, COUNTING_ON)).number == "RE-000043"


async def test_the_year_is_that_of_the_sellers_calendar(clerk: Clerk) -> None:
    new_year_in_kiel = datetime(2098, 12, 31, 23, 30, tzinfo=UTC)
    await _drawn_before(clerk, period="2098", last_number=42, last_drawn_at=new_year_in_kiel)
    assert (await _write(clerk)).number == "2099-000001"


async def test_time_never_goes_back_behind_the_last_number_though_the_clock_does(clerk: Clerk) -> None:
    ahead = datetime(2099, 6, 1, tzinfo=UTC)
    await _drawn_before(clerk, period="2099", last_number=42, last_drawn_at=ahead)
    drawn = await _write(clerk)
    assert (drawn.sequence, drawn.at) == (43, ahead)

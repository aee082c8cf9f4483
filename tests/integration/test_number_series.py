"""Invariant 5: numbers of a series are 1..N without gap or duplicate, in the order of their time."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.exc import DBAPIError

from adapters.postgres.finalization import Ties, finalize, ties_of
from adapters.postgres.series import DrawnNumber, draw
from adapters.postgres.tables import InvoiceRow, SeriesRow
from domain.cart import TaxCategory
from domain.checkout import PriceMode
from domain.errors import InvalidDraft
from domain.invoices import DocumentReference, Draft, InvoiceKind, InvoiceStatus, Particulars
from domain.merchants import Merchant
from domain.numbers import Numbering, Reset
from domain.totals import CartLine, price_cart
from tests.audits import findings
from tests.checkout_bodies import good_body, request_of
from tests.clerk import Clerk, at_work, of_invoice
from tests.fakes.merchants import NORDWERK, SUEDWERK
from tests.proofs import tries

WRITERS = 20
FINALIZATIONS = tries("FINALIZATIONS", some=100, all_of_them=10_000)
"""Of all writers together."""
ENOUGH_TO_COLLIDE = 100
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


async def _subject(clerk: Clerk) -> tuple[Draft, Ties]:
    """A small document, and what it belongs to: a credit note, for an invoice may have many of them."""
    entry = await clerk.billable()
    invoice = of_invoice(entry, await clerk.bill(entry))
    async with clerk.sessions() as session:
        row = await session.get_one(InvoiceRow, invoice.invoice_id)
        about = await ties_of(session, row)
    line = CartLine(
        name="One cent", quantity=Decimal(1), unit="C62", unit_price=Decimal("0.01"),
        tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19),
    )  # fmt: skip
    draft = Draft(
        kind=InvoiceKind.CREDIT_NOTE,
        language="de",
        order_number=row.order_number,
        buyer=request_of(good_body()).customer,
        cart=price_cart(currency="EUR", prices=PriceMode.GROSS, lines=[line], discounts=[]),
        particulars=Particulars(corrects=DocumentReference(number=row.number, issued_on=row.issued_on)),
    )
    cent = tuple(replace(share, amount=1) for share in about.entries)
    return draft, Ties(orders=about.orders, entries=cent, corrects_id=row.id)


async def _finalize(clerk: Clerk, draft: Draft, ties: Ties, *, fate: str) -> None:
    """Finalize in a transaction that commits, is rolled back at its very end, or whose connection is killed there."""
    async with clerk.sessions.begin() as session:
        await finalize(session, NORDWERK, draft, ties, InvoiceStatus.SETTLED)
        if fate == "killed":
            writer = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with clerk.engine.connect() as killer:
                await killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": writer})
        if fate == "discarded":
            raise Discarded


def _fates(writer: int, finalizations: int) -> list[str]:
    """What becomes of a writer's documents: one in ten is rolled back, and one of all is killed in the middle."""
    dice = random.Random(writer)
    fates = ["discarded" if dice.random() < ROLLBACKS else "kept" for _ in range(finalizations // WRITERS)]
    if writer == 7:
        fates[len(fates) // 2] = "killed"
    return fates


def _meant_to_be_kept(finalizations: int) -> int:
    return sum(_fates(writer, finalizations).count("kept") for writer in range(WRITERS))


async def _many_writers(clerk: Clerk, finalizations: int) -> int:
    """Twenty writers finalize so many documents together; answers how many were kept."""
    draft, ties = await _subject(clerk)
    kept = 0

    async def writer(number: int) -> None:
        nonlocal kept
        for fate in _fates(number, finalizations):
            try:
                await _finalize(clerk, draft, ties, fate=fate)
            except (Discarded, DBAPIError, InvalidDraft):
                continue
            kept += fate == "kept"

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))
    return kept


async def _credit_notes(clerk: Clerk) -> list[Paper]:
    """The documents that came to be, in the order of their time."""
    async with clerk.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT sequence, number, finalized_at FROM invoices WHERE kind = 'credit_note' ORDER BY finalized_at")
        )
        return [Paper(*row) for row in rows]


@pytest.mark.proof
@pytest.mark.timeout(1200)
async def test_numbers_drawn_by_many_at_once_have_no_gap_and_are_in_the_order_of_time(clerk: Clerk) -> None:
    kept = await _many_writers(clerk, FINALIZATIONS)
    papers = await _credit_notes(clerk)
    assert kept == _meant_to_be_kept(FINALIZATIONS)
    assert [paper.sequence for paper in papers] == list(range(1, kept + 1))
    assert [paper.number[-6:] for paper in papers] == [f"{n:06}" for n in range(1, kept + 1)]
    assert await findings(clerk) == []


async def test_the_lock_of_the_series_is_what_keeps_numbers_apart(clerk: Clerk) -> None:
    """The same without the lock goes wrong: so the test above can fail."""
    unlocked = 0

    def without_lock(_c: Any, _cursor: Any, sql: str, parameters: Any, _x: Any, _many: Any) -> tuple[str, Any]:
        nonlocal unlocked
        unlocked += sql.endswith(" FOR UPDATE")
        return sql.removesuffix(" FOR UPDATE"), parameters

    async with clerk.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE series DISABLE TRIGGER forward"))
    event.listen(clerk.engine.sync_engine, "before_cursor_execute", without_lock, retval=True)
    kept = await _many_writers(clerk, ENOUGH_TO_COLLIDE)
    event.remove(clerk.engine.sync_engine, "before_cursor_execute", without_lock)
    assert unlocked >= ENOUGH_TO_COLLIDE
    assert kept < _meant_to_be_kept(ENOUGH_TO_COLLIDE) or await findings(clerk) != []


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


async def test_a_new_month_starts_again_where_the_series_says_so(clerk: Clerk) -> None:
    monthly = Numbering(pattern="RE-{year}{month}-{000}", reset=Reset.MONTHLY, start=88)
    merchant = replace(NORDWERK, series={"invoice": monthly})
    first = await _write(clerk, merchant)
    assert first.number == f"RE-{first.period.replace('-', '')}-088"
    async with clerk.engine.begin() as connection:
        await connection.execute(update(SeriesRow).values(period="2019-11", last_number=42))
    assert (await _write(clerk, merchant)).number == f"RE-{first.period.replace('-', '')}-001"


async def test_every_legal_entity_of_a_merchant_has_series_of_its_own(clerk: Clerk) -> None:
    pattern = Numbering(pattern="{entity}-{000}", reset=Reset.NEVER)
    north, south = (replace(NORDWERK, legal_entity=name, series={"invoice": pattern}) for name in ("NORD", "SUED"))
    drawn = [(await _write(clerk, merchant)).number for merchant in (north, south, north)]
    assert drawn == ["NORD-001", "SUED-001", "NORD-002"]


async def test_a_draft_whose_number_is_taken_takes_none(clerk: Clerk) -> None:
    """A pattern that was changed to one that gives numbers of before is put before a person, not retried for ever."""
    draft, ties = await _subject(clerk)
    taken = replace(NORDWERK, credit_note_pattern=NORDWERK.number_pattern)
    with pytest.raises(InvalidDraft, match="is taken"):
        async with clerk.sessions.begin() as session:
            await finalize(session, taken, draft, ties, InvoiceStatus.SETTLED)
    async with clerk.sessions.begin() as session:
        assert (await draw(session, NORDWERK, InvoiceKind.CREDIT_NOTE)).sequence == 1

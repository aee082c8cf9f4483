"""Booking periods: what belongs in a closed month is booked in the next open one, and the months stay as they are."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.errors import InvalidInput
from domain.periods import ChangePeriod, Month
from tests.books.scenes import Office
from tests.books.test_ledger import BOOKING, LINE
from tests.fakes.merchants import NORDWERK


def last_month() -> Month:
    """The latest month that is over."""
    return Month.of(Month.of(datetime.now(UTC).date()).first_day - timedelta(days=5))


def change(month: Month, *, closed: bool, reason: str = "done") -> ChangePeriod:
    """A closing or reopening, now."""
    return ChangePeriod(
        merchant_id=NORDWERK.id, month=month, closed=closed, by="anna", reason=reason, at=datetime.now(UTC)
    )


async def dates(office: Office) -> list[tuple[date, date]]:
    """Document and booking dates of payments, in the order they were booked."""
    rows = await office.rows(
        "SELECT document_date, booking_date FROM bookings WHERE kind = 'payment' ORDER BY sequence"
    )
    return [(row.document_date, row.booking_date) for row in rows]


async def test_a_fact_of_a_closed_month_spills_into_the_next_open_one_until_it_is_reopened(office: Office) -> None:
    month = last_month()
    day = month.first_day + timedelta(days=10)
    paid_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    await office.sold(at=paid_at)
    await office.books.change_period(change(month, closed=True))
    await office.sold(at=paid_at)
    await office.books.change_period(change(month, closed=False, reason="a late receipt"))
    await office.sold(at=paid_at)
    assert await dates(office) == [(day, day), (day, month.next.first_day), (day, day)]


async def test_who_closed_and_reopened_is_kept_for_ever(office: Office) -> None:
    month = last_month()
    for closed, reason in ((True, "sent"), (True, "again"), (False, "mistake"), (True, "sent again")):
        await office.books.change_period(change(month, closed=closed, reason=reason))
    first = await office.books.periods(NORDWERK.id, cursor=None, limit=2)
    second = await office.books.periods(NORDWERK.id, cursor=first.next_cursor, limit=2)
    changes = [(one.closed, one.reason) for one in (*first.items, *second.items)]
    assert changes == [(True, "sent again"), (False, "mistake"), (True, "sent")]
    assert second.next_cursor is None
    assert (await office.books.periods("suedwerk", cursor=None, limit=2)).items == ()
    async with office.clerk.engine.begin() as connection:
        with pytest.raises(DBAPIError, match="part of the books"):
            await connection.execute(text("DELETE FROM booking_period_changes"))


async def test_a_month_that_is_not_over_cannot_be_closed(office: Office) -> None:
    for month in (last_month().next, last_month().next.next):
        with pytest.raises(InvalidInput, match="must be over"):
            await office.books.change_period(change(month, closed=True))


async def test_the_database_itself_refuses_a_booking_in_a_closed_month(office: Office) -> None:
    await office.books.change_period(change(Month(2026, 1), closed=True))
    with pytest.raises(DBAPIError, match="2026-01 is closed"):
        async with office.clerk.engine.begin() as connection:
            await connection.execute(text(BOOKING))
    async with office.clerk.engine.begin() as connection:
        await connection.execute(text(BOOKING.replace("2026-01", "2026-02")))
        for position, amount in ((1, 5), (2, -5)):
            await connection.execute(text(LINE.format(booking="bkg_own", position=position, amount=amount)))
        await connection.rollback()


async def test_closing_waits_for_whoever_books_in_the_month_and_lets_nobody_in_behind(office: Office) -> None:
    month = Month(2026, 1)
    async with office.clerk.engine.connect() as booking:
        await booking.execute(text(BOOKING))
        closing = asyncio.create_task(office.books.change_period(change(month, closed=True)))
        done, _ = await asyncio.wait({closing}, timeout=0.3)
        assert not done
        await booking.rollback()
    assert (await closing).closed
    with pytest.raises(DBAPIError, match="is closed"):
        async with office.clerk.engine.begin() as late:
            await late.execute(text(BOOKING))


async def test_months_are_those_of_the_merchants_calendar(office: Office) -> None:
    await office.keeps(replace(NORDWERK, time_zone="Pacific/Auckland"))
    month = last_month()
    eve = datetime(month.next.year, month.next.month, 1, tzinfo=UTC) - timedelta(hours=6)
    await office.sold(at=eve)
    assert await dates(office) == [(month.next.first_day, month.next.first_day)]

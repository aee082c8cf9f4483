"""Booking periods: closed and reopened, each change written down with who and why."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.bookings import desk_of
from adapters.postgres.cursors import cursor_of, number_after
from adapters.postgres.tables_bookings import BookingPeriodChangeRow, BookingPeriodRow
from domain.errors import InvalidInput, Violation
from domain.periods import ChangePeriod, Month, PeriodPage, PeriodView


async def change_period(session: AsyncSession, step: ChangePeriod) -> PeriodView:
    """Close a month that is over, or open it again; one that stands so already stays as it is.

    Waits for everybody who books in the month. Raises InvalidInput for a month that is not over.
    """
    desk = await desk_of(session, step.merchant_id)
    if step.month >= Month.of(desk.day(step.at)):
        raise InvalidInput([Violation(pointer="/month", message="must be over")])
    month = str(step.month)
    lock = f"period/{step.merchant_id}/{month}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
    row = await session.get(BookingPeriodRow, (step.merchant_id, month), populate_existing=True)
    if row is not None and row.closed == step.closed:
        return _view(row)
    values = {"closed": step.closed, "by": step.by, "reason": step.reason, "at": step.at}
    changed = (
        insert(BookingPeriodRow)
        .values(merchant_id=step.merchant_id, month=month, **values)
        .on_conflict_do_update(index_elements=[BookingPeriodRow.merchant_id, BookingPeriodRow.month], set_=values)
    )
    await session.execute(changed)
    session.add(BookingPeriodChangeRow(merchant_id=step.merchant_id, month=month, **values))
    return PeriodView(month=month, closed=step.closed, by=step.by, reason=step.reason, at=step.at)


async def read_periods(session: AsyncSession, merchant_id: str, *, cursor: str | None, limit: int) -> PeriodPage:
    """Closings and reopenings, newest first. Raises InvalidInput for a cursor that is not one of ours."""
    wanted = select(BookingPeriodChangeRow).where(BookingPeriodChangeRow.merchant_id == merchant_id)
    if cursor is not None:
        wanted = wanted.where(BookingPeriodChangeRow.id < number_after(cursor))
    rows = (await session.scalars(wanted.order_by(BookingPeriodChangeRow.id.desc()).limit(limit + 1))).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return PeriodPage(
        items=tuple(map(_view, rows[:limit])), next_cursor=cursor_of(last.at, str(last.id)) if last else None
    )


def _view(row: BookingPeriodRow | BookingPeriodChangeRow) -> PeriodView:
    return PeriodView(month=row.month, closed=row.closed, by=row.by, reason=row.reason, at=row.at)

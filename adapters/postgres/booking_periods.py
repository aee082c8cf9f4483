"""Booking periods: closed and reopened, each change written down with who and why."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.bookings import desk_of
from adapters.postgres.tables_bookings import BookingPeriodChangeRow, BookingPeriodRow
from domain.errors import InvalidInput, Violation
from domain.periods import ChangePeriod, Month, PeriodView


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


async def read_periods(session: AsyncSession, merchant_id: str) -> tuple[PeriodView, ...]:
    """Every change of a month, newest first: how it stands is what its newest says."""
    rows = await session.scalars(
        select(BookingPeriodChangeRow)
        .where(BookingPeriodChangeRow.merchant_id == merchant_id)
        .order_by(BookingPeriodChangeRow.id.desc())
    )
    return tuple(map(_view, rows))


def _view(row: BookingPeriodRow | BookingPeriodChangeRow) -> PeriodView:
    return PeriodView(month=row.month, closed=row.closed, by=row.by, reason=row.reason, at=row.at)

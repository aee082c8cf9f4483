"""Batches of exported bookings: made once, kept for ever."""

from sqlalchemy import Select, func, insert, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.bookings import Desk, desk_of
from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.database import from_json, new_id, to_json
from adapters.postgres.tables_bookings import BookingExportItemRow, BookingExportRow, BookingLineRow, BookingRow
from domain import booking_exports
from domain.booking_exports import (
    FOR_DATEV,
    MOST_DATEV_ROWS,
    ExportFormat,
    ExportPage,
    ExportSettings,
    ExportView,
    MadeExport,
    RequestExport,
)
from domain.errors import InvalidInput, Violation
from domain.periods import Month


async def make_export(session: AsyncSession, step: RequestExport) -> MadeExport:
    """A batch of what is new in the range; the latest batch of the range where nothing is. Raises InvalidInput."""
    desk = await desk_of(session, step.merchant_id)
    if broken := list(booking_exports.violations(step, desk.settings)):
        raise InvalidInput(broken)
    lock = f"export/{step.merchant_id}/{step.format}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
    new = _new_bookings(step, desk)
    count = await session.scalar(select(func.count()).select_from(new.subquery())) or 0
    if count == 0 and (known := await _latest(session, step)) is not None:
        return MadeExport(export=_view(known), created=False)
    if step.format is ExportFormat.DATEV:
        await _refuse_too_many(session, new)
    row = BookingExportRow(
        id=new_id("bex"),
        merchant_id=step.merchant_id,
        format=step.format,
        first_day=step.first_day,
        last_day=step.last_day,
        bookings=count,
        fixed=_all_closed(step, desk),
        settings=to_json(ExportSettings(books=desk.settings, time_zone=desk.calendar.key, chart=desk.chart.datev)),
        created_by=step.by,
    )
    session.add(row)
    await session.flush()
    columns = [literal(row.id), BookingRow.id, literal(step.merchant_id), literal(str(step.format))]
    await session.execute(
        insert(BookingExportItemRow).from_select(
            ["export_id", "booking_id", "merchant_id", "format"], new.with_only_columns(*columns)
        )
    )
    await session.refresh(row)
    return MadeExport(export=_view(row), created=True)


def _new_bookings(step: RequestExport, desk: Desk) -> "Select[str]":
    """What of the range was not exported in this format. DATEV gets the currency the books are kept in."""
    exported = select(BookingExportItemRow.booking_id).where(
        BookingExportItemRow.booking_id == BookingRow.id, BookingExportItemRow.format == step.format
    )
    query = select(BookingRow.id).where(
        BookingRow.merchant_id == step.merchant_id,
        BookingRow.booking_date.between(step.first_day, step.last_day),
        ~exported.exists(),
    )
    return query.where(BookingRow.currency == desk.settings.currency) if step.format in FOR_DATEV else query


async def _refuse_too_many(session: AsyncSession, new: "Select[str]") -> None:
    lines = await session.scalar(
        select(func.count()).select_from(BookingLineRow).where(BookingLineRow.booking_id.in_(new))
    )
    if (lines or 0) > MOST_DATEV_ROWS:
        message = f"must be earlier: the range has {lines} lines, and DATEV takes {MOST_DATEV_ROWS} rows in a file"
        raise InvalidInput([Violation(pointer="/to", message=message)])


def _all_closed(step: RequestExport, desk: Desk) -> bool:
    month, last = Month.of(step.first_day), Month.of(step.last_day)
    while month <= last:
        if str(month) not in desk.closed:
            return False
        month = month.next
    return True


async def _latest(session: AsyncSession, step: RequestExport) -> BookingExportRow | None:
    found = await session.scalars(
        select(BookingExportRow)
        .where(
            BookingExportRow.merchant_id == step.merchant_id,
            BookingExportRow.format == step.format,
            BookingExportRow.first_day == step.first_day,
            BookingExportRow.last_day == step.last_day,
        )
        .order_by(BookingExportRow.created_at.desc(), BookingExportRow.id.desc())
        .limit(1)
    )
    return found.one_or_none()


async def read_exports(session: AsyncSession, merchant_id: str, *, cursor: str | None, limit: int) -> ExportPage:
    """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
    wanted = select(BookingExportRow).where(BookingExportRow.merchant_id == merchant_id)
    if cursor is not None:
        wanted = wanted.where(tuple_(BookingExportRow.created_at, BookingExportRow.id) < after(cursor))
    newest = wanted.order_by(BookingExportRow.created_at.desc(), BookingExportRow.id.desc()).limit(limit + 1)
    rows = (await session.scalars(newest)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return ExportPage(
        items=tuple(map(_view, rows[:limit])), next_cursor=cursor_of(last.created_at, last.id) if last else None
    )


async def read_export(session: AsyncSession, merchant_id: str, export_id: str) -> ExportView | None:
    """One batch."""
    row = await session.get(BookingExportRow, export_id)
    return _view(row) if row is not None and row.merchant_id == merchant_id else None


def _view(row: BookingExportRow) -> ExportView:
    return ExportView(
        id=row.id,
        format=ExportFormat(row.format),
        first_day=row.first_day,
        last_day=row.last_day,
        bookings=row.bookings,
        fixed=row.fixed,
        settings=from_json(ExportSettings, row.settings),
        created_by=row.created_by,
        created_at=row.created_at,
    )

"""The books as accountants use them: read, closed, exported, corrected."""

from collections.abc import AsyncIterator
from datetime import date

from adapters import booking_files
from adapters.postgres import booking_exports, booking_periods, booking_reader
from adapters.postgres.bookings import desk_of, rebook
from adapters.postgres.database import Sessions
from domain.book_views import AccountBalance, BookingFilter, BookingPage, BookingView
from domain.booking_exports import ExportPage, ExportView, MadeExport, RequestExport
from domain.errors import NotFound
from domain.periods import ChangePeriod, PeriodPage, PeriodView


class PostgresBooks:
    """Implements `api.ports.Books`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def bookings(self, merchant_id: str, wanted: BookingFilter, *, cursor: str | None, limit: int) -> BookingPage:
        async with self._sessions.begin() as session:
            return await booking_reader.read_bookings(session, merchant_id, wanted, cursor=cursor, limit=limit)

    async def booking(self, merchant_id: str, booking_id: str) -> BookingView | None:
        async with self._sessions.begin() as session:
            return await booking_reader.read_booking(session, merchant_id, booking_id)

    async def rebook(self, merchant_id: str, booking_id: str, *, by: str, reason: str) -> str:
        async with self._sessions.begin() as session:
            desk = await desk_of(session, merchant_id)
            return await rebook(session, desk, booking_id, by=by, reason=reason)

    async def trial_balance(self, merchant_id: str, first_day: date, last_day: date) -> tuple[AccountBalance, ...]:
        async with self._sessions.begin() as session:
            return await booking_reader.trial_balance(session, merchant_id, first_day, last_day)

    async def periods(self, merchant_id: str, *, cursor: str | None, limit: int) -> PeriodPage:
        async with self._sessions.begin() as session:
            return await booking_periods.read_periods(session, merchant_id, cursor=cursor, limit=limit)

    async def change_period(self, step: ChangePeriod) -> PeriodView:
        async with self._sessions.begin() as session:
            return await booking_periods.change_period(session, step)

    async def export(self, step: RequestExport) -> MadeExport:
        async with self._sessions.begin() as session:
            return await booking_exports.make_export(session, step)

    async def exports(self, merchant_id: str, *, cursor: str | None, limit: int) -> ExportPage:
        async with self._sessions.begin() as session:
            return await booking_exports.read_exports(session, merchant_id, cursor=cursor, limit=limit)

    async def exported(self, merchant_id: str, export_id: str) -> ExportView | None:
        async with self._sessions.begin() as session:
            return await booking_exports.read_export(session, merchant_id, export_id)

    async def file(self, merchant_id: str, export_id: str) -> AsyncIterator[bytes]:
        async with self._sessions.begin() as session:
            export = await booking_exports.read_export(session, merchant_id, export_id)
            if export is None:
                raise NotFound("booking export", export_id)
            async for piece in booking_files.written(export, booking_reader.stream_batch(session, export_id)):
                yield piece

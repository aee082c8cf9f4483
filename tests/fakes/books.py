"""Books of merchants who have not sold anything yet: for routes that are about other things.

What bookings say is tested on the real ones, in `tests/books`.
"""

from collections.abc import AsyncIterator
from datetime import date

from domain.book_views import AccountBalance, BookingFilter, BookingPage, BookingView
from domain.booking_exports import ExportPage, ExportView, MadeExport, RequestExport
from domain.errors import InvalidInput, NotFound, Violation
from domain.periods import ChangePeriod, PeriodPage, PeriodView
from tests.fakes.world import World

NOTHING_TO_EXPORT = Violation(pointer="/from", message="there are no bookings")


class FakeBooks:
    """Implements `api.ports.Books`: empty."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def bookings(self, merchant_id: str, wanted: BookingFilter, *, cursor: str | None, limit: int) -> BookingPage:
        return BookingPage(items=(), next_cursor=None)

    async def booking(self, merchant_id: str, booking_id: str) -> BookingView | None:
        return None

    async def rebook(self, merchant_id: str, booking_id: str, *, by: str, reason: str) -> str:
        raise NotFound("booking", booking_id)

    async def trial_balance(self, merchant_id: str, first_day: date, last_day: date) -> tuple[AccountBalance, ...]:
        return ()

    async def periods(self, merchant_id: str, *, cursor: str | None, limit: int) -> PeriodPage:
        return PeriodPage(items=(), next_cursor=None)

    async def change_period(self, step: ChangePeriod) -> PeriodView:
        return PeriodView(month=str(step.month), closed=step.closed, by=step.by, reason=step.reason, at=step.at)

    async def export(self, step: RequestExport) -> MadeExport:
        raise InvalidInput([NOTHING_TO_EXPORT])

    async def exports(self, merchant_id: str, *, cursor: str | None, limit: int) -> ExportPage:
        return ExportPage(items=(), next_cursor=None)

    async def exported(self, merchant_id: str, export_id: str) -> ExportView | None:
        return None

    async def file(self, merchant_id: str, export_id: str) -> AsyncIterator[bytes]:
        known: tuple[bytes, ...] = ()
        for piece in known:
            yield piece
        raise NotFound("booking export", export_id)

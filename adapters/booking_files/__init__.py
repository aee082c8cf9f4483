"""Writes the file of a batch of bookings, piece by piece, the same bytes every time."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from adapters.booking_files.datev import DatevBookings
from adapters.booking_files.datev_debtors import DatevDebtors
from adapters.booking_files.plain import CsvBookings, JsonBookings
from domain.book_views import BookingView
from domain.booking_exports import ExportFormat, ExportView


class BookingFile(Protocol):
    """A file that bookings are written into, in the order of their days."""

    def head(self) -> bytes:
        """What stands before the first booking."""
        ...

    def of(self, booking: BookingView) -> bytes:
        """What a booking adds."""
        ...

    def tail(self) -> bytes:
        """What stands after the last one."""
        ...


_WRITERS: Mapping[ExportFormat, Callable[[ExportView], BookingFile]] = {
    ExportFormat.CSV: CsvBookings,
    ExportFormat.JSON: JsonBookings,
    ExportFormat.DATEV: DatevBookings,
    ExportFormat.DATEV_DEBTORS: DatevDebtors,
}


async def written(export: ExportView, bookings: AsyncIterator[BookingView]) -> AsyncIterator[bytes]:
    """The bytes of a batch's file."""
    file = _WRITERS[export.format](export)
    yield file.head()
    async for booking in bookings:
        if piece := file.of(booking):
            yield piece
    yield file.tail()

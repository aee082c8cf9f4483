"""Exports of bookings."""

from datetime import date

from pydantic import ConfigDict, Field

from api.representations.base import Moment, Page, Representation
from api.services import Site
from domain.booking_exports import ExportFormat, ExportView


class BookingExportOut(Representation):
    """A batch of exported bookings. `fixed` when all its months were closed."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    format: ExportFormat
    first_day: date = Field(alias="from")
    last_day: date = Field(alias="to")
    bookings: int
    fixed: bool
    file: str
    created_by: str
    created_at: Moment


class BookingExportList(Page[BookingExportOut]):
    """A page of batches, newest first. `next_cursor` is null on the last page."""


def booking_export(view: ExportView, site: Site) -> BookingExportOut:
    """A batch, with the address of its file."""
    return BookingExportOut(
        id=view.id,
        format=view.format,
        first_day=view.first_day,
        last_day=view.last_day,
        bookings=view.bookings,
        fixed=view.fixed,
        file=site.booking_file_url(view.id),
        created_by=view.created_by,
        created_at=view.created_at,
    )

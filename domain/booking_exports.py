"""Exports of bookings: what a batch holds, and what may be asked for.

A batch holds the bookings of a range of days that were never exported in its format, and stays what it is: its file
can be fetched again, with the same bytes. Asking again for a range in which nothing is new finds the batch there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.book_settings import BookSettings
from domain.errors import Violation


class ExportFormat(StrEnum):
    """CSV and JSON have all there is. DATEV is a Buchungsstapel, and its customers (Debitoren)."""

    CSV = "csv"
    JSON = "json"
    DATEV = "datev"
    DATEV_DEBTORS = "datev_debtors"


FOR_DATEV = frozenset({ExportFormat.DATEV, ExportFormat.DATEV_DEBTORS})
MOST_DATEV_ROWS = 99_999
"""So many rows a DATEV file may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestExport:
    """Give out the bookings of these days (booking dates, both included) that were not given out in this format."""

    merchant_id: str
    format: ExportFormat
    first_day: date
    last_day: date
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What a batch's file says of the merchant, as it was when the batch was made. `chart` is DATEV's code of it."""

    books: BookSettings
    time_zone: str
    chart: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportView:
    """A batch. `fixed` when all its months were closed: then nothing can be added to the range any more."""

    id: str
    format: ExportFormat
    first_day: date
    last_day: date
    bookings: int
    fixed: bool
    settings: ExportSettings
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeExport:
    """A batch, and whether it was made by this very request."""

    export: ExportView
    created: bool


def fiscal_year_start(day: date, first_month: int) -> date:
    """The first day of the fiscal year a day is in."""
    return date(day.year if day.month >= first_month else day.year - 1, first_month, 1)


def violations(wanted: RequestExport, books: BookSettings) -> Iterator[Violation]:
    """What is wrong with a request."""
    if wanted.last_day < wanted.first_day:
        yield Violation(pointer="/to", message="must not be before `from`")
    if wanted.format not in FOR_DATEV:
        return
    if books.consultant is None or books.client is None:
        yield Violation(pointer="/format", message="needs `consultant` and `client` in the merchant's [books]")
    starts = {fiscal_year_start(day, books.fiscal_year_from) for day in (wanted.first_day, wanted.last_day)}
    if len(starts) > 1:
        yield Violation(pointer="/to", message="must be in the fiscal year of `from`: DATEV takes one at a time")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """A page of batches, newest first."""

    items: tuple[ExportView, ...]
    next_cursor: str | None

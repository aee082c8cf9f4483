"""What all files in DATEV format have in common: header, fields, rows.

Written from the published description of the format, https://developer.datev.de/datev/platform/de/dtvf (pages
"Einstieg", "Header", "Buchungsstapel", "Debitoren/Kreditoren"; header version 700): fields are separated by
semicolons and lines end with CR LF; text is in quotation marks, doubled inside, and has no control characters; numbers
are bare, with a comma; empty text is `""`, an empty number is nothing. Files are in Windows code page 1252.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.booking_exports import ExportView, fiscal_year_start

ENCODING = "cp1252"
HEADER_VERSION = 700
ORIGIN = "RE"
"""Which program a file comes from, two characters: an invoicing program's."""
BOOKKEEPING = 1
"""Buchungstyp: financial accounting, not an annual statement."""
ANY_PURPOSE = 0
"""Rechnungslegungszweck: independent of one."""

Field = str | int | None
"""Text is quoted, numbers are not; what is formatted already comes as `Bare`."""


class Bare(str):
    """A number or date that is formatted already."""

    __slots__ = ()


def bookings_header(export: ExportView, currency: str) -> bytes:
    """The first line of a Buchungsstapel (category 21, version 13)."""
    first, last = Bare(f"{export.first_day:%Y%m%d}"), Bare(f"{export.last_day:%Y%m%d}")
    title = f"Quittance {export.first_day:%d.%m.%Y}"
    fixed = int(export.fixed)
    return _header(
        export, 21, "Buchungsstapel", 13, (first, last, title, "", BOOKKEEPING, ANY_PURPOSE, fixed, currency)
    )


def debtors_header(export: ExportView) -> bytes:
    """The first line of a file of Debitoren/Kreditoren (category 16, version 5)."""
    return _header(export, 16, "Debitoren/Kreditoren", 5, (None, None, "", "", None, None, None, ""))


def _header(export: ExportView, category: int, name: str, version: int, of_kind: Sequence[Field]) -> bytes:
    books = export.settings.books
    started = fiscal_year_start(export.first_day, books.fiscal_year_from)
    fields: tuple[Field, ...] = (
        "EXTF",
        HEADER_VERSION,
        category,
        name,
        version,
        Bare(_moment(export.created_at, export.settings.time_zone)),
        None,
        ORIGIN,
        "",
        "",
        books.consultant,
        books.client,
        Bare(f"{started:%Y%m%d}"),
        books.account_length,
        *of_kind,
        None,
        "",
        None,
        None,
        export.settings.chart or "",
        None,
        None,
        "",
        "",
    )
    return line(fields)


def _moment(at: datetime, time_zone: str) -> str:
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03}"


def titles(columns: Sequence[str]) -> bytes:
    """The second line: the names of the columns, bare."""
    return (";".join(columns) + "\r\n").encode(ENCODING)


def row(columns: Sequence[str], texts: Collection[str], values: Mapping[str, Field]) -> bytes:
    """A record: what is not given is empty, as text where the column is text."""
    return line([values.get(name, "" if name in texts else None) for name in columns])


def line(fields: Sequence[Field]) -> bytes:
    """Fields as a line; characters the code page does not have become `?`."""
    return (";".join(map(_written, fields)) + "\r\n").encode(ENCODING, errors="replace")


def _written(field: Field) -> str:
    if field is None:
        return ""
    if isinstance(field, int | Bare):
        return str(field)
    printable = "".join(character if character.isprintable() else " " for character in field)
    return '"' + printable.replace('"', '""') + '"'


def clipped(text: str | None, most: int) -> str:
    """Text of at most so many characters."""
    return (text or "").strip()[:most].strip()


def day_and_month(day: date) -> Bare:
    """A Belegdatum, four digits: the year is that of the header's range."""
    return Bare(f"{day:%d%m}")

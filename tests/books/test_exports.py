"""Exports: what the files say is what the books say, to the cent; and a batch stays what it is."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters import charts
from adapters.booking_files import datev, datev_debtors
from adapters.postgres import booking_exports
from domain.book_settings import BookSettings
from domain.book_views import BookingFilter
from domain.booking_exports import ExportFormat, ExportView, RequestExport
from domain.errors import InvalidInput, NotFound
from domain.payouts import PayoutStatus
from tests.books import reading
from tests.books.scenes import FIRST_DAY, LAST_DAY, MIXED, SKR03, YEAR, Office, a_busy_year, charge
from tests.books.test_periods import change, last_month
from tests.fakes.merchants import NORDWERK

CHART = charts.shipped("skr03")


def wanted(form: ExportFormat, first: date = FIRST_DAY, last: date = LAST_DAY) -> RequestExport:
    """An export of Nordwerk's year."""
    return RequestExport(merchant_id=NORDWERK.id, format=form, first_day=first, last_day=last, by="anna")


async def content(office: Office, export: ExportView) -> bytes:
    """The file of a batch."""
    return b"".join([piece async for piece in office.books.file(NORDWERK.id, export.id)])


async def exported(office: Office, form: ExportFormat) -> bytes:
    """The file of the year."""
    return await content(office, (await office.books.export(wanted(form))).export)


async def test_every_file_read_back_gives_the_trial_balance_to_the_cent(office: Office) -> None:
    await a_busy_year(office)
    balances = await office.books.trial_balance(NORDWERK.id, FIRST_DAY, LAST_DAY)
    expected = reading.of_trial_balance(balances)

    assert len(expected) >= 12
    assert sum(expected.values()) == 0
    assert reading.of_csv(await exported(office, ExportFormat.CSV)) == expected
    assert reading.of_datev(await exported(office, ExportFormat.DATEV), CHART) == expected
    assert _of_json(await exported(office, ExportFormat.JSON)) == expected
    dollars = reading.of_trial_balance(balances, "USD")
    assert reading.of_csv(await exported(office, ExportFormat.CSV), "USD") == dollars != {}


def _of_json(file: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    for booking in json.loads(file)["bookings"]:
        for line in booking["lines"]:
            if booking["currency"] == "EUR":
                cents = int(Decimal(line["amount"]) * 100)
                found[line["account"]] = found.get(line["account"], 0) + cents
    return {account: amount for account, amount in found.items() if amount}


@pytest.mark.parametrize("rate_by_key", [False, True], ids=["automatic", "tax key"])
async def test_a_document_of_three_rates_is_a_row_per_rate_against_the_customer(
    office: Office, rate_by_key: bool
) -> None:
    merchant = SKR03
    if rate_by_key:
        own = replace(CHART.accounts[10], number="8401", name="Shop", automatic=False, tax_key="3")
        merchant = replace(SKR03, books=replace(SKR03.books, accounts=(own,)))
        assert (own.role, own.rate) == ("revenue", Decimal(19))
    await office.keeps(merchant)
    entry = await office.sold(lines=MIXED, discounts=[], total=None)
    _, rows = reading.datev_rows(await exported(office, ExportFormat.DATEV))
    number = (await office.invoice_of(entry)).number
    found = [
        tuple(
            row[name]
            for name in (datev.COLUMNS[0], "Soll/Haben-Kennzeichen", "Konto", datev.COLUMNS[7], "BU-Schlüssel")
        )
        for row in rows
        if row["Buchungstext"].startswith("Rechnung")
    ]
    assert sorted(found) == sorted(
        [
            ("99,99", "S", "10000", "8401" if rate_by_key else "8400", "0003" if rate_by_key else ""),
            ("12,80", "S", "10000", "8300", ""),
            ("4,99", "S", "10000", "8290", ""),
        ]
    )
    assert {row["Belegfeld 1"] for row in rows if row["Konto"] == "10000"} == {number}


async def test_each_record_has_all_columns_and_dates_and_texts_in_their_form(office: Office) -> None:
    await office.keeps(SKR03)
    await office.refunded(await office.sold(fee=1_266), 10_000)
    file = await exported(office, ExportFormat.DATEV)
    assert file.endswith(b"\r\n")
    assert file.count(b"\n") == file.count(b"\r\n")
    header, rows = reading.datev_rows(file)
    assert header[:5] == ["EXTF", "700", "21", "Buchungsstapel", "13"]
    assert (header[10], header[11], header[12], header[13]) == ("29098", "55003", f"{YEAR}0101", "4")
    assert (header[14], header[15], header[20], header[21], header[26]) == (
        f"{YEAR}0101",
        f"{YEAR}1231",
        "0",
        "EUR",
        "03",
    )
    assert len(header) == 31
    assert len(header[5]) == 17
    today = (await office.rows("SELECT max(booking_date) AS day FROM bookings"))[0].day
    for row in rows:
        assert row["Belegdatum"] == f"{today:%d%m}"
        assert row["WKZ Umsatz"] == "EUR"
        assert 0 < len(row["Belegfeld 1"]) <= 36
        assert len(row["Buchungstext"]) <= 60
        assert row["Festschreibung"] == "0"
        assert not row["Umsatz (ohne Soll/Haben-Kz)"].startswith(("-", "0,00"))


async def test_customers_are_exported_as_they_stand_on_their_documents(office: Office) -> None:
    await office.keeps(SKR03)
    await office.sold(customer=_customer(company="Atelier Nordlicht GmbH", vat_id="DE123456788"))
    await office.sold(customer=_customer(name="Łucja Anna Żak", email="lucja@example.org"))
    file = await exported(office, ExportFormat.DATEV_DEBTORS)
    header, rows = reading.datev_rows(file)
    assert header[2:5] == ["16", "Debitoren/Kreditoren", "5"]
    company, person = rows_by_position(file)
    columns = datev_debtors.COLUMNS
    assert len(rows) == 2
    assert company[columns.index("Name (Adressattyp Unternehmen)")] == "Atelier Nordlicht GmbH"
    assert [company[columns.index(name)] for name in ("Konto", "Adressattyp", "EU-Land", "EU-UStID", "Ort")] == [
        "10000",
        "2",
        "DE",
        "123456788",
        "Berlin",
    ]
    assert person[3:5] == ["?ak", "?ucja Anna"]
    assert [person[columns.index(name)] for name in ("Konto", "Adressattyp", "Straße", "Postleitzahl", "Land")] == [
        "10001",
        "1",
        "Königsstraße 48 b",
        "10961",
        "DE",
    ]


def rows_by_position(file: bytes) -> list[list[str]]:
    """The records of a file whose column names repeat."""
    return list(csv.reader(io.StringIO(file.decode("cp1252"), newline=""), delimiter=";"))[2:]


def _customer(**changes: Any) -> dict[str, Any]:
    address = {"line1": "Königsstraße 48 b", "postal_code": "10961", "city": "Berlin", "country": "DE"}
    return {"name": "Jana Köhler", "email": "jana@example.org", "language": "de", "address": address, **changes}


async def test_the_same_range_again_is_the_same_batch_and_the_same_bytes_until_something_is_new(office: Office) -> None:
    await office.keeps(SKR03)
    await office.sold()
    first = await office.books.export(wanted(ExportFormat.DATEV))
    bytes_then = await content(office, first.export)
    again = await office.books.export(wanted(ExportFormat.DATEV))
    assert (first.created, again.created, again.export) == (True, False, first.export)

    await office.sold()
    await office.keeps(replace(SKR03, books=BookSettings(chart="skr04", consultant=1001, client=1)))
    new = await office.books.export(wanted(ExportFormat.DATEV))
    assert new.created
    assert await content(office, first.export) == bytes_then
    told = await office.rows("SELECT booking_id, count(*) AS times FROM booking_export_items GROUP BY booking_id")
    bookings = await office.rows("SELECT id FROM bookings")
    assert {row.booking_id for row in told} == {row.id for row in bookings}
    assert {row.times for row in told} == {1}
    assert new.export.bookings + first.export.bookings == len(bookings)


async def test_two_who_export_at_once_do_not_export_a_booking_twice(office: Office) -> None:
    await office.keeps(SKR03)
    await office.sold()
    made = await asyncio.gather(*[office.books.export(wanted(ExportFormat.CSV)) for _ in range(6)])
    assert sum(one.created for one in made) == 1
    assert len({one.export.id for one in made}) == 1


async def test_a_batch_of_closed_months_is_fixed(office: Office) -> None:
    await office.keeps(SKR03)
    month = last_month()
    await office.books.change_period(change(month, closed=True))
    closed = wanted(ExportFormat.DATEV, month.first_day, month.first_day)
    header, _ = reading.datev_rows(await content(office, (await office.books.export(closed)).export))
    assert header[20] == "1"


@pytest.mark.parametrize(
    ("books", "first", "last", "pointer"),
    [
        (BookSettings(), FIRST_DAY, LAST_DAY, "/format"),
        (SKR03.books, date(2025, 12, 1), date(2026, 1, 31), "/to"),
        (replace(SKR03.books, fiscal_year_from=7), date(2026, 6, 1), date(2026, 7, 31), "/to"),
        (SKR03.books, LAST_DAY, FIRST_DAY, "/to"),
    ],
)
async def test_what_datev_cannot_take_is_refused_by_name(
    office: Office, books: BookSettings, first: date, last: date, pointer: str
) -> None:
    await office.keeps(replace(NORDWERK, books=books))
    with pytest.raises(InvalidInput) as refused:
        await office.books.export(wanted(ExportFormat.DATEV, first, last))
    assert pointer in {violation.pointer for violation in refused.value.violations}
    assert await office.rows("SELECT * FROM booking_exports") == []


async def test_more_rows_than_datev_takes_are_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.keeps(SKR03)
    await office.sold()
    monkeypatch.setattr(booking_exports, "MOST_DATEV_ROWS", 8)
    with pytest.raises(InvalidInput, match="the range has 9 lines"):
        await office.books.export(wanted(ExportFormat.DATEV))


async def test_a_file_comes_piece_by_piece(office: Office) -> None:
    await office.keeps(SKR03)
    await office.sold()
    made = (await office.books.export(wanted(ExportFormat.CSV))).export
    assert len([piece async for piece in office.books.file(NORDWERK.id, made.id)]) >= made.bookings + 1


async def test_another_merchants_books_do_not_exist(office: Office) -> None:
    await office.sold()
    made = (await office.books.export(wanted(ExportFormat.CSV))).export
    assert await office.books.exported("suedwerk", made.id) is None
    with pytest.raises(NotFound):
        [piece async for piece in office.books.file("suedwerk", made.id)]
    assert (await office.books.exports("suedwerk", cursor=None, limit=10)).items == ()
    page = await office.books.bookings("suedwerk", BookingFilter(), cursor=None, limit=10)
    assert page.items == ()
    assert await office.books.trial_balance("suedwerk", FIRST_DAY, LAST_DAY) == ()


async def test_bookings_are_listed_newest_first_page_by_page_and_filtered(office: Office) -> None:
    entry = await office.sold(fee=1_266)
    await office.refunded(entry, 10_000)
    await office.paid_out("po_1", PayoutStatus.PAID, charge(entry, entry.amount, 1_266))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await office.books.bookings(NORDWERK.id, BookingFilter(), cursor=cursor, limit=4)
        seen += [view.id for view in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    newest_first = await office.rows("SELECT id FROM bookings ORDER BY sequence DESC")
    assert seen == [row.id for row in newest_first]
    on_bank = await office.books.bookings(NORDWERK.id, BookingFilter(account="1000"), cursor=None, limit=50)
    assert {view.kind for view in on_bank.items} == {"arrival"}
    none = BookingFilter(last_day=date(2020, 1, 1))
    assert (await office.books.bookings(NORDWERK.id, none, cursor=None, limit=50)).items == ()

"""DATEV files, field by field against the published description: order and names of columns, which fields are text,
lengths, and what a row says.

The expected forms are those of https://developer.datev.de/datev/platform/de/dtvf, pages "Einstieg" (with a header
and the titles), "Header", "Buchungsstapel" (with an expression per field) and "Debitoren/Kreditoren".
"""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import charts
from adapters.booking_files import datev, datev_debtors
from domain import bookings
from domain.accounts import Role
from domain.book_settings import BookSettings
from domain.book_views import BookedLine, BookingView
from domain.booking_exports import ExportFormat, ExportSettings, ExportView
from domain.bookings import BookingKind
from domain.cart import TaxCategory, TaxSubtotal
from domain.invoices import InvoiceKind
from tests.books import reading
from tests.clerk import a_request

SKR03 = charts.shipped("skr03")
EXPORT = ExportView(
    id="bex_1",
    format=ExportFormat.DATEV,
    first_day=date(2024, 1, 1),
    last_day=date(2024, 8, 31),
    bookings=1,
    fixed=False,
    settings=ExportSettings(
        books=BookSettings(chart="skr03", consultant=29098, client=55003), time_zone="Europe/Berlin", chart="03"
    ),
    created_by="anna",
    created_at=datetime(2024, 1, 30, 13, 4, 40, 439000, tzinfo=UTC),
)
PUBLISHED_HEADER = (
    '"EXTF";700;21;"Buchungsstapel";13;20240130140440439;;"RE";"";"";29098;55003;20240101;4;20240101;20240831;'
    '"Buchungsstapel";"WD";1;0;0;"EUR";;"";;;"03";;;"";""'
)
PUBLISHED_DEBTORS_HEADER = (
    '"EXTF";700;16;"Debitoren/Kreditoren";5;20240130140659583;;"RE";"";"";29098;55003;20240101;4;;;"";"";;;;"";;"";;;'
    '"03";;;"";""'
)
TYPES = (
    "ntt nnt nnt d ttn t ntnnn t".replace(" ", "") + "t" * 16 + "tt" + "ntnt" + "nnnnn" + "t" * 40
    + "nnn t n n n t t n t n n n t t n t n t n t t n t n n n n n t n t t n t n n".replace(" ", "")
)  # fmt: skip
"""Text, number or date of each field of a Buchungsstapel, as its expression says: quoted or not."""


def fields(line: bytes) -> list[str]:
    """A line's fields as they are written, quotation marks included."""
    return re.findall(r'(?:^|;)("(?:[^"]|"")*"|[^;]*)', line.decode("cp1252").rstrip("\r\n"))


def quoted(line: str | bytes) -> list[bool]:
    """Which fields are text."""
    written = fields(line if isinstance(line, bytes) else line.encode("cp1252"))
    return [field.startswith('"') for field in written]


def a_line(account: str, amount: int, **changes: object) -> BookedLine:
    """A line on an account."""
    return replace(BookedLine(role="revenue", account=account, account_name="A", amount=amount), **changes)  # type: ignore[arg-type]


def an_invoice(*lines: BookedLine, **changes: object) -> BookingView:
    """A booking of an invoice."""
    view = BookingView(
        id="bkg_1",
        sequence=1,
        kind=BookingKind.INVOICE,
        fact="invoice:inv_1",
        currency="EUR",
        document_date=date(2024, 1, 31),
        booking_date=date(2024, 1, 31),
        reference="RE-2024-000001",
        checkout_id=None,
        payment_id=None,
        invoice_id="inv_1",
        payout_id=None,
        reverses_id=None,
        by=None,
        reason=None,
        created_at=EXPORT.created_at,
        lines=lines,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


STANDARD = {"tax_category": TaxCategory.STANDARD, "tax_rate": Decimal(19)}


def rows_of(booking: BookingView, export: ExportView = EXPORT) -> list[dict[str, str]]:
    """The records of a booking by their columns."""
    text = datev.DatevBookings(export).of(booking).decode("cp1252")
    return [
        dict(zip(datev.COLUMNS, row, strict=True)) for row in csv.reader(io.StringIO(text, newline=""), delimiter=";")
    ]


def test_the_header_is_the_published_one_but_for_title_and_initials() -> None:
    line = datev.DatevBookings(EXPORT).head().splitlines()[0]
    ours, published = fields(line), fields(PUBLISHED_HEADER.encode())
    assert len(ours) == len(published) == 31
    differing = {place for place, pair in enumerate(zip(ours, published, strict=True), start=1) if pair[0] != pair[1]}
    assert differing == {17, 18}
    assert quoted(line) == quoted(PUBLISHED_HEADER)
    assert len(ours[16].strip('"')) <= 30


def test_the_header_of_customers_is_the_published_one_but_for_its_time() -> None:
    line = datev_debtors.DatevDebtors(EXPORT).head().splitlines()[0]
    ours, published = fields(line), fields(PUBLISHED_DEBTORS_HEADER.encode())
    differing = {place for place, pair in enumerate(zip(ours, published, strict=True), start=1) if pair[0] != pair[1]}
    assert differing == {6}
    assert quoted(line) == quoted(PUBLISHED_DEBTORS_HEADER)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (1, "Umsatz (ohne Soll/Haben-Kz)"), (2, "Soll/Haben-Kennzeichen"), (3, "WKZ Umsatz"), (7, "Konto"),
        (8, "Gegenkonto (ohne BU-Schlüssel)"), (9, "BU-Schlüssel"), (10, "Belegdatum"), (11, "Belegfeld 1"),
        (14, "Buchungstext"), (20, "Beleglink"), (21, "Beleginfo - Art 1"), (36, "Beleginfo - Inhalt 8"),
        (37, "KOST1 - Kostenstelle"), (40, "EU-Land u. UStID (Bestimmung)"), (48, "Zusatzinformation - Art 1"),
        (87, "Zusatzinformation- Inhalt 20"), (88, "Stück"), (103, "Buchungs GUID"), (114, "Festschreibung"),
        (115, "Leistungsdatum"), (117, "Fälligkeit"), (118, "Generalumkehr (GU)"), (125, "Abw. Skontokonto"),
    ],
)  # fmt: skip
def test_columns_stand_where_the_description_has_them(place: int, name: str) -> None:
    assert len(datev.COLUMNS) == 125
    assert datev.COLUMNS[place - 1] == name


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (1, "Konto"), (2, "Name (Adressattyp Unternehmen)"), (4, "Name (Adressattyp natürl. Person)"),
        (7, "Adressattyp"), (9, "EU-Land"), (10, "EU-UStID"), (16, "Straße"), (18, "Postleitzahl"), (19, "Ort"),
        (20, "Land"), (33, "E-Mail"), (45, "IBAN-Nr. 1"), (89, "IBAN-Nr. 5"), (101, "Sprache"),
        (102, "Ansprechpartner"), (120, "Kreditoren-Skonto 5 %"), (152, "Abweichende Anrede (Rechnungsadresse)"),
        (165, "Bankleitzahl 6"), (222, "SEPA-Mandatsreferenz 1"), (254, "Letzte Frist"),
    ],
)  # fmt: skip
def test_columns_of_customers_stand_where_the_description_has_them(place: int, name: str) -> None:
    assert len(datev_debtors.COLUMNS) == 254
    assert datev_debtors.COLUMNS[place - 1] == name


def test_text_is_quoted_and_numbers_and_dates_are_not() -> None:
    assert len(TYPES) == 125
    line = datev.DatevBookings(EXPORT).of(an_invoice(a_line("10000", 100), a_line("8200", -100)))
    assert quoted(line) == [kind == "t" for kind in TYPES]


def test_fields_have_the_form_their_expressions_demand() -> None:
    buyer = replace(a_request().customer, vat_id="ATU12345675")
    late = an_invoice(
        a_line("1400", 123_456_789, debtor=10_417),
        a_line("8125", -123_456_789, tax_category=TaxCategory.INTRA_COMMUNITY, tax_rate=Decimal(0)),
        reference="RÉ_2024/000001#" + "9" * 40,
        booking_date=date(2024, 2, 1),
        buyer=buyer,
    )
    [row] = rows_of(late)
    written = dict(zip(datev.COLUMNS, fields(datev.DatevBookings(EXPORT).of(late)), strict=True))
    for name, expression in {
        "Umsatz (ohne Soll/Haben-Kz)": r"\d{1,10},\d{2}",
        "Soll/Haben-Kennzeichen": '"[SH]"',
        "WKZ Umsatz": '"[A-Z]{3}"',
        "Konto": r"\d{1,9}",
        "Gegenkonto (ohne BU-Schlüssel)": r"\d{1,9}",
        "BU-Schlüssel": r'"(\d{4})?"',
        "Belegdatum": r"\d{4}",
        "Belegfeld 1": r'"[A-Za-z0-9$&%*+/-]{1,36}"',
        "Buchungstext": '"[^"]{0,60}"',
        "EU-Land u. UStID (Bestimmung)": '"[A-Z]{2}[A-Z0-9]{1,13}"',
        "Festschreibung": "[01]",
    }.items():
        assert re.fullmatch(expression, written[name]), name
    assert row["Umsatz (ohne Soll/Haben-Kz)"] == "1234567,89"
    assert (row["Konto"], row["Soll/Haben-Kennzeichen"]) == ("10417", "S")
    assert row["Belegfeld 1"].startswith("R--2024/000001-9")
    assert (row["Belegdatum"], row["Beleginfo - Art 2"], row["Beleginfo - Inhalt 2"]) == (
        "0102",
        "Belegdatum",
        "31.01.2024",
    )


def test_net_and_tax_of_an_automatic_account_are_one_gross_row() -> None:
    booking = an_invoice(
        a_line("1400", 11_900, debtor=10_000),
        a_line("8400", -10_000, automatic=True, **STANDARD),
        a_line("1776", -1_900, role="output_vat", **STANDARD),
    )
    [row] = rows_of(booking)
    assert (row["Umsatz (ohne Soll/Haben-Kz)"], row[datev.COLUMNS[7]], row["BU-Schlüssel"]) == ("119,00", "8400", "")


def test_tax_that_datev_would_take_out_to_another_cent_is_a_row_of_its_own_and_the_automatic_is_suspended() -> None:
    booking = an_invoice(
        a_line("1400", 11_901, debtor=10_000),
        a_line("8400", -10_000, automatic=True, **STANDARD),
        a_line("1776", -1_901, role="output_vat", **STANDARD),
    )
    rows = [
        (row["Umsatz (ohne Soll/Haben-Kz)"], row[datev.COLUMNS[7]], row["BU-Schlüssel"]) for row in rows_of(booking)
    ]
    assert rows == [("100,00", "8400", "0040"), ("19,01", "1776", "")]


RATES = [Decimal(19), Decimal(7), Decimal("5.5"), Decimal(20)]


@st.composite
def documents(draw: st.DrawFn) -> list[TaxSubtotal]:
    """Subtotals whose tax is net or gross exact, or a cent beside it."""
    rates = draw(st.lists(st.sampled_from(RATES), min_size=1, max_size=4, unique=True))
    found = []
    for rate in rates:
        basis = draw(st.integers(1, 10**7))
        tax = round(basis * Fraction(rate) / 100) + draw(st.sampled_from([0, 0, 0, 1, -1]))
        found.append(TaxSubtotal(tax_category=TaxCategory.STANDARD, tax_rate=rate, basis=basis, tax=max(0, tax)))
    free = draw(st.sampled_from([None, TaxCategory.ZERO, TaxCategory.EXPORT]))
    if free is not None:
        found.append(TaxSubtotal(tax_category=free, tax_rate=Decimal(0), basis=draw(st.integers(1, 10**7)), tax=0))
    return found


@given(subtotals=documents(), credited=st.booleans())
def test_whatever_a_document_adds_up_to_datev_books_the_same_cents(
    subtotals: list[TaxSubtotal], credited: bool
) -> None:
    gross = sum(part.basis + part.tax for part in subtotals)
    corrects = InvoiceKind.INVOICE if credited else None
    lines = bookings.document(InvoiceKind.INVOICE, corrects, subtotals, [("ent_1", gross)])
    booked = tuple(
        BookedLine(
            role=line.role,
            account=account.number,
            account_name=account.name,
            amount=line.amount,
            debtor=10_000 if line.role is Role.RECEIVABLES else None,
            tax_category=line.tax.category if line.tax else None,
            tax_rate=line.tax.rate if line.tax else None,
            automatic=account.automatic,
        )
        for line in lines
        for account in [SKR03.account(line.role, line.tax)]
    )
    writer = datev.DatevBookings(EXPORT)
    expected: dict[str, int] = {}
    for line in booked:
        expected[line.account] = expected.get(line.account, 0) + line.amount
    assert reading.of_datev(writer.head() + writer.of(an_invoice(*booked)), SKR03) == expected


def test_a_reversal_is_booked_on_the_other_side() -> None:
    booking = an_invoice(a_line("1400", -500, debtor=10_000), a_line("8200", 500))
    [row] = rows_of(booking)
    assert (row["Umsatz (ohne Soll/Haben-Kz)"], row["Soll/Haben-Kennzeichen"]) == ("5,00", "H")


def test_characters_the_code_page_lacks_and_control_characters_do_no_harm() -> None:
    [row] = rows_of(an_invoice(a_line("1400", 500), a_line("8200", -500), reference='Ж;"\n1'))
    assert row["Belegfeld 1"] == "----1"
    assert row["Buchungstext"] == 'Rechnung ?;" 1'


def test_a_closed_range_is_fixed_in_header_and_rows() -> None:
    closed = replace(EXPORT, fixed=True)
    assert fields(datev.DatevBookings(closed).head().splitlines()[0])[20] == "1"
    [row] = rows_of(an_invoice(a_line("1400", 500), a_line("8200", -500)), closed)
    assert row["Festschreibung"] == "1"

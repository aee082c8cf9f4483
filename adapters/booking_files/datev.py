"""Bookings as a DATEV Buchungsstapel (format category 21, version 13).

Written from https://developer.datev.de/datev/platform/de/dtvf/formate/buchungsstapel. A row has an amount, an account
and its counter account, so a booking becomes a row per line beside the one that all others are booked against. Where
DATEV takes the tax out of a gross amount by itself (an automatic account, or a tax key) net and VAT are one row,
provided that it comes to the same cent; else they are two, and key 40 keeps the automatic account from doing so.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from adapters.booking_files import extf
from adapters.booking_files.extf import Bare, Field
from domain.accounts import Role
from domain.book_views import BookedLine, BookingView
from domain.booking_exports import ExportView
from domain.bookings import BookingKind
from domain.cart import TaxCategory
from domain.money import divide_half_up, major_from_minor

NO_AUTOMATION = "0040"
"""BU-Schlüssel 40: the account's automatic tax is suspended."""

_INFOS = [f"Beleginfo - {part} {number}" for number in range(1, 9) for part in ("Art", "Inhalt")]
_ADDITIONS = [
    f"{part} {number}" for number in range(1, 21) for part in ("Zusatzinformation - Art", "Zusatzinformation- Inhalt")
]
COLUMNS = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz",
    "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto",
    "Buchungstext", "Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt", "Zinssperre",
    "Beleglink", *_INFOS, "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge",
    "EU-Land u. UStID (Bestimmung)", "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L",
    "Funktionsergänzung L+L", "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
    *_ADDITIONS, "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit",
    "Skontotyp", "Auftragsnummer", "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)",
    "Sachverhalt L+L (Anzahlungen)", "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz",
    "Buchungs GUID", "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer",
    "Identifikationsnummer", "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt",
    "Kennzeichen SoBil-Buchung", "Festschreibung", "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit",
    "Generalumkehr (GU)", "Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)",
    "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
)  # fmt: skip
TEXTS = frozenset({
    "Soll/Haben-Kennzeichen", "WKZ Umsatz", "WKZ Basis-Umsatz", "BU-Schlüssel", "Belegfeld 1", "Belegfeld 2",
    "Buchungstext", "Diverse Adressnummer", "Beleglink", *_INFOS, "KOST1 - Kostenstelle", "KOST2 - Kostenstelle",
    "EU-Land u. UStID (Bestimmung)", "Abw. Versteuerungsart", *_ADDITIONS, "Forderungsart", "Auftragsnummer",
    "Buchungstyp", "EU-Land (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID", "SEPA-Mandatsreferenz",
    "Gesellschaftername", "Identifikationsnummer", "Zeichnernummer", "Bezeichnung SoBil-Sachverhalt",
    "Generalumkehr (GU)", "Land", "Abrechnungsreferenz", "EU-Land u. UStID (Ursprung)",
})  # fmt: skip
LONGEST_REFERENCE, LONGEST_TEXT, LONGEST_VAT_ID, LONGEST_INFO = 36, 60, 15, 210
_NOT_IN_REFERENCES = re.compile(r"[^A-Za-z0-9$&%*+/-]")
_NAMED_BUYER = {TaxCategory.INTRA_COMMUNITY, TaxCategory.REVERSE_CHARGE}

_WORDS = {
    BookingKind.PAYMENT: "Zahlungseingang",
    BookingKind.ASSIGNMENT: "Zuordnung",
    BookingKind.FEE: "Zahlungsgebühr",
    BookingKind.REFUND: "Rückzahlung",
    BookingKind.DISPUTE: "Rückbelastung",
    BookingKind.DISPUTE_FEE: "Gebühr Rückbelastung",
    BookingKind.INVOICE: "Rechnung",
    BookingKind.DEPOSIT: "Anzahlungsrechnung",
    BookingKind.CREDIT_NOTE: "Gutschrift",
    BookingKind.CANCELATION: "Storno",
    BookingKind.ROUNDING: "Rundung",
    BookingKind.DEDUCTION: "Abzug Anzahlung",
    BookingKind.OFFSET: "Verrechnung Anzahlung",
    BookingKind.WRITE_OFF: "Ausbuchung",
    BookingKind.PAYOUT: "Auszahlung",
    BookingKind.ARRIVAL: "Auszahlung Bank",
    BookingKind.PAYOUT_FEE: "Gebühr Zahlungsdienst",
    BookingKind.CONVERSION: "Währungsumrechnung",
}


@dataclass(frozen=True, slots=True)
class _Side:
    """An amount on an account, gross where DATEV takes the tax out (`taxed`). `key` is the BU-Schlüssel."""

    account: str
    amount: int
    taxed: bool = False
    key: str = ""
    category: TaxCategory | None = None


class DatevBookings:
    """The Buchungsstapel of a batch."""

    def __init__(self, export: ExportView) -> None:
        self._export = export

    def head(self) -> bytes:
        return extf.bookings_header(self._export, self._export.settings.books.currency) + extf.titles(COLUMNS)

    def of(self, booking: BookingView) -> bytes:
        pivot, others = _against(_sides(booking.lines))
        return b"".join(self._row(booking, pivot, side) for side in others)

    def tail(self) -> bytes:
        return b""

    def _row(self, booking: BookingView, pivot: _Side, side: _Side) -> bytes:
        late = booking.booking_date != booking.document_date
        buyer = booking.buyer.vat_id if booking.buyer and side.category in _NAMED_BUYER else None
        values: dict[str, Field] = {
            COLUMNS[0]: _amount(abs(side.amount), booking.currency),
            "Soll/Haben-Kennzeichen": "H" if side.amount > 0 else "S",
            "WKZ Umsatz": booking.currency,
            "Konto": Bare(pivot.account),
            "Gegenkonto (ohne BU-Schlüssel)": Bare(side.account),
            "BU-Schlüssel": side.key,
            "Belegdatum": extf.day_and_month(booking.booking_date),
            "Belegfeld 1": _NOT_IN_REFERENCES.sub("-", booking.reference)[:LONGEST_REFERENCE],
            "Buchungstext": extf.clipped(f"{_WORDS[booking.kind]} {booking.reference}", LONGEST_TEXT),
            "Beleginfo - Art 1": "Buchung",
            "Beleginfo - Inhalt 1": booking.id,
            "Beleginfo - Art 2": "Belegdatum" if late else "",
            "Beleginfo - Inhalt 2": f"{booking.document_date:%d.%m.%Y}" if late else "",
            "EU-Land u. UStID (Bestimmung)": extf.clipped(buyer, LONGEST_VAT_ID),
            "Festschreibung": int(self._export.fixed),
        }
        return extf.row(COLUMNS, TEXTS, values)


def _amount(minor: int, currency: str) -> Bare:
    return Bare(f"{major_from_minor(minor, currency).quantize(Decimal('0.01')):f}".replace(".", ","))


def _sides(lines: Sequence[BookedLine]) -> list[_Side]:
    """The lines, with VAT put to the amount it is on where DATEV will take it out again."""
    vat = {(line.tax_category, line.tax_rate): line for line in lines if line.role == Role.OUTPUT_VAT}
    sides = []
    for line in lines:
        if line.role == Role.OUTPUT_VAT:
            continue
        tax = vat.get((line.tax_category, line.tax_rate)) if line.tax_category is not None else None
        apart = [] if tax is None else [_plain(tax)]
        tax_amount = 0 if tax is None else tax.amount
        if not (line.automatic or line.tax_key):
            sides += [_plain(line), *apart]
        elif _is_taken_out(line, tax_amount):
            key = line.tax_key.zfill(4) if line.tax_key else ""
            sides.append(_Side(_number(line), line.amount + tax_amount, True, key, line.tax_category))
        else:
            key = NO_AUTOMATION if line.automatic else ""
            sides += [_Side(_number(line), line.amount, True, key, line.tax_category), *apart]
    return sides


def _plain(line: BookedLine) -> _Side:
    return _Side(_number(line), line.amount, category=line.tax_category)


def _number(line: BookedLine) -> str:
    return line.account if line.debtor is None else str(line.debtor)


def _is_taken_out(net: BookedLine, tax: int) -> bool:
    """Whether taking the tax out of the gross amount gives these very cents."""
    gross, rate = net.amount + tax, Fraction(net.tax_rate or 0)
    part = gross * rate / (100 + rate)
    return divide_half_up(part.numerator, part.denominator) == tax


def _against(sides: Sequence[_Side]) -> tuple[_Side, Iterator[_Side]]:
    """The side that all others are booked against: one without tax, the largest; and the others."""
    free = [side for side in sides if not side.taxed] or list(sides)
    pivot = max(free, key=lambda side: abs(side.amount))
    return pivot, (side for side in sides if side is not pivot)

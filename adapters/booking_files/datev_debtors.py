"""Customers as DATEV master data (Debitoren/Kreditoren, format category 16, version 5).

Written from https://developer.datev.de/datev/platform/de/dtvf/formate/debitoren_kreditoren. A customer is as he
stands on the latest document of the batch; one whose documents were exported before is known to the accountant.
"""

from adapters.booking_files import extf
from adapters.booking_files.extf import Bare, Field
from domain.book_views import BookingView
from domain.booking_exports import ExportView
from domain.checkout import Customer

_TYPES = {"person": "1", "company": "2"}
"""Adressattyp."""
_LANGUAGES = {"de": 1, "fr": 4, "en": 5, "es": 10, "it": 19}
"""Sprache, as DATEV numbers them."""


def _bank(number: int) -> tuple[str, ...]:
    return (
        f"Bankleitzahl {number}", f"Bankbezeichnung {number}", f"Bank-Kontonummer {number}",
        f"Länderkennzeichen {number}", f"IBAN-Nr. {number}", "Leerfeld", f"SWIFT-Code {number}",
        f"Abw. Kontoinhaber {number}", f"Kennz. Hauptbankverb. {number}", f"Bankverb {number} Gültig von",
        f"Bankverb {number} Gültig bis",
    )  # fmt: skip


_PERSON = (
    "Konto", "Name (Adressattyp Unternehmen)", "Unternehmensgegenstand", "Name (Adressattyp natürl. Person)",
    "Vorname (Adressattyp natürl. Person)", "Name (Adressattyp keine Angabe)", "Adressattyp", "Kurzbezeichnung",
    "EU-Land", "EU-UStID", "Anrede", "Titel/Akad. Grad", "Adelstitel", "Namensvorsatz", "Adressart", "Straße",
    "Postfach", "Postleitzahl", "Ort", "Land", "Versandzusatz", "Adresszusatz", "Abweichende Anrede",
    "Abw. Zustellbezeichnung 1", "Abw. Zustellbezeichnung 2", "Kennz. Korrespondenzadresse", "Adresse Gültig von",
    "Adresse Gültig bis", "Telefon", "Bemerkung (Telefon)", "Telefon GL", "Bemerkung (Telefon GL)", "E-Mail",
    "Bemerkung (E-Mail)", "Internet", "Bemerkung (Internet)", "Fax", "Bemerkung (Fax)", "Sonstige",
    "Bemerkung (Sonstige)",
)  # fmt: skip
_TERMS = (
    "Leerfeld", "Briefanrede", "Grußformel", "Kunden-/Lief.-Nr.", "Steuernummer", "Sprache", "Ansprechpartner",
    "Vertreter", "Sachbearbeiter", "Diverse-Konto", "Ausgabeziel", "Währungssteuerung", "Kreditlimit (Debitor)",
    "Zahlungsbedingung", "Fälligkeit in Tagen (Debitor)", "Skonto in Prozent (Debitor)", "Kreditoren-Ziel 1 Tg.",
    "Kreditoren-Skonto 1 %", "Kreditoren-Ziel 2 Tg.", "Kreditoren-Skonto 2 %", "Kreditoren-Ziel 3 Brutto Tg.",
    "Kreditoren-Ziel 4 Tg.", "Kreditoren-Skonto 4 %", "Kreditoren-Ziel 5 Tg.", "Kreditoren-Skonto 5 %", "Mahnung",
    "Kontoauszug", "Mahntext 1", "Mahntext 2", "Mahntext 3", "Kontoauszugstext", "Mahnlimit Betrag", "Mahnlimit %",
    "Zinsberechnung", "Mahnzinssatz 1", "Mahnzinssatz 2", "Mahnzinssatz 3", "Lastschrift", "Leerfeld",
    "Mandantenbank", "Zahlungsträger",
)  # fmt: skip
_OWN = tuple(f"Indiv. Feld {number}" for number in range(1, 16))
_BILLING = tuple(
    f"{name} (Rechnungsadresse)"
    for name in (
        "Abweichende Anrede", "Adressart", "Straße", "Postfach", "Postleitzahl", "Ort", "Land", "Versandzusatz",
        "Adresszusatz", "Abw. Zustellbezeichnung 1", "Abw. Zustellbezeichnung 2", "Adresse Gültig von",
        "Adresse Gültig bis",
    )
)  # fmt: skip
_MANDATES = tuple(f"SEPA-Mandatsreferenz {number}" for number in range(1, 11))
_REST = (
    "Verknüpftes OPOS-Konto", "Mahnsperre bis", "Lastschriftsperre bis", "Zahlungssperre bis", "Gebührenberechnung",
    "Mahngebühr 1", "Mahngebühr 2", "Mahngebühr 3", "Pauschalenberechnung", "Verzugspauschale 1",
    "Verzugspauschale 2", "Verzugspauschale 3", "Alternativer Suchname", "Status",
    "Anschrift manuell geändert (Korrespondenzadresse)", "Anschrift individuell (Korrespondenzadresse)",
    "Anschrift manuell geändert (Rechnungsadresse)", "Anschrift individuell (Rechnungsadresse)",
    "Fristberechnung bei Debitor", "Mahnfrist 1", "Mahnfrist 2", "Mahnfrist 3", "Letzte Frist",
)  # fmt: skip
_MORE_BANKS = tuple(name for number in range(6, 11) for name in _bank(number))
COLUMNS = (
    *_PERSON, *(name for number in range(1, 6) for name in _bank(number)), *_TERMS, *_OWN, *_BILLING, *_MORE_BANKS,
    "Nummer Fremdsystem", "Insolvent", *_MANDATES, *_REST,
)  # fmt: skip
_NUMBERS = frozenset({
    "Konto", "Kennz. Korrespondenzadresse", "Adresse Gültig von", "Adresse Gültig bis", "Diverse-Konto",
    "Ausgabeziel", *_TERMS[12:26], "Kontoauszug", "Mahntext 1", "Mahntext 2", "Mahntext 3", "Kontoauszugstext",
    "Mahnlimit Betrag", "Mahnlimit %", "Zinsberechnung", "Mahnzinssatz 1", "Mahnzinssatz 2", "Mahnzinssatz 3",
    "Mandantenbank", "Adresse Gültig von (Rechnungsadresse)", "Adresse Gültig bis (Rechnungsadresse)", "Insolvent",
    *_REST[:12], "Status",
    "Anschrift manuell geändert (Korrespondenzadresse)", "Anschrift manuell geändert (Rechnungsadresse)", *_REST[18:],
    *(f"Bankverb {number} Gültig {end}" for number in range(1, 11) for end in ("von", "bis")),
})  # fmt: skip
TEXTS = frozenset(COLUMNS) - _NUMBERS


class DatevDebtors:
    """The customers of a batch, each once, by their accounts."""

    def __init__(self, export: ExportView) -> None:
        self._export = export
        self._customers: dict[int, Customer] = {}

    def head(self) -> bytes:
        return extf.debtors_header(self._export) + extf.titles(COLUMNS)

    def of(self, booking: BookingView) -> bytes:
        if booking.buyer is not None and booking.invoice_id is not None:
            self._customers |= {line.debtor: booking.buyer for line in booking.lines if line.debtor is not None}
        return b""

    def tail(self) -> bytes:
        return b"".join(_row(number, self._customers[number]) for number in sorted(self._customers))


def _row(number: int, customer: Customer) -> bytes:
    given, _, family = customer.name.strip().rpartition(" ")
    company = customer.company is not None
    vat_id = customer.vat_id or ""
    values: dict[str, Field] = {
        "Konto": Bare(str(number)),
        "Name (Adressattyp Unternehmen)": extf.clipped(customer.company, 50),
        "Name (Adressattyp natürl. Person)": "" if company else extf.clipped(family, 30),
        "Vorname (Adressattyp natürl. Person)": "" if company else extf.clipped(given, 30),
        "Adressattyp": _TYPES["company" if company else "person"],
        "Kurzbezeichnung": extf.clipped(customer.company or family, 15),
        "EU-Land": extf.clipped(vat_id[:2], 2),
        "EU-UStID": extf.clipped(vat_id[2:], 13),
        "Adressart": "STR",
        "Straße": extf.clipped(customer.address.line1, 36),
        "Postleitzahl": extf.clipped(customer.address.postal_code, 10),
        "Ort": extf.clipped(customer.address.city, 30),
        "Land": customer.address.country,
        "Adresszusatz": extf.clipped(customer.address.line2, 36),
        "Kennz. Korrespondenzadresse": 1,
        "E-Mail": extf.clipped(customer.email, 60),
        "Ansprechpartner": extf.clipped(customer.name if company else None, 40),
        "Sprache": str(_LANGUAGES.get(customer.language, _LANGUAGES["en"])),
    }
    return extf.row(COLUMNS, TEXTS, values)

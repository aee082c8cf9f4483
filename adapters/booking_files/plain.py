"""CSV (RFC 4180, UTF-8) and JSON with all the books know: one record per line of a booking, or per booking."""

import csv
import io
import json
from collections.abc import Sequence

from domain.book_views import BookedLine, BookingView
from domain.booking_exports import ExportView
from domain.money import Money

COLUMNS = (
    "booking_date", "document_date", "booking", "kind", "reference", "account", "account_name", "debtor", "debit",
    "credit", "currency", "tax_category", "tax_rate", "checkout", "entry", "payment", "invoice", "payout", "reverses",
    "reason",
)  # fmt: skip


class CsvBookings:
    """A line of a booking in each row, debit and credit apart, as decimal strings."""

    def __init__(self, export: ExportView) -> None:
        del export

    def head(self) -> bytes:
        return _rows([COLUMNS])

    def of(self, booking: BookingView) -> bytes:
        return _rows([_row(booking, line) for line in booking.lines])

    def tail(self) -> bytes:
        return b""


def _row(booking: BookingView, line: BookedLine) -> tuple[object, ...]:
    amount = Money(abs(line.amount), booking.currency).to_decimal_string()
    return (
        booking.booking_date,
        booking.document_date,
        booking.id,
        booking.kind,
        booking.reference,
        line.account,
        line.account_name,
        line.debtor,
        amount if line.amount > 0 else None,
        amount if line.amount < 0 else None,
        booking.currency,
        line.tax_category,
        None if line.tax_rate is None else f"{line.tax_rate:f}",
        booking.checkout_id,
        line.entry_id,
        booking.payment_id,
        booking.invoice_id,
        booking.payout_id,
        booking.reverses_id,
        booking.reason,
    )


def _rows(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class JsonBookings:
    """One object: the batch, and a list of its bookings, each on a line of its own."""

    def __init__(self, export: ExportView) -> None:
        self._export = export
        self._first = True

    def head(self) -> bytes:
        export = self._export
        batch = {"export": export.id, "from": str(export.first_day), "to": str(export.last_day)}
        return f'{json.dumps(batch)[:-1]}, "bookings": ['.encode()

    def of(self, booking: BookingView) -> bytes:
        before, self._first = "\n" if self._first else ",\n", False
        return (before + json.dumps(_object(booking), ensure_ascii=False)).encode()

    def tail(self) -> bytes:
        return b"\n]}\n"


def _object(booking: BookingView) -> dict[str, object]:
    return {
        "id": booking.id,
        "kind": booking.kind,
        "booking_date": str(booking.booking_date),
        "document_date": str(booking.document_date),
        "reference": booking.reference,
        "currency": booking.currency,
        "checkout": booking.checkout_id,
        "payment": booking.payment_id,
        "invoice": booking.invoice_id,
        "payout": booking.payout_id,
        "reverses": booking.reverses_id,
        "by": booking.by,
        "reason": booking.reason,
        "created_at": booking.created_at.isoformat(),
        "lines": [
            {
                "account": line.account,
                "account_name": line.account_name,
                "role": line.role,
                "debtor": line.debtor,
                "amount": Money(line.amount, booking.currency).to_decimal_string(),
                "tax_category": line.tax_category,
                "tax_rate": None if line.tax_rate is None else f"{line.tax_rate:f}",
                "entry": line.entry_id,
            }
            for line in booking.lines
        ],
    }

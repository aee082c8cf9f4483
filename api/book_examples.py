"""Examples of what the API says about bookings."""

from typing import Any

BOOKING: dict[str, Any] = {
    "id": "bkg_1f2e3d4c5b6a798081726354",
    "kind": "invoice",
    "booking_date": "2025-11-24",
    "document_date": "2025-11-24",
    "reference": "RE-2025-000417",
    "currency": "EUR",
    "checkout": "chk_6f1d2c8a9b3e4f5061728394",
    "payment": None,
    "invoice": "inv_5d4c3b2a19087f6e5d4c3b2a",
    "payout": None,
    "reverses": None,
    "by": None,
    "reason": None,
    "created_at": "2025-11-24T09:31:02Z",
    "lines": [
        {
            "account": "1400",
            "account_name": "Forderungen aus Lieferungen und Leistungen",
            "role": "receivables",
            "debtor": 10417,
            "debit": "839.00",
            "credit": None,
            "tax_category": None,
            "tax_rate": None,
            "entry": "ent_0a1b2c3d4e5f60718293a4b5",
        },
        {
            "account": "8400",
            "account_name": "Erlöse 19 % USt",
            "role": "revenue",
            "debtor": None,
            "debit": None,
            "credit": "705.04",
            "tax_category": "S",
            "tax_rate": "19",
            "entry": None,
        },
        {
            "account": "1776",
            "account_name": "Umsatzsteuer 19 %",
            "role": "output_vat",
            "debtor": None,
            "debit": None,
            "credit": "133.96",
            "tax_category": "S",
            "tax_rate": "19",
            "entry": None,
        },
    ],
}
BALANCE: dict[str, Any] = {
    "account": "8400",
    "name": "Erlöse 19 % USt",
    "currency": "EUR",
    "opening": "-1200.00",
    "debit": "39.00",
    "credit": "839.00",
    "closing": "-2000.00",
}
PERIOD: dict[str, Any] = {
    "month": "2025-10",
    "closed": True,
    "by": "api key ...3f2a",
    "reason": "sent to the tax consultant",
    "at": "2025-11-10T08:00:00Z",
}
EXPORT: dict[str, Any] = {
    "id": "bex_7b1c2d3e4f5061728394a5b6",
    "format": "datev",
    "from": "2025-10-01",
    "to": "2025-10-31",
    "bookings": 412,
    "fixed": True,
    "file": "https://pay.example/v1/booking-exports/bex_7b1c2d3e4f5061728394a5b6/file",
    "created_by": "api key ...3f2a",
    "created_at": "2025-11-10T08:01:00Z",
}

BOOK_EXAMPLES: dict[str, Any] = {
    "booking": BOOKING,
    "bookings": {"items": [BOOKING], "next_cursor": None},
    "trial_balance": {"accounts": [BALANCE]},
    "booking_period": PERIOD,
    "booking_periods": {"items": [PERIOD], "next_cursor": None},
    "booking_export_request": {"format": "datev", "from": "2025-10-01", "to": "2025-10-31"},
    "booking_export": EXPORT,
    "booking_exports": {"items": [EXPORT], "next_cursor": None},
    "reason": {"reason": "sent to the tax consultant"},
}

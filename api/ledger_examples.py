"""Examples of what is said about entries, orders, payments, settlements and links, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

_ENTRY_ID = "ent_0a1b2c3d4e5f60718293a4b5"
_CHECKOUT_ID = "chk_6f1d2c8a9b3e4f5061728394"
_PAYMENT_ID = "pay_0a1b2c3d4e5f60718293a4b5"
_AT = "2025-11-24T09:31:10Z"

SETTLEMENT: dict[str, Any] = {
    "id": "set_4f3e2d1c0b9a887766554433",
    "kind": "assignment",
    "key": "SET-12",
    "entry": None,
    "reduction": None,
    "amount": "100.00",
    "currency": "EUR",
    "reason": "from the order before",
    "by": "api key ...3f2a",
    "moves": [{"payment": _PAYMENT_ID, "entry": _ENTRY_ID, "amount": "100.00"}],
    "refunds": [],
    "credit_note": None,
    "created_at": _AT,
}
REDUCTION = SETTLEMENT | {
    "kind": "reduction",
    "key": "RED-7",
    "entry": _ENTRY_ID,
    "reduction": "credit",
    "amount": "39.00",
    "reason": "scratched",
    "moves": [],
    "refunds": ["ref_1f2e3d4c5b6a798081726354"],
    "credit_note": "inv_9a8b7c6d5e4f30211203f4e5",
}
ENTRY_ITEM: dict[str, Any] = {
    "payment": _PAYMENT_ID,
    "payment_status": "collected",
    "provider": "stripe",
    "provider_reference": "pi_3QxTest",
    "kind": "assigned",
    "amount": "800.00",
    "process": "balance_entry",
    "created_at": _AT,
}
ENTRY: dict[str, Any] = {
    "id": _ENTRY_ID,
    "checkout": _CHECKOUT_ID,
    "assignment_key": "SO-88213",
    "status": "balanced",
    "currency": "EUR",
    "initial_amount": "839.00",
    "reductions": "-39.00",
    "open_amount": "800.00",
    "assigned_amount": "800.00",
    "expected_amount": "0.00",
    "outstanding_amount": "0.00",
    "items": [ENTRY_ITEM],
    "settlements": [REDUCTION],
    "created_at": "2025-11-24T09:30:00Z",
    "updated_at": _AT,
}
CANCELED_ENTRY = ENTRY | {
    "status": "canceled",
    "reductions": "-839.00",
    "open_amount": "0.00",
    "assigned_amount": "0.00",
    "items": [],
    "settlements": [
        REDUCTION
        | {"kind": "cancelation", "key": None, "reduction": None, "amount": "839.00", "reason": "ordered twice"}
    ],
}
PAYMENT: dict[str, Any] = {
    "id": _PAYMENT_ID,
    "status": "collected",
    "amount": "839.00",
    "currency": "EUR",
    "provider": "stripe",
    "provider_reference": "pi_3QxTest",
    "settled_by": "webhook",
    "fee": "12.66",
    "net": "826.34",
    "settlement_currency": "EUR",
    "available_on": "2025-11-28",
    "checkout": _CHECKOUT_ID,
    "captured": "839.00",
    "assigned": "800.00",
    "available": "0.00",
    "refunded": "39.00",
    "disputed": "0.00",
    "method": "card",
    "detail": "Visa •••• 4242",
    "failure": None,
    "captured_at": _AT,
    "items": [
        {"entry": _ENTRY_ID, "kind": "assigned", "amount": "800.00", "process": "balance_entry", "created_at": _AT}
    ],
    "created_at": _AT,
    "updated_at": _AT,
}
ORDER: dict[str, Any] = {
    "id": "ord_2b3c4d5e6f708192a3b4c5d6",
    "number": "SO-88213",
    "checkout": _CHECKOUT_ID,
    "currency": "EUR",
    "prices": "gross",
    "total": "839.00",
    "buyer": {
        "name": "Jana Köhler",
        "company": None,
        "email": "jana@example.org",
        "language": "de",
        "vat_id": None,
        "number": None,
        "address": {
            "line1": "Königsstraße 48 b",
            "line2": None,
            "postal_code": "10961",
            "city": "Berlin",
            "country": "DE",
        },
    },
    "lines": [
        {
            "position": 1,
            "sku": "MW-1042",
            "name": "Schreibtisch",
            "description": "160 x 80 cm",
            "quantity": "1",
            "unit": "C62",
            "unit_price": "849.00",
            "tax_category": "S",
            "tax_rate": "19",
        }
    ],
    "discounts": [{"name": "Sommer", "amount": "10.00"}],
    "created_at": _AT,
}
LINK: dict[str, Any] = {
    "id": "lnk_3c4d5e6f708192a3b4c5d6e7",
    "key": "LINK-3",
    "url": "https://pay.example/pay/Wm1sX2tM8R4nYv9Tq3dVhC",
    "currency": "EUR",
    "amount": "1078.00",
    "entries": [
        {
            "entry": _ENTRY_ID,
            "checkout": _CHECKOUT_ID,
            "assignment_key": "SO-88213",
            "checkout_status": "awaiting_payment",
            "outstanding_amount": "839.00",
        },
        {
            "entry": "ent_1a1b2c3d4e5f60718293a4b5",
            "checkout": "chk_7f1d2c8a9b3e4f5061728394",
            "assignment_key": "SO-88214",
            "checkout_status": "awaiting_payment",
            "outstanding_amount": "239.00",
        },
    ],
    "expires_at": "2025-12-01T09:30:00Z",
    "created_at": "2025-11-24T09:30:00Z",
}

EXAMPLES: Mapping[str, Any] = {
    "reduction_request": {"amount": "39.00", "kind": "credit", "reason": "scratched", "key": "RED-7"},
    "entry_cancelation": {"reason": "ordered twice", "credit_balance": "direct_refund"},
    "settlement_request": {"payment_id": _PAYMENT_ID, "entries": [_ENTRY_ID], "amount": "100.00", "key": "SET-12"},
    "link_request": {"entries": [_ENTRY_ID, "ent_1a1b2c3d4e5f60718293a4b5"], "key": "LINK-3"},
    "settlement": SETTLEMENT,
    "entry": ENTRY,
    "canceled_entry": CANCELED_ENTRY,
    "entries": {"items": [ENTRY], "next_cursor": None},
    "payment": PAYMENT,
    "payments": {"items": [PAYMENT], "next_cursor": None},
    "order": ORDER,
    "orders": {"items": [ORDER], "next_cursor": None},
    "combined_link": LINK,
}

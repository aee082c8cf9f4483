"""What OpenAPI cannot learn from signatures: problem responses, the body that is read by hand, examples."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import ledger_examples
from api.book_examples import BOOK_EXAMPLES
from api.book_schemas import BookingExportBody, ReasonBody
from api.ledger_bodies import EntryCancelationBody, LinkBody, ReductionBody, SettlementBody
from api.problems import MEDIA_TYPE
from api.schemas import (
    CancelBody,
    CancelInvoiceBody,
    CaptureBody,
    CaseDecisionBody,
    CheckoutBody,
    CreditNoteBody,
    DecisionBody,
    DownloadLinkBody,
    InvoiceRunBody,
    RefundBody,
    ResendBody,
)

Responses = dict[int | str, dict[str, Any]]

_REFERENCE = "#/components/schemas/{model}"
_BODIES: tuple[type[BaseModel], ...] = (
    CheckoutBody,
    RefundBody,
    DecisionBody,
    CancelBody,
    CaseDecisionBody,
    ResendBody,
    DownloadLinkBody,
    CaptureBody,
    CancelInvoiceBody,
    CreditNoteBody,
    BookingExportBody,
    ReasonBody,
    ReductionBody,
    EntryCancelationBody,
    SettlementBody,
    LinkBody,
    InvoiceRunBody,
)
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "An RFC 9457 problem document.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "names the kind of problem"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "of a 500: where the fault is found in the log"},
        "errors": {
            "description": "of a 422: every broken rule",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901 JSON Pointer into what was sent"},
                    "message": {"type": "string", "description": "what is expected there"},
                },
            },
        },
        "differences": {
            "description": "of a 409: every field that differs from what was accepted first",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "accepted", "received"],
                "properties": {"pointer": {"type": "string"}, "accepted": {}, "received": {}},
            },
        },
    },
}

_PROBLEMS = {
    400: ("malformed-body", "The body cannot be read", "The body is not JSON: Expecting value at line 1, column 1."),
    401: ("unauthorized", "A valid API key is needed", "The API key is not known."),
    404: ("not-found", "No such checkout", "There is no checkout with this id."),
    409: (
        "assignment-key-conflict",
        "The assignment key is taken by a different checkout",
        "Assignment key 'SO-88213' was accepted with a different body. Nothing was done.",
    ),
    410: ("link-expired", "The link has expired", "The link has expired. Ask the seller for a new one."),
    413: ("body-too-large", "The body is too large", "This resource takes at most 1048576 bytes."),
    415: (
        "unsupported-media-type",
        "The content type is not supported",
        "Send the body as application/json, uncompressed, in UTF-8.",
    ),
    422: ("invalid-request", "The request breaks a rule", "1 thing is wrong. Nothing was done."),
    500: (
        "internal",
        "Something went wrong on our side",
        "The fault was logged under request id 4bf92f3577b34da6a3ce929d0e0e4736.",
    ),
    503: (
        "unavailable",
        "Temporarily unavailable",
        "A part behind this API does not answer. Send the same request again.",
    ),
}
_EXTRA: Mapping[int, dict[str, Any]] = {
    409: {"differences": [{"pointer": "/lines/0/unit_price", "accepted": "849.00", "received": "899.00"}]},
    422: {"errors": [{"pointer": "/total", "message": 'must be a decimal string such as "839.00", not a JSON number'}]},
    500: {"request_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
}

CHECKOUT_REQUEST: dict[str, Any] = {
    "assignment_key": "SO-88213",
    "currency": "EUR",
    "prices": "gross",
    "total": "839.00",
    "customer": {
        "name": "Jana Köhler",
        "company": "Atelier Nordlicht GmbH",
        "email": "jana@example.org",
        "language": "de",
        "vat_id": None,
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
    "redirects": {
        "success": "https://shop.example/ok",
        "failure": "https://shop.example/failed",
        "cancel": "https://shop.example/cart",
    },
    "expires_in_seconds": 604800,
    "metadata": {"cart": "c-1"},
    "document": "invoice",
    "deducts": [],
}

CHECKOUT: dict[str, Any] = {
    "id": "chk_6f1d2c8a9b3e4f5061728394",
    "assignment_key": "SO-88213",
    "status": "awaiting_payment",
    "currency": "EUR",
    "total": "839.00",
    "awaits": "customer",
    "payment_link": {
        "url": "https://pay.example/pay/Zk3uS0vK9Q2mXw7Rj1bTfA",
        "expires_at": "2025-12-01T09:30:00Z",
    },
    "entry": {
        "id": "ent_0a1b2c3d4e5f60718293a4b5",
        "status": "open",
        "initial_amount": "839.00",
        "open_amount": "839.00",
        "outstanding_amount": "839.00",
        "expected_amount": "0.00",
    },
    "payments": [],
    "attempts": [],
    "disputes": [],
    "order": None,
    "invoice": None,
    "refunds": [],
    "review": None,
    "tax": {
        "lines": [{"position": 1, "tax_category": "S", "tax_rate": "19", "tax_rule": "stated"}],
        "subtotals": [
            {
                "tax_category": "S",
                "tax_rate": "19",
                "basis": "705.04",
                "tax": "133.96",
                "exemption_code": None,
                "exemption_reason": None,
            }
        ],
        "rounding": "0.00",
        "vat_id": None,
    },
    "workflow": {
        "id": "meridian/SO-88213",
        "url": "https://temporal.example/namespaces/default/workflows/meridian%2FSO-88213",
    },
    "created_at": "2025-11-24T09:30:00Z",
    "updated_at": "2025-11-24T09:30:00Z",
}

INVOICE: dict[str, Any] = {
    "id": "inv_5d4c3b2a19087f6e5d4c3b2a",
    "kind": "invoice",
    "corrects": None,
    "corrected_by": [
        {"id": "inv_9a8b7c6d5e4f30211203f4e5", "kind": "credit_note", "number": "GS-2025-000012", "total": "39.00"}
    ],
    "deducts": [],
    "orders": ["ord_4b3a29181706f5e4d3c2b1a0"],
    "number": "2025-000417",
    "issued_on": "2025-11-24",
    "reason": None,
    "status": "paid",
    "currency": "EUR",
    "total": "839.00",
    "pdf": "https://pay.example/v1/invoices/inv_5d4c3b2a19087f6e5d4c3b2a/pdf",
    "xml": "https://pay.example/v1/invoices/inv_5d4c3b2a19087f6e5d4c3b2a/xml",
    "delivery": {"status": "sent", "at": "2025-11-24T09:31:12Z"},
}

SENT_DELIVERY: dict[str, Any] = {
    "id": "dlv_0d1e2f30415263748596a7b8",
    "key": "resend-1",
    "status": "delivered",
    "recipient": "office@example.org",
    "message_id": "<inv_3c4d5e6f708192a3b4c5d6e7.dlv_0d1e2f30415263748596a7b8@quittance.example>",
    "answer": "2.1.5 smtp; 250 OK",
    "queued_at": "2025-11-25T08:00:00Z",
    "updated_at": "2025-11-25T08:00:04Z",
}

CREDIT_NOTE: dict[str, Any] = INVOICE | {
    "id": "inv_9a8b7c6d5e4f30211203f4e5",
    "kind": "credit_note",
    "corrects": INVOICE["id"],
    "corrected_by": [],
    "number": "GS-2025-000012",
    "issued_on": "2025-11-30",
    "reason": "a scratch",
    "status": "settled",
    "total": "39.00",
    "pdf": None,
    "xml": None,
    "delivery": None,
}
CANCELATION: dict[str, Any] = CREDIT_NOTE | {
    "id": "inv_0f1e2d3c4b5a69788796a5b4",
    "kind": "cancelation",
    "number": "ST-2025-000003",
    "reason": "wrong address",
    "total": "839.00",
}
SERIES: dict[str, Any] = {
    "id": "ser_3c4d5e6f708192a3b4c5d6e7",
    "kind": "invoice",
    "legal_entity": None,
    "period": "2025",
    "last_number": 417,
    "last_drawn_at": "2025-11-24T09:31:10Z",
    "documents": 1207,
    "last_proof": "1:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
AUDIT: dict[str, Any] = {
    "series": SERIES,
    "checked": 200,
    "findings": [
        {
            "kind": "edited",
            "number": "2025-000388",
            "detail": "does not say what it said when finalized",
            "remedy": "Compare with the stored PDF and XML and with a backup, and restore what was finalized.",
        }
    ],
    "next_cursor": "400:inv_2b3c4d5e6f708192a3b4c5d6",
}

REFUND_REQUEST: dict[str, Any] = {"amount": "39.00", "reason": "sent back", "key": "RMA-1107", "payment_id": None}
REFUND: dict[str, Any] = {
    "id": "ref_1f2e3d4c5b6a798081726354",
    "checkout": "chk_6f1d2c8a9b3e4f5061728394",
    "payment": "pay_0a1b2c3d4e5f60718293a4b5",
    "key": "RMA-1107",
    "status": "refunded",
    "origin": "shop",
    "amount": "39.00",
    "currency": "EUR",
    "reason": "sent back",
    "failure": None,
    "approved_by": "policy",
    "credit_notes": [{"id": "inv_9a8b7c6d5e4f30211203f4e5", "number": "GS-2025-000012"}],
    "created_at": "2025-11-30T10:02:00Z",
    "updated_at": "2025-11-30T10:02:01Z",
}

PAYOUT: dict[str, Any] = {
    "id": "pyo_7b1c2d3e4f5061728394a5b6",
    "provider_reference": "po_1QxTest",
    "status": "paid",
    "amount": "826.34",
    "currency": "EUR",
    "arrives_on": "2025-11-28",
    "matched": True,
    "created_at": "2025-11-28T06:00:00Z",
}
PAYOUT_ITEM: dict[str, Any] = {
    "reference": "txn_3QxTest",
    "kind": "charge",
    "source": "pi_3QxTest",
    "amount": "839.00",
    "fee": "12.66",
    "net": "826.34",
    "payment": "pay_0a1b2c3d4e5f60718293a4b5",
    "checkout": "chk_6f1d2c8a9b3e4f5061728394",
    "matched": True,
}

CAPTURED_PAYMENT: dict[str, Any] = {
    "id": "pay_0a1b2c3d4e5f60718293a4b5",
    "status": "collected",
    "amount": "839.00",
    "currency": "EUR",
    "provider": "stripe",
    "provider_reference": "pi_3QxTest",
    "settled_by": "poll",
    "fee": None,
    "net": None,
    "settlement_currency": None,
    "available_on": None,
    "promise": None,
    "authorized_amount": "839.00",
    "capture_before": "2025-12-01T09:30:00Z",
    "failure": None,
}

CASE: dict[str, Any] = {
    "id": "case_1f2e3d4c5b6a79880716253a",
    "kind": "late_payment",
    "status": "open",
    "checkout": "chk_6f1d2c8a9b3e4f5061728394",
    "payment": "pay_0a1b2c3d4e5f60718293a4b5",
    "provider_reference": "pi_3QxTest",
    "amount": "839.00",
    "currency": "EUR",
    "detail": None,
    "options": ["accept", "refund"],
    "opened_at": "2025-12-02T09:30:00Z",
    "due_at": "2025-12-09T09:30:00Z",
    "overdue": False,
    "decision": None,
    "reason": None,
    "decided_by": None,
    "decided_at": None,
    "settled_at": None,
}
DECIDED_CASE = CASE | {
    "status": "decided",
    "decision": "refund",
    "reason": "the goods are sold out",
    "decided_by": "api key ...3f2a",
    "decided_at": "2025-12-03T10:00:00Z",
}

INVOICE_RUN_REQUEST: dict[str, Any] = {
    "mode": "parent_child",
    "until": "2025-11-30",
    "filter": {"currency": "EUR", "metadata": {"channel": "web"}},
    "dry_run": False,
    "key": "2025-11",
}
INVOICE_RUN: dict[str, Any] = {
    "id": "irn_0f1e2d3c4b5a697887960504",
    "key": "2025-11",
    "mode": "parent_child",
    "phase": "completed",
    "until": "2025-11-30",
    "filter": {
        "customer": None,
        "assignment_key_prefix": None,
        "currency": "EUR",
        "ordered_until": None,
        "metadata": {"channel": "web"},
    },
    "dry_run": False,
    "orders": {"planned": 0, "billable": 0, "billed": 0, "sent": 411, "unsent": 0, "failed": 1, "skipped": 0},
    "invoices": 97,
    "amounts": [{"currency": "EUR", "amount": "34829.00"}],
    "first_number": "2025-000417",
    "last_number": "2025-000513",
    "workflow": {
        "id": "invoice-run:irn_0f1e2d3c4b5a697887960504",
        "url": "https://temporal.example/namespaces/default/workflows/invoice-run%3Airn_0f1e2d3c4b5a697887960504",
    },
    "created_at": "2025-12-01T02:00:00Z",
    "billed_at": "2025-12-01T02:00:21Z",
    "completed_at": "2025-12-01T02:01:40Z",
}
INVOICE_RUN_ORDER: dict[str, Any] = {
    "order": "ord_4b3a29181706f5e4d3c2b1a0",
    "number": "SO-88213",
    "group": "9d5e0c7c1a",
    "status": "failed",
    "amount": "839.00",
    "currency": "EUR",
    "invoice": None,
    "invoice_number": None,
    "error": "the lines of SO-88213 give 840.00 EUR, the order says 839.00 EUR",
}

EXAMPLES: Mapping[str, Any] = {
    "checkout_request": CHECKOUT_REQUEST,
    "checkout": CHECKOUT,
    "checkouts": {"items": [CHECKOUT], "next_cursor": None},
    "invoice": INVOICE,
    "sent_delivery": SENT_DELIVERY,
    "deliveries": {"items": [SENT_DELIVERY]},
    "resend_request": {"key": "resend-1", "email": "office@example.org"},
    "download_link_request": {"expires_in_seconds": 2592000},
    "download_link": {"url": "https://pay.example/d/eyJhbGciOiJIUzI1NiJ9", "expires_at": "2025-12-24T09:30:00Z"},
    "invoices": {"items": [INVOICE], "next_cursor": None},
    "credit_note": CREDIT_NOTE,
    "cancelation": CANCELATION,
    "credit_note_request": {
        "lines": [{"position": 1, "quantity": None, "amount": "39.00"}],
        "amount": None,
        "reason": "a scratch",
        "key": "CN-1107",
    },
    "cancel_invoice_request": {"reason": "wrong address", "key": "ST-1107"},
    "series_list": {"items": [SERIES], "next_cursor": None},
    "audit": AUDIT,
    "invoice_run_request": INVOICE_RUN_REQUEST,
    "invoice_run": INVOICE_RUN,
    "invoice_runs": {"items": [INVOICE_RUN], "next_cursor": None},
    "invoice_run_orders": {"items": [INVOICE_RUN_ORDER], "next_cursor": None},
    "refund_request": REFUND_REQUEST,
    "refund": REFUND,
    "decision": {"reason": "agreed on the phone", "by": "anna"},
    "cancel_request": {"reason": "the customer called"},
    "canceled_checkout": CHECKOUT
    | {"status": "canceled", "awaits": None, "entry": CHECKOUT["entry"] | {"status": "canceled"}},
    "capture_request": {"amount": "839.00", "payment_id": None},
    "captured_checkout": CHECKOUT | {"status": "captured", "awaits": None, "payments": [CAPTURED_PAYMENT]},
    "case": CASE,
    "cases": {"items": [CASE], "next_cursor": None},
    "case_decision": {"decision": "refund", "reason": "the goods are sold out"},
    "decided_case": DECIDED_CASE,
    "payout": PAYOUT | {"items": [PAYOUT_ITEM]},
    "payouts": {"items": [PAYOUT], "next_cursor": None},
    **BOOK_EXAMPLES,
    **ledger_examples.EXAMPLES,
    "alive": {"status": "ok"},
    "ready": {"status": "ok", "parts": {"database": True, "workflows": True}},
    "degraded": {"status": "degraded", "parts": {"database": True, "workflows": False}},
}
"""Kept as components: FastAPI drops the nulls of an example that stands at its place."""


def _example(name: str) -> dict[str, Any]:
    return {"examples": {name: {"$ref": f"#/components/examples/{name}"}}}


def body(model: type[BaseModel], example: str) -> dict[str, Any]:
    """The body that a route reads by hand, for its `openapi_extra`; with an example, by its name in `EXAMPLES`."""
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, **_example(example)}}}}


CHECKOUT_BODY = body(CheckoutBody, "checkout_request")


def problems(*statuses: int) -> Responses:
    """The problem responses of a route, for its `responses`."""
    return {status: _problem_response(status) for status in (*statuses, 500)}


def answer(description: str, example: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A JSON response with an example, by its name in `EXAMPLES`; `headers` are name and meaning."""
    response: dict[str, Any] = {"description": description, "content": {"application/json": _example(example)}}
    if headers:
        response["headers"] = {name: _header(meaning) for name, meaning in headers.items()}
    return response


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app, with the schemas that no signature mentions."""
    if not app.openapi_schema:
        generated = FastAPI.openapi(app)
        _, definitions = models_json_schema([(model, "validation") for model in _BODIES], ref_template=_REFERENCE)
        _drop_generated_refusals(generated)
        components = generated.setdefault("components", {})
        components.setdefault("schemas", {}).update(definitions["$defs"], Problem=_PROBLEM)
        components["examples"] = {name: {"value": value} for name, value in EXAMPLES.items()}
    return app.openapi_schema or generated


def _drop_generated_refusals(generated: dict[str, Any]) -> None:
    """FastAPI describes a 422 of its own shape for every route with parameters; ours are problem documents."""
    for item in generated["paths"].values():
        for operation in item.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        generated.get("components", {}).get("schemas", {}).pop(name, None)


def _problem_response(status: int) -> dict[str, Any]:
    slug, title, detail = _PROBLEMS[status]
    example = {
        "type": f"urn:quittance:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        **_EXTRA.get(status, {}),
    }
    response: dict[str, Any] = {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(model="Problem")}, "example": example}},
    }
    if status == 503:
        response["headers"] = {"Retry-After": _header("seconds to wait before the same request is sent again")}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": _header("how to authenticate")}
    return response


def _header(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "schema": {"type": "string"}}

"""The OpenAPI document: complete, valid against itself, and true to what is answered."""

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from tests.api.conftest import Stage, a_checkout

METHODS = {"get", "post", "put", "patch", "delete"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything the document describes."""
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item[method]


def examples(document: dict[str, Any], node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every schema below `node` that stands next to examples of it."""
    if isinstance(node, dict):
        if "example" in node:
            yield node["schema"], node["example"]
        for name in node.get("examples", {}):
            yield node["schema"], document["components"]["examples"][name]["value"]
        for value in node.values():
            yield from examples(document, value)
    elif isinstance(node, list):
        for value in node:
            yield from examples(document, value)


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """Validates against a schema that refers into the document."""
    return Draft202012Validator({**schema, "components": document["components"]})


async def document_of(stage: Stage) -> dict[str, Any]:
    answer = await stage.client.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


async def test_every_route_is_described(stage: Stage) -> None:
    described = {(path, method) for path, method, _ in operations(await document_of(stage))}
    assert described == {
        ("/v1/checkouts", "post"),
        ("/v1/invoices", "get"),
        ("/v1/invoices/{invoice_id}/cancel", "post"),
        ("/v1/invoices/{invoice_id}/credit-notes", "post"),
        ("/v1/series", "get"),
        ("/v1/series/{series_id}/audit", "get"),
        ("/v1/checkouts", "get"),
        ("/v1/checkouts/{checkout_id}", "get"),
        ("/v1/invoices/{invoice_id}", "get"),
        ("/v1/invoices/{invoice_id}/pdf", "get"),
        ("/v1/invoices/{invoice_id}/xml", "get"),
        ("/v1/checkouts/{checkout_id}/refunds", "post"),
        ("/v1/refunds/{refund_id}", "get"),
        ("/v1/refunds/{refund_id}/approve", "post"),
        ("/v1/refunds/{refund_id}/reject", "post"),
        ("/v1/checkouts/{checkout_id}/cancel", "post"),
        ("/v1/checkouts/{checkout_id}/capture", "post"),
        ("/v1/cases", "get"),
        ("/v1/cases/{case_id}", "get"),
        ("/v1/cases/{case_id}/decide", "post"),
        ("/v1/entries", "get"),
        ("/v1/entries/{entry_id}", "get"),
        ("/v1/entries/{entry_id}/reduce", "post"),
        ("/v1/entries/{entry_id}/cancel", "post"),
        ("/v1/orders", "get"),
        ("/v1/orders/{order_id}", "get"),
        ("/v1/payments", "get"),
        ("/v1/payments/{payment_id}", "get"),
        ("/v1/settlements", "post"),
        ("/v1/payment-links", "post"),
        ("/v1/payment-links/{link_id}", "get"),
        ("/v1/invoice-runs", "post"),
        ("/v1/invoice-runs", "get"),
        ("/v1/invoice-runs/{invoice_run_id}", "get"),
        ("/v1/invoice-runs/{invoice_run_id}/orders", "get"),
        ("/v1/payouts", "get"),
        ("/v1/payouts/{payout_id}", "get"),
        ("/v1/bookings", "get"),
        ("/v1/bookings/{booking_id}", "get"),
        ("/v1/bookings/{booking_id}/rebook", "post"),
        ("/v1/trial-balance", "get"),
        ("/v1/booking-periods", "get"),
        ("/v1/booking-periods/{month}/close", "post"),
        ("/v1/booking-periods/{month}/reopen", "post"),
        ("/v1/booking-exports", "post"),
        ("/v1/booking-exports", "get"),
        ("/v1/booking-exports/{export_id}", "get"),
        ("/v1/booking-exports/{export_id}/file", "get"),
        ("/pay/{token}", "get"),
        ("/pay/{token}", "post"),
        ("/pay/{token}/return", "get"),
        ("/pay/{token}/cancel", "get"),
        ("/webhooks/stripe/{merchant_id}", "post"),
        ("/webhooks/mail", "post"),
        ("/v1/invoices/{invoice_id}/deliveries", "get"),
        ("/v1/invoices/{invoice_id}/deliveries", "post"),
        ("/v1/invoices/{invoice_id}/download-links", "post"),
        ("/d/{token}", "get"),
        ("/v1/export", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
    }


async def test_every_problem_is_described_as_a_problem_document(stage: Stage) -> None:
    document = await document_of(stage)
    checked = 0
    for path, method, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        for status, response in operation["responses"].items():
            if path.startswith("/pay/") or path == "/readyz" or int(status) < 400:
                continue
            assert set(response["content"]) == {"application/problem+json"}, (path, method, status)
            checked += 1
        if path.startswith("/v1/"):
            assert {"401", "500", "503"} <= set(operation["responses"]), (path, method)
            assert operation["security"] == [{"HTTPBearer": []}]
    assert checked > 30
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_every_example_is_valid(stage: Stage) -> None:
    document = await document_of(stage)
    found = list(examples(document, document["paths"]))
    assert len(found) > 30
    for schema, example in found:
        validator(document, schema).validate(example)


async def test_the_schemas_refuse_what_the_api_refuses(stage: Stage) -> None:
    document = await document_of(stage)
    schema = document["paths"]["/v1/checkouts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert validator(document, schema).is_valid(a_checkout())
    assert not validator(document, schema).is_valid(a_checkout(total=839.0))
    assert not validator(document, schema).is_valid(a_checkout(unknown="x"))
    assert not validator(document, schema).is_valid({})


async def test_the_example_of_a_checkout_is_accepted_and_answers_are_as_described(stage: Stage) -> None:
    document = await document_of(stage)
    post = document["paths"]["/v1/checkouts"]["post"]
    named = post["requestBody"]["content"]["application/json"]["examples"]
    example = document["components"]["examples"][next(iter(named))]["value"]
    for status in (201, 200):
        answer = await stage.post(example)
        assert answer.status_code == status
        schema = post["responses"][str(status)]["content"]["application/json"]["schema"]
        validator(document, schema).validate(answer.json())
    refused = await stage.post(example | {"total": 1})
    problem = post["responses"]["422"]["content"]["application/problem+json"]["schema"]
    validator(document, problem).validate(refused.json())


async def test_the_documentation_needs_nothing_from_elsewhere(stage: Stage) -> None:
    answer = await stage.client.get("/docs")
    assert answer.status_code == 200
    assert "https://" not in answer.text
    assert "http://" not in answer.text


def test_routes_are_the_only_ones_that_are_mounted(stage: Stage) -> None:
    undocumented = {r.path for r in stage.app.routes if isinstance(r, APIRoute) and not r.include_in_schema}
    assert undocumented == {"/docs", "/docs/oauth2-redirect"}

"""Corrections and series over HTTP: accepted once, refused with a reason, read both ways."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from domain.cart import TaxCategory, TaxSubtotal
from domain.deposits import Deposit
from domain.invoices import DocumentReference
from tests.api.conftest import NORD_KEY, SUED_KEY, Stage, a_checkout, bearer
from tests.fakes.series import SERIES

CANCEL: dict[str, Any] = {"reason": "wrong address", "key": "ST-1"}
CREDIT: dict[str, Any] = {"lines": [{"position": 1, "amount": "39.00"}], "reason": "a scratch", "key": "CN-1"}


async def invoiced(stage: Stage) -> str:
    """The id of an invoice."""
    checkout = await stage.checkout()
    return stage.world.invoice(checkout.id, number="2025-000417", pdf=b"%PDF", xml=b"<xml/>").id


async def post(stage: Stage, path: str, body: Any, *, key: str = NORD_KEY) -> httpx.Response:
    return await stage.client.post(path, json=body, headers=bearer(key))


@pytest.mark.parametrize(
    ("resource", "body", "kind"),
    [("cancel", CANCEL, "cancelation"), ("credit-notes", CREDIT, "credit_note")],
    ids=["cancelation", "credit note"],
)
async def test_correction_is_a_document_and_repeating_it_answers_the_same(
    stage: Stage, resource: str, body: dict[str, Any], kind: str
) -> None:
    invoice_id = await invoiced(stage)

    first = await post(stage, f"/v1/invoices/{invoice_id}/{resource}", body)
    again = await post(stage, f"/v1/invoices/{invoice_id}/{resource}", body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["kind"], first.json()["corrects"]) == (kind, invoice_id)
    assert first.headers["Location"].endswith(f"/v1/invoices/{first.json()['id']}")
    corrected = (await stage.get(f"/v1/invoices/{invoice_id}")).json()["corrected_by"]
    assert [(one["id"], one["kind"]) for one in corrected] == [(first.json()["id"], kind)]


async def test_key_of_another_correction_is_a_conflict_that_lists_what_differs(stage: Stage) -> None:
    invoice_id = await invoiced(stage)
    await post(stage, f"/v1/invoices/{invoice_id}/credit-notes", CREDIT)

    answer = await post(stage, f"/v1/invoices/{invoice_id}/credit-notes", CREDIT | {"reason": "lost"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:quittance:problem:correction-key-conflict"
    assert answer.json()["differences"] == [{"pointer": "/reason", "accepted": "a scratch", "received": "lost"}]


async def test_invoice_that_cannot_be_canceled_is_a_conflict_that_says_what_to_do(stage: Stage) -> None:
    invoice_id = await invoiced(stage)
    await post(stage, f"/v1/invoices/{invoice_id}/credit-notes", CREDIT)

    answer = await post(stage, f"/v1/invoices/{invoice_id}/cancel", CANCEL)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:quittance:problem:not-correctable"
    assert "credit the rest" in answer.json()["detail"]


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no reason": ({"key": "CN-1"}, ["/reason"]),
    "key with a slash": (CREDIT | {"key": "a/b"}, ["/key"]),
    "lines and an amount": (CREDIT | {"amount": "1.00"}, ["/amount"]),
    "a line twice": (CREDIT | {"lines": [{"position": 1}, {"position": 1}]}, ["/lines/1/position"]),
    "quantity and amount": (
        CREDIT | {"lines": [{"position": 1, "quantity": "1", "amount": "1.00"}]},
        ["/lines/0/amount"],
    ),
    "a position that is text": (CREDIT | {"lines": [{"position": "1"}]}, ["/lines/0/position"]),
    "an amount that is a number": (CREDIT | {"lines": [], "amount": 39}, ["/amount"]),
    "lines that are none": (CREDIT | {"lines": "all"}, ["/lines"]),
    "a field too many": (CREDIT | {"percent": "10"}, ["/percent"]),
    "a reason nobody can print": (CREDIT | {"reason": "漢字"}, ["/reason"]),
    "a reason of control characters": (CREDIT | {"reason": "a\nb"}, ["/reason"]),
}


@pytest.mark.parametrize(("body", "pointers"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_named_and_nothing_is_done(
    stage: Stage, body: dict[str, Any], pointers: list[str]
) -> None:
    invoice_id = await invoiced(stage)

    answer = await post(stage, f"/v1/invoices/{invoice_id}/credit-notes", body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert stage.world.corrections == {}


async def test_another_merchants_invoice_is_not_found(stage: Stage) -> None:
    invoice_id = await invoiced(stage)

    for path in (f"/v1/invoices/{invoice_id}/cancel", "/v1/invoices/inv_0/cancel", "/v1/invoices/%00/cancel"):
        assert (await post(stage, path, CANCEL, key=SUED_KEY)).status_code == 404
    assert stage.world.corrections == {}


async def test_without_the_workflow_service_nothing_is_done_and_the_shop_is_asked_to_come_again(stage: Stage) -> None:
    invoice_id = await invoiced(stage)
    stage.corrections.down = True

    answer = await post(stage, f"/v1/invoices/{invoice_id}/cancel", CANCEL)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


async def test_documents_are_listed_by_kind_and_status_page_by_page(stage: Stage) -> None:
    invoice_id = await invoiced(stage)
    await post(stage, f"/v1/invoices/{invoice_id}/credit-notes", CREDIT)

    notes = (await stage.get("/v1/invoices?kind=credit_note")).json()
    paid = (await stage.get("/v1/invoices?status=paid")).json()
    first = (await stage.get("/v1/invoices?limit=1")).json()
    second = (await stage.get(f"/v1/invoices?limit=1&cursor={first['next_cursor']}")).json()

    assert [one["kind"] for one in notes["items"]] == ["credit_note"]
    assert [one["id"] for one in paid["items"]] == [invoice_id]
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {invoice_id, notes["items"][0]["id"]}
    assert second["next_cursor"] is None
    assert (await stage.get("/v1/invoices", key=SUED_KEY)).json()["items"] == []


@pytest.mark.parametrize("query", ["kind=letter", "status=lost", "limit=0", "cursor=nonsense", "number=1"])
async def test_wrong_query_is_refused_by_its_parameter(stage: Stage, query: str) -> None:
    answer = await stage.get(f"/v1/invoices?{query}")

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{query.partition('=')[0]}"]


async def test_series_are_audited_page_by_page_and_findings_say_what_to_do(stage: Stage) -> None:
    [series] = (await stage.get("/v1/series")).json()["items"]
    first = (await stage.get(f"/v1/series/{series['id']}/audit?limit=2")).json()
    second = (await stage.get(f"/v1/series/{series['id']}/audit?limit=2&cursor={first['next_cursor']}")).json()

    [finding] = first["findings"]
    assert (finding["kind"], finding["number"]) == ("edited", "2025-000002")
    assert "restore" in finding["remedy"]
    assert (second["checked"], second["findings"], second["next_cursor"]) == (1, [], None)


async def test_another_merchants_series_is_not_found(stage: Stage) -> None:
    assert (await stage.get("/v1/series", key=SUED_KEY)).json()["items"] == []
    for path in (f"/v1/series/{SERIES.id}/audit", "/v1/series/ser_0/audit"):
        assert (await stage.get(path, key=SUED_KEY)).status_code == 404
    assert (await stage.get(f"/v1/series/{SERIES.id}/audit?cursor=x")).status_code == 422


def deposit(amount: int = 30_000, **changes: Any) -> Deposit:
    """A paid deposit, of 300.00 unless told."""
    untaxed = TaxSubtotal(tax_category=TaxCategory.ZERO, tax_rate=Decimal(0), basis=amount, tax=0)
    known: dict[str, Any] = {
        "checkout_id": "chk_1",
        "document": DocumentReference(number="AZ-2025-000001", issued_on=SERIES.last_drawn_at.date()),  # type: ignore[union-attr]
        "currency": "EUR",
        "subtotals": (untaxed,),
        "paid": True,
    }
    return Deposit(**(known | changes))


async def test_checkout_deducts_deposits_by_their_keys(stage: Stage) -> None:
    stage.world.deposits["AZ-1"] = deposit()

    answer = await stage.post(a_checkout(deducts=["AZ-1"]))

    assert answer.status_code == 201


NOT_DEDUCTED: dict[str, tuple[dict[str, Any], Deposit | None, str]] = {
    "unknown": ({"deducts": ["AZ-1"]}, None, "/deducts/0"),
    "not paid": ({"deducts": ["AZ-1"]}, deposit(paid=False), "/deducts/0"),
    "in another currency": ({"deducts": ["AZ-1"]}, deposit(currency="SEK"), "/deducts/0"),
    "deducted already": ({"deducts": ["AZ-1"]}, deposit(deducted_by="SO-1"), "/deducts/0"),
    "credited in full": ({"deducts": ["AZ-1"]}, deposit(amount=0), "/deducts/0"),
    "more than the total": ({"deducts": ["AZ-1"]}, deposit(amount=83_901), "/deducts"),
    "named twice": ({"deducts": ["AZ-1", "AZ-1"]}, deposit(), "/deducts/1"),
    "by a deposit": ({"deducts": ["AZ-1"], "document": "deposit"}, deposit(), "/deducts"),
    "by a letter": ({"document": "letter"}, None, "/document"),
    "as a text": ({"deducts": "AZ-1"}, None, "/deducts"),
}


@pytest.mark.parametrize(("changes", "known", "pointer"), NOT_DEDUCTED.values(), ids=NOT_DEDUCTED)
async def test_deposit_that_cannot_be_deducted_is_named(
    stage: Stage, changes: dict[str, Any], known: Deposit | None, pointer: str
) -> None:
    if known is not None:
        stage.world.deposits["AZ-1"] = known

    answer = await stage.post(a_checkout(**changes))

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert stage.world.checkouts == {}

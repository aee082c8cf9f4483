"""Entries, orders, payments, settlements and links over HTTP, on real books; the runs are left out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reader import PostgresReader
from api.app import create_app
from api.openapi import EXAMPLES
from domain.settlements import CreditBalance
from domain.steps import Entry
from sandbox.postgres import PostgresServer
from tests.api.conftest import NORD_KEY, PROVIDER_ORIGIN, PUBLIC_URL, SUED_KEY, a_stage, bearer
from tests.clerk import Clerk, a_request, at_work
from tests.ledger import BooksAtOnce, a_key


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A clerk who does what runs do, and HTTP before the books."""

    clerk: Clerk
    client: httpx.AsyncClient

    async def get(self, path: str, *, key: str = NORD_KEY, **query: Any) -> httpx.Response:
        return await self.client.get(path, headers=bearer(key), params=query)

    async def post(self, path: str, *, api_key: str = NORD_KEY, **body: Any) -> httpx.Response:
        return await self.client.post(path, headers=bearer(api_key), json=body)

    async def invoiced(self) -> Entry:
        """A paid and invoiced checkout of 839.00 EUR."""
        entry = await self.clerk.billable()
        await self.clerk.bill(entry)
        return entry

    async def reduce(self, entry: Entry, **body: Any) -> httpx.Response:
        wanted = {"amount": "39.00", "kind": "credit", "reason": "scratched", "key": a_key()} | body
        return await self.post(f"/v1/entries/{entry.entry_id}/reduce", **wanted)

    async def credit(self) -> str:
        """A payment with 500.00 EUR to spare."""
        entry = await self.invoiced()
        await self.reduce(entry, amount="500.00", credit_balance="future_settlement")
        [payment] = (await self.get("/v1/payments", checkout=entry.checkout_id)).json()["items"]
        return str(payment["id"])


@pytest.fixture(scope="module")
async def shop(postgres_server: PostgresServer) -> AsyncIterator[Shop]:
    """One database for all tests of this file; each brings its own checkouts."""
    async with at_work(postgres_server.create_database("ledger_api", template="template")) as clerk:
        for merchant, key in (("nordwerk", NORD_KEY), ("suedwerk", SUED_KEY)):
            await PostgresMerchants(clerk.sessions).register_key(merchant, key)
        at_once = BooksAtOnce(sessions=clerk.sessions)
        async with a_stage() as stage:
            services = replace(
                stage.app.state.services,
                reader=PostgresReader(clerk.sessions),
                ledger=PostgresLedger(clerk.sessions),
                settlements=at_once,
                links=at_once,
            )
        app = create_app(
            services,
            public_url=PUBLIC_URL,
            workflow_ui="https://temporal.example",
            provider_origins=(PROVIDER_ORIGIN,),
            sandbox=True,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL) as client:
            yield Shop(clerk=clerk, client=client)


def form(value: Any) -> Any:
    """The shape of an answer: names and kinds of values."""
    if isinstance(value, dict):
        return {name: form(inner) for name, inner in value.items()}
    return [form(inner) for inner in value[:1]] if isinstance(value, list) else type(value) if value else None


async def test_entry_shows_its_money_and_what_was_done_with_it(shop: Shop) -> None:
    entry = await shop.invoiced()

    reduced = await shop.reduce(entry)
    seen = (await shop.get(f"/v1/entries/{entry.entry_id}")).json()

    assert reduced.status_code == 200, reduced.text
    assert reduced.json() == seen
    assert {name: seen[name] for name in seen if name.endswith("amount") or name in {"reductions", "status"}} == {
        "status": "balanced",
        "initial_amount": "839.00",
        "reductions": "-39.00",
        "open_amount": "800.00",
        "assigned_amount": "800.00",
        "expected_amount": "0.00",
        "outstanding_amount": "0.00",
    }
    [item], [done] = seen["items"], seen["settlements"]
    assert (item["amount"], item["payment_status"], item["process"]) == ("800.00", "collected", "settlement")
    assert (done["kind"], done["reduction"], done["amount"], done["by"]) == (
        "reduction", "credit", "39.00", f"api key ...{NORD_KEY[-4:]}",
    )  # fmt: skip
    assert form(seen) == form(EXAMPLES["entry"])
    assert (await shop.get(f"/v1/invoices/{done['credit_note']}")).json()["total"] == "39.00"
    assert (await shop.get(f"/v1/refunds/{done['refunds'][0]}")).json()["status"] == "prepared"


async def test_payment_tells_where_its_money_is(shop: Shop) -> None:
    entry = await shop.invoiced()
    await shop.reduce(entry)

    [listed] = (await shop.get("/v1/payments", checkout=entry.checkout_id)).json()["items"]
    seen = (await shop.get(f"/v1/payments/{listed['id']}")).json()

    assert seen == listed
    places = {name: seen[name] for name in ("captured", "assigned", "available", "refunded", "disputed")}
    assert list(places.values()) == ["839.00", "800.00", "0.00", "39.00", "0.00"]
    assert [(item["entry"], item["amount"]) for item in seen["items"]] == [(entry.entry_id, "800.00")]


async def test_order_shows_what_was_sold(shop: Shop) -> None:
    entry = await shop.invoiced()

    [listed] = (await shop.get("/v1/orders", assignment_key=entry.assignment_key)).json()["items"]
    seen = (await shop.get(f"/v1/orders/{listed['id']}")).json()

    assert seen == listed
    assert (seen["number"], seen["total"], seen["buyer"]["name"]) == (entry.assignment_key, "839.00", "Jana Köhler")
    assert seen["lines"][0]["quantity"] == "1"
    assert form(seen).keys() == form(EXAMPLES["order"]).keys()


@pytest.mark.parametrize("what", ["entries", "orders", "payments"])
async def test_lists_go_on_page_by_page_and_belong_to_one_merchant(shop: Shop, what: str) -> None:
    mine = [await shop.invoiced() for _ in range(3)]
    theirs = await shop.clerk.billable("suedwerk")

    seen: list[dict[str, Any]] = []
    page = (await shop.get(f"/v1/{what}", limit=2)).json()
    while True:
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        page = (await shop.get(f"/v1/{what}", limit=2, cursor=page["next_cursor"])).json()

    assert [one["checkout"] for one in seen[:3]] == [entry.checkout_id for entry in reversed(mine)]
    assert len({one["id"] for one in seen}) == len(seen)
    assert theirs.checkout_id not in {one["checkout"] for one in seen}
    foreign = (await shop.get(f"/v1/{what}", key=SUED_KEY, checkout=theirs.checkout_id)).json()["items"][0]
    assert (await shop.get(f"/v1/{what}/{foreign['id']}")).status_code == 404
    assert (await shop.get(f"/v1/{what}", checkout=theirs.checkout_id)).json()["items"] == []


async def test_lists_are_filtered_by_status_and_key(shop: Shop) -> None:
    paid, unpaid = await shop.invoiced(), await shop.clerk.open()

    balanced = (await shop.get("/v1/entries", status="balanced", limit=100)).json()["items"]
    found = (await shop.get("/v1/entries", assignment_key=unpaid.assignment_key, status="open")).json()["items"]
    collected = (await shop.get("/v1/payments", status="collected", assignment_key=paid.assignment_key)).json()["items"]

    assert paid.entry_id in {entry["id"] for entry in balanced}
    assert unpaid.entry_id not in {entry["id"] for entry in balanced}
    assert [entry["id"] for entry in found] == [unpaid.entry_id]
    assert len(collected) == 1
    assert (await shop.get("/v1/payments", status="failed", checkout=paid.checkout_id)).json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [{"status": "paid"}, {"cursor": "x"}, {"limit": 0}, {"checkout": "a b"}, {"assignment_key": ""}, {"tip": 1}],
)
@pytest.mark.parametrize("what", ["entries", "payments"])
async def test_lists_refuse_what_they_do_not_know(shop: Shop, what: str, query: dict[str, Any]) -> None:
    answer = await shop.get(f"/v1/{what}", **query)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{next(iter(query))}"]


async def test_same_key_is_done_once_and_another_body_under_it_is_a_conflict(shop: Shop) -> None:
    entry, key = await shop.invoiced(), a_key()

    first = await shop.reduce(entry, key=key)
    again = await shop.reduce(entry, key=key, amount="39")
    other = await shop.reduce(entry, key=key, amount="40.00", reason="broken")

    assert (again.status_code, again.json()) == (200, first.json())
    assert other.status_code == 409
    assert other.json()["type"] == "urn:quittance:problem:settlement-key-conflict"
    assert {difference["pointer"] for difference in other.json()["differences"]} == {"/amount", "/reason"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount": "839.01"}, "/amount"),
        ({"amount": "0.00"}, "/amount"),
        ({"amount": 39}, "/amount"),
        ({"kind": "gift"}, "/kind"),
        ({"reason": ""}, "/reason"),
        ({"reason": "card 4242 4242 4242 4242"}, "/reason"),
        ({"key": "a/b"}, "/key"),
        ({"credit_balance": "voucher"}, "/credit_balance"),
        ({"tip": "1.00"}, "/tip"),
    ],
)
async def test_reduction_that_breaks_a_rule_is_refused_at_its_place(
    shop: Shop, body: dict[str, Any], pointer: str
) -> None:
    answer = await shop.reduce(await shop.invoiced(), **body)

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_canceled_entry_stays_canceled_and_takes_nothing_more(shop: Shop) -> None:
    entry, payment = await shop.clerk.open(), await shop.credit()
    path = f"/v1/entries/{entry.entry_id}/cancel"

    first = await shop.post(path, reason="ordered twice", credit_balance="direct_refund")
    again = await shop.post(path, reason="ordered twice, as I said")
    reduced = await shop.reduce(entry)
    settled = await shop.post("/v1/settlements", payment_id=payment, entries=[entry.entry_id], key=a_key())

    assert first.status_code == 200
    assert (first.json()["status"], first.json()["open_amount"]) == ("canceled", "0.00")
    assert again.json() == first.json()
    assert (reduced.status_code, reduced.json()["type"]) == (409, "urn:quittance:problem:entry-canceled")
    assert [error["pointer"] for error in settled.json()["errors"]] == ["/entries/0"]
    assert (await shop.get(f"/v1/checkouts/{entry.checkout_id}")).json()["status"] == "canceled"


async def test_money_of_one_payment_settles_several_entries(shop: Shop) -> None:
    payment, key = await shop.credit(), a_key()
    entries = [(await shop.clerk.open()).entry_id for _ in range(2)]

    made = await shop.post("/v1/settlements", payment_id=payment, entries=entries, amount="450.00", key=key)
    again = await shop.post("/v1/settlements", payment_id=payment, entries=entries, amount="450", key=key)
    rest = await shop.post("/v1/settlements", payment_id=payment, entries=entries[::-1], key=a_key())

    assert (made.status_code, again.status_code, rest.status_code) == (201, 200, 201), made.text
    assert made.json() == again.json()
    assert made.json()["moves"] == [{"payment": payment, "entry": entries[0], "amount": "450.00"}]
    assert rest.json()["amount"] == "50.00"
    seen = (await shop.get(f"/v1/payments/{payment}")).json()
    assert seen["available"] == "0.00"
    assert {item["entry"] for item in seen["items"]} >= set(entries)


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({"entries": []}, 422, ["/entries"]),
        ({"entries": ["ent_nobody"]}, 404, None),
        ({"payment_id": "pay_nobody"}, 404, None),
        ({"payment_id": None}, 422, ["/payment_id"]),
        ({"credit_entry_id": "ent_x"}, 422, ["/payment_id"]),
        ({"payment_id": "pay 1"}, 404, None),
        ({"amount": "500.01"}, 422, ["/amount"]),
        ({"entries": "all"}, 422, ["/entries"]),
    ],
)
async def test_settlement_that_cannot_be_is_refused_and_nothing_is_done(
    shop: Shop, body: dict[str, Any], status: int, pointers: list[str] | None
) -> None:
    payment, entry = await shop.credit(), await shop.clerk.open()
    good = {"payment_id": payment, "entries": [entry.entry_id], "key": a_key()}

    answer = await shop.post("/v1/settlements", **(good | body))

    assert answer.status_code == status, answer.text
    if pointers is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert (await shop.get(f"/v1/entries/{entry.entry_id}")).json()["outstanding_amount"] == "839.00"


async def test_link_lists_its_entries_and_its_page_asks_for_their_sum(shop: Shop) -> None:
    entries, key = [await shop.clerk.open() for _ in range(3)], a_key()
    wanted: dict[str, Any] = {"entries": [entry.entry_id for entry in entries], "key": key}

    made = await shop.post("/v1/payment-links", **wanted)
    again = await shop.post("/v1/payment-links", **wanted)
    other = await shop.post("/v1/payment-links", **(wanted | {"expires_in_seconds": 3600}))

    assert (made.status_code, again.status_code, other.status_code) == (201, 200, 409), made.text
    link = made.json()
    assert (link["amount"], [one["outstanding_amount"] for one in link["entries"]]) == ("2517.00", ["839.00"] * 3)
    assert made.headers["location"] == f"{PUBLIC_URL}/v1/payment-links/{link['id']}"
    assert (await shop.get(f"/v1/payment-links/{link['id']}")).json() == link == again.json()
    assert (await shop.get(f"/v1/payment-links/{link['id']}", key=SUED_KEY)).status_code == 404


async def test_link_for_entries_that_do_not_go_together_names_each_that_does_not(shop: Shop) -> None:
    good, paid, theirs = await shop.clerk.open(), await shop.invoiced(), await shop.clerk.open("suedwerk")
    yen = await shop.clerk.open(request=a_request(currency="USD"))
    wanted = [good, paid, theirs, yen, good]

    answer = await shop.post(
        "/v1/payment-links",
        entries=[entry.entry_id for entry in wanted],
        redirects=dict.fromkeys(("success", "failure", "cancel"), "https://elsewhere.example/"),
    )

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/entries/4", "/redirects/success", "/redirects/failure", "/redirects/cancel",
        "/entries/1", "/entries/2", "/entries/3",
    ]  # fmt: skip
    alone = await shop.post("/v1/payment-links", entries=[good.entry_id])
    assert [error["pointer"] for error in alone.json()["errors"]] == ["/entries"]


async def test_page_of_a_link_lists_what_is_to_be_paid_and_leads_on(shop: Shop) -> None:
    entries = [await shop.clerk.open() for _ in range(2)]
    link = (
        await shop.post("/v1/payment-links", entries=[entry.entry_id for entry in entries], expires_in_seconds=86400)
    ).json()
    path = link["url"].removeprefix(PUBLIC_URL)
    page = await shop.client.get(path)
    onward = await shop.client.post(path)

    assert page.status_code == 200
    for entry in entries:
        assert entry.assignment_key in page.text
    assert "1.678,00" in page.text
    assert (onward.status_code, onward.headers["location"]) == (
        303, f"https://checkout.provider.example/nordwerk/{link['id']}",
    )  # fmt: skip


def test_strategies_of_the_api_are_those_of_the_house() -> None:
    assert {"future_settlement", "prepared_refund", "direct_refund"} == set(CreditBalance)

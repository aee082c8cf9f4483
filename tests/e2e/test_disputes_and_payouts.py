"""Disputes, fees and payouts over HTTP, on real parts: with Stripe's own SDK and messages against the stand-in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.merchants import BalancedWhen
from sandbox.temporal import TemporalServer
from tests.conservation import assert_money_is_conserved
from tests.e2e.conftest import fresh_body
from tests.house import MERIDIAN, House, eventually, house


@pytest.fixture(autouse=True)
async def conserved(the_house: House) -> AsyncIterator[None]:
    """After every test, money is conserved."""
    yield
    await assert_money_is_conserved(the_house.engine)


async def bought(house: House, **changes: Any) -> dict[str, Any]:
    """A completed checkout whose fee is known."""
    checkout = await house.open_checkout(fresh_body(**changes))
    await house.pay(await house.press_pay(checkout))
    await house.reaches(checkout["id"], "completed")

    async def booked() -> dict[str, Any] | None:
        seen = await house.read(checkout["id"])
        return seen if seen["payments"][0]["fee"] is not None else None

    return await eventually(booked)


async def sandbox(house: House, path: str, **body: Any) -> Any:
    """Something only the stand-in has."""
    answer = await house.customer.post(f"{house.stripe_url}/_sandbox/{path}", json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


async def dispute(house: House, checkout: dict[str, Any], **order: Any) -> str:
    """The customer's bank takes the payment back; answers the provider's id of the dispute."""
    payment = checkout["payments"][0]["provider_reference"]
    reference: str = (await sandbox(house, "disputes", payment=payment, **order))["id"]
    return reference


async def disputed(house: House, checkout: dict[str, Any], status: str) -> dict[str, Any]:
    """The checkout, once its one dispute stands there."""

    async def there() -> dict[str, Any] | None:
        seen = await house.read(checkout["id"])
        return seen if [one["status"] for one in seen["disputes"]] == [status] else None

    return await eventually(there)


async def told(house: House, checkout: dict[str, Any]) -> list[str]:
    """What the shop was told of the checkout's dispute, in order."""
    query = text("SELECT type FROM events WHERE checkout_id = :id AND type LIKE 'dispute.%' ORDER BY sequence")
    async with house.engine.connect() as connection:
        return list((await connection.scalars(query, {"id": checkout["id"]})).all())


async def test_disputed_purchase_is_open_again_and_shows_the_deadline(the_house: House) -> None:
    checkout = await bought(the_house)
    await dispute(the_house, checkout, reason="product_not_received")

    seen = await disputed(the_house, checkout, "opened")

    assert seen["payments"][0]["status"] == "reversed"
    assert (seen["entry"]["status"], seen["entry"]["outstanding_amount"]) == ("open", seen["total"])
    assert seen["invoice"]["status"] == "open"
    [shown] = seen["disputes"]
    assert (shown["amount"], shown["reason"]) == (seen["total"], "product_not_received")
    assert shown["evidence_due_at"] > seen["created_at"]
    assert await told(the_house, checkout) == ["dispute.opened"]


async def test_won_dispute_puts_everything_back(the_house: House) -> None:
    checkout = await bought(the_house)
    reference = await dispute(the_house, checkout)
    await disputed(the_house, checkout, "opened")
    await sandbox(the_house, f"disputes/{reference}/close", outcome="won")

    seen = await disputed(the_house, checkout, "won")

    for part in ("payments", "entry"):
        assert seen[part] == checkout[part]
    assert seen["invoice"]["status"] == "paid"
    assert await told(the_house, checkout) == ["dispute.opened", "dispute.closed"]


async def test_lost_dispute_becomes_a_case(the_house: House) -> None:
    checkout = await bought(the_house)
    reference = await dispute(the_house, checkout, amount=1000)
    await disputed(the_house, checkout, "opened")
    await sandbox(the_house, f"disputes/{reference}/close", outcome="lost")

    seen = await disputed(the_house, checkout, "lost")

    assert seen["entry"]["outstanding_amount"] == "10.00"
    assert seen["payments"][0]["status"] == "collected"
    query = text("SELECT kind, data FROM cases WHERE checkout_id = :id")
    async with the_house.engine.connect() as connection:
        [case] = (await connection.execute(query, {"id": checkout["id"]})).all()
    assert (case.kind, case.data["amount"]) == ("dispute_lost", 1000)


async def test_disputes_messages_end_the_same_in_any_order_and_doubled(the_house: House) -> None:
    types = ("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed")
    for order in permutations(types):
        checkout = await bought(the_house)
        held_back = [{"do": "drop", "types": list(types)}]
        payment = checkout["payments"][0]["provider_reference"]
        await sandbox(the_house, "faults", only=payment, webhooks=held_back)
        reference = await dispute(the_house, checkout)
        await sandbox(the_house, f"disputes/{reference}/close", outcome="lost")
        sent = (await the_house.customer.get(f"{the_house.stripe_url}/_sandbox/deliveries")).json()
        ids = {row["type"]: row["event"] for row in sent if row["object"] == reference}

        await sandbox(the_house, "deliveries/send", events=[ids[name] for name in (*order, order[0])])
        seen = await disputed(the_house, checkout, "lost")

        assert seen["entry"]["outstanding_amount"] == seen["total"]
        assert await told(the_house, checkout) == ["dispute.opened", "dispute.closed"]


async def test_payout_agrees_but_for_a_charge_made_outside_of_us(the_house: House) -> None:
    kept, lost = await bought(the_house, currency="CHF"), await bought(the_house, currency="CHF")
    await sandbox(the_house, f"disputes/{await dispute(the_house, lost)}/close", outcome="lost")
    await disputed(the_house, lost, "lost")
    stranger = await charged_outside(the_house, "chf", 4200)

    reference = (await sandbox(the_house, "payouts", currency="chf"))["id"]

    payout = await payout_of(the_house, reference)
    assert (payout["status"], payout["currency"], payout["matched"]) == ("paid", "CHF", False)
    items = {(item["kind"], item["checkout"]): item["matched"] for item in payout["items"]}
    assert items == {
        ("charge", kept["id"]): True,
        ("charge", lost["id"]): True,
        ("dispute", lost["id"]): True,
        ("charge", None): False,
    }
    [unknown] = [item for item in payout["items"] if not item["matched"]]
    assert (unknown["source"], unknown["amount"]) == (stranger, "42.00")
    query = text("SELECT data FROM cases WHERE kind = 'payout_mismatch' AND data->>'payout' = :payout")
    async with the_house.engine.connect() as connection:
        cases = (await connection.scalars(query, {"payout": payout["id"]})).all()
    assert [(case["item"], case["mismatch"]) for case in cases] == [(unknown["reference"], "unknown")]
    assert (await the_house.read(kept["id"]))["payments"][0]["status"] == "final"
    assert (await the_house.read(lost["id"]))["payments"][0]["status"] == "reversed"
    listed = (await the_house.shop.get("/v1/payouts")).json()["items"]
    assert payout["id"] in {item["id"] for item in listed}


async def charged_outside(house: House, currency: str, amount: int) -> str:
    """Somebody charges a customer through the same account, not through us; answers the payment, booked."""
    keyed = httpx.AsyncClient(base_url=house.stripe_url, headers={"Authorization": "Bearer sk_test_meridian"})
    async with keyed as stripe:
        form = {
            "mode": "payment",
            "success_url": "https://elsewhere.example/ok",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": currency,
            "line_items[0][price_data][unit_amount]": str(amount),
            "line_items[0][price_data][product_data][name]": "A gift card",
            "payment_method_types[0]": "card",
        }
        session = (await stripe.post("/v1/checkout/sessions", data=form)).raise_for_status().json()
        await sandbox(house, f"sessions/{session['id']}/pay", outcome="succeed")

        async def booked() -> str | None:
            seen = (await stripe.get(f"/v1/checkout/sessions/{session['id']}")).json()
            charges = (await stripe.get("/v1/charges", params={"payment_intent": seen["payment_intent"]})).json()
            return seen["payment_intent"] if charges["data"][0]["balance_transaction"] else None

        return await eventually(booked)


async def payout_of(house: House, reference: str) -> dict[str, Any]:
    """The payout, once it was compared with the books."""

    async def compared() -> dict[str, Any] | None:
        listed = (await house.shop.get("/v1/payouts?limit=100")).json()["items"]
        mine = [item["id"] for item in listed if item["provider_reference"] == reference]
        if not mine:
            return None
        seen: dict[str, Any] = (await house.shop.get(f"/v1/payouts/{mine[0]}")).json()
        return seen if seen["items"] else None

    return await eventually(compared)


async def test_payment_shows_what_the_provider_kept_and_when_it_can_be_paid_out(the_house: House) -> None:
    [payment] = (await bought(the_house))["payments"]

    assert payment["settlement_currency"] == "EUR"
    cents = {name: int(payment[name].replace(".", "")) for name in ("amount", "fee", "net")}
    assert cents["fee"] > 0
    assert cents["amount"] == cents["fee"] + cents["net"]
    assert len(payment["available_on"]) == len("2026-11-24")


async def test_patient_merchants_entry_is_balanced_when_the_fee_is_known(
    tmp_path: Path, database_url: str, temporal_server: TemporalServer
) -> None:
    async with house(tmp_path, database_url=database_url, temporal_address=temporal_server.address) as own:
        patient = replace(load(MERIDIAN), balanced_when=BalancedWhen.SETTLED)
        await PostgresMerchants(database.sessions(own.engine)).save(patient)
        await sandbox(own, "faults", timing={"balance_seconds": 3600})
        checkout = await own.open_checkout(fresh_body())
        await own.pay(await own.press_pay(checkout))
        seen = await own.reaches(checkout["id"], "ordered")
        assert (seen["entry"]["status"], seen["invoice"], seen["payments"][0]["fee"]) == ("open", None, None)

        await sandbox(own, "clock", advance_seconds=3600)

        done = await own.reaches(checkout["id"], "completed")
        assert done["entry"]["status"] == "balanced"
        assert done["payments"][0]["fee"] is not None
        await assert_money_is_conserved(own.engine)

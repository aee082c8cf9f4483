"""Refunds over HTTP, on real parts: given back once, credited, booked; and what the provider does on its own."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import stripe
from sqlalchemy import text

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.refunds import RefundApproval
from tests.conservation import assert_money_is_conserved
from tests.e2e.conftest import fresh_body
from tests.house import MERIDIAN, House, eventually


@pytest.fixture(autouse=True)
async def conserved(the_house: House) -> AsyncIterator[None]:
    """After every test, money is conserved."""
    yield
    await assert_money_is_conserved(the_house.engine)


@pytest.fixture
async def sdk(the_house: House) -> AsyncIterator[stripe.StripeClient]:
    """The merchant's own access to the provider: the dashboard."""
    http = stripe.HTTPXClient(allow_sync_methods=False)
    yield stripe.StripeClient("sk_test_meridian", base_addresses={"api": the_house.stripe_url}, http_client=http)
    await http.close_async()  # type: ignore[no-untyped-call]


async def bought(house: House) -> dict[str, Any]:
    """A completed checkout of 839.00 EUR."""
    checkout = await house.open_checkout(fresh_body())
    await house.pay(await house.press_pay(checkout))
    return await house.reaches(checkout["id"], "completed")


async def ask(house: House, checkout: dict[str, Any], **body: Any) -> Any:
    """The shop asks for a refund."""
    wanted = {"reason": "sent back", "key": f"RMA-{secrets.token_hex(5)}", **body}
    return await house.shop.post(f"/v1/checkouts/{checkout['id']}/refunds", json=wanted)


async def refund_reaches(house: House, refund_id: str, status: str) -> dict[str, Any]:
    """Wait until the refund has this status."""

    async def reached() -> dict[str, Any] | None:
        seen: dict[str, Any] = (await house.shop.get(f"/v1/refunds/{refund_id}")).json()
        return seen if seen["status"] == status else None

    return await eventually(reached)


async def given_back(house: House, sdk: stripe.StripeClient, checkout: dict[str, Any]) -> int:
    """What the provider says was given back of the checkout's payment, in cents."""
    [payment] = checkout["payments"]
    intent = await sdk.v1.payment_intents.retrieve_async(payment["provider_reference"], {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge.amount_refunded


async def fault(house: House, **order: Any) -> None:
    """Let something go wrong at the provider."""
    (await house.customer.post(f"{house.stripe_url}/_sandbox/faults", json=order)).raise_for_status()


async def messages_applied(house: House, refund_reference: str) -> None:
    """Wait until no message about a refund waits any more."""

    async def applied() -> bool:
        async with house.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT applied_at IS NOT NULL FROM provider_events WHERE reference = :reference"),
                {"reference": refund_reference},
            )
            marks = found.scalars().all()
            return bool(marks) and all(marks)

    await eventually(applied)


async def test_full_refund_reaches_the_customer_and_credits_the_invoice(
    the_house: House, sdk: stripe.StripeClient
) -> None:
    checkout = await bought(the_house)

    answer = await ask(the_house, checkout)
    assert answer.status_code == 201, answer.text
    refund = await refund_reaches(the_house, answer.json()["id"], "refunded")

    seen = await the_house.read(checkout["id"])
    assert seen["refunds"] == [refund]
    assert refund["amount"] == "839.00"
    assert (seen["entry"]["open_amount"], seen["entry"]["status"]) == ("0.00", "balanced")
    assert (seen["invoice"]["id"], seen["invoice"]["status"]) == (checkout["invoice"]["id"], "paid")
    [named] = refund["credit_notes"]
    note = (await the_house.shop.get(f"/v1/invoices/{named['id']}")).json()
    assert (note["kind"], note["corrects"]) == ("credit_note", checkout["invoice"]["id"])
    assert (note["number"][:3], note["status"], note["total"]) == ("GS-", "settled", "839.00")
    assert await given_back(the_house, sdk, checkout) == 83_900
    reference = (
        await sdk.v1.refunds.list_async({"payment_intent": checkout["payments"][0]["provider_reference"]})
    ).data
    await messages_applied(the_house, reference[0].id)


async def test_partial_refunds_add_up_and_the_rest_can_be_asked_for(the_house: House, sdk: stripe.StripeClient) -> None:
    checkout = await bought(the_house)

    for amount in ("100.01", "0.49"):
        answer = await ask(the_house, checkout, amount=amount)
        await refund_reaches(the_house, answer.json()["id"], "refunded")
    rest = await ask(the_house, checkout)
    nothing = await ask(the_house, checkout, amount="0.01")

    assert rest.json()["amount"] == "738.50"
    await refund_reaches(the_house, rest.json()["id"], "refunded")
    assert nothing.status_code == 422
    assert "0.00 EUR" in nothing.json()["errors"][0]["message"]
    assert await given_back(the_house, sdk, checkout) == 83_900


async def test_same_key_twenty_times_at_once_is_one_refund(the_house: House, sdk: stripe.StripeClient) -> None:
    checkout = await bought(the_house)

    answers = await asyncio.gather(*[ask(the_house, checkout, amount="10.00", key="RMA-SAME") for _ in range(20)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
    [refund_id] = {answer.json()["id"] for answer in answers}
    await refund_reaches(the_house, refund_id, "refunded")
    other = await ask(the_house, checkout, amount="10.01", key="RMA-SAME")
    assert other.status_code == 409
    assert other.json()["differences"] == [{"pointer": "/amount", "accepted": "10.00", "received": "10.01"}]
    assert await given_back(the_house, sdk, checkout) == 1_000


async def test_twenty_refunds_at_once_never_exceed_what_was_paid(the_house: House, sdk: stripe.StripeClient) -> None:
    checkout = await bought(the_house)

    answers = await asyncio.gather(*[ask(the_house, checkout, amount="100.00") for _ in range(20)])

    assert Counter(answer.status_code for answer in answers) == {201: 8, 422: 12}
    for answer in answers:
        if answer.status_code == 201:
            await refund_reaches(the_house, answer.json()["id"], "refunded")
    assert await given_back(the_house, sdk, checkout) == 80_000
    async with the_house.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT sum(grand_total) FROM invoices WHERE corrects_id = :id"), {"id": checkout["invoice"]["id"]}
        )
        assert found.scalar_one() == 80_000
        drawn = await connection.execute(
            text("SELECT sequence FROM invoices WHERE kind = 'credit_note' ORDER BY sequence")
        )
        numbers = drawn.scalars().all()
    assert numbers == list(range(1, len(numbers) + 1)), "1..N without gap"


async def test_nothing_can_be_refunded_before_the_customer_paid(the_house: House) -> None:
    checkout = await the_house.open_checkout(fresh_body())

    answer = await ask(the_house, checkout)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:quittance:problem:nothing-to-refund"


@pytest.fixture
async def approval_required(the_house: House) -> AsyncIterator[None]:
    """The merchant's refunds wait for approval, during this test."""
    merchants, merchant = PostgresMerchants(database.sessions(the_house.engine)), load(MERIDIAN)
    await merchants.save(replace(merchant, refund_approval=RefundApproval.REQUIRED))
    yield
    await merchants.save(merchant)


@pytest.mark.usefixtures("approval_required")
async def test_refund_goes_only_after_somebody_approved_it(the_house: House, sdk: stripe.StripeClient) -> None:
    checkout = await bought(the_house)
    wanted, unwanted = [(await ask(the_house, checkout, amount="20.00")).json() for _ in range(2)]
    assert wanted["status"] == unwanted["status"] == "prepared"

    rejected = await the_house.shop.post(f"/v1/refunds/{unwanted['id']}/reject", json={"reason": "no", "by": "anna"})
    approved = await the_house.shop.post(f"/v1/refunds/{wanted['id']}/approve", json={"reason": "yes", "by": "anna"})
    late = await the_house.shop.post(f"/v1/refunds/{unwanted['id']}/approve", json={"reason": "after all"})

    assert (rejected.status_code, approved.status_code, late.status_code) == (200, 200, 409)
    assert (await refund_reaches(the_house, wanted["id"], "refunded"))["approved_by"] == "anna"
    assert (await the_house.shop.get(f"/v1/refunds/{unwanted['id']}")).json()["status"] == "canceled"
    assert await given_back(the_house, sdk, checkout) == 2_000


@pytest.mark.parametrize("what", ["500", "500_after", "503", "reset_before", "reset_after", "429"])
async def test_refund_is_made_once_whatever_the_provider_answers(
    the_house: House, sdk: stripe.StripeClient, what: str
) -> None:
    checkout = await bought(the_house)
    await fault(the_house, http=[{"operation": "refund", "do": what, "times": 2}])

    answer = await ask(the_house, checkout, amount="50.00")

    await refund_reaches(the_house, answer.json()["id"], "refunded")
    assert await given_back(the_house, sdk, checkout) == 5_000


async def test_refund_that_fails_later_is_available_again_and_before_a_person(
    the_house: House, sdk: stripe.StripeClient
) -> None:
    checkout = await bought(the_house)
    refund = (await ask(the_house, checkout, amount="60.00")).json()
    refund = await refund_reaches(the_house, refund["id"], "refunded")
    [payment] = checkout["payments"]
    [at_provider] = (await sdk.v1.refunds.list_async({"payment_intent": payment["provider_reference"]})).data
    await messages_applied(the_house, at_provider.id)

    failed = await the_house.customer.post(f"{the_house.stripe_url}/_sandbox/refunds/{at_provider.id}/fail", json={})
    failed.raise_for_status()

    seen = await refund_reaches(the_house, refund["id"], "failed")
    assert seen["failure"] == "expired_or_canceled_card"
    assert seen["credit_notes"] == refund["credit_notes"], "a correction is a new document"
    async with the_house.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT available, refunded FROM payments WHERE id = :id"), {"id": payment["id"]}
        )
        assert tuple(found.one()) == (6_000, 0)
        case = await connection.execute(
            text("SELECT kind, decision, data FROM cases WHERE checkout_id = :id"), {"id": checkout["id"]}
        )
        kind, decision, data = case.one()
    assert (kind, decision) == ("refund_failed", None)
    assert data["credit_notes"] == [note["number"] for note in refund["credit_notes"]]
    await messages_applied(the_house, at_provider.id)


async def test_dashboard_refund_is_booked_and_credited_like_our_own(the_house: House, sdk: stripe.StripeClient) -> None:
    checkout = await bought(the_house)
    [payment] = checkout["payments"]
    await fault(the_house, webhooks=[{"do": "duplicate", "types": ["refund.created"], "times": 1}])

    made = await sdk.v1.refunds.create_async({"payment_intent": payment["provider_reference"], "amount": 4_200})

    async def adopted() -> list[dict[str, Any]] | None:
        refunds: list[dict[str, Any]] = (await the_house.read(checkout["id"]))["refunds"]
        return refunds if refunds and refunds[0]["status"] == "refunded" else None

    [refund] = await eventually(adopted)
    assert (refund["origin"], refund["amount"], refund["key"]) == ("provider", "42.00", None)
    assert [note["number"][:3] for note in refund["credit_notes"]] == ["GS-"]
    await messages_applied(the_house, made.id)
    assert len((await the_house.read(checkout["id"]))["refunds"]) == 1
    rest = await ask(the_house, checkout)
    assert rest.json()["amount"] == "797.00", "what was given back elsewhere is not given back again"
    await refund_reaches(the_house, rest.json()["id"], "refunded")


async def test_refund_asked_for_right_after_the_capture_waits_for_the_invoice(
    the_house: House, sdk: stripe.StripeClient
) -> None:
    checkout = await the_house.open_checkout(fresh_body())
    await the_house.pay(await the_house.press_pay(checkout))

    async def taken() -> Any:
        answer = await ask(the_house, checkout)
        return answer if answer.status_code == 201 else None

    refund = (await eventually(taken)).json()

    done = await refund_reaches(the_house, refund["id"], "refunded")
    assert len(done["credit_notes"]) == 1
    assert (await the_house.reaches(checkout["id"], "completed"))["invoice"]["status"] == "paid"
    assert await given_back(the_house, sdk, await the_house.read(checkout["id"])) == 83_900

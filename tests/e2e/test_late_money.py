"""Money other than agreed, over HTTP and on real parts: it ends in order and invoice, refund, or a named case."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.late_money import LateMoneyPolicy, OverpaymentPolicy, ShortPaymentPolicy
from tests.conservation import assert_money_is_conserved
from tests.house import MERIDIAN, House, eventually

Policies = Callable[..., Awaitable[None]]


@pytest.fixture
async def policies(the_house: House) -> AsyncIterator[Policies]:
    """Changes meridian's policies for one test."""
    merchants = PostgresMerchants(database.sessions(the_house.engine))

    async def change(**changes: Any) -> None:
        await merchants.save(replace(load(MERIDIAN), **changes))

    yield change
    await merchants.save(load(MERIDIAN))


async def goes_wrong(house: House, page: str, **money: Any) -> None:
    """Let money go wrong for the session of a provider's page."""
    async with httpx.AsyncClient(base_url=house.stripe_url) as sandbox:
        answer = await sandbox.post("/_sandbox/faults", json={"only": page.rpartition("/")[2], "money": money})
        assert answer.status_code == 201, answer.text


async def cancel(house: House, checkout: dict[str, Any]) -> httpx.Response:
    """Cancel as the shop."""
    return await house.shop.post(f"/v1/checkouts/{checkout['id']}/cancel", json={"reason": "sold out"})


async def case_of(house: House, checkout: dict[str, Any], kind: str, status: str = "open") -> dict[str, Any]:
    """Wait for the checkout's case of this kind."""

    async def found() -> dict[str, Any] | None:
        page = (await house.shop.get(f"/v1/cases?status={status}&limit=100")).json()
        of_kind = (case for case in page["items"] if case["kind"] == kind)
        return next((case for case in of_kind if case["checkout"] == checkout["id"]), None)

    return await eventually(found)


async def decide(house: House, case: dict[str, Any], decision: str) -> httpx.Response:
    """Decide as the shop."""
    body = {"decision": decision, "reason": "agreed by phone"}
    return await house.shop.post(f"/v1/cases/{case['id']}/decide", json=body)


async def money_of(house: House, checkout: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    """Captured, assigned, available and refunded of each of the checkout's payments."""
    await assert_money_is_conserved(house.engine)
    wanted = text(
        "SELECT captured, assigned, available, refunded FROM payments"
        " WHERE checkout_id = :id AND captured > 0 ORDER BY assigned DESC, id"
    )
    async with house.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(wanted, {"id": checkout["id"]})]


async def becomes(house: House, checkout: dict[str, Any], expected: list[tuple[int, int, int, int]]) -> None:
    """Wait until the money of the checkout lies so, and every message of it was acted upon."""

    async def settled() -> bool:
        waiting = text(
            "SELECT count(*) FROM provider_events WHERE checkout_id = :id AND relevant AND applied_at IS NULL"
        )
        async with house.engine.connect() as connection:
            unapplied = (await connection.execute(waiting, {"id": checkout["id"]})).scalar_one()
        return await money_of(house, checkout) == expected and unapplied == 0

    await eventually(settled)


async def given_back(house: House, payment: str) -> int:
    """What the provider says it has given back of a payment, in its smallest unit."""
    async with httpx.AsyncClient(base_url=house.stripe_url, auth=("sk_test_meridian", "")) as stripe:
        listed = (await stripe.get("/v1/refunds", params={"payment_intent": payment})).json()["data"]
    return sum(refund["amount"] for refund in listed if refund["status"] in {"succeeded", "pending"})


async def paid_after_cancel(house: House, body: dict[str, Any]) -> dict[str, Any]:
    """A checkout that is canceled, and whose page takes money all the same."""
    checkout = await house.open_checkout(body)
    page = await house.press_pay(checkout)
    await goes_wrong(house, page, capture_after_expiry=True)
    assert (await cancel(house, checkout)).status_code == 200
    await house.customer.post(page, data={"outcome": "succeed"})
    return checkout


async def test_canceled_checkout_is_dead_for_customer_and_provider(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)

    canceled = await cancel(the_house, checkout)

    assert canceled.status_code == 200
    assert canceled.json()["status"] == "canceled"
    assert canceled.json()["entry"]["status"] == "canceled"
    assert (await cancel(the_house, checkout)).json() == canceled.json()
    ours = await the_house.customer.post(checkout["payment_link"]["url"])
    assert ours.status_code == 200, "no way on to the provider"
    theirs = await the_house.customer.post(page, data={"outcome": "succeed"})
    assert "/return" not in theirs.headers["location"]
    assert await money_of(the_house, checkout) == []


async def test_paid_checkout_cannot_be_canceled_and_is_told_of_refunds(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))

    refused = await cancel(the_house, checkout)

    assert refused.status_code == 409
    assert "refund" in refused.json()["detail"]
    assert (await the_house.reaches(checkout["id"], "completed"))["invoice"]["status"] == "paid"


async def test_capture_after_cancel_is_accepted_by_policy(
    the_house: House, body: dict[str, Any], policies: Policies
) -> None:
    await policies(late_money=LateMoneyPolicy.ACCEPT)
    checkout = await paid_after_cancel(the_house, body)

    done = await the_house.reaches(checkout["id"], "completed")

    assert done["invoice"]["delivery"]["status"] == "sent"
    assert len(the_house.mails_to(body["customer"]["email"])) == 1
    await becomes(the_house, checkout, [(83900, 83900, 0, 0)])


async def test_capture_after_cancel_is_given_back_by_policy(
    the_house: House, body: dict[str, Any], policies: Policies
) -> None:
    await policies(late_money=LateMoneyPolicy.REFUND)
    checkout = await paid_after_cancel(the_house, body)

    await becomes(the_house, checkout, [(83900, 0, 0, 83900)])

    seen = await the_house.read(checkout["id"])
    assert seen["status"] == "canceled"
    assert seen["invoice"] is None
    assert await given_back(the_house, seen["payments"][0]["provider_reference"]) == 83900


@pytest.mark.parametrize("decision", ["accept", "refund"])
async def test_capture_after_cancel_is_held_until_the_shop_decides(
    the_house: House, body: dict[str, Any], decision: str
) -> None:
    checkout = await paid_after_cancel(the_house, body)
    case = await case_of(the_house, checkout, "late_payment")
    assert (case["amount"], case["options"]) == ("839.00", ["accept", "refund"])

    answer = await decide(the_house, case, decision)

    assert answer.status_code == 200, answer.text
    assert answer.json()["decided_by"].startswith("api key ...")
    accepted = decision == "accept"
    await becomes(the_house, checkout, [(83900, 83900, 0, 0) if accepted else (83900, 0, 0, 83900)])
    await the_house.reaches(checkout["id"], "completed" if accepted else "canceled")
    await case_of(the_house, checkout, "late_payment", "settled")
    assert (await decide(the_house, case, decision)).status_code == 200
    assert (await decide(the_house, case, "refund" if accepted else "accept")).status_code == 409


async def test_second_capture_is_given_back(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await goes_wrong(the_house, page, second_capture=True)
    await the_house.pay(page)

    await the_house.reaches(checkout["id"], "completed")

    await becomes(the_house, checkout, [(83900, 83900, 0, 0), (83900, 0, 0, 83900)])
    payments = (await the_house.read(checkout["id"]))["payments"]
    back = [await given_back(the_house, payment["provider_reference"]) for payment in payments]
    assert sorted(back) == [0, 83900]
    assert len(the_house.mails_to(body["customer"]["email"])) == 1


async def test_second_capture_is_held_where_the_policy_says_so(
    the_house: House, body: dict[str, Any], policies: Policies
) -> None:
    await policies(overpayment=OverpaymentPolicy.HOLD)
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await goes_wrong(the_house, page, second_capture=True)
    await the_house.pay(page)

    case = await case_of(the_house, checkout, "surplus")

    assert (await the_house.reaches(checkout["id"], "completed"))["invoice"]["status"] == "paid"
    await becomes(the_house, checkout, [(83900, 83900, 0, 0), (83900, 0, 83900, 0)])
    assert (await decide(the_house, case, "keep")).json()["status"] == "settled"


async def test_overpaid_checkout_is_invoiced_and_the_rest_given_back(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await goes_wrong(the_house, page, capture_difference=250)
    await the_house.pay(page)

    done = await the_house.reaches(checkout["id"], "completed")

    await becomes(the_house, checkout, [(84150, 83900, 0, 250)])
    assert await given_back(the_house, done["payments"][0]["provider_reference"]) == 250


async def test_underpaid_checkout_is_completed_by_a_payment_of_the_rest(the_house: House, body: dict[str, Any]) -> None:
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await goes_wrong(the_house, page, capture_difference=-10000)
    await the_house.pay(page)
    case = await case_of(the_house, checkout, "short_payment")
    assert (await the_house.read(checkout["id"]))["review"]["reason"] == "short_payment"

    await decide(the_house, case, "await_rest")
    await the_house.reaches(checkout["id"], "awaiting_payment")
    await the_house.pay(await the_house.press_pay(checkout))

    done = await the_house.reaches(checkout["id"], "completed")
    assert sorted(payment["amount"] for payment in done["payments"]) == ["100.00", "739.00"]
    await becomes(the_house, checkout, [(73900, 73900, 0, 0), (10000, 10000, 0, 0)])


async def test_underpaid_checkout_gets_its_money_back_by_policy_and_stays_payable(
    the_house: House, body: dict[str, Any], policies: Policies
) -> None:
    await policies(short_payment=ShortPaymentPolicy.REFUND)
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await goes_wrong(the_house, page, capture_difference=-1)
    await the_house.pay(page)
    await becomes(the_house, checkout, [(83899, 0, 0, 83899)])

    await the_house.pay(await the_house.press_pay(checkout))

    await the_house.reaches(checkout["id"], "completed")
    await becomes(the_house, checkout, [(83900, 83900, 0, 0), (83899, 0, 0, 83899)])


async def test_money_in_the_wrong_currency_is_a_case_and_never_touches_the_entry(
    the_house: House, body: dict[str, Any]
) -> None:
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    await goes_wrong(the_house, page, capture_currency="usd")
    await the_house.pay(page)

    case = await case_of(the_house, checkout, "wrong_currency")

    assert (case["amount"], case["currency"]) == ("839.00", "USD")
    seen = await the_house.read(checkout["id"])
    assert seen["status"] == "needs_review"
    assert seen["entry"]["outstanding_amount"] == "839.00"
    await decide(the_house, case, "refund")
    await becomes(the_house, checkout, [(83900, 0, 0, 83900)])
    await the_house.reaches(checkout["id"], "awaiting_payment")


async def test_money_of_nobodys_checkout_is_in_the_books_and_a_case(the_house: House) -> None:
    async with httpx.AsyncClient(base_url=the_house.stripe_url, auth=("sk_test_meridian", "")) as stripe:
        opened = await stripe.post(
            "/v1/checkout/sessions",
            data={
                "mode": "payment",
                "success_url": "https://elsewhere.example/ok",
                "line_items[0][quantity]": "1",
                "line_items[0][price_data][currency]": "eur",
                "line_items[0][price_data][unit_amount]": "4200",
                "line_items[0][price_data][product_data][name]": "Something else",
            },
        )
        assert opened.status_code == 200, opened.text
        await the_house.customer.post(opened.json()["url"], data={"outcome": "succeed"})
        session = (await stripe.get(f"/v1/checkout/sessions/{opened.json()['id']}")).json()

    async def found() -> dict[str, Any] | None:
        page = (await the_house.shop.get("/v1/cases?status=open&limit=100")).json()
        mine = (case for case in page["items"] if case["provider_reference"] == session["payment_intent"])
        return next(mine, None)

    case = await eventually(found)
    assert (case["kind"], case["checkout"], case["amount"]) == ("unknown_payment", None, "42.00")
    await assert_money_is_conserved(the_house.engine)
    assert (await decide(the_house, case, "refund")).status_code == 200

    async def back() -> bool:
        return await given_back(the_house, session["payment_intent"]) == 4200

    await eventually(back)
    await assert_money_is_conserved(the_house.engine)

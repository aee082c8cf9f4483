"""Money that is promised before it is there, over HTTP and on real parts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from domain.capture_modes import DelayedMethod
from tests.conservation import assert_money_is_conserved
from tests.e2e.conftest import fresh_body
from tests.house import MERIDIAN, RESULT_KEY, House, eventually


async def awaits(house: House, checkout: dict[str, Any], whom: str) -> dict[str, Any]:
    """Wait until the checkout waits for somebody else."""

    async def waits() -> dict[str, Any] | None:
        seen = await house.read(checkout["id"])
        return seen if seen["awaits"] == whom else None

    return await eventually(waits)


async def returns(house: House, back: str) -> tuple[str, dict[str, Any]]:
    """Where the returning customer is sent, and what the token says, verified with nothing but the merchant's key."""
    answer = await house.customer.get(back)
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    token = parse_qs(parts.query)["result"][0]
    claims: dict[str, Any] = jwt.decode(token, RESULT_KEY, algorithms=["HS256"])
    return parts._replace(query="").geturl(), claims


async def capture(house: House, checkout: dict[str, Any], **body: Any) -> httpx.Response:
    """The shop captures."""
    return await house.shop.post(f"/v1/checkouts/{checkout['id']}/capture", json=body)


async def test_authorized_money_is_captured_by_the_shop_and_the_invoice_mailed(the_house: House) -> None:
    body = fresh_body(capture="manual")
    checkout = await the_house.open_checkout(body)
    back = await the_house.pay(await the_house.press_pay(checkout))

    address, claims = await returns(the_house, back)

    assert address == body["redirects"]["success"]
    assert (claims["status"], claims["outcome"]) == ("awaiting_payment", "authorized")
    held = await awaits(the_house, checkout, "capture")
    [payment] = held["payments"]
    assert (payment["status"], payment["authorized_amount"]) == ("pending", body["total"])
    assert payment["capture_before"] is not None
    assert held["entry"]["expected_amount"] == body["total"]
    assert (await capture(the_house, checkout, amount="839.01")).status_code == 422
    ours = await the_house.customer.post(checkout["payment_link"]["url"])
    assert ours.status_code == 200, "no way on to the provider"

    taken = await capture(the_house, checkout)

    assert taken.status_code == 200, taken.text
    assert taken.json()["payments"][0]["status"] == "collected"
    done = await the_house.reaches(checkout["id"], "completed")
    assert done["invoice"]["status"] == "paid"
    assert done["entry"]["expected_amount"] == "0.00"
    assert len(the_house.mails_to(body["customer"]["email"])) == 1
    assert (await capture(the_house, checkout, amount=body["total"])).status_code == 200
    assert (await capture(the_house, checkout, amount="1.00")).status_code == 409
    await assert_money_is_conserved(the_house.engine)


async def test_authorization_of_a_canceled_checkout_is_released_at_the_provider(the_house: House) -> None:
    checkout = await the_house.open_checkout(fresh_body(capture="manual"))
    await the_house.pay(await the_house.press_pay(checkout))
    held = await awaits(the_house, checkout, "capture")

    canceled = await the_house.shop.post(f"/v1/checkouts/{checkout['id']}/cancel", json={"reason": "sold out"})

    assert canceled.status_code == 200
    assert [payment["status"] for payment in canceled.json()["payments"]] == ["canceled"]
    [payment] = held["payments"]
    async with httpx.AsyncClient(base_url=the_house.stripe_url, auth=("sk_test_meridian", "")) as stripe:
        there = (await stripe.get(f"/v1/payment_intents/{payment['provider_reference']}")).json()
    assert (there["status"], there["amount_received"]) == ("canceled", 0)
    assert (await capture(the_house, checkout)).json()["type"] == "urn:quittance:problem:nothing-to-capture"


@pytest.fixture
async def delayed_methods(the_house: House) -> AsyncIterator[None]:
    """Meridian opts in to a method that takes days."""
    merchants = PostgresMerchants(database.sessions(the_house.engine))
    await merchants.save(replace(load(MERIDIAN), delayed_methods=(DelayedMethod.SEPA_DEBIT,)))
    yield
    await merchants.save(load(MERIDIAN))


@pytest.mark.usefixtures("delayed_methods")
@pytest.mark.parametrize("outcome", ["delayed_succeed", "delayed_fail"])
async def test_transfer_is_pending_until_the_bank_has_answered(the_house: House, outcome: str) -> None:
    body = fresh_body()
    body["redirects"] = body["redirects"] | {"pending": "https://shop.example/pending"}
    checkout = await the_house.open_checkout(body)
    page = await the_house.press_pay(checkout)
    async with httpx.AsyncClient(base_url=the_house.stripe_url) as sandbox:
        slow = {"only": page.rpartition("/")[2], "timing": {"delayed_method_seconds": 3}}
        (await sandbox.post("/_sandbox/faults", json=slow)).raise_for_status()

    address, claims = await returns(the_house, await the_house.pay(page, outcome))

    assert address == "https://shop.example/pending"
    assert claims["outcome"] == "pending"
    waiting = await awaits(the_house, checkout, "provider")
    assert waiting["entry"]["expected_amount"] == body["total"]
    assert [payment["promise"] for payment in waiting["payments"]] == ["delayed"]
    if outcome == "delayed_succeed":
        assert (await the_house.reaches(checkout["id"], "completed"))["invoice"]["status"] == "paid"
        return
    failed = await awaits(the_house, checkout, "customer")
    [attempt] = failed["attempts"]
    assert (attempt["status"], attempt["reason"]) == ("failed", "payment_intent_payment_attempt_failed")
    assert failed["entry"]["expected_amount"] == "0.00"
    await the_house.pay(await the_house.press_pay(checkout))
    assert (await the_house.reaches(checkout["id"], "completed"))["attempts"][1]["status"] == "collected"


async def test_every_attempt_is_shown_with_its_reason_and_the_link_stays_good(the_house: House) -> None:
    checkout = await the_house.open_checkout(fresh_body())
    page = await the_house.press_pay(checkout)

    for outcome, reason in (("decline", "generic_decline"), ("sca_fail", "payment_intent_authentication_failure")):
        await the_house.pay(page, outcome)

        async def said(reason: str = reason) -> bool:
            seen = await the_house.read(checkout["id"])
            return [(one["status"], one["reason"]) for one in seen["attempts"]] == [("open", reason)]

        await eventually(said)
    async with httpx.AsyncClient(base_url=the_house.stripe_url, auth=("sk_test_meridian", "")) as stripe:
        (await stripe.post(f"/v1/checkout/sessions/{page.rpartition('/')[2]}/expire")).raise_for_status()

    async def over() -> bool:
        return [one["status"] for one in (await the_house.read(checkout["id"]))["attempts"]] == ["failed"]

    await eventually(over)
    await the_house.pay(await the_house.press_pay(checkout))
    done = await the_house.reaches(checkout["id"], "completed")
    assert [one["status"] for one in done["attempts"]] == ["failed", "collected"]

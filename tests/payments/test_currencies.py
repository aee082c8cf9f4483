"""Currencies that do not have two decimals, or that Stripe counts otherwise: the right amount everywhere."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from lxml import etree

from tests.documents.validation import problems
from tests.e2e.conftest import fresh_body
from tests.house import House, eventually

# currency, unit price (gross), total, what Stripe must be asked for in its own smallest units
CASES = [
    pytest.param("JPY", "5980", "5980", 5980, id="JPY has no minor unit"),
    pytest.param("ISK", "12900", "12900", 1290000, id="ISK has no minor unit but is sent with two decimals"),
    pytest.param("HUF", "45990.50", "45990.50", 4599050, id="HUF has two decimals except in payouts"),
    pytest.param("KWD", "123.450", "123.450", 123450, id="KWD has three decimals"),
]
_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


@pytest.mark.parametrize(("currency", "price", "total", "at_stripe"), CASES)
async def test_customer_pays_the_right_amount_and_the_invoice_says_so(
    the_house: House, currency: str, price: str, total: str, at_stripe: int
) -> None:
    done = await _bought(the_house, currency, price)

    assert done["total"] == done["entry"]["initial_amount"] == total
    assert Decimal(done["entry"]["outstanding_amount"]) == 0
    [payment] = done["payments"]
    assert (payment["amount"], payment["status"]) == (total, "collected")
    assert done["invoice"]["total"] == total
    intent = await _at_stripe(the_house, payment["provider_reference"])
    assert (intent["amount"], intent["amount_received"], intent["currency"]) == (
        at_stripe,
        at_stripe,
        currency.lower(),
    )
    xml = (await the_house.shop.get(done["invoice"]["xml"])).content
    assert Decimal(_text(xml, "GrandTotalAmount")) == Decimal(total)
    assert _text(xml, "InvoiceCurrencyCode") == currency


@pytest.mark.parametrize(
    ("currency", "price"), [("JPY", "45990"), ("ISK", "45990"), ("HUF", "45990.50"), ("KWD", "123.456")]
)
async def test_e_invoice_in_a_currency_of_other_decimals_than_two_meets_every_official_rule(
    the_house: House, currency: str, price: str
) -> None:
    """EN 16931 has two decimals at most: what costs 123.456 KWD comes to 123.46, so that every document can say it."""
    done = await _bought(the_house, currency, price)

    xml = (await the_house.shop.get(done["invoice"]["xml"])).content

    assert problems(xml) == []


async def test_fee_finer_than_the_currency_is_rounded_and_holds_nothing_up(the_house: House) -> None:
    """Stripe counts ISK in hundredths, and takes fees of hundredths."""
    done = await _bought(the_house, "ISK", "12900")

    async def booked() -> bool:
        return (await the_house.read(done["id"]))["payments"][0]["fee"] is not None

    await eventually(booked)
    [payment] = (await the_house.read(done["id"]))["payments"]
    assert (payment["fee"], payment["net"]) == ("194", "12706"), "193.75 of 12900"


async def test_what_neither_a_document_nor_stripe_can_state_is_refused_or_rounded_before_anybody_pays(
    the_house: House,
) -> None:
    """Stripe takes three-decimal amounts only when the last digit is 0."""
    finer = await the_house.shop.post("/v1/checkouts", json=_body("KWD", "123.456") | {"total": "123.456"})
    rounded = await the_house.shop.post("/v1/checkouts", json=_body("KWD", "123.456") | {"total": "123.46"})

    assert finer.status_code == 422
    assert [error["pointer"] for error in finer.json()["errors"]] == ["/total"]
    assert (rounded.status_code, rounded.json()["total"]) == (201, "123.460")


async def _bought(house: House, currency: str, price: str) -> dict[str, Any]:
    checkout = await house.open_checkout(_body(currency, price))
    await house.pay(await house.press_pay(checkout))
    return await house.reaches(checkout["id"], "completed")


def _body(currency: str, price: str) -> dict[str, Any]:
    body = fresh_body(currency=currency, total=None, discounts=[])
    body["lines"] = [body["lines"][0] | {"unit_price": price}]
    return body


async def _at_stripe(house: House, reference: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=house.stripe_url) as client:
        answer = await client.get(
            f"/v1/payment_intents/{reference}", headers={"Authorization": "Bearer sk_test_meridian"}
        )
    intent: dict[str, Any] = answer.raise_for_status().json()
    return intent


def _text(xml: bytes, name: str) -> str:
    found = etree.fromstring(xml).findtext(f".//{_RAM}{name}")
    assert found is not None
    return found

"""The demo shop: it asks for a checkout with its key, and believes only signed results."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI, Request

from sandbox.shop import cart, routes
from sandbox.shop.backend import ShopBackend

KEY = "a result key of at least thirty-two bytes"
LINK = "http://127.0.0.1:1/pay/token"
CHECKOUT = {
    "id": "chk_1",
    "assignment_key": "SO-1",
    "status": "completed",
    "total": cart.TOTAL,
    "invoice": {"number": "RE-2026-000001"},
    "workflow": {"url": "http://127.0.0.1:1/run"},
    "payment_link": {"url": LINK},
}


class Api:
    """What the shop talks to; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, dict[str, Any]]] = []
        self.app = FastAPI()
        self.app.post("/v1/checkouts", status_code=201)(self.open)
        self.app.get("/v1/checkouts/chk_1")(self.look)

    async def open(self, request: Request) -> dict[str, Any]:
        self.asked.append((request.headers.get("authorization"), await request.json()))
        return CHECKOUT

    async def look(self) -> dict[str, Any]:
        return CHECKOUT


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def browser(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api.app)) as client:
        backend = ShopBackend(
            client, api_url="http://api", api_key="qk_test_1", result_key=KEY, shop_url="http://shop/shop"
        )
        shop = FastAPI()
        shop.include_router(routes.router(backend))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(shop), base_url="http://shop") as browser:
            yield browser


def result(*, key: str = KEY, checkout: str = "chk_1", status: str = "captured", minutes: int = 15) -> str:
    now = datetime.now(UTC)
    claims = {"checkout": checkout, "status": status, "iat": now, "exp": now + timedelta(minutes=minutes)}
    return jwt.encode(claims, key, algorithm="HS256")


def test_the_cart_adds_up_to_what_the_till_says() -> None:
    rates = {line.tax_rate for line in cart.LINES}
    bases = {rate: sum(line.amount for line in cart.LINES if line.tax_rate == rate) for rate in rates}
    taxes = [(base * Decimal(rate) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP) for rate, base in bases.items()]
    assert cart.NET + sum(taxes) == Decimal(cart.TOTAL)


async def test_the_cart_shows_every_line_and_the_total(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/shop")).text
    assert "1.646,01 €" in page
    assert all(line.name.replace("&", "&amp;") in page for line in cart.LINES)


async def test_checking_out_opens_a_checkout_and_leads_to_its_payment_link(
    browser: httpx.AsyncClient, api: Api
) -> None:
    answer = await browser.post("/shop/checkout")
    assert (answer.status_code, answer.headers["location"]) == (303, LINK)
    ((authorization, body),) = api.asked
    assert authorization == "Bearer qk_test_1"
    assert body["total"] == cart.TOTAL
    assert body["redirects"]["success"] == "http://shop/shop/ok"


async def test_every_purchase_has_its_own_key(browser: httpx.AsyncClient, api: Api) -> None:
    await browser.post("/shop/checkout")
    await browser.post("/shop/checkout")
    assert len({body["assignment_key"] for _, body in api.asked}) == 2


async def test_a_signed_result_is_thanked_for(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/shop/ok", params={"checkout": "chk_1", "result": result()})
    assert page.status_code == 200
    assert "Vielen Dank für Ihre Bestellung" in page.text
    assert "RE-2026-000001" in page.text


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        result(key="another key that is also at least 32 bytes"),
        result(checkout="chk_2"),
        result(minutes=-1),
        jwt.encode({"checkout": "chk_1", "status": "captured"}, KEY, algorithm="HS256"),
        jwt.encode({"checkout": "chk_1", "status": "captured"}, "", algorithm="none"),
    ],
    ids=["nonsense", "forged", "of another checkout", "too old", "without an end", "unsigned"],
)
async def test_a_result_that_cannot_be_trusted_is_refused(browser: httpx.AsyncClient, token: str) -> None:
    page = await browser.get("/shop/ok", params={"checkout": "chk_1", "result": token})
    assert page.status_code == 400
    assert "Vielen Dank" not in page.text


async def test_a_failed_payment_is_not_thanked_for(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/shop/failed", params={"checkout": "chk_1", "result": result(status="expired")})
    assert "Die Zahlung hat nicht geklappt" in page.text

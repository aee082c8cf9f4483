"""A running stand-in with everything around it: the official SDK, a browser, and a merchant's webhook endpoint."""

import asyncio
import inspect
import json
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe import StripeAccount, WebhookEndpoint, form
from sandbox.stripe.server import running
from tests.sandbox.stripe_schema import check_answer, check_request

KEY = "sk_test_box"
OTHER_KEY = "sk_test_other"
SECRET = "whsec_box"


async def eventually(condition: Callable[[], Any], within: float = 20.0) -> Any:
    """The first true value of `condition`, which may be a coroutine function; fails when there is none in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {within} s: {condition}")


@dataclass(frozen=True, slots=True)
class Received:
    """One webhook as it came in."""

    signature: str
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The event in it."""
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Merchant:
    """A webhook endpoint that keeps what it gets and answers `answers` first, then 200; all once `open` is set."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    leave: Callable[[], None] = lambda: None

    async def take(self, request: Request) -> Response:
        """The endpoint."""
        self.received.append(Received(request.headers["stripe-signature"], await request.body()))
        await self.open.wait()
        return Response(status_code=self.answers.popleft() if self.answers else 200)

    def types(self) -> list[str]:
        """Types of the events received, in order of arrival."""
        return [received.event["type"] for received in self.received]

    async def has(self, *types: str) -> None:
        """Wait until events of all these types have come."""
        await eventually(lambda: set(types) <= set(self.types()))


@asynccontextmanager
async def merchant() -> AsyncIterator[Merchant]:
    """A merchant's endpoint on a free port."""
    it = Merchant()
    it.open.set()
    app = Starlette(routes=[Route("/hook", it.take, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    it.url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))

    def leave() -> None:
        it.open.set()
        server.should_exit = True

    it.leave = leave
    task = asyncio.create_task(server._serve([listener]))
    await eventually(lambda: server.started)
    try:
        yield it
    finally:
        leave()
        await task
        listener.close()


@dataclass(frozen=True, slots=True)
class Box:
    """The stand-in at `url`, its SDK client, a browser that follows no redirects, and the merchant's endpoint."""

    url: str
    sdk: stripe.StripeClient
    browser: httpx.AsyncClient
    merchant: Merchant

    async def session(self, amount: int = 1250, currency: str = "eur", **more: Any) -> stripe.checkout.Session:
        """An open session over one line."""
        params: Any = {
            "mode": "payment",
            "success_url": "https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/cart",
            "line_items": [line(amount, currency)],
            **more,
        }
        return await self.sdk.v1.checkout.sessions.create_async(params)

    async def act(self, session: stripe.checkout.Session, outcome: str) -> httpx.Response:
        """The customer presses a button on the session's page."""
        return await self.browser.post(f"{self.url}/c/pay/{session.id}", data={"outcome": outcome})

    async def paid(self, amount: int = 1250, currency: str = "eur", **more: Any) -> stripe.PaymentIntent:
        """The payment of a session paid by card, its fee booked."""
        session = await self.session(amount, currency, **more)
        await self.act(session, "succeed")
        await self.move_clock(1)
        return await self.payment_of(session)

    async def payment_of(self, session: stripe.checkout.Session) -> stripe.PaymentIntent:
        """The payment of a session as it is now, with its charge and balance transaction."""
        fresh = await self.read(session)
        return await self.sdk.v1.payment_intents.retrieve_async(
            str(fresh.payment_intent), {"expand": ["latest_charge.balance_transaction"]}
        )

    async def read(self, session: stripe.checkout.Session) -> stripe.checkout.Session:
        """The session as it is now."""
        return await self.sdk.v1.checkout.sessions.retrieve_async(session.id)

    async def events(self, **params: Any) -> list[stripe.Event]:
        """Events the API lists, oldest first."""
        wanted: Any = {"limit": 100, **params}
        page = await self.sdk.v1.events.list_async(wanted)
        return page.data[::-1]

    async def types(self) -> list[str]:
        """Types of the events the API lists, oldest first."""
        return [event.type for event in await self.events()]

    async def fault(self, **order: Any) -> None:
        """Let something go wrong."""
        (await self.browser.post("/_sandbox/faults", json=order)).raise_for_status()

    async def move_clock(self, seconds: float) -> None:
        """Let the box's time pass."""
        (await self.browser.post("/_sandbox/clock", json={"advance_seconds": seconds})).raise_for_status()

    async def order(self, path: str, **body: Any) -> dict[str, Any]:
        """Something else only a sandbox has, by JSON."""
        answer: dict[str, Any] = (await self.browser.post(f"/_sandbox/{path}", json=body)).raise_for_status().json()
        return answer

    async def log(self, name: str) -> list[dict[str, Any]]:
        """`requests` or `deliveries`."""
        rows: list[dict[str, Any]] = (await self.browser.get(f"/_sandbox/{name}")).json()
        return rows


def line(amount: int, currency: str = "eur", quantity: int = 1) -> dict[str, Any]:
    """A line item with its price inline."""
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Desk"}}
    return {"quantity": quantity, "price_data": price}


class _Judged(stripe.HTTPXClient):
    """Holds every answer the SDK gets, and every request that was accepted, to Stripe's official document."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        content, status, answered = await super().request_async(method, url, headers, post_data)
        parts = urlsplit(url)
        path = unquote(parts.path)
        if path.startswith("/v1/"):
            check_answer(method.upper(), path, status, json.loads(content))
        if status == 200:
            sent = parts.query if method == "get" else post_data
            check_request(method.upper(), path, form.parse(parse_qsl(sent or "", keep_blank_values=True)))
        return content, status, answered


@asynccontextmanager
async def sdk(url: str, key: str = KEY, patience: float = 10) -> AsyncIterator[stripe.StripeClient]:
    """The official SDK pointed at a stand-in: no retries of its own, `patience` seconds for an answer."""
    http = _Judged(timeout=patience)
    try:
        yield stripe.StripeClient(key, base_addresses={"api": url}, http_client=http, max_network_retries=0)
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def box(state: Path) -> AsyncIterator[Box]:
    """A stand-in with two accounts, of which the first has a webhook endpoint."""
    async with merchant() as shop:
        accounts = (
            StripeAccount(api_key=KEY, endpoints=(WebhookEndpoint(url=shop.url, secret=SECRET),)),
            StripeAccount(api_key=OTHER_KEY, endpoints=()),
        )
        async with (
            running(state, accounts) as url,
            httpx.AsyncClient(base_url=url, timeout=10) as browser,
            sdk(url) as client,
        ):
            yield Box(url, client, browser, shop)
            shop.leave()  # while the stand-in ends as well: each takes its time

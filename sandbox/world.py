"""The world outside of Quittance in one process: the Stripe stand-in, the mail server with its inbox, the demo shop.

`python -m sandbox.world` reads what it needs from the variable `QUITTANCE_WORLD`; the supervisor sets it.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp

from sandbox import vies
from sandbox.mail import routes as mail_routes
from sandbox.mail.faults import Faults
from sandbox.mail.smtp import listening
from sandbox.mail.store import MailStore
from sandbox.shop import routes as shop_routes
from sandbox.shop.backend import ShopBackend
from sandbox.stripe import StripeAccount, WebhookEndpoint, create_app

_HOST = "127.0.0.1"
_GRACE_SECONDS = 3


class World(BaseModel):
    """Where things listen and lie, and the secrets they share with Quittance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path
    web_port: int
    stripe_port: int
    smtp_port: int
    api_url: str
    api_key: str
    result_key: str
    stripe_api_key: str
    stripe_webhook_url: str
    stripe_webhook_secret: str


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells `up` when the server listens."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `run`: several servers share this process."""
        yield


async def run(world: World) -> None:
    """Serve until SIGTERM or SIGINT."""
    store = MailStore(world.directory / "mail")
    faults = Faults()
    async with (
        httpx.AsyncClient(timeout=30, trust_env=False) as client,
        listening(store, faults, port=world.smtp_port),
        _serving(_stripe(world), world.stripe_port),
        _serving(_web(world, store, faults, client), world.web_port),
    ):
        await _told_to_end()


def _web(world: World, store: MailStore, faults: Faults, client: httpx.AsyncClient) -> ASGIApp:
    backend = ShopBackend(
        client,
        api_url=world.api_url,
        api_key=world.api_key,
        result_key=world.result_key,
        shop_url=f"http://{_HOST}:{world.web_port}/shop",
    )
    app = FastAPI(title="Sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(mail_routes.router(store, faults))
    app.include_router(shop_routes.router(backend))
    app.mount("/vies", vies.create_app())

    @app.get("/")
    def home() -> RedirectResponse:
        return RedirectResponse("/shop")

    @app.get("/healthz")
    def healthz() -> PlainTextResponse:
        """Served last of all, so everything else listens when this answers."""
        return PlainTextResponse("ok")

    return app


def _stripe(world: World) -> ASGIApp:
    endpoint = WebhookEndpoint(url=world.stripe_webhook_url, secret=world.stripe_webhook_secret)
    account = StripeAccount(api_key=world.stripe_api_key, endpoints=(endpoint,))
    directory = world.directory / "stripe"
    directory.mkdir(parents=True, exist_ok=True)
    return create_app(
        state=directory / "stripe.db", accounts=[account], public_url=f"http://{_HOST}:{world.stripe_port}"
    )


@contextlib.asynccontextmanager
async def _serving(app: ASGIApp, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app, host=_HOST, port=port, log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS, lifespan="on"
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await server.up.wait()
        yield
    finally:
        server.should_exit = True
        await serving


async def _told_to_end() -> None:
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await ending.wait()


if __name__ == "__main__":
    asyncio.run(run(World.model_validate_json(os.environ["QUITTANCE_WORLD"])))

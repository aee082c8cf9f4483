"""The stand-in as an ASGI application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from sandbox.stripe import control
from sandbox.stripe.accounts import StripeAccount
from sandbox.stripe.api import Api
from sandbox.stripe.connection import KeepTransport
from sandbox.stripe.errors import StripeError
from sandbox.stripe.hosted_page import HostedPage
from sandbox.stripe.standin import StandIn


def create_app(*, state: Path, accounts: Sequence[StripeAccount], public_url: str) -> ASGIApp:
    """The whole stand-in. Its lifespan starts and stops the webhooks and the clock.

    `state` is the SQLite file, made if missing. `public_url` is the address customers' browsers reach it under.
    """
    standin = StandIn(state=state, accounts=accounts, public_url=public_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with standin.at_work():
            yield

    app = FastAPI(title="Stripe stand-in", lifespan=lifespan, exception_handlers={StripeError: control.worded})
    app.include_router(control.router(standin))
    app.router.routes.extend([*Api(standin).routes(), *HostedPage(standin).routes()])
    return KeepTransport(app)

"""The whole house for tests, in one process: real PostgreSQL, Temporal, Stripe SDK, SMTP; API and worker as shipped."""

import asyncio
import base64
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

import worker
from adapters import temporal
from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from api.main import application
from sandbox.mail.faults import Faults as MailFaults
from sandbox.mail.smtp import listening
from sandbox.mail.store import MailStore, Summary
from sandbox.stripe import StripeAccount, WebhookEndpoint
from sandbox.stripe.server import running as stripe_running
from sandbox.vies import ViesStandIn
from sandbox.vies import create_app as create_vies
from settings import Settings

MERIDIAN = Path(__file__).parent.parent / "merchants" / "meridian.toml"
WEBHOOK_SECRET = "whsec_test"
REPORT_TOKEN = "a token for reports of mail servers"
RESULT_KEY = "a result key of at least thirty-two bytes"
PATIENCE_SECONDS = 60.0
_T = TypeVar("_T")


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application on an open socket while the context is open."""
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: _started(server, task))
        yield
    finally:
        server.should_exit = True
        await task


async def _started(server: uvicorn.Server, task: "asyncio.Task[None]") -> bool:
    return server.started or task.done()


async def eventually(question: Callable[[], Awaitable[_T | None]], within: float = PATIENCE_SECONDS) -> _T:
    """The first answer that is not None or False. Fails when there is none in time."""
    deadline = asyncio.get_running_loop().time() + within
    pause = 0.02
    while True:
        answer = await question()
        if answer is not None and answer is not False:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not in {within} s: {getattr(question, '__name__', question)}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running house. `shop` speaks to the API with meridian's key, `customer` is a browser without one."""

    settings: Settings
    engine: AsyncEngine
    client: Client
    shop: httpx.AsyncClient
    customer: httpx.AsyncClient
    stripe_url: str
    inbox: MailStore
    mail_faults: MailFaults
    vies: ViesStandIn

    async def open_checkout(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST a checkout that must be accepted."""
        answer = await self.shop.post("/v1/checkouts", json=body)
        assert answer.status_code in {200, 201}, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    async def press_pay(self, checkout: dict[str, Any]) -> str:
        """The customer presses the button; answers the URL of the provider's page."""
        answer = await self.customer.post(checkout["payment_link"]["url"])
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def pay(self, page: str, outcome: str = "succeed") -> str:
        """The customer pays at the provider; answers where he is sent back to."""
        answer = await self.customer.post(page, data={"outcome": outcome})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def read(self, checkout_id: str) -> dict[str, Any]:
        """The checkout as the shop sees it."""
        answer = await self.shop.get(f"/v1/checkouts/{checkout_id}")
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    async def reaches(self, checkout_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the checkout has one of these statuses."""

        async def reached() -> dict[str, Any] | None:
            seen = await self.read(checkout_id)
            return seen if seen["status"] in statuses else None

        return await eventually(reached)

    def mails_to(self, address: str) -> list[Summary]:
        """What lies in the inbox for this address."""
        return [mail for mail in self.inbox.summaries() if address in str(mail.to)]


def settings_for(
    *,
    database_url: str,
    temporal_address: str,
    stripe_url: str,
    smtp_port: int,
    public_url: str,
    documents: Path,
    vies_url: str = "http://127.0.0.1:9",
) -> Settings:
    """The configuration of a test's house."""
    return Settings(
        _env_file=None,
        environment="sandbox",
        database={"url": database_url},
        temporal={"address": temporal_address, "task_queue": f"test-{secrets.token_hex(4)}"},
        stripe={"api_base": stripe_url},
        vies={"api_base": vies_url, "timeout_seconds": 1},
        mail={
            "host": "127.0.0.1",
            "port": smtp_port,
            "sender": "invoices@quittance.example",
            "report_token": REPORT_TOKEN,
        },
        documents={"directory": documents},
        api={"public_url": public_url},
        merchants={
            "meridian": {
                "stripe_api_key": "sk_test_meridian",
                "stripe_webhook_secrets": [WEBHOOK_SECRET],
                "result_key": RESULT_KEY,
            }
        },
        payload_keys={"k1": base64.b64encode(bytes(32)).decode()},
    )


@asynccontextmanager
async def house(directory: Path, *, database_url: str, temporal_address: str) -> AsyncIterator[House]:
    """API, worker, Stripe stand-in and inbox on the given database and Temporal service."""
    api_key = f"qk_test_{secrets.token_hex(32)}"
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        public_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        endpoint = WebhookEndpoint(url=f"{public_url}/webhooks/stripe/meridian", secret=WEBHOOK_SECRET)
        account = StripeAccount(api_key="sk_test_meridian", endpoints=(endpoint,))
        stripe_url = await stack.enter_async_context(stripe_running(directory / "stripe.db", [account]))
        vies, vies_listener = ViesStandIn(), stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        await stack.enter_async_context(serving(create_vies(vies), vies_listener))
        inbox, mail_faults = MailStore(directory / "mail"), MailFaults()
        smtp_port = await stack.enter_async_context(listening(inbox, mail_faults, port=0))
        settings = settings_for(
            database_url=database_url,
            temporal_address=temporal_address,
            stripe_url=stripe_url,
            smtp_port=smtp_port,
            public_url=public_url,
            documents=directory / "documents",
            vies_url=f"http://127.0.0.1:{vies_listener.getsockname()[1]}",
        )
        engine = database.connect(database_url)
        stack.push_async_callback(engine.dispose)
        merchants = PostgresMerchants(database.sessions(engine))
        await merchants.save(load(MERIDIAN))
        await merchants.register_key("meridian", api_key)
        client = await temporal.connect(
            temporal_address,
            namespace="default",
            keys={name: key.get_secret_value() for name, key in settings.payload_keys.items()},
        )
        app = await stack.enter_async_context(application(settings))
        await stack.enter_async_context(serving(app, listener))
        steps = await worker.activities(settings, stack, client)
        await stack.enter_async_context(worker.build(client, settings.temporal.task_queue, steps, debug=True))
        shop = httpx.AsyncClient(
            base_url=public_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=PATIENCE_SECONDS
        )
        yield House(
            settings=settings,
            engine=engine,
            client=client,
            shop=await stack.enter_async_context(shop),
            customer=await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE_SECONDS)),
            stripe_url=stripe_url,
            inbox=inbox,
            mail_faults=mail_faults,
            vies=vies,
        )

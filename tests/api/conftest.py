"""The application on fake ports, and a client that talks HTTP to it in-process."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from adapters.vat_ids import is_vat_id
from api.app import Services, create_app
from api.openapi import CHECKOUT_REQUEST
from domain.views import CheckoutView
from tests.fakes.books import FakeBooks
from tests.fakes.corrections import FakeCorrectionRuns
from tests.fakes.deliveries import FakeDeliveries, FakeExporter, FakeResendRuns, read_reports
from tests.fakes.documents import FakeDocuments
from tests.fakes.inbox import FakeInbox, FakeWebhooks
from tests.fakes.invoice_runs import FakeInvoiceRuns
from tests.fakes.ledger import EmptyLedger, RunsAway
from tests.fakes.merchants import NORDWERK, SUEDWERK
from tests.fakes.reader import FakeReader
from tests.fakes.refund_runs import FakeRefundRuns
from tests.fakes.runs import FakeRuns
from tests.fakes.series import FakeSeriesAudit
from tests.fakes.vat_register import FakeVatRegister
from tests.fakes.world import World

NORD_KEY, SUED_KEY = "qk_test_nord", "qk_test_sued"
RESULT_KEYS = {"nordwerk": "n" * 32, "suedwerk": "s" * 32}
WEBHOOK_SECRETS = {"nordwerk": "whsec_nord", "suedwerk": "whsec_sued"}
PUBLIC_URL = "https://pay.example"
PROVIDER_ORIGIN = "https://checkout.provider.example"
REPORT_TOKEN = "a token for reports"
UNDRAWABLE = frozenset("😀漢字")


class DatabaseAway(Exception):
    """What an adapter raises when the database does not answer."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The application, the fakes behind it, and an anonymous client before it."""

    app: FastAPI
    world: World
    reader: FakeReader
    runs: FakeRuns
    refunds: FakeRefundRuns
    corrections: FakeCorrectionRuns
    invoice_runs: FakeInvoiceRuns
    inbox: FakeInbox
    resends: FakeResendRuns
    register: FakeVatRegister
    client: httpx.AsyncClient

    async def post(self, body: Any, *, key: str = NORD_KEY) -> httpx.Response:
        """POST a checkout as a shop."""
        return await self.client.post("/v1/checkouts", json=body, headers=bearer(key))

    async def get(self, path: str, *, key: str = NORD_KEY, **headers: str) -> httpx.Response:
        """GET as a shop."""
        return await self.client.get(path, headers={**bearer(key), **headers})

    async def checkout(self, *, key: str = NORD_KEY, **changes: Any) -> CheckoutView:
        """A checkout that was started over HTTP."""
        answer = await self.post(a_checkout(**changes), key=key)
        assert answer.status_code == 201, answer.text
        return self.world.checkouts[answer.json()["id"]]


def bearer(key: str) -> dict[str, str]:
    """The header that carries an API key."""
    return {"Authorization": f"Bearer {key}"}


def a_checkout(**changes: Any) -> dict[str, Any]:
    """The body of the documentation's example, with fields replaced."""
    return {**copy.deepcopy(CHECKOUT_REQUEST), **changes}


_APPS: list[FastAPI] = []


def _app(services: Services) -> FastAPI:
    """The application of this process, in sandbox mode, with these services behind it: making it costs more than most
    tests, and what is made of our routers stays in memory."""
    if not _APPS:
        made = create_app(
            services,
            public_url=PUBLIC_URL,
            workflow_ui="https://temporal.example/namespaces/default",
            provider_origins=(PROVIDER_ORIGIN,),
            sandbox=True,
            transient_faults=(DatabaseAway,),
        )
        _APPS.append(made)
    [app] = _APPS
    app.state.services = services
    return app


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The application before a world of its own."""
    async with a_stage() as fresh:
        yield fresh


@asynccontextmanager
async def a_stage() -> AsyncIterator[Stage]:
    """The same, for tests that need more than one."""
    world = World(
        merchants={"nordwerk": NORDWERK, "suedwerk": SUEDWERK},
        api_keys={NORD_KEY: "nordwerk", SUED_KEY: "suedwerk"},
    )
    reader, runs, inbox = FakeReader(world), FakeRuns(world), FakeInbox(world)
    refunds, resends, register = FakeRefundRuns(world), FakeResendRuns(world), FakeVatRegister()
    corrections, invoice_runs = FakeCorrectionRuns(world), FakeInvoiceRuns(world)
    services = Services(
        reader=reader,
        cases=runs.cases,
        books=FakeBooks(world),
        runs=runs,
        refunds=refunds,
        corrections=corrections,
        series=FakeSeriesAudit(),
        ledger=EmptyLedger(),
        settlements=RunsAway(),
        links=RunsAway(),
        invoice_runs=invoice_runs,
        inbox=inbox,
        webhooks=FakeWebhooks({merchant: (secret,) for merchant, secret in WEBHOOK_SECRETS.items()}),
        documents=FakeDocuments(world),
        undrawable=lambda text: "".join(character for character in text if character in UNDRAWABLE),
        resends=resends,
        deliveries=FakeDeliveries(world),
        exporter=FakeExporter(),
        read_reports=read_reports,
        report_token=REPORT_TOKEN,
        result_keys=RESULT_KEYS,
        is_vat_id=is_vat_id,
        vat_register=register,
    )
    app = _app(services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL) as client:
        yield Stage(
            app=app,
            world=world,
            reader=reader,
            runs=runs,
            refunds=refunds,
            corrections=corrections,
            invoice_runs=invoice_runs,
            inbox=inbox,
            resends=resends,
            register=register,
            client=client,
        )

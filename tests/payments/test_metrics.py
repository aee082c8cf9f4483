"""Health in numbers: what `GET /metrics` tells, and to whom."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.monitor import PostgresMonitor
from api.metrics import create_metrics
from domain.payments import ProviderEvent, SettledBy
from tests.e2e.conftest import fresh_body
from tests.fakes.provider import FakeProvider
from tests.house import MERIDIAN, House
from tests.payments.books import Books

Readings = dict[tuple[str, ...], float]
"""By name, then the labels' values in the order of their names."""


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = database.connect(database_url)
    sessions = database.sessions(made)
    meridian = load(MERIDIAN)
    await PostgresMerchants(sessions).save(meridian)
    await PostgresMerchants(sessions).save(replace(meridian, id="quiet"))
    yield made
    await made.dispose()


@asynccontextmanager
async def scraper(engine: AsyncEngine, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Prometheus."""
    app = Starlette()
    app.add_route("/metrics", create_metrics(PostgresMonitor(database.sessions(engine)), token=token))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://pay.example") as client:
        yield client


async def _read(engine: AsyncEngine) -> Readings:
    async with scraper(engine) as client:
        return _readings((await client.get("/metrics")).raise_for_status().text)


def _readings(said: str) -> Readings:
    return {
        (sample.name, *[value for _, value in sorted(sample.labels.items())]): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
    }


async def test_a_house_where_nothing_happened_reads_zero_for_every_merchant(engine: AsyncEngine) -> None:
    readings = await _read(engine)

    for name in ("inbox_unapplied", "inbox_oldest_unapplied_seconds", "cases_overdue", "money_conservation_violations"):
        for merchant in ("meridian", "quiet"):
            assert readings[f"quittance_{name}", merchant] == 0


async def test_messages_nobody_acted_upon_are_counted_and_their_age_is_told(engine: AsyncEngine) -> None:
    for relevant in (True, True, False):
        await _arrive(engine, relevant=relevant)

    readings = await _read(engine)

    assert readings["quittance_inbox_unapplied", "meridian"] == 2
    assert 600 <= readings["quittance_inbox_oldest_unapplied_seconds", "meridian"] < 700
    assert readings["quittance_inbox_oldest_unapplied_seconds", "quiet"] == 0


async def test_checkouts_and_the_ways_payments_were_found_are_counted(engine: AsyncEngine) -> None:
    for way in (SettledBy.WEBHOOK, SettledBy.WEBHOOK, SettledBy.SWEEP):
        books = await Books.opened(database.sessions(engine), FakeProvider())
        await books.open_session()
        await books.pay()
        await books.look(way)
    await Books.opened(database.sessions(engine), FakeProvider())

    readings = await _read(engine)

    assert readings["quittance_checkouts", "meridian", "captured"] == 3
    assert readings["quittance_checkouts", "meridian", "awaiting_payment"] == 1
    assert readings["quittance_payments_settled", "meridian", "webhook"] == 2
    assert readings["quittance_payments_settled", "meridian", "sweep"] == 1
    assert readings["quittance_money_conservation_violations", "meridian"] == 0


async def test_money_that_does_not_add_up_is_an_alarm(engine: AsyncEngine) -> None:
    books = await Books.opened(database.sessions(engine), FakeProvider())
    for step in books.steps:
        await step()
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE entry_items SET amount = amount - 1"))

    readings = await _read(engine)

    assert readings["quittance_money_conservation_violations", "meridian"] == 2, "the payment and the entry"


async def test_only_operators_may_read_where_there_is_a_token(engine: AsyncEngine) -> None:
    async with scraper(engine, token="let me in") as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers={"Authorization": "Bearer guess"})).status_code == 401
        assert (await client.get("/metrics", headers={"Authorization": "Bearer let me in"})).status_code == 200


async def test_running_house_tells_its_numbers_and_nothing_about_people(the_house: House) -> None:
    body = fresh_body()
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))
    await the_house.reaches(checkout["id"], "completed")

    answer = await the_house.shop.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert _readings(answer.text)["quittance_checkouts", "meridian", "completed"] >= 1
    for private in (body["customer"]["email"], body["customer"]["name"], body["assignment_key"], checkout["id"]):
        assert private not in answer.text


async def _arrive(engine: AsyncEngine, *, relevant: bool) -> None:
    """A message of ten minutes ago."""
    event = ProviderEvent(
        provider="stripe",
        event_id=f"evt_{secrets.token_hex(6)}",
        type="charge.updated",
        relevant=relevant,
        checkout_id=None,
        session_id=None,
        payment_reference="pi_1",
        raw="{}",
    )
    await PostgresInbox(database.sessions(engine)).record("meridian", event)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE provider_events SET received_at = now() - interval '10 minutes'"))

"""Webhooks that never came are found in Stripe's own list of events, through every page of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.reconciliation import ReconciliationActivities
from adapters.postgres import database
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.reconciliation import PostgresReconciliationBook
from adapters.stripe.provider import StripeProvider
from adapters.stripe.webhooks import RELEVANT
from domain.payments import ProviderEvent, SessionOrder
from domain.reconciliation import Sweep
from sandbox.stripe import StripeAccount
from sandbox.stripe.server import running
from tests.e2e.conftest import fresh_body
from tests.house import House, eventually
from workflows.reporter import TemporalReporter

KEY = "sk_test_missed"


@dataclass(frozen=True, slots=True)
class Stripe:
    """The adapter on a stand-in of its own."""

    provider: StripeProvider
    box: httpx.AsyncClient

    async def sell(self, number: int) -> None:
        """A paid session."""
        opened = await self.provider.open_session(_order(number))
        order = {"outcome": "succeed"}
        (await self.box.post(f"/_sandbox/sessions/{opened.session_id}/pay", json=order)).raise_for_status()

    async def listed(self) -> set[str]:
        """The ids of all relevant events there are, asked in another way."""
        found: set[str] = set()
        more: dict[str, Any] = {"limit": 100}
        while more:
            answer = await self.box.get("/v1/events", params=more, headers={"Authorization": f"Bearer {KEY}"})
            page = answer.raise_for_status().json()
            found |= {event["id"] for event in page["data"] if event["type"] in RELEVANT}
            more = {"limit": 100, "starting_after": page["data"][-1]["id"]} if page["has_more"] else {}
        return found

    async def read(self, since: datetime, until: datetime) -> tuple[list[ProviderEvent], int]:
        """All that the adapter lists, and in how many pages."""
        events: list[ProviderEvent] = []
        after, pages = None, 0
        while True:
            page = await self.provider.list_events("meridian", since, until, after)
            events += page.events
            pages += 1
            if page.next is None:
                return events, pages
            after = page.next


@pytest.fixture
async def stripe(tmp_path: Path) -> AsyncIterator[Stripe]:
    account = StripeAccount(api_key=KEY, endpoints=())
    async with running(tmp_path / "box.db", [account]) as url, httpx.AsyncClient(base_url=url, timeout=30) as box:
        provider = StripeProvider({"meridian": KEY}, api_base=url)
        yield Stripe(provider, box)
        await provider.close()


async def test_every_relevant_event_is_listed_once_however_many_pages_it_takes(stripe: Stripe) -> None:
    for number in range(30):
        await stripe.sell(number)
    (await stripe.box.post("/_sandbox/clock", json={"advance_seconds": 60})).raise_for_status()
    now = datetime.now(UTC)

    events, pages = await stripe.read(now - timedelta(hours=1), now + timedelta(hours=1))

    ids = [event.event_id for event in events]
    assert len(ids) == len(set(ids)) > 100
    assert set(ids) == await stripe.listed()
    assert pages > len(RELEVANT) // 20 + 1
    assert all(event.relevant for event in events)
    sessions = [event for event in events if event.type == "checkout.session.completed"]
    assert {event.checkout_id for event in sessions} == {f"chk_{number}" for number in range(30)}


async def test_only_events_of_the_asked_time_are_listed(stripe: Stripe) -> None:
    await stripe.sell(1)
    now = datetime.now(UTC)

    assert (await stripe.read(now - timedelta(hours=3), now - timedelta(hours=1)))[0] == []


async def test_payment_whose_webhooks_are_all_dropped_is_found_by_the_sweep(the_house: House) -> None:
    checkout = await the_house.open_checkout(fresh_body())
    page = await the_house.press_pay(checkout)
    fault = {"only": page.rpartition("/")[2], "webhooks": [{"do": "drop"}]}
    (await the_house.customer.post(f"{the_house.stripe_url}/_sandbox/faults", json=fault)).raise_for_status()
    await the_house.pay(page)

    swept = await _sweep(the_house)

    assert swept
    done = await the_house.reaches(checkout["id"], "completed")
    assert [payment["settled_by"] for payment in done["payments"]] == ["sweep"]

    async def all_applied() -> bool:
        async with the_house.engine.connect() as connection:
            waiting = await connection.execute(
                text(
                    "SELECT count(*) FROM provider_events WHERE checkout_id = :id AND relevant AND applied_at IS NULL"
                ),
                {"id": checkout["id"]},
            )
            return bool(waiting.scalar_one() == 0)

    await eventually(all_applied)


async def _sweep(house: House) -> int:
    """Read the list as the sweep does two minutes from now; answers how many messages had been missed."""
    merchant = house.settings.merchants["meridian"]
    provider = StripeProvider({"meridian": merchant.stripe_api_key.get_secret_value()}, api_base=house.stripe_url)
    sessions = database.sessions(house.engine)
    steps = ReconciliationActivities(
        PostgresReconciliationBook(sessions),
        PostgresInbox(sessions),
        provider,
        TemporalReporter(house.client, task_queue=house.settings.temporal.task_queue),
    )
    sweep = Sweep(now=datetime.now(UTC) + timedelta(minutes=2), every=timedelta(minutes=5))
    swept = await ActivityEnvironment().run(steps.read_missed_messages, sweep)
    await provider.close()
    assert swept.failed == 0
    return swept.done


def _order(number: int) -> SessionOrder:
    return SessionOrder(
        merchant_id="meridian",
        checkout_id=f"chk_{number}",
        entry_id=f"ent_{number}",
        idempotency_key=f"chk_{number}:session:1",
        amount=1000 + number,
        currency="EUR",
        title="A desk",
        language="de",
        customer_email="jana@example.org",
        return_url="https://pay.example/return",
        cancel_url="https://pay.example/cancel",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2),
    )

"""A flood of webhooks over HTTP: every true message is kept once, every forged one refused, nobody is turned away."""

import asyncio
import json
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from api.main import application
from domain.payments import ProviderEvent, SettledBy
from domain.views import InboxEntry
from sandbox.stripe.webhooks import signature
from tests.fakes.provider import FakeProvider
from tests.house import MERIDIAN, WEBHOOK_SECRET, serving, settings_for
from tests.payments.books import Books
from tests.proofs import tries

POSTS = tries("WEBHOOKS", some=1_000, all_of_them=10_000)
DISTINCT, FORGED, CHECKOUTS = POSTS * 6 // 10, POSTS // 50, POSTS // 100
AT_ONCE = 32
SEED = 7
TYPES = (
    ("checkout.session.completed", "checkout.session"),
    ("payment_intent.succeeded", "payment_intent"),
    ("charge.succeeded", "charge"),
    ("charge.updated", "charge"),
    ("customer.created", "customer"),  # nothing we have a use for
)


class CountingRuns:
    """Stands for all runs: takes every report, and keeps count."""

    def __init__(self) -> None:
        self.facts: Counter[tuple[str, str]] = Counter()

    async def report(self, merchant_id: str, entry: InboxEntry, event: ProviderEvent) -> None:
        assert entry.workflow_id is not None
        self.facts[entry.workflow_id, event.event_id] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request: its body, how it is signed, and the answer it deserves."""

    body: bytes
    signature: str
    deserved: int


@dataclass(kw_only=True)
class Intake:
    """A running API, and what it has taken."""

    url: str
    engine: AsyncEngine
    runs: CountingRuns
    checkouts: list[Books]
    answers: Counter[tuple[int, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    async def flood(self, posts: list[Post]) -> float:
        """Post them all, so many at once; answers how many seconds it took."""
        waiting = iter(posts)
        began = time.perf_counter()
        await asyncio.gather(*[self._post_one_by_one(waiting) for _ in range(AT_ONCE)])
        return time.perf_counter() - began

    async def _post_one_by_one(self, waiting: Iterator[Post]) -> None:
        """On a connection of its own: a shared pool would cost more than the API.

        One that was idle is given up before the server does so, or a post could meet its end.
        """
        limits = httpx.Limits(keepalive_expiry=2)
        async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False, limits=limits) as provider:  # noqa: S501 -- plain HTTP
            for post in waiting:
                began = time.perf_counter()
                answer = await provider.post(
                    f"{self.url}/webhooks/stripe/meridian",
                    content=post.body,
                    headers={"stripe-signature": post.signature},
                )
                self.seconds.append(time.perf_counter() - began)
                self.answers[post.deserved, answer.status_code] += 1


@pytest.fixture
async def intake(database_url: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """The API as shipped but for its runs, on a database with checkouts that wait."""
    async with AsyncExitStack() as stack:
        engine = database.connect(database_url)
        stack.push_async_callback(engine.dispose)
        sessions = database.sessions(engine)
        await PostgresMerchants(sessions).save(load(MERIDIAN))
        provider, runs = FakeProvider(), CountingRuns()
        checkouts = [await Books.opened(sessions, provider) for _ in range(CHECKOUTS)]
        for books in checkouts:
            await books.open_session()
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = settings_for(
            database_url=database_url,
            temporal_address="127.0.0.1:1",
            stripe_url="http://127.0.0.1:1",
            smtp_port=1,
            public_url=url,
            documents=tmp_path,
        )
        app = await stack.enter_async_context(application(settings))
        app.state.services = replace(app.state.services, runs=runs)
        await stack.enter_async_context(serving(app, listener))
        yield Intake(url=url, engine=engine, runs=runs, checkouts=checkouts)


@pytest.mark.proof
@pytest.mark.timeout(600)
async def test_flood_of_webhooks_is_kept_once_each_and_nobody_is_turned_away(intake: Intake) -> None:
    posts = _posts(intake.checkouts)

    took = await intake.flood(posts)

    cuts = quantiles(intake.seconds, n=100)
    print(  # noqa: T201 -- the figures are the point
        f"\n{POSTS} webhooks in {took:.1f} s: {POSTS / took:.0f}/s,"
        f" p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms (client and server share the machine)"
    )
    assert intake.answers == {(200, 200): POSTS - FORGED, (400, 400): FORGED}
    async with intake.engine.connect() as connection:
        kept = await connection.execute(
            text("SELECT count(*), count(DISTINCT event_id), count(*) FILTER (WHERE relevant) FROM provider_events")
        )
        rows, distinct, relevant = kept.one()
        forged = await connection.execute(text("SELECT count(*) FROM provider_events WHERE raw LIKE '%forged%'"))
        assert forged.scalar_one() == 0
    assert (rows, distinct) == (DISTINCT, DISTINCT)
    assert len(intake.runs.facts) == relevant == DISTINCT * 4 // 5, "all that matters was told, to its own run"
    assert cuts[98] < 2.0
    await _every_fact_has_one_effect(intake)


async def _every_fact_has_one_effect(intake: Intake) -> None:
    """Each run looks for all that it was told, twice: one payment a checkout, and nothing waits any more."""
    told: dict[str, list[str]] = {}
    for workflow, event_id in intake.runs.facts:
        told.setdefault(workflow, []).append(event_id)
    for books in intake.checkouts:
        await books.pay()
        mine = told[f"checkout:meridian:{books.request.assignment_key}"]
        await books.look(SettledBy.WEBHOOK, *mine)
        await books.look(SettledBy.WEBHOOK, *mine)
    async with intake.engine.connect() as connection:
        waiting = await connection.execute(
            text("SELECT count(*) FROM provider_events WHERE relevant AND applied_at IS NULL")
        )
        assert waiting.scalar_one() == 0
        payments = await connection.execute(text("SELECT count(*) FROM payments WHERE captured > 0"))
        assert payments.scalar_one() == CHECKOUTS


def _posts(checkouts: list[Books]) -> list[Post]:
    """Distinct messages, repeats of them, and forgeries, shuffled."""
    dice = random.Random(SEED)
    true = [
        _post(number, kind, thing, books)
        for number, (kind, thing), books in zip(
            range(DISTINCT), islice(cycle(TYPES), DISTINCT), islice(cycle(_spread(checkouts)), DISTINCT), strict=True
        )
    ]
    repeated = [dice.choice(true) for _ in range(POSTS - DISTINCT - FORGED)]
    forged = [
        _post(number, *TYPES[0], dice.choice(checkouts), secret="whsec_forged", mark="forged")
        for number in range(FORGED)
    ]
    posts = [*true, *repeated, *forged]
    dice.shuffle(posts)
    return posts


def _spread(checkouts: list[Books]) -> list[Books]:
    """Each checkout gets messages of all types."""
    return [books for books in checkouts for _ in TYPES]


def _post(
    number: int, kind: str, thing: str, books: Books, *, secret: str = WEBHOOK_SECRET, mark: str = "true"
) -> Post:
    named = {"checkout.session": books.session_id, "payment_intent": f"pi_{books.session_id}"}
    body = json.dumps(
        {
            "id": f"evt_{mark}_{number}",
            "object": "event",
            "type": kind,
            "livemode": False,
            "data": {
                "object": {
                    "id": named.get(thing, f"{thing}_{number}"),
                    "object": thing,
                    "payment_intent": f"pi_{books.session_id}",
                    "metadata": {"quittance_checkout": books.entry.checkout_id} if thing != "customer" else {},
                }
            },
        },
        indent=2,
    ).encode()
    deserved = 200 if secret == WEBHOOK_SECRET else 400
    return Post(body=body, signature=signature(body, secret, int(time.time())), deserved=deserved)

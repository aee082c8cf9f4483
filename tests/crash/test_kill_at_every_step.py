"""`kill -9` at every step: each process in turn dies while a step is under way, and the checkout still completes.

A step is caught in the act by locking the table it is about to write: it waits for us, we kill, we let go.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from sandbox.supervisor.stack import Stack, running
from tests.e2e.conftest import fresh_body
from tests.house import eventually

pytestmark = [
    pytest.mark.crash,
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("the killed stack"),
]

STEPS = {
    "create_entry": "checkouts",
    "issue_payment_link": "payment_links",
    "open_session": "provider_sessions",
    "record_findings": "payments",
    "create_sales_order": "orders",
    "balance_entry": "entry_items",
    "create_invoice": "invoices",
    "render_invoice": "documents",
}
"""The table each step writes."""
BLOCKED = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
PATIENCE = 90.0


class Silent:
    """Reports nothing."""

    def say(self, part: str, text: str, *, bad: bool = False) -> None:
        """Nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole stack of real processes, and a shop and a customer who do not give up.

    `bought` are the assignment keys of all checkouts so far; `mailed_at_death` of those whose mail may come twice.
    """

    stack: Stack
    file: Path
    engine: AsyncEngine
    browser: httpx.AsyncClient
    bought: list[str] = field(default_factory=list)
    mailed_at_death: list[str] = field(default_factory=list)

    async def kill(self, victim: str) -> None:
        """Kill one process, and wait until the supervisor has put another in its place."""
        dead = self._pid(victim)
        os.kill(dead, signal.SIGKILL)

        async def replaced() -> bool:
            return self.file.exists() and self._pid(victim) != dead

        await eventually(replaced, PATIENCE)

    def _pid(self, part: str) -> int:
        return int(json.loads(self.file.read_text())["pids"][part])

    @asynccontextmanager
    async def held(self, lock: str, **values: str) -> AsyncIterator[None]:
        """Hold a lock; it is gone earlier if the database dies."""
        holder = await self.engine.connect()
        try:
            await holder.execute(text(lock), values)
            yield
        finally:
            with suppress(DBAPIError):
                await holder.close()

    async def someone_waits(self) -> None:
        """Wait until a step waits for what we hold."""

        async def waiting() -> bool:
            async with self.engine.connect() as connection:
                return bool((await connection.execute(BLOCKED)).scalar_one())

        await eventually(waiting, PATIENCE)

    async def ask(self, method: str, url: str, *good: int, **request: Any) -> httpx.Response:
        """Ask until the answer is a good one, as shops and customers do."""

        async def answered() -> httpx.Response | None:
            try:
                answer = await self.browser.request(method, url, **request)
            except httpx.TransportError:
                return None
            assert answer.status_code in {*good, 503}, answer.text
            return answer if answer.status_code in good else None

        return await eventually(answered, PATIENCE)

    async def buy(self, body: dict[str, Any]) -> dict[str, Any]:
        """One purchase, from the shop's POST to the sent invoice."""
        self.bought.append(body["assignment_key"])
        key = {"Authorization": f"Bearer {self.stack.api_key}"}
        opened = await self.ask("POST", f"{self.stack.api}/v1/checkouts", 200, 201, json=body, headers=key)
        checkout = opened.json()
        page = await self.ask("POST", checkout["payment_link"]["url"], 303)
        await self.ask("POST", page.headers["location"], 303, data={"outcome": "succeed"})

        async def completed() -> dict[str, Any] | None:
            seen = await self.ask("GET", f"{self.stack.api}/v1/checkouts/{checkout['id']}", 200, headers=key)
            read: dict[str, Any] = seen.json()
            return read if read["status"] == "completed" else None

        return await eventually(completed, PATIENCE)


@pytest.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A stack, watched by the supervisor. One for all tests: what a kill breaks for good, the next one sees."""
    directory = tmp_path_factory.mktemp("stack")
    async with running(directory, reporter=Silent()) as stack:
        engine = create_async_engine(stack.database_url, poolclass=NullPool)
        async with httpx.AsyncClient(timeout=30) as browser:
            yield Scene(stack=stack, file=directory / "stack.json", engine=engine, browser=browser)
        await engine.dispose()


@pytest.mark.parametrize("victim", ["worker", "api", "postgres", "temporal"])
async def test_checkout_completes_though_a_process_is_killed_at_every_step(scene: Scene, victim: str) -> None:
    for table in STEPS.values():
        async with asyncio.TaskGroup() as actors, scene.held(f"LOCK TABLE {table} IN EXCLUSIVE MODE"):
            actors.create_task(scene.buy(fresh_body()))
            await scene.someone_waits()
            await scene.kill(victim)

    await _assert_every_checkout_was_served_once(scene)


@pytest.mark.parametrize("victim", ["worker", "api", "postgres", "temporal"])
async def test_mail_that_was_sent_but_not_recorded_is_recognisable_if_it_comes_twice(scene: Scene, victim: str) -> None:
    body = fresh_body()
    async with asyncio.TaskGroup() as actors, AsyncExitStack() as locks:
        async with scene.held("LOCK TABLE documents IN EXCLUSIVE MODE"):
            actors.create_task(scene.buy(body))
            await scene.someone_waits()
            # From here on the mail can be sent, and its record has to wait.
            row = "SELECT FROM checkouts WHERE assignment_key = :key FOR NO KEY UPDATE"
            await locks.enter_async_context(scene.held(row, key=body["assignment_key"]))
        await eventually(partial(_mailed, scene, len(scene.bought)), PATIENCE)
        await scene.someone_waits()
        await scene.kill(victim)
        scene.mailed_at_death.append(body["assignment_key"])

    await _assert_every_checkout_was_served_once(scene)


async def _mailed(scene: Scene, checkouts: int) -> bool:
    return len({mail["message_id"] for mail in await _mails(scene)}) == checkouts


async def _mails(scene: Scene) -> list[dict[str, Any]]:
    mails: list[dict[str, Any]] = (await scene.browser.get(f"{scene.stack.mail}/messages")).json()
    return mails


async def _assert_every_checkout_was_served_once(scene: Scene) -> None:
    checkouts = len(scene.bought)
    async with scene.engine.connect() as connection:
        for table in ("checkouts", "entries", "payment_links", "provider_sessions", "payments", "orders", "invoices"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == checkouts, table
        assert await connection.scalar(text("SELECT count(*) FROM deliveries WHERE status = 'sent'")) == checkouts
        assert await connection.scalar(text("SELECT count(*) FROM documents")) == 3 * checkouts
        numbers = await connection.scalars(text("SELECT sequence FROM invoices ORDER BY finalized_at"))
        assert list(numbers) == list(range(1, checkouts + 1))
        assert await connection.scalar(text("SELECT bool_and(captured = assigned AND captured = amount) FROM payments"))
    mails = await _mails(scene)
    assert len({mail["message_id"] for mail in mails}) == checkouts
    assert len(mails) <= checkouts + len(scene.mailed_at_death)

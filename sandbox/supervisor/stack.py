"""A whole running stack, and `stack.json`, which tells where everything is.

async with running(var_directory(), reporter=reporter) as stack:
    httpx.get(stack.address.api)
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox import postgres, temporal
from sandbox.supervisor import addresses, credentials
from sandbox.supervisor.console import Reporter
from sandbox.supervisor.layout import MERCHANT, ROOT, Layout
from sandbox.supervisor.supervisor import Supervisor, supervising


def var_directory() -> Path:
    """Where the files of the stack lie: `QUITTANCE_VAR`, or `var` in the project."""
    return Path(os.environ.get("QUITTANCE_VAR") or ROOT / "var").resolve()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What `stack.json` says. `pids` are those of the parts that run when it is written."""

    api: str
    api_key: str
    result_key: str
    merchant: str
    shop: str
    mail: str
    temporal: str
    temporal_namespace: str
    temporal_ui: str
    database_url: str
    stripe_api: str
    stripe_webhook_secret: str
    pids: Mapping[str, int] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def running(var: Path, *, reporter: Reporter) -> AsyncIterator[Stack]:
    """A stack with its files below `var`; `stack.json` is there, and kept up to date, while the block runs.

    Raises StartFailed when a part does not start, AlreadyRunning when `var` is in use.
    """
    file = _StackFile(var / "stack.json")
    async with supervising(var, reporter=reporter, changed=file.update) as supervisor:
        file.remove()
        try:
            layout = await asyncio.to_thread(_plan, supervisor.directory)
            await _start(layout, supervisor)
            yield file.publish(_describe(layout), supervisor)
        finally:
            file.remove()


def _plan(var: Path) -> Layout:
    ports = addresses.kept_in(var / "ports.json")
    cluster = postgres.prepare(var / "postgres", port=ports.postgres)
    return Layout(var=var, ports=ports, credentials=credentials.kept_in(var / "secrets.json"), cluster=cluster)


async def _start(layout: Layout, supervisor: Supervisor) -> None:
    await supervisor.start(layout.postgres_part(), layout.temporal_part(), layout.world_part())
    await asyncio.to_thread(layout.create_database)
    for task in layout.set_up():
        await supervisor.run(task)
    await supervisor.start(layout.api_part(), layout.worker_part())


def _describe(layout: Layout) -> Stack:
    return Stack(
        api=layout.api_url,
        api_key=layout.credentials.api_key,
        result_key=layout.credentials.result_key,
        merchant=MERCHANT,
        shop=f"{layout.web_url}/shop",
        mail=f"{layout.web_url}/mail",
        temporal=layout.temporal.address,
        temporal_namespace=temporal.NAMESPACE,
        temporal_ui=f"http://127.0.0.1:{layout.ports.temporal_ui}",
        database_url=layout.database_url,
        stripe_api=layout.stripe_url,
        stripe_webhook_secret=layout.credentials.stripe_webhook_secret,
    )


class _StackFile:
    """`stack.json`: complete or absent, never half written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._published: tuple[Stack, Supervisor] | None = None

    def publish(self, stack: Stack, supervisor: Supervisor) -> Stack:
        self._published = (stack, supervisor)
        self.update()
        return stack

    def update(self) -> None:
        if self._published is None:
            return
        stack, supervisor = self._published
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            json.dump(asdict(stack) | {"pids": supervisor.pids}, output, indent=2)
        fresh.replace(self._path)

    def remove(self) -> None:
        self._published = None
        self._path.unlink(missing_ok=True)

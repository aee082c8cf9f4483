"""`quittance ...`: what ops do by hand."""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from adapters import temporal
from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from cli_books import books
from settings import Settings

ROOT = Path(__file__).parent
LONGEST_SILENCE = timedelta(minutes=2)
"""An idle worker asks for work at least once a minute."""


@click.group()
def cli() -> None:
    """Quittance: from checkout to sent invoice."""


cli.add_command(books)


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.upgrade(config, "head")


@cli.command("worker-ready")
def worker_ready() -> None:
    """End with 0 if a worker on this machine has lately asked Temporal for work; for health checks."""
    ready = asyncio.run(_asks_for_work(socket.gethostname()))
    if not ready:
        click.echo("no worker on this machine has asked Temporal for work within two minutes", err=True)
    # Leave at once: threads of the Temporal SDK (1.35) now and then abort an interpreter that ends properly.
    os._exit(0 if ready else 1)


@cli.group()
def merchants() -> None:
    """Who sells."""


@merchants.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load_merchant(file: Path) -> None:
    """Create the merchant described in FILE, or replace its configuration."""
    merchant = load(file)
    asyncio.run(_with_merchants(lambda book: book.save(merchant)))
    click.echo(f"merchant {merchant.id} is loaded")


@cli.group("api-keys")
def api_keys() -> None:
    """The keys shops call the API with."""


@api_keys.command()
@click.argument("merchant_id")
def register(merchant_id: str) -> None:
    """Let the key on standard input act for MERCHANT_ID. Only its hash is stored."""
    api_key = sys.stdin.readline().strip()
    if not api_key:
        raise click.UsageError("give the key on standard input")
    asyncio.run(_with_merchants(lambda book: book.register_key(merchant_id, api_key)))
    click.echo(f"key ...{api_key[-4:]} acts for {merchant_id}")


async def _asks_for_work(host: str) -> bool:
    settings = Settings()  # filled from the environment
    client = await temporal.connect(
        settings.temporal.address,
        namespace=settings.temporal.namespace,
        keys={name: key.get_secret_value() for name, key in settings.payload_keys.items()},
        api_key=settings.temporal.api_key.get_secret_value() if settings.temporal.api_key else None,
        tls=settings.temporal.tls,
    )
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=settings.temporal.namespace,
            task_queue=TaskQueue(name=settings.temporal.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    since = datetime.now(UTC) - LONGEST_SILENCE
    return any(
        poller.identity.endswith(f"@{host}") and poller.last_access_time.ToDatetime(UTC) > since
        for poller in answer.pollers
    )


async def _with_merchants(act: Callable[[PostgresMerchants], Awaitable[None]]) -> None:
    engine = database.connect(Settings().database.url)  # filled from the environment
    try:
        await act(PostgresMerchants(database.sessions(engine)))
    finally:
        await engine.dispose()


if __name__ == "__main__":
    cli()

"""`quittance ...`: what ops do by hand."""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from alembic import command
from alembic.config import Config
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from adapters import temporal
from adapters.document_store import LocalDocumentStore
from adapters.document_stores import open_store
from adapters.documents.fonts import FontLibrary
from adapters.export import MerchantExport
from adapters.merchant_file import load
from adapters.postgres import database, grants
from adapters.postgres.audits import PostgresSeriesAudit
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reader import PostgresReader
from adapters.postgres.retention import PostgresRetention
from adapters.series_auditor import Report, Scope, SeriesAuditor
from api.invoice_runs import TemporalInvoiceRuns
from cli_books import books
from domain.billing import RunMode
from domain.errors import InvalidInput, NotFound, QuittanceError
from domain.invoice_runs import InvoiceRunRequest, OrderFilter, RunOrderStatus, check, run_id
from domain.money import Money
from domain.views import InvoiceRunView, RunOrderView
from settings import Settings

ROOT = Path(__file__).parent
LONGEST_SILENCE = timedelta(minutes=2)
"""An idle worker asks for work at least once a minute."""


@click.group()
def cli() -> None:
    """Quittance: from checkout to sent invoice."""


cli.add_command(books)


@cli.command()
@click.option("--app-role", help="A role of the database that gets the rights of API and workers, and no others.")
def migrate(app_role: str | None) -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.upgrade(config, "head")
    if app_role is not None:
        asyncio.run(_grant(app_role))
        click.echo(f"role {app_role} has the rights of the application")


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
    merchant = load(file, FontLibrary(Settings().documents.font_directory))  # filled from the environment
    asyncio.run(_with_merchants(lambda book: book.save(merchant)))
    click.echo(f"merchant {merchant.id} is loaded")


@cli.group()
def series() -> None:
    """Number series."""


@series.command("audit")
@click.option("--merchant", "merchant_id", help="Only the series of this merchant.")
@click.option("--series", "series_id", help="Only this series.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON report of an earlier audit: what it saw must still be there.",
)
def audit_series(merchant_id: str | None, series_id: str | None, as_json: bool, against: Path | None) -> None:
    """Check every document and file of the number series. Ends with 1 if anything is found."""
    earlier = _earlier_report(against) if against else None
    report = asyncio.run(_audit(Scope(merchant_id=merchant_id, series_id=series_id), earlier))
    if series_id is not None and not report.series:
        raise click.UsageError(f"there is no series {series_id}")
    click.echo(report.as_json() if as_json else report.as_text())
    sys.exit(0 if report.sound else 1)


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


@cli.command()
@click.argument("merchant_id")
@click.option(
    "--empty-messages-after",
    "days",
    type=click.IntRange(min=31),
    help="Also forget the bodies of providers' messages that were acted upon this many days ago.",
)
def retention(merchant_id: str, days: int | None) -> None:
    """Say how long the documents of MERCHANT_ID must be kept. Finalized documents are never deleted by Quittance."""
    asyncio.run(_retain(merchant_id, days))


async def _retain(merchant_id: str, days: int | None) -> None:
    engine = database.connect(Settings().database.url)  # filled from the environment
    keeper = PostgresRetention(database.sessions(engine))
    try:
        for holding in await keeper.holdings(merchant_id):
            over = ", need not be kept any longer" if holding.is_over(datetime.now(UTC).date()) else ""
            click.echo(f"{holding.year}: {holding.documents} documents, kept until {holding.kept_until}{over}")
        if days is not None:
            emptied = await keeper.empty_messages(merchant_id, datetime.now(UTC) - timedelta(days=days))
            click.echo(f"{emptied} messages of providers were emptied")
    except NotFound as absence:
        raise click.ClickException(str(absence)) from absence
    finally:
        await engine.dispose()


@cli.command("export")
@click.argument("merchant_id")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def export_merchant(merchant_id: str, file: Path) -> None:
    """Write everything of MERCHANT_ID into FILE, a tar archive: rows, documents, checksums."""
    asyncio.run(_export(merchant_id, file))
    click.echo(f"{file} is written; unpack it and run `sha256sum --check SHA256SUMS` in the folder {merchant_id}")


async def _export(merchant_id: str, file: Path) -> None:
    """Beside its place first, so that a file of this name is always whole."""
    settings = Settings()  # filled from the environment
    engine = database.connect(settings.database.url)
    export = MerchantExport(database.sessions(engine), open_store(**settings.documents.place()))
    beside = file.with_name(f"{file.name}.part")
    try:
        with beside.open("wb") as output:
            async for chunk in export.archive(merchant_id, progress=lambda words: click.echo(words, err=True)):
                output.write(chunk)
        beside.replace(file)
    except NotFound as absence:
        raise click.ClickException(f"{absence}: `merchants load` makes one") from absence
    finally:
        beside.unlink(missing_ok=True)
        await engine.dispose()


def _earlier_report(file: Path) -> Report:
    try:
        return Report.from_json(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--against") from error


async def _audit(scope: Scope, earlier: Report | None) -> Report:
    settings = Settings()  # filled from the environment
    engine = database.connect(settings.database.url)
    try:
        store = LocalDocumentStore(settings.documents.directory)
        auditor = SeriesAuditor(PostgresSeriesAudit(database.sessions(engine), store))
        return await auditor.audit(scope, earlier, progress=lambda words: click.echo(words, err=True))
    finally:
        await engine.dispose()


@cli.group("invoice-run")
def invoice_run() -> None:
    """Bill what can be billed."""


@invoice_run.command("start")
@click.argument("merchant_id")
@click.option("--mode", type=click.Choice(list(RunMode)), default=RunMode.SINGLE, show_default=True)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="the last day that is billed; today if left out")
@click.option("--customer", help="only orders of this customer number or mail address")
@click.option("--assignment-key-prefix", help="only orders whose assignment key begins like this")
@click.option("--currency", help="only orders in this currency")
@click.option("--ordered-until", type=click.DateTime(["%Y-%m-%d"]), help="only what was ordered up to this day")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="only orders with this; may be given again")
@click.option("--dry-run", is_flag=True, help="say what would be billed, and draw no number")
@click.option("--key", help="starting the same key again finds the run it started")
def start_invoice_run(merchant_id: str, mode: str, *, dry_run: bool, key: str | None, **given: Any) -> None:
    """Start an invoice run of MERCHANT_ID; prints its id."""
    until, ordered_until = given.pop("until"), given.pop("ordered_until")
    pairs = given.pop("metadata")
    if not all("=" in pair for pair in pairs):
        raise click.UsageError("give metadata as KEY=VALUE")
    request = InvoiceRunRequest(
        key=key or secrets.token_hex(12),
        mode=RunMode(mode),
        until=until and until.date(),
        filter=OrderFilter(
            **given,
            ordered_until=ordered_until and ordered_until.date(),
            metadata=dict(pair.split("=", 1) for pair in pairs),
        ),
        dry_run=dry_run,
    )
    try:
        check(request)
        asyncio.run(_start_run(merchant_id, request))
    except InvalidInput as refusal:
        raise click.UsageError("; ".join(f"{one.pointer} {one.message}" for one in refusal.violations)) from refusal
    except QuittanceError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(run_id(merchant_id, request.key))


@invoice_run.command("show")
@click.argument("merchant_id")
@click.argument("invoice_run_id")
def show_invoice_run(merchant_id: str, invoice_run_id: str) -> None:
    """Print how far a run is, and the orders it could not bill."""
    view, failed = asyncio.run(_read_run(merchant_id, invoice_run_id))
    if view is None:
        raise click.ClickException(f"merchant {merchant_id} has no invoice run {invoice_run_id}")
    counts = ", ".join(f"{count} {status}" for status, count in sorted(view.orders.items())) or "no orders"
    amounts = ", ".join(str(Money(minor, currency)) for currency, minor in sorted(view.amounts.items())) or "nothing"
    numbers = f", {view.first_number} to {view.last_number}" if view.first_number else ""
    click.echo(f"{view.phase}: {counts}; {view.invoices} invoices over {amounts}{numbers}")
    for order in failed:
        click.echo(f"{order.number}: {order.error}")


async def _start_run(merchant_id: str, request: InvoiceRunRequest) -> None:
    settings = Settings()  # filled from the environment
    runs = TemporalInvoiceRuns(await _connect(settings), task_queue=settings.temporal.task_queue)
    await runs.start(merchant_id, request)


async def _read_run(merchant_id: str, invoice_run_id: str) -> tuple[InvoiceRunView | None, tuple[RunOrderView, ...]]:
    """The run, and its first hundred orders that failed."""
    engine = database.connect(Settings().database.url)  # filled from the environment
    try:
        reader = PostgresReader(database.sessions(engine))
        failed = await reader.invoice_run_orders(
            merchant_id, invoice_run_id, status=RunOrderStatus.FAILED, cursor=None, limit=100
        )
        return await reader.invoice_run(merchant_id, invoice_run_id), failed.items
    finally:
        await engine.dispose()


async def _connect(settings: Settings) -> Client:
    return await temporal.connect(
        settings.temporal.address,
        namespace=settings.temporal.namespace,
        keys={name: key.get_secret_value() for name, key in settings.payload_keys.items()},
        api_key=settings.temporal.api_key.get_secret_value() if settings.temporal.api_key else None,
        tls=settings.temporal.tls,
    )


async def _asks_for_work(host: str) -> bool:
    settings = Settings()  # filled from the environment
    client = await _connect(settings)
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


async def _grant(role: str) -> None:
    engine = database.connect(Settings().database.url)  # filled from the environment
    try:
        await grants.grant(engine, role)
    finally:
        await engine.dispose()


async def _with_merchants(act: Callable[[PostgresMerchants], Awaitable[None]]) -> None:
    engine = database.connect(Settings().database.url)  # filled from the environment
    try:
        await act(PostgresMerchants(database.sessions(engine)))
    finally:
        await engine.dispose()


if __name__ == "__main__":
    cli()

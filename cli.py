"""`quittance ...`: what ops do by hand."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
from alembic import command
from alembic.config import Config

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from settings import Settings

ROOT = Path(__file__).parent


@click.group()
def cli() -> None:
    """Quittance: from checkout to sent invoice."""


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.upgrade(config, "head")


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


async def _with_merchants(act: Callable[[PostgresMerchants], Awaitable[None]]) -> None:
    engine = database.connect(Settings().database.url)  # filled from the environment
    try:
        await act(PostgresMerchants(database.sessions(engine)))
    finally:
        await engine.dispose()


if __name__ == "__main__":
    cli()

"""`quittance books ...`: what accountants do by hand. The API does the same."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from adapters.postgres import database
from adapters.postgres.books import PostgresBooks
from domain.booking_exports import ExportFormat, ExportView, RequestExport
from domain.errors import InvalidInput, NotFound
from domain.money import Money
from domain.periods import ChangePeriod, Month
from settings import Settings

_T = TypeVar("_T")
_BY = "command line"


@click.group()
def books() -> None:
    """Bookings: balances, exports, periods."""


_from = click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first day.")
_to = click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day.")


@books.command("trial-balance")
@click.argument("merchant_id")
@_from
@_to
def trial_balance(merchant_id: str, first: datetime, last: datetime) -> None:
    """What every account of MERCHANT_ID began with, what moved in it, and what it ended with."""
    balances = _with_books(lambda book: book.trial_balance(merchant_id, first.date(), last.date()))
    click.echo(f"{'account':9}{'name':48}{'':4}{'opening':>15}{'debit':>15}{'credit':>15}{'closing':>15}")
    for one in balances:
        amounts = [
            Money(minor, one.currency).to_decimal_string()
            for minor in (one.opening, one.debit, one.credit, one.closing)
        ]
        columns = "".join(f"{amount:>15}" for amount in amounts)
        click.echo(f"{one.account:9}{one.name[:46]:48}{one.currency:4}{columns}")


@books.command()
@click.argument("merchant_id")
@_from
@_to
@click.option("--format", "form", type=click.Choice([str(one) for one in ExportFormat]), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
def export(merchant_id: str, first: datetime, last: datetime, form: str, out: Path) -> None:
    """Export bookings of MERCHANT_ID that were not exported in this format; the batch there is if nothing is new."""
    step = RequestExport(
        merchant_id=merchant_id,
        format=ExportFormat(form),
        first_day=first.date(),
        last_day=last.date(),
        by=_BY,
    )
    made = _with_books(lambda book: _make(book, step, out))
    click.echo(f"batch {made.id}: {made.bookings} bookings in {out}")


@books.command("export-again")
@click.argument("merchant_id")
@click.argument("export_id")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
def export_again(merchant_id: str, export_id: str, out: Path) -> None:
    """Write the file of a batch again, the same bytes."""
    _with_books(lambda book: _write(book, merchant_id, export_id, out))
    click.echo(f"batch {export_id} is in {out}")


@books.command("close")
@click.argument("merchant_id")
@click.argument("month")
@click.option("--reason", required=True)
def close(merchant_id: str, month: str, reason: str) -> None:
    """Take no booking of MERCHANT_ID in MONTH (2026-11) any more."""
    _change(merchant_id, month, reason, closed=True)


@books.command("reopen")
@click.argument("merchant_id")
@click.argument("month")
@click.option("--reason", required=True)
def reopen(merchant_id: str, month: str, reason: str) -> None:
    """Take bookings of MERCHANT_ID in MONTH (2026-11) again."""
    _change(merchant_id, month, reason, closed=False)


@books.command()
@click.argument("merchant_id")
def periods(merchant_id: str) -> None:
    """Who closed or reopened which month of MERCHANT_ID: the latest hundred changes, newest first."""
    for change in _with_books(lambda book: book.periods(merchant_id, cursor=None, limit=100)).items:
        state = "closed" if change.closed else "reopened"
        click.echo(f"{change.month}  {state:8}  {change.at:%Y-%m-%d %H:%M}  {change.by}: {change.reason}")


@books.command()
@click.argument("merchant_id")
@click.argument("booking_id")
@click.option("--reason", required=True)
def rebook(merchant_id: str, booking_id: str, reason: str) -> None:
    """Reverse a booking and book it again on the accounts of today's chart."""
    new = _with_books(lambda book: book.rebook(merchant_id, booking_id, by=_BY, reason=reason))
    click.echo(f"booking {booking_id} is reversed, and booked again as {new}")


def _change(merchant_id: str, month: str, reason: str, *, closed: bool) -> None:
    try:
        wanted = Month.parse(month)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    step = ChangePeriod(
        merchant_id=merchant_id, month=wanted, closed=closed, by=_BY, reason=reason, at=datetime.now(UTC)
    )
    change = _with_books(lambda book: book.change_period(step))
    click.echo(f"{change.month} is {'closed' if change.closed else 'open'}")


async def _make(book: PostgresBooks, step: RequestExport, out: Path) -> ExportView:
    made = await book.export(step)
    await _write(book, step.merchant_id, made.export.id, out)
    return made.export


async def _write(book: PostgresBooks, merchant_id: str, export_id: str, out: Path) -> None:
    with out.open("wb") as file:
        async for piece in book.file(merchant_id, export_id):
            file.write(piece)


def _with_books(act: Callable[[PostgresBooks], Awaitable[_T]]) -> _T:
    try:
        return asyncio.run(_connected(act))
    except (InvalidInput, NotFound) as error:
        raise click.ClickException(str(error)) from error


async def _connected(act: Callable[[PostgresBooks], Awaitable[_T]]) -> _T:
    engine = database.connect(Settings().database.url)  # filled from the environment
    try:
        return await act(PostgresBooks(database.sessions(engine)))
    finally:
        await engine.dispose()

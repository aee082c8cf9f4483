"""The ledger: writes a fact into the books, once, in the transaction that makes it a fact.

A fact says what it comes to by now; what is missing of that is booked, and nothing is when nothing is missing. So a
step that runs twice books once, and a fact that is taken back is a reversal. The caller holds the lock of what
the fact is about; the unique number of each booking of a fact stands behind it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, func, insert, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession

from adapters import charts
from adapters.postgres.database import from_json, new_id
from adapters.postgres.locks import locked_checkout
from adapters.postgres.tables import MerchantRow
from adapters.postgres.tables_bookings import BookingLineRow, BookingPeriodRow, BookingRow
from domain.accounts import Chart, Role, Tax
from domain.book_settings import BookSettings
from domain.bookings import Line, Lines, Subject
from domain.cart import TaxCategory
from domain.errors import InvalidInput, NotFound, Violation
from domain.periods import booking_date

_DESK = "books"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What bookings of a merchant need to know, read once in a transaction."""

    merchant_id: str
    settings: BookSettings
    calendar: ZoneInfo
    closed: frozenset[str]

    @property
    def chart(self) -> Chart:
        """The merchant's chart of accounts."""
        return charts.of_merchant(self.settings)

    def day(self, at: datetime) -> date:
        """The day of a moment, in the merchant's calendar."""
        return at.astimezone(self.calendar).date()


async def desk_of(session: AsyncSession, merchant_id: str) -> Desk:
    """The merchant's books as they are set up now."""
    desks: dict[str, Desk] = session.info.setdefault(_DESK, {})
    if merchant_id not in desks:
        closed = (
            select(func.coalesce(func.array_agg(BookingPeriodRow.month), array([], type_=Text)))
            .where(BookingPeriodRow.merchant_id == merchant_id, BookingPeriodRow.closed)
            .scalar_subquery()
        )
        found = await session.execute(
            select(MerchantRow.config["books"], MerchantRow.config["time_zone"].astext, closed).where(
                MerchantRow.id == merchant_id
            )
        )
        settings, zone, months = found.one()
        desks[merchant_id] = Desk(
            merchant_id=merchant_id,
            settings=from_json(BookSettings, settings or {}),
            calendar=ZoneInfo(zone),
            closed=frozenset(months),
        )
    return desks[merchant_id]


@dataclass(frozen=True, slots=True)
class _Booked:
    times: int
    amount: int


async def bring(
    session: AsyncSession, desk: Desk, subject: Subject, total: int, rule: Callable[[int], Lines], *, debtor: int | None
) -> None:
    """Bring what is booked under the fact to `total`: book what is missing by the rule, or what is too much back."""
    booked = await _booked(session, desk, subject.fact)
    missing = total - booked.amount
    if missing:
        await _write(session, desk, subject, booked.times + 1, missing, rule(missing), debtor)


async def add(
    session: AsyncSession, desk: Desk, subject: Subject, amount: int, lines: Lines, *, debtor: int | None
) -> None:
    """Book `amount` more under the fact."""
    booked = await _booked(session, desk, subject.fact)
    await _write(session, desk, subject, booked.times + 1, amount, lines, debtor)


async def rebook(session: AsyncSession, desk: Desk, booking_id: str, *, by: str, reason: str) -> str:
    """Take a booking back and book the same on the accounts the chart gives now; answers the new booking's id.

    Both are booked on the day the fact is booked on now, so every month keeps its sums. A booking that was
    taken back before is not taken back twice. Raises NotFound, and InvalidInput for one that is itself a reversal.
    """
    row = await session.get(BookingRow, booking_id)
    if row is None or row.merchant_id != desk.merchant_id:
        raise NotFound("booking", booking_id)
    if row.checkout_id is not None:
        await locked_checkout(session, row.merchant_id, row.checkout_id)
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"rebook/{row.id}", 0))))
    if row.reverses_id is not None:
        raise InvalidInput([Violation(pointer="/booking_id", message="must not be a reversal")])
    before = select(BookingRow.number).where(BookingRow.reverses_id == row.id)
    if (reversal := await session.scalar(before)) is not None:
        again = select(BookingRow.id).where(
            BookingRow.merchant_id == desk.merchant_id, BookingRow.fact == row.fact, BookingRow.number == reversal + 1
        )
        return (await session.scalars(again)).one()
    lines = (
        await session.scalars(
            select(BookingLineRow).where(BookingLineRow.booking_id == row.id).order_by(BookingLineRow.position)
        )
    ).all()
    times = (await _booked(session, desk, row.fact)).times
    explained = {"by": by, "reason": reason}
    await _insert(
        session,
        desk,
        {**_copied(row), "number": times + 1, "amount": -row.amount, "reverses_id": row.id, **explained},
        [{**_kept(line), "amount": -line.amount} for line in lines],
    )
    return await _insert(
        session,
        desk,
        {**_copied(row), "number": times + 2, "amount": row.amount, **explained},
        [{**_kept(line), **_account(desk, _domain_line(line))} for line in lines],
    )


def _copied(row: BookingRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _OF_BOOKING}


def _kept(line: BookingLineRow) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _OF_LINE}


def _domain_line(row: BookingLineRow) -> Line:
    tax = None
    if row.tax_category is not None and row.tax_rate is not None:
        tax = Tax(TaxCategory(row.tax_category), row.tax_rate)
    return Line(role=Role(row.role), amount=row.amount, tax=tax, entry_id=row.entry_id)


_OF_BOOKING = (
    "fact", "kind", "currency", "document_date", "reference", "checkout_id", "payment_id", "invoice_id", "payout_id",
)  # fmt: skip
_OF_LINE = (
    "role", "tax_category", "tax_rate", "account", "account_name", "automatic", "tax_key", "debtor", "amount",
    "entry_id",
)  # fmt: skip


async def _booked(session: AsyncSession, desk: Desk, fact: str) -> _Booked:
    found = await session.execute(
        select(func.count(), func.coalesce(func.sum(BookingRow.amount), 0)).where(
            BookingRow.merchant_id == desk.merchant_id, BookingRow.fact == fact
        )
    )
    times, amount = found.one()
    return _Booked(times, int(amount))


async def _write(
    session: AsyncSession,
    desk: Desk,
    subject: Subject,
    number: int,
    amount: int,
    lines: Sequence[Line],
    debtor: int | None,
) -> None:
    values = {name: getattr(subject, name) for name in _OF_BOOKING}
    await _insert(
        session,
        desk,
        {**values, "number": number, "amount": amount},
        [_values(desk, line, debtor) for line in lines],
    )


def _values(desk: Desk, line: Line, debtor: int | None) -> dict[str, Any]:
    return {
        "role": line.role,
        "tax_category": line.tax.category if line.tax else None,
        "tax_rate": line.tax.rate if line.tax else None,
        "debtor": debtor if line.role is Role.RECEIVABLES else None,
        "amount": line.amount,
        "entry_id": line.entry_id,
        **_account(desk, line),
    }


def _account(desk: Desk, line: Line) -> dict[str, Any]:
    account = desk.chart.account(line.role, line.tax)
    return {
        "account": account.number,
        "account_name": account.name,
        "automatic": account.automatic,
        "tax_key": account.tax_key,
    }


async def _insert(session: AsyncSession, desk: Desk, booking: dict[str, Any], lines: Sequence[dict[str, Any]]) -> str:
    booking_id = new_id("bkg")
    of_merchant = {"merchant_id": desk.merchant_id}
    day = booking_date(booking["document_date"], desk.closed)
    await session.execute(insert(BookingRow).values(id=booking_id, booking_date=day, **of_merchant, **booking))
    await session.execute(
        insert(BookingLineRow),
        [
            {"booking_id": booking_id, "position": position, **of_merchant, **line}
            for position, line in enumerate(lines, start=1)
        ],
    )
    return booking_id

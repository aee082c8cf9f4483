"""The ledger: writes a fact into the books, once, in the transaction that makes it a fact.

A fact says what it comes to by now; what is missing of that is booked, and nothing is when nothing is missing. So a
step that runs twice books once, and a fact that is taken back is a reversal. The caller holds the lock of what
the fact is about; the unique number of each booking of a fact stands behind it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters import charts
from adapters.postgres.database import from_json, new_id
from adapters.postgres.tables import MerchantRow
from adapters.postgres.tables_bookings import BookingLineRow, BookingPeriodRow, BookingRow
from domain.accounts import Chart, Role
from domain.book_settings import BookSettings
from domain.bookings import Line, Lines, Subject
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
        config, zone = MerchantRow.config["books"], MerchantRow.config["time_zone"].astext
        row = (await session.execute(select(config, zone).where(MerchantRow.id == merchant_id))).one()
        closed = await session.scalars(
            select(BookingPeriodRow.month).where(BookingPeriodRow.merchant_id == merchant_id, BookingPeriodRow.closed)
        )
        desks[merchant_id] = Desk(
            merchant_id=merchant_id,
            settings=from_json(BookSettings, row[0] or {}),
            calendar=ZoneInfo(row[1]),
            closed=frozenset(closed),
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
    booking_id = new_id("bkg")
    await session.execute(
        insert(BookingRow).values(
            id=booking_id,
            merchant_id=desk.merchant_id,
            fact=subject.fact,
            number=number,
            kind=subject.kind,
            currency=subject.currency,
            amount=amount,
            document_date=subject.document_date,
            booking_date=booking_date(subject.document_date, desk.closed),
            reference=subject.reference,
            checkout_id=subject.checkout_id,
            payment_id=subject.payment_id,
            invoice_id=subject.invoice_id,
            payout_id=subject.payout_id,
        )
    )
    await session.execute(
        insert(BookingLineRow),
        [_line(desk, booking_id, position, line, debtor) for position, line in enumerate(lines, start=1)],
    )


def _line(desk: Desk, booking_id: str, position: int, line: Line, debtor: int | None) -> dict[str, object]:
    account = desk.chart.account(line.role, line.tax)
    return {
        "booking_id": booking_id,
        "position": position,
        "merchant_id": desk.merchant_id,
        "role": line.role,
        "tax_category": line.tax.category if line.tax else None,
        "tax_rate": line.tax.rate if line.tax else None,
        "account": account.number,
        "account_name": account.name,
        "automatic": account.automatic,
        "tax_key": account.tax_key,
        "debtor": debtor if line.role is Role.RECEIVABLES else None,
        "amount": line.amount,
        "entry_id": line.entry_id,
    }

"""Number series: gap-free, in the order of time, drawn in the transaction that finalizes."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import new_id
from adapters.postgres.tables import SeriesRow
from domain.invoices import InvoiceKind
from domain.merchants import Merchant
from domain.numbers import format_number


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNumber:
    """A number, the place in its series, and the moment (UTC) it was drawn."""

    series_id: str
    period: str
    sequence: int
    number: str
    at: datetime


def _scheme(merchant: Merchant, kind: InvoiceKind) -> tuple[str, int]:
    """The pattern of a series, and the first number it draws."""
    match kind:
        case InvoiceKind.INVOICE:
            return merchant.number_pattern, merchant.first_number
        case InvoiceKind.CREDIT_NOTE:
            return merchant.credit_note_pattern, 1
        case InvoiceKind.CANCELATION:
            return merchant.cancelation_pattern, 1
        case InvoiceKind.DEPOSIT:
            return merchant.deposit_pattern, 1


async def draw(session: AsyncSession, merchant: Merchant, kind: InvoiceKind) -> DrawnNumber:
    """The next number of the merchant's series of this kind.

    The series' row stays locked until the commit. A rollback takes the number back with it, so there is no
    gap; and since time is read under the lock, and never goes back behind the last number's, numbers and
    times have one order.
    """
    pattern, first = _scheme(merchant, kind)
    await session.execute(
        insert(SeriesRow)
        .values(id=new_id("ser"), merchant_id=merchant.id, kind=kind, period="", last_number=0)
        .on_conflict_do_nothing(index_elements=[SeriesRow.merchant_id, SeriesRow.kind])
    )
    locked = select(SeriesRow).where(SeriesRow.merchant_id == merchant.id, SeriesRow.kind == kind).with_for_update()
    series = (await session.execute(locked.execution_options(populate_existing=True))).scalar_one()
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    at = max(now, series.last_drawn_at) if series.last_drawn_at else now
    year = at.astimezone(ZoneInfo(merchant.time_zone)).year
    period = str(year) if "{year}" in pattern else "all"
    sequence = series.last_number + 1 if series.period == period else first
    series.period, series.last_number, series.last_drawn_at = period, sequence, at
    return DrawnNumber(
        series_id=series.id,
        period=period,
        sequence=sequence,
        number=format_number(pattern, year, sequence),
        at=at,
    )

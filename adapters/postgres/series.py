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
from domain.numbers import following, format_number


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNumber:
    """A number, the place in its series, and the moment (UTC) it was drawn.

    `place` counts the documents of the series and never starts again; `previous_proof` is the proof of the document
    at the place before.
    """

    series_id: str
    period: str
    sequence: int
    number: str
    at: datetime
    place: int
    previous_proof: str | None


async def draw(session: AsyncSession, merchant: Merchant, kind: InvoiceKind) -> DrawnNumber:
    """The next number of the merchant's series of this kind.

    The series' row stays locked until the commit. A rollback takes the number back with it, so there is no
    gap; and since time is read under the lock, and never goes back behind the last number's, numbers and
    times have one order.
    """
    numbering = merchant.numbering(kind)
    series = await _locked(session, merchant, kind)
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    at = max(now, series.last_drawn_at) if series.last_drawn_at else now
    today = at.astimezone(ZoneInfo(merchant.time_zone)).date()
    last = (series.period, series.last_number) if series.last_drawn_at else None
    series.period, series.last_number = following(numbering, last, today)
    series.last_place, series.last_drawn_at = series.last_place + 1, at
    return DrawnNumber(
        series_id=series.id,
        period=series.period,
        sequence=series.last_number,
        number=format_number(numbering.pattern, today, series.last_number, merchant.legal_entity),
        at=at,
        place=series.last_place,
        previous_proof=series.last_proof,
    )


async def chain(session: AsyncSession, drawn: DrawnNumber, proof: str) -> None:
    """The document that took the number is the last of its series. Its transaction holds the lock since `draw`."""
    series = await session.get_one(SeriesRow, drawn.series_id)
    series.last_proof = proof


async def _locked(session: AsyncSession, merchant: Merchant, kind: InvoiceKind) -> SeriesRow:
    key = {"merchant_id": merchant.id, "legal_entity": merchant.legal_entity, "kind": kind}
    await session.execute(
        insert(SeriesRow)
        .values(id=new_id("ser"), period="", last_number=0, **key)
        .on_conflict_do_nothing(index_elements=list(key))
    )
    locked = select(SeriesRow).filter_by(**key).with_for_update()
    return (await session.execute(locked.execution_options(populate_existing=True))).scalar_one()

"""What is kept how long: documents by the law's years, providers' messages only as long as they are of use."""

from datetime import date, datetime

from sqlalchemy import extract, func, select, text

from adapters.postgres.database import Sessions, from_json
from adapters.postgres.tables import InvoiceRow, MerchantRow
from domain.errors import NotFound
from domain.merchants import Merchant
from domain.retention import Holding, kept_until

_BATCH = 1000
_EMPTY = text("""
    UPDATE provider_events SET raw = ''
    WHERE id IN (
        SELECT id FROM provider_events
        WHERE merchant_id = :merchant AND raw <> '' AND received_at < :before
            AND (applied_at IS NOT NULL OR NOT relevant)
        LIMIT :batch
    )
    RETURNING id
""")


class PostgresRetention:
    """Tells what must be kept, and empties what need not."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def holdings(self, merchant_id: str) -> list[Holding]:
        """The merchant's finalized documents by year, oldest first. Raises NotFound."""
        async with self._sessions() as session:
            row = await session.get(MerchantRow, merchant_id)
            if row is None:
                raise NotFound("merchant", merchant_id)
            years = from_json(Merchant, row.config).retention_years
            year = extract("year", InvoiceRow.issued_on)
            found = await session.execute(
                select(year, func.count()).where(InvoiceRow.merchant_id == merchant_id).group_by(year).order_by(year)
            )
            return [
                Holding(year=int(at), documents=number, kept_until=kept_until(date(int(at), 1, 1), years))
                for at, number in found
            ]

    async def empty_messages(self, merchant_id: str, before: datetime) -> int:
        """Forget the bodies of messages that were acted upon and came before this time (UTC); answers how many.

        That a message came, and what it was about, stays: repeats of it are still known.
        """
        emptied = 0
        while True:
            async with self._sessions.begin() as session:
                done = await session.execute(_EMPTY, {"merchant": merchant_id, "before": before, "batch": _BATCH})
                count = len(done.all())
            emptied += count
            if count < _BATCH:
                return emptied

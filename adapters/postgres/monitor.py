"""Reads the house's health off the tables: one statement a figure."""

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import Sessions
from domain.monitoring import Breakdown, Figures, PerMerchant

_MERCHANTS = text("SELECT id, 0 FROM merchants")
_UNAPPLIED = text("""
    SELECT merchant_id, count(*) FROM provider_events WHERE relevant AND applied_at IS NULL GROUP BY merchant_id
""")
_OLDEST = text("""
    SELECT merchant_id, extract(epoch FROM clock_timestamp() - min(received_at))
    FROM provider_events WHERE relevant AND applied_at IS NULL GROUP BY merchant_id
""")
_LIST_READ = text("""
    SELECT merchant_id, extract(epoch FROM clock_timestamp() - min(read_until))
    FROM reconciliations GROUP BY merchant_id
""")
_OVERDUE = text("""
    SELECT merchant_id, count(*) FROM cases WHERE decided_at IS NULL AND due_at < now() GROUP BY merchant_id
""")
_CASES = text("""
    SELECT merchant_id, kind, count(*) FROM cases WHERE decided_at IS NULL GROUP BY merchant_id, kind
""")
_CHECKOUTS = text("SELECT merchant_id, status, count(*) FROM checkouts GROUP BY merchant_id, status")
_SETTLED = text("""
    SELECT merchant_id, settled_by, count(*) FROM payments WHERE captured > 0 GROUP BY merchant_id, settled_by
""")
_DELIVERIES = text("SELECT merchant_id, status, count(*) FROM deliveries GROUP BY merchant_id, status")
_OLDEST_QUEUED = text("""
    SELECT merchant_id, extract(epoch FROM clock_timestamp() - min(queued_at))
    FROM deliveries WHERE status = 'queued' GROUP BY merchant_id
""")
_VIOLATIONS = text("""
    SELECT merchant_id, count(*) FROM (
        SELECT payments.merchant_id
        FROM payments LEFT JOIN entry_items ON payment_id = payments.id AND kind = 'assigned'
        WHERE payments.updated_at > now() - interval '1 day'
        GROUP BY payments.id
        HAVING captured <> assigned + available + refunded + disputed
            OR assigned <> coalesce(sum(entry_items.amount), 0)
        UNION ALL
        SELECT entries.merchant_id
        FROM entries LEFT JOIN entry_items ON entry_id = entries.id AND kind = 'assigned'
        WHERE entries.updated_at > now() - interval '1 day'
        GROUP BY entries.id
        HAVING assigned <> coalesce(sum(entry_items.amount), 0)
    ) AS violations GROUP BY merchant_id
""")


class PostgresMonitor:
    """Implements `api.ports.Monitor`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def figures(self) -> Figures:
        async with self._sessions() as session:
            nothing = await _per_merchant(session, _MERCHANTS)
            return Figures(
                unapplied={**nothing, **await _per_merchant(session, _UNAPPLIED)},
                oldest_unapplied_seconds={**nothing, **await _per_merchant(session, _OLDEST)},
                list_read_seconds_ago=await _per_merchant(session, _LIST_READ),
                checkouts=await _breakdown(session, _CHECKOUTS),
                settled=await _breakdown(session, _SETTLED),
                open_cases=await _breakdown(session, _CASES),
                overdue_cases={**nothing, **await _per_merchant(session, _OVERDUE)},
                violations={**nothing, **await _per_merchant(session, _VIOLATIONS)},
                deliveries=await _breakdown(session, _DELIVERIES),
                oldest_queued_delivery_seconds={**nothing, **await _per_merchant(session, _OLDEST_QUEUED)},
            )


async def _per_merchant(session: AsyncSession, wanted: TextClause) -> PerMerchant:
    return {row[0]: float(row[1]) for row in await session.execute(wanted)}


async def _breakdown(session: AsyncSession, wanted: TextClause) -> Breakdown:
    return {(row[0], row[1]): row[2] for row in await session.execute(wanted)}

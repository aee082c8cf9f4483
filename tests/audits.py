"""The audit of all series of a database, as tests read it."""

from datetime import UTC, datetime

from sqlalchemy import select

from adapters.postgres.audits import PostgresSeriesAudit
from adapters.postgres.tables import SeriesRow
from domain.audit import Finding
from domain.documents import DocumentKind, DocumentRef
from domain.ports import DocumentStore
from tests.clerk import Clerk


class NoStore:
    """Implements `domain.ports.DocumentStore` for tests without documents."""

    async def put(self, kind: DocumentKind, key: str, content: bytes) -> DocumentRef:
        raise NotImplementedError

    async def get(self, ref: DocumentRef) -> bytes:
        raise NotImplementedError


async def findings(
    clerk: Clerk, store: DocumentStore | None = None, *, now: datetime | None = None, limit: int = 7
) -> list[Finding]:
    """What an audit of every series finds, taken in stretches of `limit` documents."""
    audit = PostgresSeriesAudit(clerk.sessions, store or NoStore())
    async with clerk.sessions() as session:
        known = (await session.execute(select(SeriesRow.merchant_id, SeriesRow.id).order_by(SeriesRow.id))).all()
    found: list[Finding] = []
    for merchant_id, series_id in known:
        cursor: str | None = None
        while True:
            page = await audit.audit(merchant_id, series_id, cursor=cursor, limit=limit, now=now or datetime.now(UTC))
            assert page is not None
            found += page.findings
            cursor = page.next_cursor
            if cursor is None:
                break
    return found

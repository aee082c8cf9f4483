"""A number series in memory, with something to find in it."""

from datetime import UTC, datetime

from domain.audit import AuditPage, Finding, FindingKind, Series, SeriesPage
from domain.errors import InvalidInput, Violation

SERIES = Series(
    id=f"ser_{1:024x}",
    merchant_id="nordwerk",
    kind="invoice",
    legal_entity="",
    period="2025",
    last_number=3,
    last_drawn_at=datetime(2025, 11, 24, tzinfo=UTC),
    documents=3,
    last_proof="1:abc",
)


class FakeSeriesAudit:
    """Implements `api.ports.SeriesAudit`: the second of three documents was edited."""

    async def series(self, merchant_id: str, *, cursor: str | None, limit: int) -> SeriesPage:
        mine = (SERIES,) if merchant_id == SERIES.merchant_id and cursor is None else ()
        return SeriesPage(items=mine[:limit], next_cursor=None)

    async def audit(self, merchant_id: str, series_id: str, *, cursor: str | None, limit: int) -> AuditPage | None:
        if (merchant_id, series_id) != (SERIES.merchant_id, SERIES.id):
            return None
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput([Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")])
        first = int(cursor or 0)
        last = min(first + limit, SERIES.documents)
        edited = Finding(kind=FindingKind.EDITED, number="2025-000002", detail="does not say what it said")
        return AuditPage(
            series=SERIES,
            checked=last - first,
            findings=(edited,) if first < 2 <= last else (),
            next_cursor=str(last) if last < SERIES.documents else None,
        )

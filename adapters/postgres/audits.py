"""Auditing number series: read in short stretches, each as of one moment, with the files of their documents."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import Sessions
from adapters.postgres.proofs import content_of
from adapters.postgres.tables import DocumentRow, InvoiceLineRow, InvoiceRow, SeriesRow, TaxSubtotalRow
from adapters.postgres.tables_billing import InvoiceEntryRow, InvoiceOrderRow
from domain.audit import (
    AuditPage,
    Finding,
    FindingKind,
    Link,
    Series,
    SeriesPage,
    check_end,
    check_link,
    missing_files,
)
from domain.documents import DocumentKind, DocumentRef
from domain.errors import DocumentDiffers, InvalidInput, NotFound, Violation
from domain.ports import DocumentStore

_Part = TypeVar("_Part", InvoiceLineRow, TaxSubtotalRow, InvoiceOrderRow, InvoiceEntryRow)
_STRETCH = 20
"""Documents that are in memory at a time; each may have a thousand lines."""


@dataclass(slots=True)
class _Walk:
    """Where an audit is in a series."""

    series: Series
    before: Link | None
    at: tuple[int, str]
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)


class PostgresSeriesAudit:
    """Implements `api.ports.SeriesAudit`."""

    def __init__(self, sessions: Sessions, store: DocumentStore) -> None:
        self._sessions = sessions
        self._store = store

    async def series(self, merchant_id: str, *, cursor: str | None, limit: int) -> SeriesPage:
        wanted = select(SeriesRow).where(SeriesRow.merchant_id == merchant_id).order_by(SeriesRow.id)
        if cursor is not None:
            wanted = wanted.where(SeriesRow.id > _known_text(cursor))
        async with self._sessions() as session:
            rows = (await session.scalars(wanted.limit(limit + 1))).all()
        items = tuple(_series(row) for row in rows[:limit])
        return SeriesPage(items=items, next_cursor=items[-1].id if len(rows) > limit else None)

    async def audit(
        self, merchant_id: str, series_id: str, *, cursor: str | None, limit: int, now: datetime | None = None
    ) -> AuditPage | None:
        """The next stretch of `limit` documents of a series, or None when there is no such series."""
        async with self._one_moment() as session:
            row = await session.get(SeriesRow, series_id)
            if row is None or row.merchant_id != merchant_id:
                return None
            at = _place_of(cursor)
            walk = _Walk(series=_series(row), before=await _link_at(session, series_id, at), at=at)
            more = await self._walk(session, walk, limit, now or datetime.now(UTC))
        if not more:
            walk.findings += check_end(walk.series, walk.before)
        return AuditPage(
            series=walk.series,
            checked=walk.checked,
            findings=tuple(walk.findings),
            next_cursor=f"{walk.at[0]}:{walk.at[1]}" if more else None,
        )

    async def every_series(self, merchant_id: str | None, series_id: str | None) -> tuple[Series, ...]:
        """The series of all merchants, or of one; or one series."""
        wanted = select(SeriesRow).order_by(SeriesRow.merchant_id, SeriesRow.id)
        if merchant_id is not None:
            wanted = wanted.where(SeriesRow.merchant_id == merchant_id)
        if series_id is not None:
            wanted = wanted.where(SeriesRow.id == series_id)
        async with self._sessions() as session:
            return tuple(_series(row) for row in await session.scalars(wanted))

    async def proof_at(self, series_id: str, place: int) -> str | None:
        """The proof of the document at this place of the series."""
        async with self._sessions() as session:
            found = await session.scalars(
                select(InvoiceRow.proof).where(InvoiceRow.series_id == series_id, InvoiceRow.place == place)
            )
            return found.first()

    @asynccontextmanager
    async def _one_moment(self) -> AsyncIterator[AsyncSession]:
        """A session that sees the series and its documents as of one moment, while others go on finalizing."""
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def _walk(self, session: AsyncSession, walk: _Walk, limit: int, now: datetime) -> bool:
        """Check up to `limit` documents; True if there are more."""
        while walk.checked < limit:
            size = min(_STRETCH, limit - walk.checked)
            rows = await _next(session, walk, size + 1)
            await self._check(session, walk, rows[:size], now)
            session.expunge_all()
            if len(rows) <= size:
                return False
        return True

    async def _check(self, session: AsyncSession, walk: _Walk, rows: Sequence[InvoiceRow], now: datetime) -> None:
        ids = [row.id for row in rows]
        links = await _links(session, rows)
        files = await _files(session, ids)
        walk.findings += await _numbers_twice(session, rows)
        for row, link in zip(rows, links, strict=True):
            walk.findings += check_link(walk.before, link)
            walk.findings += missing_files(link, frozenset(ref.kind for ref in files.get(row.id, ())), now)
            for ref in files.get(row.id, ()):
                walk.findings += await self._check_file(link, ref)
            walk.before, walk.at, walk.checked = link, (row.place, row.id), walk.checked + 1

    async def _check_file(self, link: Link, ref: DocumentRef) -> list[Finding]:
        try:
            await self._store.get(ref)
        except NotFound:
            detail = f"its {ref.kind} is not in the store, under {ref.key}"
            return [Finding(kind=FindingKind.MISSING_FILE, number=link.number, detail=detail)]
        except DocumentDiffers:
            detail = f"its {ref.kind} is not what was stored under {ref.key}"
            return [Finding(kind=FindingKind.CHANGED_FILE, number=link.number, detail=detail)]
        return []


async def _next(session: AsyncSession, walk: _Walk, count: int) -> Sequence[InvoiceRow]:
    found = await session.scalars(
        select(InvoiceRow)
        .where(InvoiceRow.series_id == walk.series.id, tuple_(InvoiceRow.place, InvoiceRow.id) > walk.at)
        .order_by(InvoiceRow.place, InvoiceRow.id)
        .limit(count)
    )
    return found.all()


async def _link_at(session: AsyncSession, series_id: str, at: tuple[int, str]) -> Link | None:
    """The document a stretch begins after. None at the beginning, and when it is gone: then it is a gap."""
    found = await session.scalars(
        select(InvoiceRow).where(InvoiceRow.series_id == series_id, InvoiceRow.place == at[0], InvoiceRow.id == at[1])
    )
    row = found.first()
    return None if row is None else (await _links(session, [row]))[0]


async def _links(session: AsyncSession, rows: Sequence[InvoiceRow]) -> list[Link]:
    ids = [row.id for row in rows]
    lines = await _parts(session, InvoiceLineRow, ids)
    subtotals = await _parts(session, TaxSubtotalRow, ids)
    orders = await _parts(session, InvoiceOrderRow, ids)
    entries = await _parts(session, InvoiceEntryRow, ids)
    return [
        Link(
            place=row.place,
            period=row.period,
            sequence=row.sequence,
            number=row.number,
            finalized_at=row.finalized_at,
            previous_proof=row.previous_proof,
            proof=row.proof,
            content=content_of(row, lines[row.id], subtotals[row.id], orders[row.id], entries[row.id]),
        )
        for row in rows
    ]


async def _parts(session: AsyncSession, table: type[_Part], ids: Sequence[str]) -> dict[str, list[_Part]]:
    """The rows of these documents in a table, by document."""
    parts: dict[str, list[_Part]] = {row_id: [] for row_id in ids}
    for part in await session.scalars(select(table).where(table.invoice_id.in_(ids))):
        parts[part.invoice_id].append(part)
    return parts


async def _files(session: AsyncSession, ids: Sequence[str]) -> dict[str, list[DocumentRef]]:
    files: dict[str, list[DocumentRef]] = {}
    for row in await session.scalars(select(DocumentRow).where(DocumentRow.invoice_id.in_(ids))):
        ref = DocumentRef(kind=DocumentKind(row.kind), key=row.key, sha256=row.sha256, size=row.size)
        files.setdefault(row.invoice_id, []).append(ref)
    return files


async def _numbers_twice(session: AsyncSession, rows: Sequence[InvoiceRow]) -> list[Finding]:
    """Numbers that another document of the merchant has too: not possible while the database's UNIQUE is there."""
    if not rows:
        return []
    found = await session.execute(
        select(InvoiceRow.number, func.count())
        .where(InvoiceRow.merchant_id == rows[0].merchant_id, InvoiceRow.number.in_([row.number for row in rows]))
        .group_by(InvoiceRow.number)
        .having(func.count() > 1)
    )
    return [
        Finding(kind=FindingKind.DUPLICATE, number=number, detail=f"{count} documents have this number")
        for number, count in found
    ]


def _series(row: SeriesRow) -> Series:
    return Series(
        id=row.id,
        merchant_id=row.merchant_id,
        kind=row.kind,
        legal_entity=row.legal_entity,
        period=row.period,
        last_number=row.last_number,
        last_drawn_at=row.last_drawn_at,
        documents=row.last_place,
        last_proof=row.last_proof,
    )


def _place_of(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    place, _, row_id = cursor.partition(":")
    if not (place.isdecimal() and place.isascii() and len(place) <= 18 and row_id):
        raise _no_cursor()
    return int(place), _known_text(row_id)


def _known_text(text: str) -> str:
    if "\0" in text:
        raise _no_cursor()
    return text


def _no_cursor() -> InvalidInput:
    return InvalidInput([Violation(pointer="/cursor", message="must be a `next_cursor` of an earlier answer")])

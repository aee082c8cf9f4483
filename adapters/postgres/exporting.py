"""Everything of one merchant, read table by table from one moment of the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import Sessions

_LEFT_OUT = ("api_keys",)
"""Keys are of no use elsewhere, not even their hashes."""
_BATCH = 200

_TABLES = text("""
    SELECT owned.table_name, string_agg(quote_ident(key.attname), ', ' ORDER BY key.place) AS ordered_by
    FROM information_schema.columns AS owned
    JOIN LATERAL (
        SELECT attribute.attname, indexed.place
        FROM pg_index AS found
        CROSS JOIN LATERAL unnest(found.indkey) WITH ORDINALITY AS indexed(number, place)
        JOIN pg_attribute AS attribute ON attribute.attrelid = found.indrelid AND attribute.attnum = indexed.number
        WHERE found.indrelid = quote_ident(owned.table_name)::regclass AND found.indisprimary
    ) AS key ON true
    WHERE owned.table_schema = current_schema() AND owned.column_name = 'merchant_id'
    GROUP BY owned.table_name ORDER BY owned.table_name
""")
_MERCHANT = text("SELECT to_jsonb(merchants)::text FROM merchants WHERE id = :merchant")
_DOCUMENTS = text("""
    SELECT documents.key, documents.kind, documents.sha256, documents.size
    FROM documents WHERE merchant_id = :merchant ORDER BY documents.key
""")


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Where a document lies, and what it must be."""

    key: str
    kind: str
    sha256: str
    size: int


class Snapshot:
    """One moment of a merchant's rows. Every table that names a merchant is in it, also ones that come later."""

    def __init__(self, session: AsyncSession, merchant_id: str) -> None:
        self._session = session
        self._merchant = {"merchant": merchant_id}

    async def tables(self) -> list[tuple[str, str]]:
        """The tables, each with the columns that put its rows in order."""
        found = await self._session.execute(_TABLES)
        return [(row.table_name, row.ordered_by) for row in found if row.table_name not in _LEFT_OUT]

    async def merchant(self) -> str | None:
        """The merchant's own row as JSON; None if there is no such merchant."""
        found: str | None = await self._session.scalar(_MERCHANT, self._merchant)
        return found

    async def rows(self, table: str, ordered_by: str) -> AsyncIterator[str]:
        """The merchant's rows of a table, each as JSON, read in batches."""
        # Both names come from the database's own catalogue, quoted by it.
        statement = f'SELECT to_jsonb(owned)::text FROM "{table}" AS owned WHERE merchant_id = :merchant'  # noqa: S608
        query = text(f"{statement} ORDER BY {ordered_by}").execution_options(yield_per=_BATCH)
        async for row in await self._session.stream(query, self._merchant):
            yield row[0]

    async def documents(self) -> list[StoredDocument]:
        """Every document that was stored."""
        found = await self._session.execute(_DOCUMENTS, self._merchant)
        return [StoredDocument(row.key, row.kind, row.sha256, row.size) for row in found]


@asynccontextmanager
async def snapshot(sessions: Sessions, merchant_id: str) -> AsyncIterator[Snapshot]:
    """Read a merchant's rows as they are now, whatever is written meanwhile."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield Snapshot(session, merchant_id)

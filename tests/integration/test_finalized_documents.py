"""Invariant 5: a finalized document never changes. The database itself refuses, whoever asks and however."""

from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Executable,
    Numeric,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from adapters.postgres.tables import Base
from domain.documents import DocumentKind, DocumentRef
from domain.errors import DocumentDiffers
from domain.steps import OfInvoice
from tests.clerk import Clerk, of_invoice

PDF = DocumentRef(kind=DocumentKind.INVOICE_PDF, key="nordwerk/1.pdf", sha256="0" * 64, size=4)
TABLES = ("invoices", "invoice_lines", "tax_subtotals", "documents", "invoice_orders", "invoice_entries")


async def _finalized(clerk: Clerk) -> OfInvoice:
    """A finalized invoice with its PDF on record."""
    entry = await clerk.billable()
    step = of_invoice(entry, await clerk.bill(entry))
    await clerk.invoices.record_documents(step, (PDF,))
    return step


async def _execute(clerk: Clerk, *statements: str | Executable) -> None:
    """All in one transaction."""
    async with clerk.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement) if isinstance(statement, str) else statement)


async def _contents(clerk: Clerk) -> dict[str, list[Any]]:
    async with clerk.engine.connect() as connection:
        return {
            name: list((await connection.execute(select(Base.metadata.tables[name]))).mappings()) for name in TABLES
        }


def _altered(column: "Column[Any]") -> Any:
    """Another value of the column's type, whatever it holds now."""
    match column.type:
        case Boolean():
            return ~column
        case BigInteger() | Numeric():
            return func.coalesce(column, 0) + 1
        case Date():
            return column + 1
        case DateTime():
            return column + text("interval '1 second'")
        case JSONB():
            return func.jsonb_build_array(column)
        case _:
            return func.coalesce(column, "") + literal("x")


@pytest.mark.parametrize("table", TABLES)
async def test_no_column_of_a_finalized_document_can_be_changed_but_its_status(clerk: Clerk, table: str) -> None:
    await _finalized(clerk)
    before = await _contents(clerk)
    rows = Base.metadata.tables[table]
    changes = [update(rows).values({column.name: _altered(column)}) for column in rows.columns]
    frozen = [change for change, column in zip(changes, rows.columns, strict=True) if column.name != "status"]
    assert len(frozen) >= len(changes) - (table == "invoices")
    for change in frozen:
        with pytest.raises(DBAPIError, match="finalized"):
            await _execute(clerk, change)
    assert await _contents(clerk) == before


@pytest.mark.parametrize("table", TABLES)
async def test_nothing_of_a_finalized_document_can_be_removed(clerk: Clerk, table: str) -> None:
    await _finalized(clerk)
    before = await _contents(clerk)
    assert before[table]
    for removal in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DBAPIError, match=r"finalized|referenced in a foreign key"):
            await _execute(clerk, removal)
    assert await _contents(clerk) == before


@pytest.mark.parametrize("owner", ["checkouts", "orders", "entries", "merchants", "series"])
async def test_a_finalized_document_does_not_go_with_what_it_belongs_to(clerk: Clerk, owner: str) -> None:
    await _finalized(clerk)
    before = await _contents(clerk)
    for removal in (f"DELETE FROM {owner}", f"TRUNCATE {owner} CASCADE"):
        with pytest.raises(DBAPIError, match=r"finalized|part of the books|violates foreign key"):
            await _execute(clerk, removal)
    assert await _contents(clerk) == before


ADDITIONS = {
    "invoice_lines": """
        INSERT INTO invoice_lines
        SELECT (jsonb_populate_record(line, '{"position": 2}')).* FROM invoice_lines AS line
    """,
    "tax_subtotals": """
        INSERT INTO tax_subtotals
        SELECT (jsonb_populate_record(subtotal, '{"tax_rate": 7}')).* FROM tax_subtotals AS subtotal
    """,
    "invoice_orders": """
        INSERT INTO invoice_orders SELECT (jsonb_populate_record(tie, '{"order_id": "other"}')).*
        FROM invoice_orders tie
    """,
    "invoice_entries": """
        INSERT INTO invoice_entries SELECT (jsonb_populate_record(tie, '{"entry_id": "other"}')).*
        FROM invoice_entries tie
    """,
}


@pytest.mark.parametrize("table", ADDITIONS)
@pytest.mark.parametrize("disguise", [[], ["UPDATE invoices SET status = 'open'"]], ids=["alone", "with its status"])
async def test_nothing_can_be_added_to_a_finalized_invoice(clerk: Clerk, table: str, disguise: list[str]) -> None:
    await _finalized(clerk)
    before = await _contents(clerk)
    with pytest.raises(DBAPIError, match="nothing can be added"):
        await _execute(clerk, *disguise, ADDITIONS[table])
    assert await _contents(clerk) == before


async def test_the_status_of_a_finalized_invoice_moves_and_what_it_says_stays(clerk: Clerk) -> None:
    step = await _finalized(clerk)
    before = await clerk.invoices.invoice(step)
    await _execute(clerk, "UPDATE invoices SET status = 'canceled'")
    (invoice,) = (await _contents(clerk))["invoices"]
    assert invoice["status"] == "canceled"
    assert await clerk.invoices.invoice(step) == before


async def test_a_document_is_recorded_once_and_other_bytes_are_refused(clerk: Clerk) -> None:
    step = await _finalized(clerk)
    await clerk.invoices.record_documents(step, (PDF,))
    other = DocumentRef(kind=PDF.kind, key=PDF.key, sha256="1" * 64, size=4)
    with pytest.raises(DocumentDiffers):
        await clerk.invoices.record_documents(step, (other,))
    assert await clerk.invoices.documents(step) == {PDF.kind: PDF}

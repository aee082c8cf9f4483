"""The application works with rights by which it cannot undo what is finalized, whatever it tries."""

import secrets
from collections.abc import AsyncIterator
from itertools import product

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from adapters.postgres import database
from adapters.postgres.grants import grant
from domain.documents import DocumentKind, DocumentRef
from tests.clerk import Clerk, at_work, of_invoice

PDF = DocumentRef(kind=DocumentKind.INVOICE_PDF, key="nordwerk/1.pdf", sha256="0" * 64, size=4)


@pytest.fixture
async def clerk(database_url: str) -> AsyncIterator[Clerk]:
    """A clerk who has no more rights than the application's own role."""
    role, password = f"app_{secrets.token_hex(4)}", secrets.token_hex(8)
    owner = database.connect(database_url)
    async with owner.begin() as connection:
        await connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"))
    for _ in range(2):
        await grant(owner, role)
    await owner.dispose()
    url = make_url(database_url).set(username=role, password=password)
    async with at_work(url.render_as_string(hide_password=False)) as it:
        yield it


async def _finalized(clerk: Clerk) -> None:
    entry = await clerk.billable()
    await clerk.invoices.record_documents(of_invoice(entry, await clerk.bill(entry)), (PDF,))


async def test_the_application_needs_no_more_than_its_own_rights(clerk: Clerk) -> None:
    await _finalized(clerk)
    async with clerk.engine.connect() as connection:
        owner = await connection.scalar(text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user"))
    assert owner == 0


TABLES = ("invoices", "invoice_lines", "tax_subtotals", "documents", "series", "bookings", "booking_lines")
ATTEMPTS = (
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} DISABLE TRIGGER USER",
    "TRUNCATE {}",
    "TRUNCATE {} CASCADE",
    "DELETE FROM {}",
    "UPDATE {} SET merchant_id = merchant_id",
    "DROP TABLE {}",
    "ALTER TABLE {} RENAME TO elsewhere",
    "SET session_replication_role = replica",
    "DROP FUNCTION quittance_frozen_invoice() CASCADE",
    "CREATE OR REPLACE FUNCTION quittance_frozen_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
)


async def test_the_application_cannot_undo_what_is_finalized(clerk: Clerk) -> None:
    await _finalized(clerk)
    for attempt, table in product(ATTEMPTS, TABLES):
        if (table, attempt.split()[0]) == ("series", "UPDATE"):
            continue  # it draws numbers
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            async with clerk.engine.begin() as connection:
                await connection.execute(text(attempt.format(table)))

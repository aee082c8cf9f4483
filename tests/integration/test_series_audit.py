"""The audit finds what somebody changed who owns the database: each planted manipulation, by number and kind."""

import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.document_store import LocalDocumentStore
from adapters.postgres.audits import PostgresSeriesAudit
from domain.audit import Finding, FindingKind
from domain.documents import DocumentKind
from domain.errors import InvalidInput
from domain.steps import OfInvoice
from sandbox.postgres import PostgresServer
from tests.audits import findings
from tests.clerk import Clerk, at_work, of_invoice
from tests.fakes.merchants import NORDWERK, SUEDWERK

LATER = timedelta(hours=2)
DOCUMENTS = 5
MODEL = "audit_model"
TABLES = ("invoices", "invoice_lines", "tax_subtotals", "documents", "series", "invoice_orders", "invoice_entries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Five finalized invoices with their files, and one of another merchant."""

    clerk: Clerk
    store: LocalDocumentStore
    directory: Path

    async def audit(self) -> list[Finding]:
        """What is found two hours later, in stretches of two documents."""
        return await findings(self.clerk, self.store, now=datetime.now(UTC) + LATER, limit=2)

    async def tamper(self, *statements: str) -> None:
        """Change finalized documents as the database's owner can: with triggers, keys and indexes out of the way."""
        async with self.clerk.engine.begin() as connection:
            for table in TABLES:
                await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            for statement in statements:
                await connection.exec_driver_sql(spelled_out(statement))
            for table in TABLES:
                await connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))

    def file(self, place: int, suffix: str) -> Path:
        """The stored file of the document at this place."""
        return next(self.directory.glob(f"nordwerk/*/*-{place:06}.{suffix}"))


@pytest.fixture(scope="module")
async def model(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes the database that each test gets a copy of; answers the directory of its documents."""
    directory = tmp_path_factory.mktemp("archive")
    async with at_work(postgres_server.create_database(MODEL, template="template")) as clerk:
        for merchant in (*[NORDWERK] * DOCUMENTS, SUEDWERK):
            entry = await clerk.billable(merchant.id)
            bill = await clerk.bill(entry)
            await _file(clerk, LocalDocumentStore(directory), of_invoice(entry, bill), bill.number)
    return directory


@pytest.fixture
async def archive(postgres_server: PostgresServer, model: Path, tmp_path: Path) -> AsyncIterator[Archive]:
    """A fresh archive."""
    directory = Path(shutil.copytree(model, tmp_path / "documents"))
    url = postgres_server.create_database(f"audit_{secrets.token_hex(6)}", template=MODEL)
    async with at_work(url) as clerk:
        yield Archive(clerk=clerk, store=LocalDocumentStore(directory), directory=directory)


async def test_an_archive_that_nobody_touched_has_nothing_to_find(archive: Archive) -> None:
    assert await archive.audit() == []
    await archive.tamper("UPDATE invoices SET status = 'canceled' WHERE @3")
    assert await archive.audit() == []


async def _file(clerk: Clerk, store: LocalDocumentStore, step: OfInvoice, number: str) -> None:
    folder = f"{step.merchant_id}/{step.invoice_id}/{number}"
    refs = [
        await store.put(DocumentKind.INVOICE_PDF, f"{folder}.pdf", b"%PDF"),
        await store.put(DocumentKind.INVOICE_XML, f"{folder}.xml", b"<xml/>"),
    ]
    await clerk.invoices.record_documents(step, tuple(refs))


# In these statements `@3` finds the document at place 3, `of @3` what belongs to it, `@all` all five.
_SHORTHAND = {
    r"of @(\d)": r"invoice_id = (SELECT id FROM invoices WHERE @\1)",
    r"@(\d)": r"@all AND place = \1",
    r"@all": "merchant_id = 'nordwerk'",
}
NO_KEYS = (
    "ALTER TABLE invoices DROP CONSTRAINT uq_invoices_series_id_place",
    "ALTER TABLE invoices DROP CONSTRAINT uq_invoices_merchant_id_number",
    "ALTER TABLE invoices DROP CONSTRAINT uq_invoices_series_id_period_sequence",
)
COPY = """
INSERT INTO invoices SELECT (jsonb_populate_record(old, '{}')).* FROM invoices AS old WHERE old.id IN (
    SELECT id FROM invoices WHERE @3
)
"""


def spelled_out(statement: str) -> str:
    """The statement without shorthand."""
    for short, long in _SHORTHAND.items():
        statement = re.sub(short, long, statement)
    return statement


def gone(place: int) -> tuple[str, ...]:
    """A document is taken away with all that hangs on it."""
    statements = (
        "DELETE FROM invoice_lines WHERE of @0",
        "DELETE FROM tax_subtotals WHERE of @0",
        "DELETE FROM invoice_orders WHERE of @0",
        "DELETE FROM invoice_entries WHERE of @0",
        "DELETE FROM documents WHERE of @0",
        "DELETE FROM invoices WHERE @0",
    )
    return tuple(statement.replace("@0", f"@{place}") for statement in statements)


MANIPULATIONS: dict[str, tuple[tuple[str, ...], list[tuple[FindingKind, int]]]] = {
    "a total": (("UPDATE invoices SET grand_total = 1 WHERE @3",), [(FindingKind.EDITED, 3)]),
    "a buyer's name": (
        ("UPDATE invoices SET buyer = jsonb_set(buyer, '{name}', '\"X\"') WHERE @2",),
        [(FindingKind.EDITED, 2)],
    ),
    "a date": (("UPDATE invoices SET issued_on = issued_on - 1 WHERE @5",), [(FindingKind.EDITED, 5)]),
    "a line": (("UPDATE invoice_lines SET name = 'X' WHERE of @1",), [(FindingKind.EDITED, 1)]),
    "a line's price": (
        ("UPDATE invoice_lines SET unit_price = unit_price + 0.01 WHERE of @1",),
        [(FindingKind.EDITED, 1)],
    ),
    "a line taken away": (("DELETE FROM invoice_lines WHERE of @4",), [(FindingKind.EDITED, 4)]),
    "a line added": (
        (
            """INSERT INTO invoice_lines SELECT (jsonb_populate_record(old, '{"position": 9}')).*
                FROM invoice_lines AS old WHERE of @4""",
        ),
        [(FindingKind.EDITED, 4)],
    ),
    "a tax": (("UPDATE tax_subtotals SET tax = tax - 1 WHERE of @3",), [(FindingKind.EDITED, 3)]),
    "an order it is about": (("DELETE FROM invoice_orders WHERE of @2",), [(FindingKind.EDITED, 2)]),
    "what it claims": (("UPDATE invoice_entries SET amount = amount - 1 WHERE of @4",), [(FindingKind.EDITED, 4)]),
    "a proof taken away": (("UPDATE invoices SET proof = NULL WHERE @3",), [(FindingKind.EDITED, 3)]),
    "a document deleted": (gone(3), [(FindingKind.GAP, 3)]),
    "two documents deleted": ((*gone(3), *gone(2)), [(FindingKind.GAP, 2)]),
    "the first deleted": (gone(1), [(FindingKind.GAP, 1)]),
    "the last deleted": (gone(5), [(FindingKind.GAP, 5)]),
    "two places swapped": (
        (
            *NO_KEYS,
            "UPDATE invoices SET place = 7 - place WHERE @all AND place IN (3, 4)",
        ),
        [(FindingKind.REORDERED, 3)],
    ),
    "two numbers swapped": (
        (
            *NO_KEYS,
            """UPDATE invoices SET number = other.number, sequence = other.sequence FROM invoices AS other
                WHERE invoices.merchant_id = 'nordwerk' AND other.merchant_id = 'nordwerk'
                AND invoices.place + other.place = 7 AND invoices.place IN (3, 4)""",
        ),
        [(FindingKind.EDITED, 3), (FindingKind.EDITED, 4), (FindingKind.REORDERED, 3)],
    ),
    "a time moved back": (
        ("UPDATE invoices SET finalized_at = finalized_at - interval '1 day' WHERE @4",),
        [(FindingKind.REORDERED, 4), (FindingKind.EDITED, 4)],
    ),
    "a number used twice": (
        (*NO_KEYS, "UPDATE invoices SET number = (SELECT number FROM invoices WHERE @3) WHERE @4"),
        [(FindingKind.DUPLICATE, 3), (FindingKind.EDITED, 3)],
    ),
    "a copy at the same place": (
        (*NO_KEYS, COPY.replace("{}", '{"id": "inv_copy"}')),
        [(FindingKind.DUPLICATE, 3), (FindingKind.EDITED, 3)],
    ),
    "a document added at the end": (
        (*NO_KEYS, COPY.replace("{}", '{"id": "inv_6", "place": 6, "sequence": 6, "number": "000006"}')),
        [(FindingKind.ADDED, 6), (FindingKind.EDITED, 6)],
    ),
    "a record of a file deleted": (("DELETE FROM documents WHERE of @2",), [(FindingKind.MISSING_FILE, 2)]),
    "a series set back": (("UPDATE series SET last_place = 4",), [(FindingKind.ADDED, 5)]),
    "a series chained elsewhere": (("UPDATE series SET last_proof = '1:00'",), [(FindingKind.EDITED, 5)]),
}


@pytest.mark.parametrize(("statements", "expected"), MANIPULATIONS.values(), ids=MANIPULATIONS)
async def test_every_planted_manipulation_is_found_by_number(
    archive: Archive, statements: tuple[str, ...], expected: list[tuple[FindingKind, int]]
) -> None:
    await archive.tamper(*statements)
    found = await archive.audit()
    named = {(finding.kind, finding.number[-6:]) for finding in found}
    assert {(kind, f"{place:06}") for kind, place in expected} <= named
    assert all(finding.detail and finding.remedy for finding in found)


async def test_a_series_of_which_nothing_is_left_is_found(archive: Archive) -> None:
    await archive.tamper(*(statement for place in range(1, 6) for statement in gone(place)))
    [found] = await archive.audit()
    assert found.kind is FindingKind.GAP
    assert "5 documents are missing" in found.detail


@pytest.mark.parametrize("suffix", ["pdf", "xml"])
async def test_a_file_that_was_removed_or_changed_is_found(archive: Archive, suffix: str) -> None:
    archive.file(2, suffix).unlink()
    archive.file(4, suffix).chmod(0o644)
    archive.file(4, suffix).write_bytes(b"%PDX")
    found = await archive.audit()
    assert [(finding.kind, finding.number[-6:]) for finding in found] == [
        (FindingKind.MISSING_FILE, "000002"),
        (FindingKind.CHANGED_FILE, "000004"),
    ]


async def test_a_document_that_was_just_finalized_may_still_be_without_its_files(archive: Archive) -> None:
    await archive.clerk.bill(await archive.clerk.billable())
    assert await findings(archive.clerk, archive.store) == []
    assert {(finding.kind, finding.number[-6:]) for finding in await archive.audit()} == {
        (FindingKind.MISSING_FILE, "000006")
    }


async def test_documents_older_than_the_chain_are_audited_without_proofs(archive: Archive) -> None:
    await archive.tamper(
        "UPDATE invoices SET proof = NULL, previous_proof = NULL WHERE @all",
        "UPDATE series SET last_proof = NULL WHERE merchant_id = 'nordwerk'",
    )
    assert await archive.audit() == []


async def test_another_merchants_series_does_not_exist(archive: Archive) -> None:
    audit = PostgresSeriesAudit(archive.clerk.sessions, archive.store)
    [mine] = (await audit.series("nordwerk", cursor=None, limit=10)).items
    assert await audit.audit("suedwerk", mine.id, cursor=None, limit=10) is None
    for cursor in ("nonsense", "1:", ":x", "-1:x", "1:\0"):
        with pytest.raises(InvalidInput):
            await audit.audit("nordwerk", mine.id, cursor=cursor, limit=10)

"""`quittance series audit`: for auditors and for CI, with an exit code that says whether all is as it was finalized."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from cli import cli
from tests.clerk import Clerk, at_work


@pytest.fixture
async def clerk(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Clerk]:
    """A clerk with three finalized invoices, and the settings of the command."""
    monkeypatch.setenv("QUITTANCE_DATABASE__URL", database_url)
    monkeypatch.setenv("QUITTANCE_DOCUMENTS__DIRECTORY", str(tmp_path))
    monkeypatch.setenv("QUITTANCE_PAYLOAD_KEYS", "k1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    async with at_work(database_url) as it:
        for _ in range(3):
            await it.bill(await it.billable())
        yield it


async def audit(*options: str) -> Result:
    """Run the command as a program would."""
    return await asyncio.to_thread(CliRunner().invoke, cli, ["series", "audit", *options])


async def tamper(clerk: Clerk, statement: str) -> None:
    async with clerk.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE invoices DISABLE TRIGGER ALL"))
        await connection.execute(text(statement))
        await connection.execute(text("ALTER TABLE invoices ENABLE TRIGGER ALL"))


def reported(result: Result) -> list[dict[str, Any]]:
    """The series of a JSON report."""
    content: list[dict[str, Any]] = json.loads(result.stdout)["series"]
    return content


async def test_sound_series_end_with_0_and_progress_is_shown_beside_the_report(clerk: Clerk) -> None:
    result = await audit()

    assert result.exit_code == 0, result.output
    assert "nordwerk invoice" in result.stdout
    assert "3 of 3 documents checked, sound" in result.stdout
    assert "nordwerk invoice: 3 of 3" in result.stderr


async def test_findings_end_with_1_and_say_number_and_remedy(clerk: Clerk) -> None:
    await tamper(clerk, "UPDATE invoices SET grand_total = 1 WHERE place = 2")

    words, data = await audit(), await audit("--json")

    assert (words.exit_code, data.exit_code) == (1, 1)
    assert "-000002: does not say what it said when finalized. Compare with" in words.stdout
    [series] = reported(data)
    assert [(one["kind"], one["number"][-6:]) for one in series["findings"]] == [("edited", "000002")]


async def test_audit_can_be_narrowed_to_a_merchant_or_a_series(clerk: Clerk) -> None:
    [series] = reported(await audit("--json"))

    assert reported(await audit("--json", "--merchant", "suedwerk")) == []
    assert reported(await audit("--json", "--series", series["series_id"])) == [series]
    assert (await audit("--series", "ser_0")).exit_code == 2


async def test_history_that_was_written_anew_shows_against_an_earlier_report(clerk: Clerk, tmp_path: Path) -> None:
    report = tmp_path / "audit.json"
    report.write_text((await audit("--json")).stdout)
    assert (await audit("--against", str(report))).exit_code == 0
    await clerk.bill(await clerk.billable())
    assert (await audit("--against", str(report))).exit_code == 0

    content = json.loads(report.read_text())
    content["series"][0]["last_proof"] = "1:of another history"
    report.write_text(json.dumps(content))
    rewritten = await audit("--against", str(report))

    assert rewritten.exit_code == 1
    assert "rewritten: place 3" in rewritten.stdout


async def test_series_that_an_earlier_report_knew_and_is_gone_is_found(clerk: Clerk, tmp_path: Path) -> None:
    report = tmp_path / "audit.json"
    report.write_text((await audit("--json")).stdout.replace("ser_", "ser_old_"))

    gone = await audit("--against", str(report))

    assert gone.exit_code == 1
    assert "the earlier audit saw 3 documents" in gone.stdout


async def test_what_is_no_report_is_refused(clerk: Clerk, tmp_path: Path) -> None:
    for words in ("", "[]", "{}", '{"at": "today", "series": [{}]}'):
        file = tmp_path / "other.json"
        file.write_text(words)
        result = await audit("--against", str(file))
        assert result.exit_code == 2
        assert "no report of a series audit" in result.output

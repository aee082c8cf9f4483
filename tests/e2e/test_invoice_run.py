"""An invoice run over HTTP and by command, on the whole house: a canceled invoice's order is billed again."""

import asyncio
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from cli import cli
from tests.e2e.conftest import fresh_body
from tests.house import House, eventually


async def test_canceled_purchase_is_billed_again_by_a_run_and_the_report_says_so(
    the_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = fresh_body()
    checkout = await the_house.open_checkout(body)
    await the_house.pay(await the_house.press_pay(checkout))
    first = (await the_house.reaches(checkout["id"], "completed"))["invoice"]
    async with the_house.engine.begin() as connection:
        await connection.execute(text("UPDATE invoices SET status = 'canceled' WHERE id = :id"), {"id": first["id"]})
    wanted = {
        "mode": "single",
        "filter": {"assignment_key_prefix": body["assignment_key"]},
        "key": body["assignment_key"],
    }

    for name, value in (
        ("DATABASE__URL", the_house.settings.database.url),
        ("TEMPORAL__ADDRESS", the_house.settings.temporal.address),
        ("TEMPORAL__TASK_QUEUE", the_house.settings.temporal.task_queue),
        ("PAYLOAD_KEYS", "k1=" + next(iter(the_house.settings.payload_keys.values())).get_secret_value()),
    ):
        monkeypatch.setenv(f"QUITTANCE_{name}", value)
    prefix = ["--assignment-key-prefix", body["assignment_key"]]
    dry = await _command("start", "meridian", "--dry-run", *prefix)

    async def judged() -> str | None:
        said = await _command("show", "meridian", dry)
        return said if said.startswith("completed") else None

    assert "1 billable; 1 invoices over 839.00 EUR" in await eventually(judged)
    assert (await the_house.read(checkout["id"]))["invoice"] is None

    answer = await the_house.shop.post("/v1/invoice-runs", json=wanted)
    assert answer.status_code == 201, answer.text

    async def completed() -> dict[str, Any] | None:
        run: dict[str, Any] = (await the_house.shop.get(f"/v1/invoice-runs/{answer.json()['id']}")).json()
        return run if run["phase"] == "completed" else None

    run = await eventually(completed)
    assert (run["orders"]["sent"], run["invoices"]) == (1, 1)
    assert run["amounts"] == [{"currency": "EUR", "amount": body["total"]}]
    seen = await the_house.read(checkout["id"])
    assert seen["status"] == "completed"
    assert seen["invoice"]["number"] == run["first_number"] != first["number"]
    assert seen["invoice"]["delivery"]["status"] == "sent"
    assert seen["order"]["last_invoice_run"] == run["id"]
    assert (await the_house.shop.post("/v1/invoice-runs", json=wanted)).status_code == 200


async def _command(*arguments: str) -> str:
    """What `quittance invoice-run ...` prints."""
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["invoice-run", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.strip()

"""An invoice run over many orders, its worker killed halfway: how long it takes, and that it bills nothing twice.

`python -m benchmarks.invoice_run [ORDERS] [--render] [--customers N]`; with `--customers` their orders share invoices.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from domain.billing import RunMode
from domain.invoice_runs import InvoiceRunRequest
from sandbox import postgres, temporal
from tests.conftest import _migrate
from tests.house import eventually
from tests.invoice_run_scene import Run, Scene, kill, many_billable_orders

BILLED = "SELECT count(*) FROM invoice_orders"
SENT = "SELECT count(*) FROM deliveries WHERE status = 'sent'"


async def _until(scene: Scene, statement: str, wanted: int) -> float:
    """The moment the database counts so many."""

    async def counted() -> bool:
        return bool(await scene.scalar(statement) >= wanted)

    await eventually(counted, within=3 * 3600)
    return time.monotonic()


async def _history_events(scene: Scene, run: Run) -> list[int]:
    """Events of each of the histories the run was continued in, oldest first."""
    events: list[int] = []
    run_id: str | None = run.result_run_id
    while run_id:
        history = await scene.client.get_workflow_handle(run.id, run_id=run_id).fetch_history()
        events.append(len(history.events))
        run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return events


async def measure(scene: Scene, orders: int, mode: RunMode) -> dict[str, Any]:
    """Carry a run out, and kill its worker when half is billed."""
    worker = await scene.start_worker()
    run = await scene.start_run(InvoiceRunRequest(key="bench", mode=mode))
    begun = await _until(scene, "SELECT count(*) FROM invoice_runs", 1)
    planned = await _until(scene, "SELECT count(*) FROM invoice_runs WHERE phase <> 'planning'", 1)
    killed = await _until(scene, BILLED, orders // 2)
    await kill(worker)
    again = await scene.start_worker()
    billed = await _until(scene, BILLED, orders)
    result = await run.result()
    ended = time.monotonic()
    await kill(again)
    invoices = await scene.scalar("SELECT count(*) FROM invoices")
    return {
        "orders": orders,
        "mode": mode,
        "invoices": invoices,
        "outcome": {status.value: count for status, count in result.orders.items()},
        "planning_seconds": round(planned - begun, 1),
        "finalizing_seconds": round(billed - planned, 1),
        "killed_after_seconds": round(killed - planned, 1),
        "finalizations_per_second_before_the_kill": round(orders / 2 / (killed - planned), 1),
        "sending_seconds": round(ended - billed, 1),
        "total_seconds": round(ended - begun, 1),
        "history_events": await _history_events(scene, run),
        "orders_billed_twice": len(
            await scene.rows("SELECT order_id FROM invoice_orders GROUP BY order_id HAVING count(*) > 1")
        ),
        "gapless": await scene.scalar("SELECT max(sequence) = count(*) AND min(sequence) = 1 FROM invoices"),
        "in_order_of_time": await scene.scalar(
            "SELECT bool_and(later) FROM (SELECT finalized_at >= lag(finalized_at, 1, finalized_at) "
            "OVER (ORDER BY sequence) AS later FROM invoices) AS pairs"
        ),
        "mails": len(scene.inbox.summaries()),
        "invoices_mailed": await scene.scalar(SENT),
    }


async def main() -> None:
    """Run on a database and a Temporal service of its own, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("orders", type=int, nargs="?", default=10_000)
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--customers", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quittance-") as name:
        directory = Path(name)
        with postgres.running(directory / "pg", durable=True) as server, temporal.running(directory / "t") as service:
            url = server.create_database("bench")
            await _migrate(url)
            async with many_billable_orders(
                directory,
                database_url=url,
                temporal_address=service.address,
                orders=given.orders,
                customers=given.customers or given.orders,
                render=given.render,
            ) as scene:
                mode = RunMode.PARENT_CHILD if given.customers else RunMode.SINGLE
                print(json.dumps(await measure(scene, given.orders, mode), indent=2))


if __name__ == "__main__":
    asyncio.run(main())

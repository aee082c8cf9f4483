"""`kill -9` of the worker of an invoice run, while it bills and while it sends: no order is billed twice.

`QUITTANCE_TEST_RUN_ORDERS` sets how many orders the run has.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.billing import RunMode
from domain.invoice_runs import InvoiceRunRequest, RunOrderStatus
from sandbox import temporal
from tests.house import eventually
from tests.invoice_run_scene import Scene, kill, many_billable_orders

pytestmark = [pytest.mark.crash, pytest.mark.long, pytest.mark.timeout(300)]

ORDERS = int(os.environ.get("QUITTANCE_TEST_RUN_ORDERS", "300"))
PATIENCE = 200.0


@pytest.fixture
async def scene(tmp_path: Path, database_url: str, temporal_server: temporal.TemporalServer) -> AsyncIterator[Scene]:
    """Orders of a few customers, who have three each."""
    async with many_billable_orders(
        tmp_path,
        database_url=database_url,
        temporal_address=temporal_server.address,
        orders=ORDERS,
        customers=ORDERS // 3,
    ) as made:
        yield made


async def test_run_whose_worker_is_killed_bills_every_order_once_and_sends_every_invoice(scene: Scene) -> None:
    run = await scene.start_run(InvoiceRunRequest(key="killed", mode=RunMode.PARENT_CHILD))
    for statement, share in (
        ("SELECT count(*) FROM invoice_orders", 0.4),
        ("SELECT count(*) FROM deliveries WHERE status = 'sent'", 0.1),
    ):
        worker = await scene.start_worker()
        await _reaches(scene, statement, int(ORDERS * share))
        await kill(worker)
    worker = await scene.start_worker()

    result = await run.result()

    await kill(worker)
    assert result.orders == {RunOrderStatus.SENT: ORDERS}
    billed = await scene.rows("SELECT order_id, count(*) FROM invoice_orders GROUP BY order_id")
    assert len(billed) == ORDERS
    assert {row.count for row in billed} == {1}
    sequences = [row.sequence for row in await scene.rows("SELECT sequence FROM invoices ORDER BY finalized_at")]
    assert sequences == list(range(1, len(sequences) + 1))
    assert await scene.scalar("SELECT sum(grand_total) = (SELECT sum(total) FROM orders) FROM invoices")
    assert await scene.scalar("SELECT count(*) FROM deliveries WHERE status = 'sent'") == len(sequences)
    assert len({mail.message_id for mail in scene.inbox.summaries()}) == len(sequences)


async def _reaches(scene: Scene, statement: str, wanted: int) -> None:
    async def reached() -> bool:
        return bool(await scene.scalar(statement) >= wanted)

    await eventually(reached, PATIENCE)

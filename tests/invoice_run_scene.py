"""A run over many orders by worker processes that can be killed: real books, real Temporal, real mail."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from temporalio.client import Client, WorkflowHandle

from adapters import temporal
from domain.invoice_runs import InvoiceRunRequest, run_id
from sandbox.mail.faults import Faults
from sandbox.mail.smtp import listening
from sandbox.mail.store import MailStore
from tests.clerk import Clerk, at_work
from tests.fakes.merchants import NORDWERK
from tests.many_orders import copy_orders
from workflows.invoice_run import InvoiceRunWorkflow
from workflows.messages import InvoiceRunResult, StartInvoiceRun, invoice_run_id

KEYS = {"k1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
ROOT = Path(__file__).parents[1]
Run = WorkflowHandle[InvoiceRunWorkflow, InvoiceRunResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Books with many billable orders, and what it takes to bill them."""

    clerk: Clerk
    client: Client
    inbox: MailStore
    task_queue: str
    environment: dict[str, str]

    async def start_worker(self) -> asyncio.subprocess.Process:
        """A worker in a process of its own."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.invoice_run_worker", cwd=ROOT, env={**os.environ, **self.environment}
        )

    async def start_run(self, request: InvoiceRunRequest) -> Run:
        """Start the run; a worker may come later."""
        our_id = run_id(NORDWERK.id, request.key)
        return await self.client.start_workflow(
            InvoiceRunWorkflow.run,
            StartInvoiceRun(merchant_id=NORDWERK.id, run_id=our_id, opened_by="scene", request=request),
            id=invoice_run_id(our_id),
            task_queue=self.task_queue,
        )

    async def rows(self, statement: str) -> list[Any]:
        """What the database answers."""
        async with self.clerk.engine.connect() as connection:
            return list(await connection.execute(text(statement)))

    async def scalar(self, statement: str) -> Any:
        """The one value the database answers."""
        [row] = await self.rows(statement)
        return row[0]


async def kill(process: asyncio.subprocess.Process) -> None:
    """As the kernel does it when memory runs out."""
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()


@asynccontextmanager
async def many_billable_orders(
    directory: Path, *, database_url: str, temporal_address: str, orders: int, customers: int, render: bool = False
) -> AsyncIterator[Scene]:
    """A scene with so many orders, of so many customers. Without `render` the documents are tiny."""
    async with AsyncExitStack() as stack:
        clerk = await stack.enter_async_context(at_work(database_url))
        inbox = MailStore(directory / "mail")
        smtp_port = await stack.enter_async_context(listening(inbox, Faults(), port=0))
        template = await clerk.billable()
        await copy_orders(clerk.engine, template.checkout_id, orders - 1, customers=customers)
        task_queue = f"run-{secrets.token_hex(4)}"
        yield Scene(
            clerk=clerk,
            client=await temporal.connect(temporal_address, namespace="default", keys=KEYS),
            inbox=inbox,
            task_queue=task_queue,
            environment={
                "RUN_DATABASE": database_url,
                "RUN_TEMPORAL": temporal_address,
                "RUN_QUEUE": task_queue,
                "RUN_SMTP_PORT": str(smtp_port),
                "RUN_DOCUMENTS": str(directory / "documents"),
                "RUN_RENDER": "yes" if render else "",
            },
        )

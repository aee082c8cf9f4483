"""A worker for invoice runs alone, as a process of its own; `tests.invoice_run_scene` starts and kills it."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import worker
from activities.delivery import DeliveryActivities
from activities.documents import DocumentActivities
from activities.invoice_runs import InvoiceRunActivities
from adapters import temporal
from adapters.document_store import LocalDocumentStore
from adapters.documents.renderer import PooledRenderer
from adapters.mail.smtp import SmtpMailer
from adapters.mail.writer import MailWriter
from adapters.postgres import database
from adapters.postgres.deliveries import PostgresDeliveryBook
from adapters.postgres.invoice_runs import PostgresInvoiceRunBook
from adapters.postgres.invoices import PostgresInvoiceBook
from domain.ports import InvoiceRenderer
from tests.fakes.post import FakeRenderer
from tests.invoice_run_scene import KEYS
from workflows.invoice_teller import TemporalInvoiceTeller


async def main() -> None:
    """Work until killed."""
    given = os.environ
    async with AsyncExitStack() as stack:
        client = await temporal.connect(given["RUN_TEMPORAL"], namespace="default", keys=KEYS)
        engine = database.connect(given["RUN_DATABASE"])
        stack.push_async_callback(engine.dispose)
        sessions = database.sessions(engine)
        renderer: InvoiceRenderer = FakeRenderer()
        if given["RUN_RENDER"]:
            pooled = PooledRenderer(processes=2)
            stack.push_async_callback(pooled.close)
            renderer = pooled
        invoices, store = PostgresInvoiceBook(sessions), LocalDocumentStore(Path(given["RUN_DOCUMENTS"]))
        documents = DocumentActivities(invoices, renderer, store)
        mailer = SmtpMailer(
            host="127.0.0.1",
            port=int(given["RUN_SMTP_PORT"]),
            username=None,
            password=None,
            start_tls=False,
            timeout=10,
        )
        deliveries = PostgresDeliveryBook(sessions, mail_domain="test")
        delivery = DeliveryActivities(deliveries, invoices, store, MailWriter(), mailer, sender="invoices@shop.example")
        runs = InvoiceRunActivities(PostgresInvoiceRunBook(sessions), TemporalInvoiceTeller(client))
        steps = [*worker.invoicing(runs), documents.render_invoice, delivery.send_invoice]
        async with worker.build(client, given["RUN_QUEUE"], steps):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

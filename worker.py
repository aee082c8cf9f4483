"""The worker's composition root: builds the adapters, hands them to the activities, runs the processes."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.books import BookActivities
from activities.delivery import DeliveryActivities
from activities.documents import DocumentActivities
from activities.provider import ProviderActivities
from adapters import temporal
from adapters.document_store import LocalDocumentStore
from adapters.documents.renderer import PooledRenderer
from adapters.mail.smtp import SmtpMailer
from adapters.mail.writer import MailWriter
from adapters.postgres import database
from adapters.postgres.checkouts import PostgresCheckoutBook
from adapters.postgres.deliveries import PostgresDeliveryBook
from adapters.postgres.invoices import PostgresInvoiceBook
from adapters.postgres.orders import PostgresOrderBook
from adapters.postgres.payments import PostgresPaymentBook
from adapters.stripe.provider import StripeProvider
from settings import Environment, Settings
from workflows.checkout import CheckoutWorkflow
from workflows.late_payment import LatePaymentWorkflow

GRACE = timedelta(seconds=10)
STICKY_TIMEOUT = timedelta(seconds=2)
"""How long a run waits for the worker that has it in memory, before any other may take it over."""

Activities = Sequence[Callable[..., Any]]


async def activities(settings: Settings, stack: AsyncExitStack) -> Activities:
    """All steps, on real adapters. What they opened is closed with `stack`."""
    engine = database.connect(settings.database.url, pool_size=settings.database.pool_size)
    stack.push_async_callback(engine.dispose)
    provider = StripeProvider(
        {name: merchant.stripe_api_key.get_secret_value() for name, merchant in settings.merchants.items()},
        api_base=settings.stripe.api_base,
        timeout=settings.stripe.timeout_seconds,
    )
    stack.push_async_callback(provider.close)
    renderer = PooledRenderer(processes=settings.documents.renderers)
    stack.push_async_callback(renderer.close)
    await renderer.warm_up()
    sessions = database.sessions(engine)
    store = LocalDocumentStore(settings.documents.directory)
    invoices = PostgresInvoiceBook(sessions)
    payments = PostgresPaymentBook(sessions, public_url=settings.api.public_url)
    checkouts = PostgresCheckoutBook(sessions, allow_local_redirects=settings.environment is Environment.SANDBOX)
    books = BookActivities(checkouts, payments, PostgresOrderBook(sessions), invoices)
    at_provider = ProviderActivities(provider, payments)
    documents = DocumentActivities(invoices, renderer, store)
    delivery = DeliveryActivities(
        PostgresDeliveryBook(sessions, mail_domain=settings.mail.sender.partition("@")[2]),
        invoices,
        store,
        MailWriter(),
        _mailer(settings),
        sender=settings.mail.sender,
    )
    return registered(books, at_provider, documents, delivery)


def registered(
    books: BookActivities, provider: ProviderActivities, documents: DocumentActivities, delivery: DeliveryActivities
) -> Activities:
    """Every step a run can ask for."""
    return [
        books.create_entry,
        books.issue_payment_link,
        books.record_session,
        books.record_findings,
        books.create_sales_order,
        books.balance_entry,
        books.create_invoice,
        books.close_checkout,
        books.put_under_review,
        books.resume_from_review,
        provider.open_session,
        provider.look_up,
        provider.expire_session,
        documents.render_invoice,
        delivery.send_invoice,
    ]


def _mailer(settings: Settings) -> SmtpMailer:
    mail = settings.mail
    return SmtpMailer(
        host=mail.host,
        port=mail.port,
        username=mail.username,
        password=mail.password.get_secret_value() if mail.password else None,
        start_tls=mail.start_tls,
        timeout=mail.timeout_seconds,
    )


def build(client: Client, task_queue: str, steps: Activities) -> Worker:
    """A worker for all processes. The sandbox stays on; only what is known to be pure passes through it."""
    pure = SandboxRestrictions.default.with_passthrough_modules(
        "domain", "activities", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"
    )
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[CheckoutWorkflow, LatePaymentWorkflow],
        activities=steps,
        workflow_runner=SandboxedWorkflowRunner(restrictions=pure),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
    )


async def main() -> None:
    """Run until SIGTERM or SIGINT; then take no new work, finish what is under way, and close."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings()  # filled from the environment
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        steps = await activities(settings, stack)
        client = await temporal.connect(
            settings.temporal.address,
            namespace=settings.temporal.namespace,
            keys={name: key.get_secret_value() for name, key in settings.payload_keys.items()},
            api_key=settings.temporal.api_key.get_secret_value() if settings.temporal.api_key else None,
            tls=settings.temporal.tls,
        )
        async with build(client, settings.temporal.task_queue, steps):
            logging.getLogger(__name__).info("worker is ready")
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())

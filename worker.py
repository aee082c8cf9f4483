"""The worker's composition root: builds the adapters, hands them to the activities, runs the processes."""

import asyncio
import gc
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
from activities.corrections import CorrectionActivities
from activities.delivery import DeliveryActivities
from activities.disputes import DisputeActivities
from activities.documents import DocumentActivities
from activities.invoice_runs import InvoiceRunActivities
from activities.late_money import LateMoneyActivities
from activities.payouts import PayoutActivities
from activities.provider import ProviderActivities
from activities.reconciliation import ReconciliationActivities
from activities.refunds import RefundActivities
from activities.settlements import SettlementActivities
from activities.vat_ids import VatIdActivities
from adapters import temporal, vies
from adapters.document_stores import open_store
from adapters.documents.renderer import PooledRenderer
from adapters.mail.smtp import SmtpMailer
from adapters.mail.writer import MailWriter
from adapters.postgres import database
from adapters.postgres.cases import PostgresCases
from adapters.postgres.checkouts import PostgresCheckoutBook
from adapters.postgres.combined_links import PostgresLinkBook
from adapters.postgres.corrections import PostgresCorrectionBook
from adapters.postgres.deliveries import PostgresDeliveryBook
from adapters.postgres.disputes import PostgresDisputeBook
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.invoice_runs import PostgresInvoiceRunBook
from adapters.postgres.invoices import PostgresInvoiceBook
from adapters.postgres.late_money import PostgresLateMoneyBook
from adapters.postgres.orders import PostgresOrderBook
from adapters.postgres.payments import PostgresPaymentBook
from adapters.postgres.payouts import PostgresPayoutBook
from adapters.postgres.reconciliation import PostgresReconciliationBook
from adapters.postgres.refunds import PostgresRefundBook
from adapters.postgres.settlements import PostgresSettlementBook
from adapters.postgres.vat_ids import PostgresVatIdBook
from adapters.stripe.provider import StripeProvider
from adapters.vies import Vies
from settings import Environment, Settings
from workflows.checkout import CheckoutWorkflow
from workflows.correction import CorrectionWorkflow
from workflows.dispute import DisputeWorkflow
from workflows.invoice_run import InvoiceRunWorkflow
from workflows.invoice_teller import TemporalInvoiceTeller
from workflows.late_payment import LatePaymentWorkflow
from workflows.payment_link import PaymentLinkWorkflow
from workflows.payout import PayoutWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.refund import RefundWorkflow
from workflows.reporter import TemporalReporter
from workflows.resend import ResendWorkflow
from workflows.schedules import keep_sweep
from workflows.settlement import SettlementWorkflow

GRACE = timedelta(seconds=10)
STICKY_TIMEOUT = timedelta(seconds=2)
"""How long a run waits for the worker that has it in memory, before any other may take it over."""

Activities = Sequence[Callable[..., Any]]


async def activities(settings: Settings, stack: AsyncExitStack, client: Client) -> Activities:
    """All steps, on real adapters. What they opened is closed with `stack`."""
    engine = database.connect(settings.database.url, pool_size=settings.database.pool_size)
    stack.push_async_callback(engine.dispose)
    provider = StripeProvider(
        {name: merchant.stripe_api_key.get_secret_value() for name, merchant in settings.merchants.items()},
        api_base=settings.stripe.api_base,
        timeout=settings.stripe.timeout_seconds,
    )
    stack.push_async_callback(provider.close)
    renderer = PooledRenderer(processes=settings.documents.renderers, font_directory=settings.documents.font_directory)
    stack.push_async_callback(renderer.close)
    await renderer.warm_up()
    sessions = database.sessions(engine)
    store = open_store(**settings.documents.place())
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
    reconciliation = ReconciliationActivities(
        PostgresReconciliationBook(sessions),
        PostgresInbox(sessions),
        provider,
        TemporalReporter(client, task_queue=settings.temporal.task_queue),
    )
    register = vies.connect(settings.vies.api_base, timeout=settings.vies.timeout_seconds)
    stack.push_async_callback(register.aclose)
    vat_ids = VatIdActivities(PostgresVatIdBook(sessions), Vies(register))
    links = PostgresLinkBook(sessions, allow_local_redirects=settings.environment is Environment.SANDBOX)
    disputes = DisputeActivities(provider, PostgresDisputeBook(sessions))
    payouts = PayoutActivities(provider, PostgresPayoutBook(sessions))
    invoice_runs = InvoiceRunActivities(PostgresInvoiceRunBook(sessions), TemporalInvoiceTeller(client))
    return [
        *registered(books, at_provider, documents, delivery),
        *invoicing(invoice_runs),
        *settling(LateMoneyActivities(PostgresLateMoneyBook(sessions), PostgresCases(sessions)), at_provider),
        *refunding(RefundActivities(PostgresRefundBook(sessions))),
        *correcting(CorrectionActivities(PostgresCorrectionBook(sessions))),
        *sweeping(reconciliation, vat_ids),
        *disputing(disputes),
        *paying_out(payouts),
        *settling_entries(SettlementActivities(PostgresSettlementBook(sessions), links)),
    ]


def registered(
    books: BookActivities, provider: ProviderActivities, documents: DocumentActivities, delivery: DeliveryActivities
) -> Activities:
    """Every step a run can ask for."""
    return [
        books.create_entry,
        books.issue_payment_link,
        books.record_session,
        books.known_sessions,
        books.find_open_sessions,
        books.record_findings,
        books.ask_capture,
        books.drop_capture,
        books.create_sales_order,
        books.balance_entry,
        books.create_invoice,
        books.find_invoice,
        books.close_checkout,
        books.put_under_review,
        books.resume_from_review,
        provider.open_session,
        provider.look_up,
        provider.expire_session,
        provider.capture_payment,
        provider.cancel_payment,
        documents.render_invoice,
        delivery.send_invoice,
        delivery.queue_delivery,
        delivery.send_again,
    ]


def settling(late_money: LateMoneyActivities, provider: ProviderActivities) -> Activities:
    """Every further step about money that does not fit."""
    return [
        late_money.trace_payment,
        late_money.sort_out,
        late_money.reopen,
        late_money.record_case_refund,
        late_money.settle_case,
        late_money.open_case,
        late_money.decide_case,
        provider.refund_payment,
        provider.read_refund,
    ]


def refunding(refunds: RefundActivities) -> Activities:
    """Every further step of a refund."""
    return [
        refunds.prepare_refund,
        refunds.find_refund,
        refunds.decide_refund,
        refunds.release_refund,
        refunds.adopt_refund,
        refunds.apply_refund,
    ]


def correcting(corrections: CorrectionActivities) -> Activities:
    """Every further step of a correction."""
    return [corrections.issue_correction]


def sweeping(reconciliation: ReconciliationActivities, vat_ids: VatIdActivities) -> Activities:
    """Every step of the sweep."""
    return [
        reconciliation.read_missed_messages,
        reconciliation.report_unapplied_messages,
        reconciliation.look_at_ended_sessions,
        reconciliation.restart_lost_runs,
        vat_ids.ask_again_about_vat_ids,
    ]


def invoicing(runs: InvoiceRunActivities) -> Activities:
    """Every further step of an invoice run."""
    return [
        runs.open_invoice_run,
        runs.plan_orders,
        runs.bill_orders,
        runs.find_unsent,
        runs.note_sent,
        runs.complete_invoice_run,
    ]


def disputing(disputes: DisputeActivities) -> Activities:
    """Every step of a dispute."""
    return [disputes.look_at_dispute, disputes.record_dispute, disputes.remind_of_dispute]


def paying_out(payouts: PayoutActivities) -> Activities:
    """Every step of a payout."""
    return [payouts.reconcile_payout]


def settling_entries(settlements: SettlementActivities) -> Activities:
    """Every step of what is done with entries, and of links for several of them."""
    return [settlements.settle, settlements.create_link, settlements.find_link]


def _mailer(settings: Settings) -> SmtpMailer:
    mail = settings.mail
    return SmtpMailer(
        host=mail.host,
        port=mail.port,
        username=mail.username,
        password=mail.password.get_secret_value() if mail.password else None,
        start_tls=mail.start_tls,
        timeout=mail.timeout_seconds,
        delivery_reports=mail.delivery_reports,
    )


def build(client: Client, task_queue: str, steps: Activities, *, debug: bool = False) -> Worker:
    """A worker for all processes. The sandbox stays on; only what is known to be pure passes through it.

    With `debug` a run may take longer than two seconds for a turn: under a debugger, or where it shares its process.

    What a run is sent and answers passes through as well: a message imported anew by each run would be a type of its
    own to each, and its converter built, and kept, once a run.
    """
    pure = SandboxRestrictions.default.with_passthrough_modules(
        "domain",
        "activities",
        "workflows.messages",
        "pydantic",
        "pydantic_core",
        "annotated_types",
        "typing_extensions",
    )
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[
            CheckoutWorkflow,
            LatePaymentWorkflow,
            RefundWorkflow,
            CorrectionWorkflow,
            DisputeWorkflow,
            PayoutWorkflow,
            InvoiceRunWorkflow,
            ReconciliationWorkflow,
            ResendWorkflow,
            SettlementWorkflow,
            PaymentLinkWorkflow,
        ],
        activities=steps,
        workflow_runner=SandboxedWorkflowRunner(restrictions=pure),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
        debug_mode=debug,
    )


async def main() -> None:
    """Run until SIGTERM or SIGINT; then take no new work, finish what is under way, and close."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("httpx", "stripe"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = Settings()  # filled from the environment
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        client = await temporal.connect(
            settings.temporal.address,
            namespace=settings.temporal.namespace,
            keys={name: key.get_secret_value() for name, key in settings.payload_keys.items()},
            api_key=settings.temporal.api_key.get_secret_value() if settings.temporal.api_key else None,
            tls=settings.temporal.tls,
        )
        steps = await activities(settings, stack, client)
        every = timedelta(minutes=settings.temporal.sweep_minutes)
        await keep_sweep(client, task_queue=settings.temporal.task_queue, every=every)
        async with build(client, settings.temporal.task_queue, steps):
            gc.freeze()  # what is loaded by now stays: a collection that walks it makes runs wait
            logging.getLogger(__name__).info("worker is ready")
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())

"""The processes on a service that skips time, with real books and in-memory neighbours."""

import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.testing import WorkflowEnvironment

import worker
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
from adapters import temporal
from adapters.document_store import LocalDocumentStore
from adapters.mail.writer import MailWriter
from adapters.merchant_file import load
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
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.orders import PostgresOrderBook
from adapters.postgres.payments import PostgresPaymentBook
from adapters.postgres.payouts import PostgresPayoutBook
from adapters.postgres.reader import PostgresReader
from adapters.postgres.reconciliation import PostgresReconciliationBook
from adapters.postgres.refunds import PostgresRefundBook
from adapters.postgres.settlements import PostgresSettlementBook
from adapters.postgres.vat_ids import PostgresVatIdBook
from domain.checkout import CheckoutStatus
from domain.payments import EventSubject, ProviderEvent
from domain.views import CheckoutView
from sandbox.temporal import SEARCH_ATTRIBUTES
from tests.checkout_bodies import good_body, request_of
from tests.conservation import assert_money_is_conserved
from tests.fakes.post import FakeMailer, FakeRenderer
from tests.fakes.provider import FakeProvider
from tests.fakes.vat_register import FakeVatRegister
from tests.house import MERIDIAN, eventually
from workflows.checkout import CheckoutWorkflow
from workflows.invoice_teller import TemporalInvoiceTeller
from workflows.messages import (
    CheckoutResult,
    OpenedLink,
    PaymentFact,
    StartCheckout,
    workflow_id,
)
from workflows.reporter import TemporalReporter

KEYS = {"k1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
_TYPES = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}
Run = WorkflowHandle[CheckoutWorkflow, CheckoutResult]


@pytest.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal service on which a week passes at once while all runs are waiting.

    Each test has its own: what one leaves undone would keep time from being skipped in the next.
    """
    server = str(Path(sys.executable).with_name("temporal-test-server"))
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=server, data_converter=temporal.data_converter(KEYS)
    )
    async with environment:
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={name: _TYPES[kind] for name, kind in SEARCH_ATTRIBUTES.items()},
            )
        )
        yield environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Runs checkouts, and plays everybody around them."""

    environment: WorkflowEnvironment
    task_queue: str
    engine: AsyncEngine
    provider: FakeProvider
    mailer: FakeMailer
    reader: PostgresReader
    inbox: PostgresInbox
    reporter: TemporalReporter

    @property
    def client(self) -> Client:
        """The Temporal client."""
        return self.environment.client

    async def open(
        self, *, key: str | None = None, expires_in: timedelta = timedelta(days=7)
    ) -> tuple[Run, OpenedLink]:
        """Start a checkout; answers its run once the link is there."""
        body = good_body() | {
            "assignment_key": key or f"SO-{secrets.token_hex(4)}",
            "expires_in_seconds": int(expires_in.total_seconds()),
        }
        request = request_of(body)
        run = await self.client.start_workflow(
            CheckoutWorkflow.run,
            StartCheckout(merchant_id="meridian", request=request, opened_by=secrets.token_hex(4)),
            id=workflow_id("meridian", request.assignment_key),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        return run, await run.execute_update(CheckoutWorkflow.payment_link)

    async def press_pay(self, run: Run) -> str:
        """The customer opens the provider's page; answers the session's id."""
        page = await run.execute_update(CheckoutWorkflow.open_payment_page)
        return page.url.rpartition("/")[2]

    async def tell(self, run: Run, session_id: str, event_id: str | None = None) -> str:
        """The provider's message arrives: durable in the inbox, then a signal. Answers its id."""
        event_id = event_id or f"evt_{secrets.token_hex(6)}"
        await self.inbox.record(
            "meridian",
            ProviderEvent(
                provider="stripe",
                event_id=event_id,
                type="checkout.session.completed",
                relevant=True,
                checkout_id=self.provider.orders[session_id].checkout_id,
                session_id=session_id,
                payment_reference=None,
                raw="{}",
            ),
        )
        await run.signal(CheckoutWorkflow.payment_reported, PaymentFact(event_id=event_id, session_id=session_id))
        return event_id

    async def hear(
        self, subject: EventSubject, reference: str, *, payment: str | None = None, event_id: str | None = None
    ) -> None:
        """The provider's message about something else than a session arrives, as the webhook takes it."""
        event = ProviderEvent(
            provider="stripe",
            event_id=event_id or f"evt_{secrets.token_hex(6)}",
            type=f"{subject}.updated",
            relevant=True,
            subject=subject,
            reference=reference,
            checkout_id=None,
            session_id=None,
            payment_reference=payment,
            raw="{}",
        )
        entry = await self.inbox.record("meridian", event)
        await self.reporter.report("meridian", entry, event)

    async def rows(self, statement: str) -> list[Any]:
        """What the database answers."""
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(statement))).all())

    async def paid(self, run: Run) -> None:
        """The customer pays, and the provider says so."""
        session_id = await self.press_pay(run)
        self.provider.pay(session_id)
        await self.tell(run, session_id)

    async def until(self, link: OpenedLink, status: CheckoutStatus) -> None:
        """Wait until the checkout stands there. Time does not run on, as it does when a run's result is awaited: the
        links of those who have not paid yet stay good."""

        async def reached() -> bool:
            return (await self.see(link)).status is status

        await eventually(reached)

    async def see(self, link: OpenedLink) -> CheckoutView:
        """The checkout as the books have it."""
        view = await self.reader.checkout("meridian", link.checkout_id)
        assert view is not None
        return view


@pytest.fixture
async def stage(time_skipping: WorkflowEnvironment, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A worker with real books on a fresh database."""
    engine = database.connect(database_url)
    sessions = database.sessions(engine)
    await PostgresMerchants(sessions).save(load(MERIDIAN))
    provider, mailer = FakeProvider(), FakeMailer()
    payments = PostgresPaymentBook(sessions, public_url="https://pay.test")
    invoices = PostgresInvoiceBook(sessions)
    store = LocalDocumentStore(tmp_path)
    at_provider = ProviderActivities(provider, payments)
    steps = worker.registered(
        BookActivities(
            PostgresCheckoutBook(sessions, allow_local_redirects=True), payments, PostgresOrderBook(sessions), invoices
        ),
        at_provider,
        DocumentActivities(invoices, FakeRenderer(), store),
        DeliveryActivities(
            PostgresDeliveryBook(sessions, mail_domain="test"),
            invoices,
            store,
            MailWriter(),
            mailer,
            sender="invoices@meridian.example",
        ),
    )
    task_queue = f"stage-{secrets.token_hex(4)}"
    reporter = TemporalReporter(time_skipping.client, task_queue=task_queue)
    reconciliation = ReconciliationActivities(
        PostgresReconciliationBook(sessions),
        PostgresInbox(sessions),
        provider,
        reporter,
    )
    disputes = worker.disputing(DisputeActivities(provider, PostgresDisputeBook(sessions)))
    payouts = worker.paying_out(PayoutActivities(provider, PostgresPayoutBook(sessions)))
    vat_ids = VatIdActivities(PostgresVatIdBook(sessions), FakeVatRegister())
    late_money = LateMoneyActivities(PostgresLateMoneyBook(sessions), PostgresCases(sessions))
    settling = worker.settling(late_money, at_provider)
    refunding = worker.refunding(RefundActivities(PostgresRefundBook(sessions)))
    correcting = worker.correcting(CorrectionActivities(PostgresCorrectionBook(sessions)))
    sweeping = worker.sweeping(reconciliation, vat_ids)
    links = PostgresLinkBook(sessions, allow_local_redirects=True)
    entries = worker.settling_entries(SettlementActivities(PostgresSettlementBook(sessions), links))
    runs = InvoiceRunActivities(PostgresInvoiceRunBook(sessions), TemporalInvoiceTeller(time_skipping.client))
    invoicing = worker.invoicing(runs)
    every_step = [*steps, *invoicing, *settling, *refunding, *correcting, *sweeping, *disputes, *payouts, *entries]
    async with worker.build(time_skipping.client, task_queue, every_step, debug=True):
        yield Stage(
            environment=time_skipping,
            task_queue=task_queue,
            engine=engine,
            provider=provider,
            mailer=mailer,
            reader=PostgresReader(sessions),
            inbox=PostgresInbox(sessions),
            reporter=reporter,
        )
    await assert_money_is_conserved(engine)
    await engine.dispose()

"""The books driven by hand, step by step, as a run would: to leave a checkout where a lost run left it."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.postgres import database
from adapters.postgres.checkouts import PostgresCheckoutBook
from adapters.postgres.database import Sessions
from adapters.postgres.invoices import PostgresInvoiceBook
from adapters.postgres.orders import PostgresOrderBook
from adapters.postgres.payments import PostgresPaymentBook
from domain.checkout import CheckoutRequest, PriceMode
from domain.payments import SettledBy
from domain.steps import (
    CreateEntry,
    Entry,
    Findings,
    IssueLink,
    OfCheckout,
    OpenSession,
    RecordFindings,
    RecordSession,
    Session,
    Standing,
)
from tests.checkout_bodies import good_body, request_of
from tests.fakes.provider import FakeProvider
from tests.workflows.conftest import Stage
from workflows.messages import workflow_id


@dataclass(kw_only=True)
class Books:
    """One checkout of meridian, and every step a run takes on it."""

    sessions: Sessions
    provider: FakeProvider
    request: CheckoutRequest
    entry: Entry
    session_id: str = ""

    @classmethod
    async def opened(cls, sessions: Sessions, provider: FakeProvider, **changes: Any) -> "Books":
        """A checkout with an entry and a link."""
        body = good_body() | {"assignment_key": f"SO-{secrets.token_hex(5)}", "prices": PriceMode.GROSS} | changes
        request = request_of(body)
        checkouts = PostgresCheckoutBook(sessions, allow_local_redirects=True)
        entry = await checkouts.create_entry(
            CreateEntry(
                merchant_id="meridian",
                workflow_id=workflow_id("meridian", request.assignment_key),
                opened_by="the lost run",
                request=request,
            )
        )
        await checkouts.issue_payment_link(
            IssueLink(
                merchant_id="meridian",
                checkout_id=entry.checkout_id,
                entry_id=entry.entry_id,
                expires_at=datetime.now(UTC) + timedelta(seconds=request.expires_in_seconds),
            )
        )
        return cls(sessions=sessions, provider=provider, request=request, entry=entry)

    @property
    def checkout(self) -> OfCheckout:
        """The checkout, as steps name it."""
        return OfCheckout(merchant_id="meridian", checkout_id=self.entry.checkout_id)

    @property
    def payments(self) -> PostgresPaymentBook:
        """The book of payments."""
        return PostgresPaymentBook(self.sessions, public_url="https://pay.test")

    async def open_session(self, attempt: int = 1) -> str:
        """The customer presses the button: a session at the provider, written down. Answers its id."""
        wanted = OpenSession(
            merchant_id="meridian",
            checkout_id=self.entry.checkout_id,
            entry_id=self.entry.entry_id,
            attempt=attempt,
            expires_at=datetime.now(UTC) + timedelta(hours=23),
        )
        opened = await self.provider.open_session(await self.payments.session_order(wanted))
        self.session_id = opened.session_id
        session = Session(session_id=opened.session_id, url=opened.url, attempt=attempt, expires_at=opened.expires_at)
        await self.payments.record_session(
            RecordSession(
                merchant_id="meridian",
                checkout_id=self.entry.checkout_id,
                entry_id=self.entry.entry_id,
                session=session,
            )
        )
        return self.session_id

    async def pay(self) -> None:
        """The customer pays at the provider, and nobody here hears of it."""
        self.provider.pay(self.session_id)

    async def look(self, settled_by: SettledBy = SettledBy.WEBHOOK, *event_ids: str) -> Standing:
        """What the provider says now, applied."""
        report = await self.provider.read_session("meridian", self.session_id)
        finding = Findings(session_id=report.session_id, session_status=report.status, payment=report.payment)
        return await self.payments.record_findings(
            RecordFindings(
                merchant_id="meridian",
                checkout_id=self.entry.checkout_id,
                findings=(finding,),
                event_ids=event_ids,
                settled_by=settled_by,
            )
        )

    async def order(self) -> None:
        """The sales order."""
        await PostgresOrderBook(self.sessions).create_sales_order(self.checkout)

    async def balance(self) -> None:
        """The money assigned."""
        await self.payments.balance_entry(self.checkout)

    async def invoice(self) -> None:
        """The invoice finalized."""
        await PostgresInvoiceBook(self.sessions).create_invoice(self.checkout)

    @property
    def steps(self) -> tuple[Callable[[], Awaitable[Any]], ...]:
        """All steps after the link, in the order of the process."""
        return self.open_session, self.pay, self.look, self.order, self.balance, self.invoice


async def left_by_a_lost_run(stage: Stage, **changes: Any) -> Books:
    """A checkout on the stage's database that has no run; whatever comes to look after it ends with the test."""
    return await Books.opened(database.sessions(stage.engine), stage.provider, **changes)

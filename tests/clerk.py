"""The real books on a fresh database, and a clerk who takes the steps of a run by hand."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres import database
from adapters.postgres.checkouts import PostgresCheckoutBook
from adapters.postgres.database import Sessions
from adapters.postgres.invoice_runs import PostgresInvoiceRunBook
from adapters.postgres.invoices import PostgresInvoiceBook
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.orders import PostgresOrderBook
from adapters.postgres.payments import PostgresPaymentBook
from domain.checkout import CheckoutRequest, PriceMode
from domain.payments import PaymentReport, PaymentStatus, SettledBy
from domain.steps import (
    Balance,
    CreateEntry,
    Entry,
    FinalizedInvoice,
    Findings,
    IssueLink,
    OfCheckout,
    OfInvoice,
    RecordFindings,
    RecordSession,
    Session,
    Standing,
)
from tests.checkout_bodies import good_body, request_of
from tests.fakes.merchants import NORDWERK, SUEDWERK

TOTAL = 83_900
"""What the clerk's checkouts come to, in cents."""


def a_request(**changes: Any) -> CheckoutRequest:
    """A sound request under a key of its own."""
    body = good_body() | {"assignment_key": f"SO-{secrets.token_hex(6)}", "prices": PriceMode.GROSS}
    return request_of(body | changes)


def of_checkout(entry: Entry) -> OfCheckout:
    """The entry's checkout, as steps name it."""
    return OfCheckout(merchant_id=entry.merchant_id, checkout_id=entry.checkout_id)


def of_invoice(entry: Entry, invoice: FinalizedInvoice) -> OfInvoice:
    """The invoice, as steps name it."""
    return OfInvoice(merchant_id=entry.merchant_id, invoice_id=invoice.invoice_id)


def captured(entry: Entry, *, amount: int = TOTAL, currency: str = "EUR", reference: str = "") -> PaymentReport:
    """The provider says that it holds money for this entry."""
    return PaymentReport(
        reference=reference or f"pi_{entry.checkout_id}",
        status=PaymentStatus.COLLECTED,
        amount=amount,
        currency=currency,
        captured_at=datetime.now(UTC),
        method="card",
        detail="Visa •••• 4242",
        checkout_id=entry.checkout_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Two merchants, and every step a run takes."""

    engine: AsyncEngine
    sessions: Sessions
    checkouts: PostgresCheckoutBook
    payments: PostgresPaymentBook
    orders: PostgresOrderBook
    invoices: PostgresInvoiceBook
    runs: PostgresInvoiceRunBook

    async def open(self, merchant_id: str = NORDWERK.id, request: CheckoutRequest | None = None) -> Entry:
        """A checkout with its entry and its link."""
        request = request or a_request()
        entry = await self.checkouts.create_entry(
            CreateEntry(
                merchant_id=merchant_id,
                workflow_id=f"checkout:{merchant_id}:{request.assignment_key}",
                opened_by="clerk",
                request=request,
            )
        )
        await self.checkouts.issue_payment_link(
            IssueLink(
                merchant_id=merchant_id,
                checkout_id=entry.checkout_id,
                entry_id=entry.entry_id,
                expires_at=datetime.now(UTC) + timedelta(seconds=request.expires_in_seconds),
            )
        )
        return entry

    async def open_session(self, entry: Entry, session_id: str) -> None:
        """Write down that a provider session was opened."""
        session = Session(
            session_id=session_id, url="https://pay.example/", attempt=1, expires_at=datetime.now(UTC) + timedelta(1)
        )
        await self.payments.record_session(
            RecordSession(
                merchant_id=entry.merchant_id, checkout_id=entry.checkout_id, entry_id=entry.entry_id, session=session
            )
        )

    async def find(
        self,
        entry: Entry,
        *findings: Findings | PaymentReport,
        settled_by: SettledBy = SettledBy.WEBHOOK,
        event_ids: tuple[str, ...] = (),
    ) -> Standing:
        """Apply what the provider said."""
        return await self.payments.record_findings(
            RecordFindings(
                merchant_id=entry.merchant_id,
                checkout_id=entry.checkout_id,
                findings=tuple(f if isinstance(f, Findings) else Findings(payment=f) for f in findings),
                event_ids=event_ids,
                settled_by=settled_by,
            )
        )

    async def balance(self, entry: Entry) -> Balance:
        """Assign available money."""
        return await self.payments.balance_entry(of_checkout(entry))

    async def billable(self, merchant_id: str = NORDWERK.id, request: CheckoutRequest | None = None) -> Entry:
        """A checkout that was paid, ordered and balanced: all that is missing is its invoice."""
        entry = await self.open(merchant_id, request)
        await self.find(entry, captured(entry, amount=entry.amount, currency=entry.currency))
        await self.orders.create_sales_order(of_checkout(entry))
        await self.balance(entry)
        return entry

    async def bill(self, entry: Entry) -> FinalizedInvoice:
        """The invoice of a billable checkout."""
        return await self.invoices.create_invoice(of_checkout(entry))


@asynccontextmanager
async def at_work(database_url: str, *, pool_size: int = 10) -> AsyncIterator[Clerk]:
    """A clerk with the books of this database, which must be fresh."""
    engine = database.connect(database_url, pool_size=pool_size)
    sessions = database.sessions(engine)
    for merchant in (NORDWERK, SUEDWERK):
        await PostgresMerchants(sessions).save(merchant)
    try:
        yield Clerk(
            engine=engine,
            sessions=sessions,
            checkouts=PostgresCheckoutBook(sessions, allow_local_redirects=True),
            payments=PostgresPaymentBook(sessions, public_url="https://pay.test"),
            orders=PostgresOrderBook(sessions),
            invoices=PostgresInvoiceBook(sessions),
            runs=PostgresInvoiceRunBook(sessions),
        )
    finally:
        await engine.dispose()

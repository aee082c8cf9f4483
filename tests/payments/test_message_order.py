"""Messages come in any order and twice: the books end in one and the same state. In full, all orders
are tried, none sampled.

Each message carries the provider's picture of the moment it tells of, so that late messages bring old pictures: harder
than in life, where we always read afresh.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.refunds import PostgresRefundBook
from domain.payments import EventSubject, PaymentReport, PaymentStatus, ProviderEvent, SessionStatus, SettledBy
from domain.refund_steps import AdoptRefund, ApplyRefund
from domain.refunds import RefundReport, RefundStatus
from domain.steps import Findings, RecordFindings
from sandbox.postgres import PostgresServer
from tests.conservation import assert_money_is_conserved
from tests.fakes.provider import FakeProvider
from tests.house import MERIDIAN
from tests.payments.books import Books
from tests.proofs import spread

MESSAGES = ("session completed", "payment succeeded", "charge succeeded", "charge updated", "refund created")
ORDERS = spread(list(permutations(MESSAGES)), some=20)
TOTAL, REFUNDED, FEE = 83900, 10000, 1260
CAPTURED_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("message-order")]


@dataclass(kw_only=True)
class Clerk:
    """Applies messages to one checkout by the steps the runs take, and goes on with the checkout when it can."""

    books: Books
    refunds_to_book: dict[str, RefundReport] = field(default_factory=dict)
    invoiced: bool = False

    async def take(self, message: str, number: int) -> None:
        """A message arrives: durable first, then somebody looks."""
        event_id = f"evt_{self.books.entry.checkout_id}_{message}_{number}"
        await PostgresInbox(self.books.sessions).record("meridian", self._event(event_id, message))
        if message == "refund created":
            self.refunds_to_book[event_id] = self._refund()
        else:
            await self._look(event_id, message)
        for waiting in list(self.refunds_to_book):
            await self._book_refund(waiting)

    async def _look(self, event_id: str, message: str) -> None:
        standing = await self.books.payments.record_findings(
            RecordFindings(
                merchant_id="meridian",
                checkout_id=self.books.entry.checkout_id,
                findings=(self._findings(message),),
                event_ids=(event_id,),
                settled_by=SettledBy.WEBHOOK,
            )
        )
        if standing.covered and not self.invoiced:
            await self.books.order()
            await self.books.balance()
            await self.books.invoice()
            self.invoiced = True

    async def _book_refund(self, event_id: str) -> None:
        """As the refund's run does it: again later, when the payment is not known yet."""
        book, report = PostgresRefundBook(self.books.sessions), self.refunds_to_book[event_id]
        adopted = await book.adopt(AdoptRefund(merchant_id="meridian", report=report))
        if adopted is None:
            return
        step = ApplyRefund(
            merchant_id="meridian",
            refund_id=adopted.refund_id,
            money_run=f"late-payment:{self.books.entry.checkout_id}",
            report=report,
            event_ids=(event_id,),
        )
        if (await book.apply(step)).booked:
            del self.refunds_to_book[event_id]

    def _findings(self, message: str) -> Findings:
        """The provider's picture at the moment of the message: the fee is known from the last one only."""
        payment = PaymentReport(
            reference=self._payment,
            status=PaymentStatus.COLLECTED,
            amount=TOTAL,
            currency="EUR",
            captured_at=CAPTURED_AT,
            method="card",
            detail="Visa •••• 4242",
            fee=FEE if message == "charge updated" else None,
            net=TOTAL - FEE if message == "charge updated" else None,
            checkout_id=self.books.entry.checkout_id,
        )
        if message == "session completed":
            return Findings(session_id=self.books.session_id, session_status=SessionStatus.COMPLETE, payment=payment)
        return Findings(payment=payment)

    def _refund(self) -> RefundReport:
        return RefundReport(
            reference=f"re_{self.books.session_id}",
            status=RefundStatus.REFUNDED,
            amount=REFUNDED,
            currency="EUR",
            payment_reference=self._payment,
        )

    @property
    def _payment(self) -> str:
        return f"pi_{self.books.session_id}"

    def _event(self, event_id: str, message: str) -> ProviderEvent:
        refund = message == "refund created"
        return ProviderEvent(
            provider="stripe",
            event_id=event_id,
            type=message,
            relevant=True,
            subject=EventSubject.REFUND if refund else EventSubject.PAYMENT,
            reference=f"re_{self.books.session_id}" if refund else None,
            checkout_id=None if refund else self.books.entry.checkout_id,
            session_id=None,
            payment_reference=self._payment,
            raw="{}",
        )


@pytest.fixture(scope="module")
async def ledger(postgres_server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """One database for all orders, with the invariants asked of it at the end."""
    engine = database.connect(postgres_server.create_database("message_order", template="template"))
    await PostgresMerchants(database.sessions(engine)).save(load(MERIDIAN))
    yield engine
    await assert_money_is_conserved(engine)
    await engine.dispose()


@pytest.mark.parametrize("times", [1, 2], ids=["once", "doubled"])
@pytest.mark.parametrize("order", ORDERS, ids=["".join(str(MESSAGES.index(one)) for one in order) for order in ORDERS])
async def test_any_order_of_messages_ends_in_the_same_state(
    ledger: AsyncEngine, order: tuple[str, ...], times: int
) -> None:
    clerk = Clerk(books=await Books.opened(database.sessions(ledger), FakeProvider()))
    await clerk.books.open_session()

    for message in order:
        for number in range(times):
            await clerk.take(message, number)

    assert clerk.refunds_to_book == {}
    assert await _state(ledger, clerk.books) == {
        "checkout": "invoiced",
        "session": "complete",
        "payment": ("collected", TOTAL, TOTAL - REFUNDED, 0, REFUNDED, FEE, TOTAL - FEE, "webhook"),
        "entry": ("balanced", TOTAL, -REFUNDED, TOTAL - REFUNDED),
        "refunds": [("refunded", REFUNDED)],
        "orders": 1,
        "documents": [("credit_note", REFUNDED), ("invoice", TOTAL)],
        "unapplied": 0,
    }


async def _state(engine: AsyncEngine, books: Books) -> dict[str, Any]:
    """Everything that must not depend on the order."""
    checkout = {"id": books.entry.checkout_id}
    async with engine.connect() as connection:

        async def rows(query: str) -> list[Any]:
            found = await connection.execute(text(f"{query} = :id"), checkout)
            return sorted(tuple(row) if len(row) > 1 else row[0] for row in found)

        [status] = await rows("SELECT status FROM checkouts WHERE id")
        [session] = await rows("SELECT status FROM provider_sessions WHERE checkout_id")
        [payment] = await rows(
            "SELECT status, captured, assigned, available, refunded, fee, net, settled_by"
            " FROM payments WHERE checkout_id"
        )
        [entry] = await rows("SELECT status, initial, reductions, assigned FROM entries WHERE checkout_id")
        return {
            "checkout": status,
            "session": session,
            "payment": payment,
            "entry": entry,
            "refunds": await rows("SELECT status, amount FROM refunds WHERE checkout_id"),
            "orders": len(await rows("SELECT id FROM orders WHERE checkout_id")),
            "documents": await rows(
                "SELECT kind, abs(grand_total) FROM invoices JOIN invoice_orders ON invoice_id = invoices.id"
                " JOIN orders ON orders.id = order_id WHERE checkout_id"
            ),
            "unapplied": len(await rows("SELECT id FROM provider_events WHERE applied_at IS NULL AND checkout_id")),
        }

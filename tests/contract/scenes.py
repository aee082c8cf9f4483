"""Two merchants and their checkouts, once in memory and once in real books: for what reads them and records facts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import func, select, text

from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.reader import PostgresReader
from adapters.postgres.tables import ProviderEventRow
from api.ports import Inbox, Reader
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.payments import ProviderEvent
from domain.steps import Close, Entry
from tests.clerk import Clerk, at_work, captured, of_checkout
from tests.fakes.inbox import FakeInbox
from tests.fakes.merchants import NORDWERK, SUEDWERK
from tests.fakes.reader import FakeReader
from tests.fakes.world import World

NORD, SUED = NORDWERK.id, SUEDWERK.id


class Scene(Protocol):
    """What is read and written through the ports, and hands that do what runs do."""

    @property
    def reader(self) -> Reader:
        """Reads."""

    @property
    def inbox(self) -> Inbox:
        """Records."""

    async def register_key(self, merchant_id: str, api_key: str) -> None:
        """Let a key act for a merchant."""

    async def open(self, merchant_id: str, request: CheckoutRequest) -> str:
        """A fresh checkout; its id."""

    async def open_session(self, checkout_id: str, session_id: str) -> None:
        """A provider session of the checkout is written down."""

    async def capture(self, checkout_id: str, reference: str) -> None:
        """The checkout is paid in full; the payment is written down under the provider's reference."""

    async def expire(self, checkout_id: str) -> None:
        """The checkout ends without money."""

    async def bill(self, checkout_id: str) -> str:
        """The invoice of a captured checkout; its id."""

    async def cancel_invoice(self, invoice_id: str) -> None:
        """The invoice is not in force any more."""

    async def apply(self, checkout_id: str, event: ProviderEvent) -> None:
        """The run has acted upon a message."""

    async def count_events(self) -> int:
        """How many messages were kept."""


@dataclass(kw_only=True)
class InMemory:
    """The fakes, on one world."""

    world: World
    reader: FakeReader
    inbox: FakeInbox

    async def register_key(self, merchant_id: str, api_key: str) -> None:
        self.world.api_keys[api_key] = merchant_id

    async def open(self, merchant_id: str, request: CheckoutRequest) -> str:
        return self.world.open(merchant_id, request).id

    async def open_session(self, checkout_id: str, session_id: str) -> None:
        self.world.sessions[session_id] = checkout_id

    async def capture(self, checkout_id: str, reference: str) -> None:
        self.world.payments[reference] = checkout_id
        self.world.change(checkout_id, CheckoutStatus.CAPTURED)

    async def expire(self, checkout_id: str) -> None:
        self.world.change(checkout_id, CheckoutStatus.EXPIRED)

    async def bill(self, checkout_id: str) -> str:
        return self.world.invoice(checkout_id, number="2025-000001", pdf=None, xml=None).id

    async def cancel_invoice(self, invoice_id: str) -> None:
        self.world.cancel_invoice(invoice_id)

    async def apply(self, checkout_id: str, event: ProviderEvent) -> None:
        merchant_id = self.world.checkouts[checkout_id].merchant_id
        self.world.applied.add((merchant_id, event.provider, event.event_id))

    async def count_events(self) -> int:
        return len(self.world.events)


@dataclass(kw_only=True)
class InBooks:
    """The adapters, on a fresh database."""

    clerk: Clerk
    reader: PostgresReader
    inbox: PostgresInbox
    entries: dict[str, Entry] = field(default_factory=dict)

    async def register_key(self, merchant_id: str, api_key: str) -> None:
        await PostgresMerchants(self.clerk.sessions).register_key(merchant_id, api_key)

    async def open(self, merchant_id: str, request: CheckoutRequest) -> str:
        entry = await self.clerk.open(merchant_id, request)
        self.entries[entry.checkout_id] = entry
        return entry.checkout_id

    async def open_session(self, checkout_id: str, session_id: str) -> None:
        await self.clerk.open_session(self.entries[checkout_id], session_id)

    async def capture(self, checkout_id: str, reference: str) -> None:
        entry = self.entries[checkout_id]
        await self.clerk.find(entry, captured(entry, reference=reference))

    async def expire(self, checkout_id: str) -> None:
        entry = self.entries[checkout_id]
        step = Close(merchant_id=entry.merchant_id, checkout_id=checkout_id, status=CheckoutStatus.EXPIRED)
        await self.clerk.checkouts.close(step)

    async def bill(self, checkout_id: str) -> str:
        entry = self.entries[checkout_id]
        await self.clerk.orders.create_sales_order(of_checkout(entry))
        await self.clerk.balance(entry)
        return (await self.clerk.bill(entry)).invoice_id

    async def cancel_invoice(self, invoice_id: str) -> None:
        async with self.clerk.engine.begin() as connection:
            await connection.execute(text("UPDATE invoices SET status = 'canceled' WHERE id = :id"), {"id": invoice_id})

    async def apply(self, checkout_id: str, event: ProviderEvent) -> None:
        await self.clerk.find(self.entries[checkout_id], event_ids=(event.event_id,))

    async def count_events(self) -> int:
        async with self.clerk.engine.connect() as connection:
            counted = await connection.execute(select(func.count()).select_from(ProviderEventRow))
            return counted.scalar_one()


def in_memory() -> Scene:
    """A scene of fakes."""
    world = World(merchants={NORD: NORDWERK, SUED: SUEDWERK})
    return InMemory(world=world, reader=FakeReader(world), inbox=FakeInbox(world))


@asynccontextmanager
async def in_books(database_url: str) -> AsyncIterator[Scene]:
    """A scene in a database."""
    async with at_work(database_url) as clerk:
        yield InBooks(clerk=clerk, reader=PostgresReader(clerk.sessions), inbox=PostgresInbox(clerk.sessions))

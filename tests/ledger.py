"""Settlements done in the books at once, as the run does them; for tests that are not about the run."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adapters.postgres.combined_links import PostgresLinkBook
from adapters.postgres.database import Sessions
from adapters.postgres.settlements import PostgresSettlementBook
from api.settlement_runs import refused
from domain.checkout import CheckoutStatus
from domain.combined_links import link_id
from domain.settlement_steps import CreateLink, DoSettlement, LinkRequest, Settled
from domain.settlements import Request, settlement_id
from domain.steps import Entry
from tests.clerk import Clerk


async def settle(clerk: Clerk, merchant_id: str, request: Request) -> Settled:
    """What the run's step does."""
    step = DoSettlement(
        merchant_id=merchant_id,
        settlement_id=settlement_id(merchant_id, request.key),
        opened_by=secrets.token_hex(4),
        by="anna",
        request=request,
        at=datetime.now(UTC),
    )
    return await PostgresSettlementBook(clerk.sessions).settle(step)


def a_key() -> str:
    """A shop's idempotency key that is new."""
    return f"K-{secrets.token_hex(6)}"


def ids(*entries: Entry) -> tuple[str, ...]:
    """The ids of these entries."""
    return tuple(entry.entry_id for entry in entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksAtOnce:
    """Implements `api.ports.SettlementRuns` and the issuing part of `api.ports.LinkRuns` without a run."""

    sessions: Sessions

    async def ask(self, merchant_id: str, request: Request, *, by: str) -> bool:
        opened_by = secrets.token_hex(4)
        step = DoSettlement(
            merchant_id=merchant_id,
            settlement_id=settlement_id(merchant_id, request.key),
            opened_by=opened_by,
            by=by,
            request=request,
            at=datetime.now(UTC),
        )
        settled = await PostgresSettlementBook(self.sessions).settle(step)
        if settled.hindrance is not None:
            raise refused(settled.hindrance)
        return settled.opened_by == opened_by

    async def open(self, merchant_id: str, request: LinkRequest) -> tuple[str, bool]:
        opened_by = secrets.token_hex(4)
        our_id = link_id(merchant_id, request.key or opened_by)
        step = CreateLink(
            merchant_id=merchant_id,
            link_id=our_id,
            workflow_id=f"payment-link:{our_id}",
            opened_by=opened_by,
            request=request,
            expires_at=datetime.now(UTC) + timedelta(seconds=request.expires_in_seconds),
        )
        created = await PostgresLinkBook(self.sessions, allow_local_redirects=True).create(step)
        if created.hindrance is not None:
            raise refused(created.hindrance)
        return our_id, created.opened_by == opened_by

    async def open_payment_page(self, merchant_id: str, our_id: str) -> str:
        return f"https://checkout.provider.example/{merchant_id}/{our_id}"

    async def payer_returned(self, merchant_id: str, our_id: str) -> CheckoutStatus:
        return CheckoutStatus.AWAITING_PAYMENT

"""Checkouts, their entries and payment links."""

import secrets
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import Sessions, from_json, new_id, to_json
from adapters.postgres.feed import tell
from adapters.postgres.tables import CheckoutRow, EntryRow, MerchantRow, PaymentLinkRow
from domain import entries
from domain.cart import PricedCart
from domain.checkout import CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import InvalidInput, NotFound
from domain.merchants import Merchant
from domain.pricing import CheckoutRules, price_checkout
from domain.steps import Close, CreateEntry, Entry, IssueLink, OfCheckout, PaymentLink, Review


async def locked_checkout(session: AsyncSession, merchant_id: str, checkout_id: str) -> CheckoutRow:
    """The checkout's row, locked until the transaction ends: the first lock every step takes.

    The lock leaves the key alone, so rows that refer to the checkout (messages in the inbox) never wait for it.
    """
    found = await session.execute(
        select(CheckoutRow)
        .where(CheckoutRow.id == checkout_id, CheckoutRow.merchant_id == merchant_id)
        .with_for_update(key_share=True)
    )
    checkout = found.scalar_one_or_none()
    if checkout is None:
        raise NotFound("checkout", checkout_id)
    return checkout


async def entry_of(session: AsyncSession, checkout_id: str) -> EntryRow:
    """The one entry of a checkout."""
    return (await session.execute(select(EntryRow).where(EntryRow.checkout_id == checkout_id))).scalar_one()


def move_checkout(checkout: CheckoutRow, status: CheckoutStatus) -> bool:
    """Set the status if it is news; True if it was."""
    if checkout.status == status:
        return False
    checkout.status = status
    checkout.updated_at = datetime.now(UTC)
    return True


def advance_checkout(checkout: CheckoutRow, current: CheckoutStatus, status: CheckoutStatus) -> bool:
    """Go from `current` to `status`; True if the checkout was there. Under review it is where it goes back to."""
    if checkout.review is not None:
        here: bool = checkout.review["before"] == current
        if here:
            checkout.review = checkout.review | {"before": status}
        return here
    return checkout.status == current and move_checkout(checkout, status)


class PostgresCheckoutBook:
    """Implements `domain.ports.CheckoutBook`. `allow_local_redirects` is for the sandbox only."""

    def __init__(self, sessions: Sessions, *, allow_local_redirects: bool) -> None:
        self._sessions = sessions
        self._allow_local_redirects = allow_local_redirects

    async def create_entry(self, step: CreateEntry) -> Entry:
        async with self._sessions.begin() as session:
            merchant_row = await session.get(MerchantRow, step.merchant_id)
            if merchant_row is None:
                raise NotFound("merchant", step.merchant_id)
            merchant = from_json(Merchant, merchant_row.config)
            rules = CheckoutRules(
                redirect_origins=merchant.redirect_origins,
                allow_local_redirects=self._allow_local_redirects,
                invoice_mapping=merchant.invoice_mapping,
            )
            try:
                cart = price_checkout(step.request, rules)
            except InvalidInput:
                # What was taken once is kept, though the merchant's rules may have become stricter since.
                if await self._checkout_id(session, step) is None:
                    raise
                return await self._entry(session, step)
            if created := await self._insert_checkout(session, step, cart):
                await tell(session, step.merchant_id, "checkout.created", created)
            return await self._entry(session, step)

    @staticmethod
    async def _insert_checkout(session: AsyncSession, step: CreateEntry, cart: PricedCart) -> str | None:
        """Insert checkout and entry, and answer the checkout's id; None if the assignment key is taken already."""
        checkout_id = new_id("chk")
        taken = await session.execute(
            insert(CheckoutRow)
            .values(
                id=checkout_id,
                merchant_id=step.merchant_id,
                assignment_key=step.request.assignment_key,
                status=CheckoutStatus.AWAITING_PAYMENT,
                currency=cart.currency,
                total=cart.totals.grand_total,
                request=to_json(step.request),
                cart=to_json(cart),
                workflow_id=step.workflow_id,
                opened_by=step.opened_by,
            )
            .on_conflict_do_nothing(index_elements=[CheckoutRow.merchant_id, CheckoutRow.assignment_key])
            .returning(CheckoutRow.id)
        )
        if taken.scalar_one_or_none() is None:
            return None
        session.add(
            EntryRow(
                id=new_id("ent"),
                merchant_id=step.merchant_id,
                checkout_id=checkout_id,
                assignment_key=step.request.assignment_key,
                status=EntryStatus.OPEN,
                currency=cart.currency,
                initial=cart.totals.grand_total,
            )
        )
        await session.flush()
        return checkout_id

    @staticmethod
    async def _checkout_id(session: AsyncSession, step: CreateEntry) -> str | None:
        found = await session.execute(
            select(CheckoutRow.id).where(
                CheckoutRow.merchant_id == step.merchant_id, CheckoutRow.assignment_key == step.request.assignment_key
            )
        )
        return found.scalar_one_or_none()

    @staticmethod
    async def _entry(session: AsyncSession, step: CreateEntry) -> Entry:
        found = await session.execute(
            select(CheckoutRow, EntryRow)
            .join(EntryRow, EntryRow.checkout_id == CheckoutRow.id)
            .where(
                CheckoutRow.merchant_id == step.merchant_id, CheckoutRow.assignment_key == step.request.assignment_key
            )
        )
        checkout, entry = found.one()
        return Entry(
            checkout_id=checkout.id,
            entry_id=entry.id,
            merchant_id=checkout.merchant_id,
            assignment_key=checkout.assignment_key,
            status=CheckoutStatus(checkout.status),
            amount=entry.initial,
            currency=entry.currency,
            opened_by=checkout.opened_by,
        )

    async def issue_payment_link(self, step: IssueLink) -> PaymentLink:
        async with self._sessions.begin() as session:
            await session.execute(
                insert(PaymentLinkRow)
                .values(
                    token=secrets.token_urlsafe(24),
                    merchant_id=step.merchant_id,
                    checkout_id=step.checkout_id,
                    entry_id=step.entry_id,
                    expires_at=step.expires_at,
                )
                .on_conflict_do_nothing(index_elements=[PaymentLinkRow.entry_id])
            )
            found = await session.execute(
                select(PaymentLinkRow.expires_at).where(PaymentLinkRow.entry_id == step.entry_id)
            )
            return PaymentLink(expires_at=found.scalar_one())

    async def close(self, step: Close) -> None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            if move_checkout(checkout, step.status):
                entry = await entry_of(session, step.checkout_id)
                entry.status = entries.move(EntryStatus(entry.status), EntryStatus.CANCELED)
                checkout.review = None
                why = {"reason": step.reason, "by": step.by} if step.status is CheckoutStatus.CANCELED else {}
                await tell(session, step.merchant_id, f"checkout.{step.status}", step.checkout_id, **why)

    async def review(self, step: Review) -> None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            if checkout.review is None:
                checkout.review = {
                    "reason": step.reason,
                    "since": datetime.now(UTC).isoformat(),
                    "options": list(step.options),
                    "before": checkout.status,
                }
                move_checkout(checkout, CheckoutStatus.NEEDS_REVIEW)
                await tell(session, step.merchant_id, "checkout.needs_review", step.checkout_id, reason=step.reason)

    async def resume(self, step: OfCheckout) -> None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            if checkout.review is not None:
                move_checkout(checkout, CheckoutStatus(checkout.review["before"]))
                checkout.review = None

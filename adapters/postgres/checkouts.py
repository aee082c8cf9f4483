"""Checkouts, their entries and payment links."""

import secrets
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import deposits
from adapters.postgres.assignments import ties_of_entry, unassign
from adapters.postgres.database import Sessions, from_json, new_id, to_json
from adapters.postgres.feed import tell
from adapters.postgres.locks import lock_money, locked_checkout
from adapters.postgres.tables import CheckoutRow, EntryRow, MerchantRow, PaymentLinkRow, PaymentRow
from adapters.postgres.tables_settlements import CombinedLinkEntryRow, SettlementRow
from adapters.postgres.vat_evidence import accept_vat_id, first_evidence
from adapters.vat_ids import is_vat_id
from domain import entries
from domain.cart import REVERSED, PricedCart
from domain.checkout import ENDED, CheckoutStatus
from domain.entries import EntryBalance, EntryStatus
from domain.errors import CheckoutCanceled, InvalidInput, NotFound
from domain.merchants import Merchant
from domain.pricing import CheckoutRules, price_checkout
from domain.steps import Close, Closed, CreateEntry, Entry, IssueLink, OfCheckout, PaymentLink, Review
from domain.tax import needs_vat_id
from domain.vat_ids import VatEvidence, VatIdStatus


async def entry_of(session: AsyncSession, checkout_id: str) -> EntryRow:
    """The one entry of a checkout."""
    return (await session.execute(select(EntryRow).where(EntryRow.checkout_id == checkout_id))).scalar_one()


def refuse_canceled(checkout: CheckoutRow) -> None:
    """Raise CheckoutCanceled for a checkout that was ended together with its entry: its run is to end as well."""
    if checkout.status == CheckoutStatus.CANCELED:
        raise CheckoutCanceled(checkout.id)


def move_checkout(checkout: CheckoutRow, status: CheckoutStatus) -> bool:
    """Set the status if it is news; True if it was."""
    if checkout.status == status:
        return False
    checkout.status = status
    checkout.updated_at = datetime.now(UTC)
    return True


async def _freed_in(session: AsyncSession, entry: EntryRow) -> tuple[str, ...]:
    """The other checkouts with available money that may have lain on this entry: the same each time it is asked."""
    of_links = (
        select(PaymentRow.checkout_id)
        .join(CombinedLinkEntryRow, CombinedLinkEntryRow.link_id == PaymentRow.link_id)
        .where(CombinedLinkEntryRow.entry_id == entry.id, PaymentRow.available > 0)
    )
    moved = select(SettlementRow.moves).where(
        SettlementRow.merchant_id == entry.merchant_id, SettlementRow.moves.contains([{"entry": entry.id}])
    )
    settled = {move["payment"] for moves in await session.scalars(moved) for move in moves}
    of_settlements = select(PaymentRow.checkout_id).where(PaymentRow.id.in_(settled), PaymentRow.available > 0)
    found = {*(await session.scalars(of_links)), *(await session.scalars(of_settlements))}
    return tuple(sorted(checkout for checkout in found if checkout not in {None, entry.checkout_id}))


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
            rules = CheckoutRules.of(
                merchant,
                now=datetime.now(UTC),
                allow_local_redirects=self._allow_local_redirects,
                is_vat_id=is_vat_id,
                vat_id=step.vat_evidence.status if step.vat_evidence else VatIdStatus.UNVERIFIED,
            )
            try:
                cart = price_checkout(step.request, rules)
            except InvalidInput:
                # What was taken once is kept, though the merchant's rules may have become stricter since.
                if await self._checkout_id(session, step) is None:
                    raise
                return await self._entry(session, step)
            if created := await self._insert_checkout(session, step, cart):
                await self._keep_evidence(session, created, merchant, step, cart)
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
                total=cart.totals.payable,
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
        total = cart.totals.payable
        deducted = await deposits.reserve(session, checkout_id, step.merchant_id, step.request, total)
        owed = EntryBalance(initial=total - deducted)
        session.add(
            EntryRow(
                id=new_id("ent"),
                merchant_id=step.merchant_id,
                checkout_id=checkout_id,
                assignment_key=step.request.assignment_key,
                status=owed.status,
                currency=cart.currency,
                initial=owed.initial,
            )
        )
        await session.flush()
        return checkout_id

    @staticmethod
    async def _keep_evidence(
        session: AsyncSession, checkout_id: str, merchant: Merchant, step: CreateEntry, cart: PricedCart
    ) -> None:
        """What the register said of the buyer's VAT id, if that decides about tax; unasked, it is unverified."""
        vat_id = step.request.customer.vat_id
        if vat_id is None or not needs_vat_id(step.request):
            return
        evidence = step.vat_evidence or VatEvidence(
            vat_id=vat_id, status=VatIdStatus.UNVERIFIED, requester=merchant.seller.vat_id
        )
        relied_on = any(line.tax_category in REVERSED for line in cart.lines)
        session.add(first_evidence(checkout_id, merchant.id, evidence, relied_on=relied_on))
        await session.flush()

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

    async def close(self, step: Close) -> Closed:
        async with self._sessions.begin() as session:
            entry = await entry_of(session, step.checkout_id)
            locked, _ = await lock_money(session, step.merchant_id, entries=[entry.id])
            checkout = locked.get(step.checkout_id)
            if checkout is None:
                raise NotFound("checkout", step.checkout_id)
            await session.refresh(entry)
            if checkout.status not in ENDED and move_checkout(checkout, step.status):
                for tie in await ties_of_entry(session, entry.id):
                    await unassign(session, entry, tie.payment, tie.item.amount, "close_checkout")
                entry.status = entries.move(EntryStatus(entry.status), EntryStatus.CANCELED)
                checkout.review = None
                await deposits.release(session, checkout.id)
                why = {"reason": step.reason, "by": step.by} if step.status is CheckoutStatus.CANCELED else {}
                await tell(session, step.merchant_id, f"checkout.{step.status}", step.checkout_id, **why)
            return Closed(freed_in=await _freed_in(session, entry))

    async def review(self, step: Review) -> None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            if checkout.review is None:
                checkout.review = {
                    "reason": step.reason,
                    "problems": [to_json(problem) for problem in step.problems],
                    "since": datetime.now(UTC).isoformat(),
                    "options": list(step.options),
                    "before": checkout.status,
                }
                move_checkout(checkout, CheckoutStatus.NEEDS_REVIEW)
                problems = {"problems": checkout.review["problems"]} if step.problems else {}
                await tell(
                    session,
                    step.merchant_id,
                    "checkout.needs_review",
                    step.checkout_id,
                    reason=step.reason,
                    **problems,
                )

    async def resume(self, step: OfCheckout) -> None:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            if checkout.review is not None:
                broken = (problem["rule"] for problem in checkout.review.get("problems", ()))
                await accept_vat_id(session, checkout, broken)
                move_checkout(checkout, CheckoutStatus(checkout.review["before"]))
                checkout.review = None

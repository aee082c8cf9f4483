"""Provider sessions, payments, and the items that tie money to entries."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.assignments import assign, balance_of, settle_invoice, ties_of_entry
from adapters.postgres.cases import resolve_shortage
from adapters.postgres.checkouts import entry_of, move_checkout, refuse_canceled
from adapters.postgres.combined_links import distribute, links_of, members_of, standing_of_link, to_be_told, waiting_on
from adapters.postgres.database import Sessions, from_json, new_id
from adapters.postgres.expectations import authorizations_in, captured_for, expect, promise_of, promises_for
from adapters.postgres.feed import tell
from adapters.postgres.findings import PROVIDER, mark_applied, misfit_of, owed_on, payments_of, record_payment
from adapters.postgres.locks import lock_checkouts, locked_checkout
from adapters.postgres.tables import (
    CheckoutRow,
    EntryRow,
    MerchantRow,
    PaymentLinkRow,
    PaymentRow,
    ProviderSessionRow,
)
from adapters.postgres.tables_settlements import CombinedLinkEntryRow, CombinedLinkRow
from domain import captures, entries
from domain.capture_modes import CaptureMode
from domain.captures import AskCapture, AskedCapture, DropCapture, Owed, Refusal
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.entries import EntryStatus
from domain.errors import CapturedOtherwise, InvalidInput, NotFound, NothingToCapture
from domain.late_money import ShortPaymentPolicy
from domain.merchants import BalancedWhen, Invoicing, Merchant
from domain.payments import SessionOrder, SessionStatus
from domain.steps import (
    Balance,
    Findings,
    FindOpenSessions,
    KnownSessions,
    OfCheckout,
    OpenSession,
    PayableSession,
    RecordFindings,
    RecordSession,
    Session,
    Standing,
)

LONGEST_TITLE = 250
"""Characters a provider shows of what is paid."""


class PostgresPaymentBook:
    """Implements `domain.ports.PaymentBook`. `public_url` is where customers reach our payment page."""

    def __init__(self, sessions: Sessions, *, public_url: str) -> None:
        self._sessions = sessions
        self._public_url = public_url.rstrip("/")

    async def session_order(self, step: OpenSession) -> SessionOrder:
        async with self._sessions.begin() as session:
            if step.link_id is not None:
                return await self._order_of_link(session, step, step.link_id)
            found = await session.execute(
                select(CheckoutRow, EntryRow, PaymentLinkRow.token, MerchantRow.config)
                .join(EntryRow, EntryRow.checkout_id == CheckoutRow.id)
                .join(PaymentLinkRow, PaymentLinkRow.entry_id == EntryRow.id)
                .join(MerchantRow, MerchantRow.id == CheckoutRow.merchant_id)
                .where(CheckoutRow.id == step.checkout_id, CheckoutRow.merchant_id == step.merchant_id)
            )
            row = found.one_or_none()
            money = await payments_of(session, step.checkout_id)
        if row is None:
            raise NotFound("checkout", step.checkout_id)
        checkout, entry, token, config = row
        missing = owed_on(entry, money)
        request = from_json(CheckoutRequest, checkout.request)
        merchant = from_json(Merchant, config)
        page = f"{self._public_url}/pay/{token}"
        return SessionOrder(
            merchant_id=step.merchant_id,
            checkout_id=step.checkout_id,
            entry_id=step.entry_id,
            idempotency_key=f"{step.checkout_id}:session:{step.attempt}",
            amount=missing.outstanding - missing.available,
            currency=entry.currency,
            title=f"{merchant.branding.display_name} {checkout.assignment_key}",
            language=request.customer.language,
            customer_email=request.customer.email,
            return_url=f"{page}/return",
            cancel_url=f"{page}/cancel",
            expires_at=step.expires_at,
            manual_capture=(request.capture or merchant.capture) is CaptureMode.MANUAL,
            delayed_methods=merchant.delayed_methods,
        )

    async def _order_of_link(self, session: AsyncSession, step: OpenSession, link_id: str) -> SessionOrder:
        """One session for what is outstanding on all entries of the link, by methods that bring the money at once."""
        link = await session.get_one(CombinedLinkRow, link_id)
        payable = [member for member in await waiting_on(session, link_id) if member.owed]
        lead = payable[0].checkout if payable else await session.get_one(CheckoutRow, link.lead_id)
        request = from_json(CheckoutRequest, lead.request)
        merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
        keys = ", ".join(member.checkout.assignment_key for member in payable)
        page = f"{self._public_url}/pay/{link.token}"
        return SessionOrder(
            merchant_id=step.merchant_id,
            checkout_id=link_id,
            entry_id=step.entry_id,
            idempotency_key=f"{link_id}:session:{step.attempt}",
            amount=sum(member.owed for member in payable),
            currency=link.currency,
            title=f"{merchant.branding.display_name} {keys}"[:LONGEST_TITLE],
            language=request.customer.language,
            customer_email=request.customer.email,
            return_url=f"{page}/return",
            cancel_url=f"{page}/cancel",
            expires_at=step.expires_at,
        )

    async def record_session(self, step: RecordSession) -> bool:
        async with self._sessions.begin() as session:
            members = {step.checkout_id: step.entry_id}
            if step.link_id is not None:
                waiting = await waiting_on(session, step.link_id)
                members = {member.checkout.id: member.entry.id for member in waiting}
            await lock_checkouts(session, step.merchant_id, members)
            if await self._is_taken(session, step, members.values()):
                return False
            for checkout_id, entry_id in members.items():
                await self._note_session(session, step, checkout_id, entry_id)
            return True

    @staticmethod
    async def _is_taken(session: AsyncSession, step: RecordSession, entries: Collection[str]) -> bool:
        """Whether another session can be paid for one of the entries."""
        other = select(ProviderSessionRow.id).where(
            ProviderSessionRow.entry_id.in_(entries),
            ProviderSessionRow.status == SessionStatus.OPEN,
            ProviderSessionRow.session_id != step.session.session_id,
        )
        return await session.scalar(other.limit(1)) is not None

    @staticmethod
    async def _note_session(session: AsyncSession, step: RecordSession, checkout_id: str, entry_id: str) -> None:
        await session.execute(
            insert(ProviderSessionRow)
            .values(
                id=new_id("ses"),
                merchant_id=step.merchant_id,
                checkout_id=checkout_id,
                entry_id=entry_id,
                link_id=step.link_id,
                attempt=step.session.attempt,
                provider=PROVIDER,
                session_id=step.session.session_id,
                url=step.session.url,
                status=SessionStatus.OPEN,
                expires_at=step.session.expires_at,
            )
            .on_conflict_do_nothing(
                index_elements=[ProviderSessionRow.checkout_id, ProviderSessionRow.link_id, ProviderSessionRow.attempt]
            )
        )

    async def open_sessions(self, step: FindOpenSessions) -> tuple[PayableSession, ...]:
        entries = select(CombinedLinkEntryRow.entry_id).where(CombinedLinkEntryRow.link_id == step.link_id)
        async with self._sessions.begin() as session:
            found = await session.scalars(
                select(ProviderSessionRow)
                .where(
                    ProviderSessionRow.merchant_id == step.merchant_id,
                    ProviderSessionRow.status == SessionStatus.OPEN,
                    ProviderSessionRow.entry_id.in_(entries)
                    if step.link_id
                    else ProviderSessionRow.entry_id == step.entry_id,
                )
                .order_by(ProviderSessionRow.created_at, ProviderSessionRow.id)
            )
            rows = {row.session_id: row.checkout_id for row in found}
        return tuple(PayableSession(session_id=name, checkout_id=checkout) for name, checkout in rows.items())

    async def known_sessions(self, step: OfCheckout) -> KnownSessions:
        async with self._sessions.begin() as session:
            found = await session.execute(
                select(ProviderSessionRow)
                .where(
                    ProviderSessionRow.checkout_id == step.checkout_id,
                    ProviderSessionRow.merchant_id == step.merchant_id,
                    ProviderSessionRow.link_id.is_not_distinct_from(step.link_id),
                )
                .order_by(ProviderSessionRow.attempt)
            )
            rows = found.scalars().all()
        opened = [
            Session(session_id=row.session_id, url=row.url, attempt=row.attempt, expires_at=row.expires_at)
            for row in rows
            if row.status == SessionStatus.OPEN
        ]
        return KnownSessions(attempts=rows[-1].attempt if rows else 0, open=opened[-1] if opened else None)

    async def record_findings(self, step: RecordFindings) -> Standing:
        async with self._sessions.begin() as session:
            links = await links_of(session, step.merchant_id, step.findings)
            members = await members_of(session, step.merchant_id, {*links.values(), step.link_id or ""})
            concerned = {step.checkout_id, *(checkout for of_link in members.values() for checkout in of_link)}
            locked = await lock_checkouts(session, step.merchant_id, concerned)
            checkout = locked.get(step.checkout_id)
            if checkout is None:
                raise NotFound("checkout", step.checkout_id)
            for finding in step.findings:
                await self._record_session_status(session, step.merchant_id, finding)
                if finding.payment is not None:
                    link_id = links.get(finding.payment.reference)
                    home = members[link_id][0] if link_id else checkout.id
                    brought = await record_payment(
                        session, step.merchant_id, home, finding.payment, step.settled_by, link_id
                    )
                    await session.flush()
                    if brought is not None and link_id is not None:
                        await distribute(session, link_id, brought)
            await mark_applied(session, step.merchant_id, step.event_ids)
            await session.flush()
            if step.link_id is not None:
                standing = await standing_of_link(session, step.link_id)
                return replace(standing, stir=await to_be_told(session, members, teller=""))
            entry = await entry_of(session, step.checkout_id)
            money = await payments_of(session, checkout.id)
            standing = self._standing(checkout, entry, money)
            await expect(session, entry, money, standing.promised)
            if standing.covered:
                await resolve_shortage(session, checkout)
            if standing.covered and checkout.status == CheckoutStatus.AWAITING_PAYMENT:
                move_checkout(checkout, CheckoutStatus.CAPTURED)
                await tell(session, step.merchant_id, "checkout.captured", step.checkout_id, amount=standing.captured)
                standing = self._standing(checkout, entry, money)
            return (
                replace(standing, stir=await to_be_told(session, members, teller=checkout.id)) if members else standing
            )

    @staticmethod
    async def _record_session_status(session: AsyncSession, merchant_id: str, finding: Findings) -> None:
        if finding.session_id is not None and finding.payment is not None:
            await session.execute(
                update(ProviderSessionRow)
                .where(
                    ProviderSessionRow.merchant_id == merchant_id,
                    ProviderSessionRow.provider == PROVIDER,
                    ProviderSessionRow.session_id == finding.session_id,
                    ProviderSessionRow.payment_reference.is_(None),
                )
                .values(payment_reference=finding.payment.reference)
            )
        if finding.session_status in {SessionStatus.COMPLETE, SessionStatus.EXPIRED}:
            await session.execute(
                update(ProviderSessionRow)
                .where(
                    ProviderSessionRow.merchant_id == merchant_id,
                    ProviderSessionRow.provider == PROVIDER,
                    ProviderSessionRow.session_id == finding.session_id,
                    ProviderSessionRow.status == SessionStatus.OPEN,
                )
                .values(status=finding.session_status, updated_at=datetime.now(UTC))
            )

    @staticmethod
    def _standing(checkout: CheckoutRow, entry: EntryRow, rows: Sequence[PaymentRow]) -> Standing:
        captured = captured_for(entry, rows)
        enough = captured >= entry.initial + entry.reductions and entry.status != EntryStatus.CANCELED
        misfits = [misfit for row in rows if (misfit := misfit_of(checkout, entry, row, rows)) is not None]
        promised, needless = promises_for(checkout, entry, rows)
        return Standing(
            status=CheckoutStatus(checkout.status),
            captured=captured,
            covered=enough or _is_captured(checkout),
            misfit=misfits[0] if misfits else None,
            promised=promised,
            needless=needless,
        )

    async def ask_capture(self, step: AskCapture) -> AskedCapture:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.request.checkout_id)
            entry = await entry_of(session, checkout.id)
            merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
            money = await payments_of(session, checkout.id)
            owed = owed_on(entry, money)
            whole_only = merchant.short_payment is ShortPaymentPolicy.REFUND
            try:
                capture = captures.choose(
                    step.request,
                    authorizations_in(entry.currency, money),
                    Owed(amount=owed.outstanding - owed.available, whole_only=whole_only),
                )
            except (InvalidInput, NothingToCapture, CapturedOtherwise) as error:
                return AskedCapture(refusal=Refusal.of(error, checkout.id))
            payment = next(row for row in money if row.id == capture.payment_id)
            if promise_of(payment) is not None:
                payment.to_capture = capture.amount
            return AskedCapture(reference=payment.reference)

    async def drop_capture(self, step: DropCapture) -> None:
        async with self._sessions.begin() as session:
            await locked_checkout(session, step.merchant_id, step.checkout_id)
            for payment in await payments_of(session, step.checkout_id):
                if payment.reference == step.reference and promise_of(payment) is not None:
                    payment.to_capture = None

    async def balance_entry(self, step: OfCheckout) -> Balance:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            entry = await entry_of(session, step.checkout_id)
            refuse_canceled(checkout)
            money = await payments_of(session, checkout.id)
            merchant = from_json(Merchant, (await session.get_one(MerchantRow, step.merchant_id)).config)
            tied = [tie.payment for tie in await ties_of_entry(session, entry.id)]
            if unsettled := self._unsettled(merchant, {row.id: row for row in money + tied}.values()):
                return Balance(balanced=False, outstanding=balance_of(entry).outstanding, unsettled=unsettled)
            was_balanced = entry.status == EntryStatus.BALANCED
            for payment in money:
                await assign(session, entry, payment, payment.available, "balance_entry")
            balance = balance_of(entry)
            entry.status = entries.move(EntryStatus(entry.status), balance.status)
            entry.updated_at = datetime.now(UTC)
            await settle_invoice(session, entry)
            is_news = not was_balanced or checkout.status == CheckoutStatus.ORDERED
            if entry.status == EntryStatus.BALANCED and is_news:
                if checkout.status == CheckoutStatus.ORDERED:
                    move_checkout(checkout, CheckoutStatus.BALANCED)
                await tell(session, step.merchant_id, "entry.balanced", step.checkout_id, entry_id=entry.id)
            misfits = [misfit for row in money if (misfit := misfit_of(checkout, entry, row, money)) is not None]
            return Balance(
                balanced=balance.status is EntryStatus.BALANCED,
                outstanding=balance.outstanding,
                misfit=misfits[0] if misfits else None,
                collective=merchant.invoicing is Invoicing.COLLECTIVE,
            )

    @staticmethod
    def _unsettled(merchant: Merchant, money: Collection[PaymentRow]) -> tuple[str, ...]:
        """The payments whose fee the merchant's policy has the entry wait for."""
        if merchant.balanced_when is BalancedWhen.CAPTURED:
            return ()
        counted = [payment for payment in money if payment.available or payment.assigned]
        return tuple(payment.reference for payment in counted if payment.fee is None or payment.net is None)


def _is_captured(checkout: CheckoutRow) -> bool:
    """Whether the checkout's money was enough once: what is taken from it later is a matter of its own."""
    return (checkout.review or {}).get("before", checkout.status) in {
        CheckoutStatus.CAPTURED,
        CheckoutStatus.ORDERED,
        CheckoutStatus.BALANCED,
        CheckoutStatus.INVOICED,
        CheckoutStatus.COMPLETED,
    }

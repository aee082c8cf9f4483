"""Provider sessions, payments, and the items that tie money to entries."""

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.checkouts import ENDED, entry_of, locked_checkout, move_checkout
from adapters.postgres.database import Sessions, from_json, new_id
from adapters.postgres.feed import tell
from adapters.postgres.tables import (
    CheckoutRow,
    EntryItemRow,
    EntryRow,
    MerchantRow,
    PaymentLinkRow,
    PaymentRow,
    ProviderEventRow,
    ProviderSessionRow,
)
from domain import entries, payments
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.entries import EntryBalance, EntryItemKind, EntryStatus
from domain.errors import NotFound
from domain.merchants import Merchant
from domain.payments import PaymentReport, PaymentStatus, SessionOrder, SessionStatus, SettledBy
from domain.steps import Balance, Findings, OfCheckout, OpenSession, RecordFindings, RecordSession, Standing

PROVIDER = "stripe"
MONEY = {PaymentStatus.COLLECTED, PaymentStatus.FINAL}


class PostgresPaymentBook:
    """Implements `domain.ports.PaymentBook`. `public_url` is where customers reach our payment page."""

    def __init__(self, sessions: Sessions, *, public_url: str) -> None:
        self._sessions = sessions
        self._public_url = public_url.rstrip("/")

    async def session_order(self, step: OpenSession) -> SessionOrder:
        async with self._sessions.begin() as session:
            found = await session.execute(
                select(CheckoutRow, EntryRow, PaymentLinkRow.token, MerchantRow.config)
                .join(EntryRow, EntryRow.checkout_id == CheckoutRow.id)
                .join(PaymentLinkRow, PaymentLinkRow.entry_id == EntryRow.id)
                .join(MerchantRow, MerchantRow.id == CheckoutRow.merchant_id)
                .where(CheckoutRow.id == step.checkout_id, CheckoutRow.merchant_id == step.merchant_id)
            )
            row = found.one_or_none()
        if row is None:
            raise NotFound("checkout", step.checkout_id)
        checkout, entry, token, config = row
        request = from_json(CheckoutRequest, checkout.request)
        merchant = from_json(Merchant, config)
        page = f"{self._public_url}/pay/{token}"
        return SessionOrder(
            merchant_id=step.merchant_id,
            checkout_id=step.checkout_id,
            entry_id=step.entry_id,
            idempotency_key=f"{step.checkout_id}:session:{step.attempt}",
            amount=entry.initial + entry.reductions - entry.assigned,
            currency=entry.currency,
            title=f"{merchant.branding.display_name} {checkout.assignment_key}",
            language=request.customer.language,
            customer_email=request.customer.email,
            return_url=f"{page}/return",
            cancel_url=f"{page}/cancel",
            expires_at=step.expires_at,
        )

    async def record_session(self, step: RecordSession) -> None:
        async with self._sessions.begin() as session:
            await locked_checkout(session, step.merchant_id, step.checkout_id)
            await session.execute(
                insert(ProviderSessionRow)
                .values(
                    id=new_id("ses"),
                    merchant_id=step.merchant_id,
                    checkout_id=step.checkout_id,
                    entry_id=step.entry_id,
                    attempt=step.session.attempt,
                    provider=PROVIDER,
                    session_id=step.session.session_id,
                    url=step.session.url,
                    status=SessionStatus.OPEN,
                    expires_at=step.session.expires_at,
                )
                .on_conflict_do_nothing(index_elements=[ProviderSessionRow.checkout_id, ProviderSessionRow.attempt])
            )

    async def record_findings(self, step: RecordFindings) -> Standing:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            entry = await entry_of(session, step.checkout_id)
            for finding in step.findings:
                await self._record_session_status(session, step.merchant_id, finding)
                if finding.payment is not None:
                    await self._record_payment(session, checkout, finding.payment, step.settled_by)
            await self._mark_applied(session, step)
            await session.flush()
            standing = await self._standing(session, checkout, entry)
            if standing.covered and checkout.status == CheckoutStatus.AWAITING_PAYMENT:
                move_checkout(checkout, CheckoutStatus.CAPTURED)
                await tell(session, step.merchant_id, "checkout.captured", step.checkout_id, amount=standing.captured)
                standing = await self._standing(session, checkout, entry)
            return standing

    @staticmethod
    async def _record_session_status(session: AsyncSession, merchant_id: str, finding: Findings) -> None:
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
    async def _record_payment(
        session: AsyncSession, checkout: CheckoutRow, report: PaymentReport, settled_by: SettledBy
    ) -> None:
        found = await session.execute(
            select(PaymentRow).where(
                PaymentRow.merchant_id == checkout.merchant_id,
                PaymentRow.provider == PROVIDER,
                PaymentRow.reference == report.reference,
            )
        )
        payment = found.scalar_one_or_none()
        if payment is None:
            payment = PaymentRow(
                id=new_id("pay"),
                merchant_id=checkout.merchant_id,
                checkout_id=checkout.id,
                provider=PROVIDER,
                reference=report.reference,
                status=PaymentStatus.PENDING,
                currency=report.currency,
                amount=report.amount,
                captured=0,
                assigned=0,
                available=0,
                refunded=0,
                settled_by=settled_by,
            )
            session.add(payment)
        before = PaymentStatus(payment.status)
        after = payments.advance(before, report.status)
        payment.status = after
        if after in MONEY and before not in MONEY:
            payment.captured = payment.available = report.amount
            payment.amount, payment.currency = report.amount, report.currency
            payment.captured_at = report.captured_at
            payment.settled_by = settled_by
        payment.fee = report.fee if report.fee is not None else payment.fee
        payment.net = report.net if report.net is not None else payment.net
        payment.method = report.method or payment.method
        payment.detail = report.detail or payment.detail
        if after is PaymentStatus.FAILED and (before is not after or payment.failure != report.failure):
            await session.flush()
            await tell(session, checkout.merchant_id, "payment.failed", checkout.id, reason=report.failure)
        payment.failure = report.failure if after is PaymentStatus.FAILED else None
        payment.updated_at = datetime.now(UTC)

    @staticmethod
    async def _mark_applied(session: AsyncSession, step: RecordFindings) -> None:
        if step.event_ids:
            await session.execute(
                update(ProviderEventRow)
                .where(
                    ProviderEventRow.merchant_id == step.merchant_id,
                    ProviderEventRow.provider == PROVIDER,
                    ProviderEventRow.event_id.in_(step.event_ids),
                    ProviderEventRow.applied_at.is_(None),
                )
                .values(applied_at=datetime.now(UTC))
            )

    @staticmethod
    async def _standing(session: AsyncSession, checkout: CheckoutRow, entry: EntryRow) -> Standing:
        found = await session.execute(
            select(PaymentRow.currency, PaymentRow.available, PaymentRow.assigned).where(
                PaymentRow.checkout_id == checkout.id
            )
        )
        rows = found.all()
        mine = [row for row in rows if row.currency == entry.currency]
        captured = sum(row.available + row.assigned for row in mine)
        available = sum(row.available for row in rows)
        covered = captured >= entry.initial + entry.reductions
        misfit: str | None = None
        if available and checkout.status in ENDED:
            misfit = "late"
        elif any(row.available for row in rows if row.currency != entry.currency):
            misfit = "currency"
        elif captured and not covered:
            misfit = "short"
        return Standing(status=CheckoutStatus(checkout.status), captured=captured, covered=covered, misfit=misfit)

    async def balance_entry(self, step: OfCheckout) -> Balance:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            entry = await entry_of(session, step.checkout_id)
            found = await session.execute(
                select(PaymentRow)
                .where(
                    PaymentRow.checkout_id == step.checkout_id,
                    PaymentRow.currency == entry.currency,
                    PaymentRow.available > 0,
                )
                .order_by(PaymentRow.captured_at, PaymentRow.id)
            )
            for payment in found.scalars():
                self._assign(session, entry, payment)
            balance = _balance(entry)
            was_balanced = entry.status == EntryStatus.BALANCED
            entry.status = entries.move(EntryStatus(entry.status), balance.status)
            entry.updated_at = datetime.now(UTC)
            if entry.status == EntryStatus.BALANCED and not was_balanced:
                if checkout.status == CheckoutStatus.ORDERED:
                    move_checkout(checkout, CheckoutStatus.BALANCED)
                await tell(session, step.merchant_id, "entry.balanced", step.checkout_id, entry_id=entry.id)
            return Balance(balanced=balance.status is EntryStatus.BALANCED, outstanding=balance.outstanding)

    @staticmethod
    def _assign(session: AsyncSession, entry: EntryRow, payment: PaymentRow) -> None:
        amount = _balance(entry).assignable(payment.available)
        if amount == 0:
            return
        session.add(
            EntryItemRow(
                id=new_id("eit"),
                merchant_id=entry.merchant_id,
                entry_id=entry.id,
                payment_id=payment.id,
                kind=EntryItemKind.ASSIGNED,
                amount=amount,
                business_process="balance_entry",
            )
        )
        payment.available -= amount
        payment.assigned += amount
        entry.assigned += amount


def _balance(entry: EntryRow) -> EntryBalance:
    return EntryBalance(
        initial=entry.initial, reductions=entry.reductions, assigned=entry.assigned, expected=entry.expected
    )

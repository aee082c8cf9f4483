"""The read side: flat pictures for the API, always of one merchant."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain

from sqlalchemy import ColumnElement, select, text, tuple_, union
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.attempt_views import attempts_of, latest_attempt
from adapters.postgres.case_views import read_case, read_cases
from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.database import Sessions, from_json
from adapters.postgres.invoice_run_views import last_runs_of, read_run, read_run_orders, read_runs
from adapters.postgres.invoice_views import deposit_problems, invoice_views, read_correction, read_invoices
from adapters.postgres.merchants import key_hash
from adapters.postgres.payment_views import payment_view, read_link_page
from adapters.postgres.refund_views import read_refund, refunds_of
from adapters.postgres.settlement_views import disputes_of, read_payout, read_payouts
from adapters.postgres.tables import (
    ApiKeyRow,
    CheckoutRow,
    DeliveryRow,
    EntryItemRow,
    EntryRow,
    InvoiceRow,
    MerchantRow,
    OrderRow,
    PaymentLinkRow,
    PaymentRow,
)
from adapters.postgres.tables_billing import InvoiceRunRow
from adapters.postgres.tables_refunds import RefundRow
from adapters.postgres.vat_evidence import evidence_of
from domain.cart import PricedCart
from domain.cases import CaseStatus
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.deliveries import DeliveryStatus
from domain.entries import EntryBalance, EntryStatus
from domain.errors import BrokenRule, Violation
from domain.invoice_runs import RunOrderStatus
from domain.invoices import InvoiceKind, InvoiceStatus
from domain.merchants import Merchant
from domain.views import (
    AcceptedCorrection,
    CasePage,
    CaseView,
    CheckoutPage,
    CheckoutView,
    EntryView,
    InvoicePage,
    InvoiceRunPage,
    InvoiceRunView,
    InvoiceView,
    OrderView,
    PaymentLinkView,
    PaymentPageView,
    PayoutPage,
    PayoutView,
    RefundView,
    ReviewView,
    RunOrderPage,
    SentDeliveryView,
    TaxView,
)


class PostgresReader:
    """Implements `api.ports.Reader`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def merchant_of_key(self, api_key: str) -> Merchant | None:
        async with self._sessions() as session:
            config = await session.scalar(
                select(MerchantRow.config)
                .join(ApiKeyRow, ApiKeyRow.merchant_id == MerchantRow.id)
                .where(ApiKeyRow.sha256 == key_hash(api_key), ApiKeyRow.revoked_at.is_(None))
            )
        return None if config is None else from_json(Merchant, config)

    async def merchant(self, merchant_id: str) -> Merchant | None:
        async with self._sessions() as session:
            row = await session.get(MerchantRow, merchant_id)
        return None if row is None else from_json(Merchant, row.config)

    async def checkout(self, merchant_id: str, checkout_id: str) -> CheckoutView | None:
        return await self._one(merchant_id, CheckoutRow.id == checkout_id)

    async def checkout_of_key(self, merchant_id: str, assignment_key: str) -> CheckoutView | None:
        return await self._one(merchant_id, CheckoutRow.assignment_key == assignment_key)

    @asynccontextmanager
    async def _one_moment(self) -> AsyncIterator[AsyncSession]:
        """A session whose queries all see the same moment, so that no picture shows half a change."""
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def _one(self, merchant_id: str, condition: ColumnElement[bool]) -> CheckoutView | None:
        async with self._one_moment() as session:
            found = await session.execute(select(CheckoutRow).where(CheckoutRow.merchant_id == merchant_id, condition))
            row = found.scalar_one_or_none()
            if row is None:
                return None
            [view] = await _views(session, [row])
            return replace(view, tax=await _tax(session, row))

    async def checkouts(
        self,
        merchant_id: str,
        *,
        assignment_key: str | None,
        status: CheckoutStatus | None,
        cursor: str | None,
        limit: int,
    ) -> CheckoutPage:
        wanted = select(CheckoutRow).where(CheckoutRow.merchant_id == merchant_id)
        if assignment_key is not None:
            wanted = wanted.where(CheckoutRow.assignment_key == assignment_key)
        if status is not None:
            wanted = wanted.where(CheckoutRow.status == status)
        if cursor is not None:
            wanted = wanted.where(tuple_(CheckoutRow.created_at, CheckoutRow.id) < after(cursor))
        async with self._one_moment() as session:
            newest = wanted.order_by(CheckoutRow.created_at.desc(), CheckoutRow.id.desc()).limit(limit + 1)
            rows = (await session.execute(newest)).scalars().all()
            items = await _views(session, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return CheckoutPage(items=items, next_cursor=cursor_of(last.created_at, last.id) if last else None)

    async def invoice(self, merchant_id: str, invoice_id: str) -> InvoiceView | None:
        async with self._one_moment() as session:
            found = await session.scalars(
                select(InvoiceRow).where(InvoiceRow.merchant_id == merchant_id, InvoiceRow.id == invoice_id)
            )
            return (await invoice_views(session, found.all())).get(invoice_id)

    async def invoices(
        self,
        merchant_id: str,
        *,
        kind: InvoiceKind | None,
        status: InvoiceStatus | None,
        cursor: str | None,
        limit: int,
    ) -> InvoicePage:
        async with self._one_moment() as session:
            return await read_invoices(session, merchant_id, kind=kind, status=status, cursor=cursor, limit=limit)

    async def correction_of_key(self, merchant_id: str, key: str) -> AcceptedCorrection | None:
        async with self._sessions() as session:
            return await read_correction(session, merchant_id, key)

    async def deposit_problems(self, merchant_id: str, request: CheckoutRequest, total: int) -> tuple[Violation, ...]:
        async with self._one_moment() as session:
            return await deposit_problems(session, merchant_id, request, total)

    async def payment_page(self, token: str) -> PaymentPageView | None:
        async with self._sessions() as session:
            found = await session.execute(
                select(CheckoutRow, EntryRow.initial, PaymentLinkRow.expires_at, MerchantRow.config)
                .join(EntryRow, EntryRow.checkout_id == CheckoutRow.id)
                .join(PaymentLinkRow, PaymentLinkRow.checkout_id == CheckoutRow.id)
                .join(MerchantRow, MerchantRow.id == CheckoutRow.merchant_id)
                .where(PaymentLinkRow.token == token)
            )
            row = found.one_or_none()
            if row is None:
                return await read_link_page(session, token)
            checkout, initial, expires_at, config = row
            latest, promise = await latest_attempt(session, checkout.id)
        request = from_json(CheckoutRequest, checkout.request)
        merchant = from_json(Merchant, config)
        return PaymentPageView(
            checkout_id=checkout.id,
            merchant_id=checkout.merchant_id,
            workflow_id=checkout.workflow_id,
            assignment_key=checkout.assignment_key,
            status=CheckoutStatus(checkout.status),
            language=request.customer.language,
            time_zone=merchant.time_zone,
            expires_at=expires_at,
            seller=merchant.seller,
            branding=merchant.branding,
            cart=from_json(PricedCart, checkout.cart),
            redirects=request.redirects,
            attempt=latest,
            promise=promise,
            deducted=checkout.total - initial,
        )

    async def deliveries(self, merchant_id: str, invoice_id: str) -> tuple[SentDeliveryView, ...]:
        async with self._sessions() as session:
            found = await session.scalars(
                select(DeliveryRow)
                .where(DeliveryRow.merchant_id == merchant_id, DeliveryRow.invoice_id == invoice_id)
                .order_by(DeliveryRow.queued_at.desc(), DeliveryRow.id)
            )
            return tuple(_sent(row) for row in found)

    async def refund(self, merchant_id: str, refund_id: str) -> RefundView | None:
        async with self._sessions() as session:
            return await read_refund(session, RefundRow.merchant_id == merchant_id, RefundRow.id == refund_id)

    async def refund_of_key(self, merchant_id: str, key: str) -> RefundView | None:
        async with self._sessions() as session:
            return await read_refund(session, RefundRow.merchant_id == merchant_id, RefundRow.key == key)

    async def cases(self, merchant_id: str, *, status: CaseStatus | None, cursor: str | None, limit: int) -> CasePage:
        async with self._sessions() as session:
            return await read_cases(session, merchant_id, status=status, cursor=cursor, limit=limit)

    async def case(self, merchant_id: str, case_id: str) -> CaseView | None:
        async with self._sessions() as session:
            return await read_case(session, merchant_id, case_id)

    async def payouts(self, merchant_id: str, *, cursor: str | None, limit: int) -> PayoutPage:
        async with self._sessions() as session:
            return await read_payouts(session, merchant_id, cursor=cursor, limit=limit)

    async def payout(self, merchant_id: str, payout_id: str) -> PayoutView | None:
        async with self._sessions() as session:
            return await read_payout(session, merchant_id, payout_id)

    async def invoice_run(self, merchant_id: str, run_id: str) -> InvoiceRunView | None:
        async with self._one_moment() as session:
            return await read_run(session, InvoiceRunRow.merchant_id == merchant_id, InvoiceRunRow.id == run_id)

    async def invoice_runs(self, merchant_id: str, *, cursor: str | None, limit: int) -> InvoiceRunPage:
        async with self._one_moment() as session:
            return await read_runs(session, merchant_id, cursor=cursor, limit=limit)

    async def invoice_run_orders(
        self, merchant_id: str, run_id: str, *, status: RunOrderStatus | None, cursor: str | None, limit: int
    ) -> RunOrderPage:
        async with self._one_moment() as session:
            return await read_run_orders(session, merchant_id, run_id, status=status, cursor=cursor, limit=limit)

    async def ready(self) -> bool:
        try:
            async with self._sessions() as session:
                await session.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True


async def _views(session: AsyncSession, rows: Sequence[CheckoutRow]) -> tuple[CheckoutView, ...]:
    """The whole picture of these checkouts, with one query a table however many they are."""
    ids = [row.id for row in rows]
    if not ids:
        return ()
    entries = {
        row.checkout_id: row for row in await session.scalars(select(EntryRow).where(EntryRow.checkout_id.in_(ids)))
    }
    links = {
        row.checkout_id: row
        for row in await session.scalars(select(PaymentLinkRow).where(PaymentLinkRow.checkout_id.in_(ids)))
    }
    orders = {
        row.checkout_id: row for row in await session.scalars(select(OrderRow).where(OrderRow.checkout_id.in_(ids)))
    }
    payments = await _payments_of(session, ids)
    disputes = await disputes_of(session, ids)
    attempts = await attempts_of(session, ids, chain.from_iterable(payments.values()))
    refunds = await refunds_of(session, ids)
    last_runs = await last_runs_of(session, ids)
    invoices = await _in_force(session, ids)
    return tuple(
        CheckoutView(
            id=row.id,
            merchant_id=row.merchant_id,
            assignment_key=row.assignment_key,
            status=CheckoutStatus(row.status),
            currency=row.currency,
            total=row.total,
            request=from_json(CheckoutRequest, row.request),
            workflow_id=row.workflow_id,
            payment_link=_link(links.get(row.id)),
            entry=_entry(entries[row.id]),
            payments=tuple(map(payment_view, payments.get(row.id, ()))),
            attempts=attempts.get(row.id, ()),
            disputes=disputes.get(row.id, ()),
            order=_order(orders.get(row.id), last_runs.get(row.id)),
            invoice=invoices.get(row.id),
            refunds=refunds.get(row.id, ()),
            review=_review(row),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    )


async def _tax(session: AsyncSession, row: CheckoutRow) -> TaxView:
    evidence = await evidence_of(session, row.id)
    return TaxView(cart=from_json(PricedCart, row.cart), vat_id=evidence.get(row.id))


def _link(row: PaymentLinkRow | None) -> PaymentLinkView | None:
    return None if row is None else PaymentLinkView(token=row.token, expires_at=row.expires_at)


def _entry(row: EntryRow) -> EntryView:
    balance = EntryBalance(initial=row.initial, reductions=row.reductions, assigned=row.assigned, expected=row.expected)
    return EntryView(
        id=row.id,
        status=EntryStatus(row.status),
        initial_amount=balance.initial,
        open_amount=balance.open,
        outstanding_amount=balance.outstanding,
        expected_amount=balance.expected,
    )


async def _payments_of(session: AsyncSession, checkout_ids: Sequence[str]) -> dict[str, list[PaymentRow]]:
    """The payments that each checkout brought, and those of others that settle its entry, oldest first."""
    settled = (
        select(EntryRow.checkout_id, EntryItemRow.payment_id)
        .join(EntryItemRow, EntryItemRow.entry_id == EntryRow.id)
        .where(EntryRow.checkout_id.in_(checkout_ids))
    )
    brought = select(PaymentRow.checkout_id, PaymentRow.id).where(PaymentRow.checkout_id.in_(checkout_ids))
    of_checkout = union(settled, brought).subquery()
    found = await session.execute(
        select(of_checkout.c[0], PaymentRow)
        .join(PaymentRow, PaymentRow.id == of_checkout.c[1])
        .order_by(PaymentRow.created_at, PaymentRow.id)
    )
    payments: dict[str, list[PaymentRow]] = {}
    for checkout_id, row in found:
        payments.setdefault(checkout_id, []).append(row)
    return payments


def _order(row: OrderRow | None, last_run_id: str | None) -> OrderView | None:
    if row is None:
        return None
    return OrderView(
        id=row.id,
        number=row.assignment_key,
        total=row.total,
        service_date=row.service_date,
        invoice_id=row.invoice_id,
        build_error=row.build_error,
        last_run_id=last_run_id,
        created_at=row.created_at,
    )


def _review(row: CheckoutRow) -> ReviewView | None:
    if row.review is None:
        return None
    return ReviewView(
        reason=row.review["reason"],
        since=datetime.fromisoformat(row.review["since"]),
        options=tuple(row.review["options"]),
        problems=tuple(from_json(BrokenRule, problem) for problem in row.review.get("problems", ())),
    )


def _sent(row: DeliveryRow) -> SentDeliveryView:
    return SentDeliveryView(
        id=row.id,
        key=row.key,
        status=DeliveryStatus(row.status),
        recipient=row.recipient,
        message_id=row.message_id,
        answer=row.answer,
        queued_at=row.queued_at,
        updated_at=row.updated_at,
    )


async def _in_force(session: AsyncSession, checkout_ids: Sequence[str]) -> dict[str, InvoiceView]:
    """The invoice in force of each checkout that has one."""
    found = await session.execute(
        select(OrderRow.checkout_id, InvoiceRow)
        .join(InvoiceRow, InvoiceRow.id == OrderRow.invoice_id)
        .where(OrderRow.checkout_id.in_(checkout_ids))
    )
    rows = found.all()
    views = await invoice_views(session, list({row.id: row for _, row in rows}.values()))
    return {checkout_id: views[row.id] for checkout_id, row in rows}

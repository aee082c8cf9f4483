"""Invoice runs: planned, billed group by group, and kept so that a run that died goes on where it was."""

import logging
import traceback
from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.billing import (
    LONGEST_ERROR,
    bill,
    billable,
    lock_billed,
    note_build_error,
    prepare,
    still_billable,
)
from adapters.postgres.credit_notes import granted_before
from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.database import Sessions, from_json, to_json
from adapters.postgres.feed import tell
from adapters.postgres.finalization import judge
from adapters.postgres.invoice_run_views import counts_of
from adapters.postgres.tables import CheckoutRow, EntryRow, MerchantRow, OrderRow
from adapters.postgres.tables_billing import InvoiceRunOrderRow, InvoiceRunRow
from domain.billing import MOST_ORDERS, RunMode, group_key
from domain.cart import PricedCart
from domain.checkout import CheckoutRequest, Customer
from domain.errors import NotFound, QuittanceError
from domain.invoice_mapping import resolve
from domain.invoice_runs import (
    InvoiceRunRequest,
    NoteSent,
    OfInvoiceRun,
    OpenInvoiceRun,
    OrderFilter,
    RunOrderStatus,
    RunPhase,
    RunStanding,
    Unsent,
    Waiting,
)
from domain.invoices import InvoiceKind
from domain.merchants import Invoicing, Merchant

_AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)
_MAY_PASS = ("40", "55P03")
"""SQLSTATE of what succeeds when it is tried again: deadlocks, serialization failures, locks not to be had."""
_log = logging.getLogger(__name__)


class PostgresInvoiceRunBook:
    """Implements `domain.ports.InvoiceRunBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def open(self, step: OpenInvoiceRun) -> RunStanding:
        async with self._sessions.begin() as session:
            merchant = await _merchant(session, step.merchant_id)
            today = datetime.now(UTC).astimezone(ZoneInfo(merchant.time_zone)).date()
            await session.execute(
                insert(InvoiceRunRow)
                .values(
                    id=step.run_id,
                    merchant_id=step.merchant_id,
                    key=step.request.key,
                    request=to_json(step.request),
                    until=step.request.until or today,
                    phase=RunPhase.PLANNING,
                    workflow_id=step.workflow_id,
                    opened_by=step.opened_by,
                )
                .on_conflict_do_nothing(index_elements=[InvoiceRunRow.id])
            )
            return await _standing(session, await _run(session, step.merchant_id, step.run_id))

    async def plan(self, step: OfInvoiceRun) -> RunStanding:
        async with self._sessions.begin() as session:
            run = await _run(session, step.merchant_id, step.run_id, lock=True)
            if run.phase == RunPhase.PLANNING:
                await self._plan_page(session, run, step.most)
            return await _standing(session, run)

    @staticmethod
    async def _plan_page(session: AsyncSession, run: InvoiceRunRow, most: int) -> None:
        """Note the next orders that can be billed. The page after the last one ends the planning."""
        merchant = await _merchant(session, run.merchant_id)
        request = from_json(InvoiceRunRequest, run.request)
        wanted = (
            select(OrderRow, CheckoutRow.request, CheckoutRow.cart)
            .join(CheckoutRow, CheckoutRow.id == OrderRow.checkout_id)
            .join(EntryRow, EntryRow.checkout_id == OrderRow.checkout_id)
            .where(
                OrderRow.merchant_id == run.merchant_id,
                OrderRow.created_at <= run.created_at,
                billable(merchant),
                *_due(run.until, merchant),
                *_fitting(request.filter, merchant),
            )
            .order_by(OrderRow.created_at, OrderRow.id)
            .limit(most)
        )
        if run.planned_to is not None:
            at, order_id = after(run.planned_to)
            wanted = wanted.where(or_(OrderRow.created_at > at, (OrderRow.created_at == at) & (OrderRow.id > order_id)))
        rows = (await session.execute(wanted)).all()
        if rows:
            planned = [_planned(run, order, stated, cart, request.mode, merchant) for order, stated, cart in rows]
            await session.execute(insert(InvoiceRunOrderRow).on_conflict_do_nothing(), planned)
            run.planned_to = cursor_of(rows[-1][0].created_at, rows[-1][0].id)
        if len(rows) < most:
            run.phase = RunPhase.BILLING

    async def bill(self, step: OfInvoiceRun) -> RunStanding:
        async with self._sessions() as session:
            run = await _run(session, step.merchant_id, step.run_id)
            merchant = await _merchant(session, step.merchant_id)
            groups = (
                await session.scalars(
                    select(InvoiceRunOrderRow.group_key)
                    .where(InvoiceRunOrderRow.run_id == run.id, InvoiceRunOrderRow.status == RunOrderStatus.PLANNED)
                    .group_by(InvoiceRunOrderRow.group_key)
                    .order_by(func.min(InvoiceRunOrderRow.ordered_at), InvoiceRunOrderRow.group_key)
                    .limit(step.most)
                )
            ).all()
        dry_run = from_json(InvoiceRunRequest, run.request).dry_run
        for group in groups:
            await self._bill_group(run.id, merchant, group, dry_run=dry_run)
        async with self._sessions.begin() as session:
            run = await _run(session, step.merchant_id, step.run_id, lock=True)
            standing = await _standing(session, run)
            if run.phase == RunPhase.BILLING and not standing.count(RunOrderStatus.PLANNED):
                run.phase, run.billed_at = RunPhase.SENDING, datetime.now(UTC)
                standing = await _standing(session, run)
            return standing

    async def _bill_group(self, run_id: str, merchant: Merchant, group: str, *, dry_run: bool) -> None:
        """One invoice, in a transaction of its own. Whatever is wrong with it must not stop the run."""
        order_ids = await self._next_of(run_id, group)
        try:
            await (self._judge if dry_run else self._finalize)(run_id, merchant, order_ids)
        except _AWAY:
            raise
        except QuittanceError as refusal:
            await self._note_failure(run_id, order_ids, str(refusal), at_orders=not dry_run)
        except Exception as error:
            if isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")).startswith(_MAY_PASS):
                raise
            await self._note_failure(run_id, order_ids, _unexpected(run_id, error), at_orders=not dry_run)

    async def _next_of(self, run_id: str, group: str) -> list[str]:
        """The oldest planned orders of a group, as many as fit on an invoice."""
        async with self._sessions() as session:
            found = await session.scalars(
                select(InvoiceRunOrderRow.order_id)
                .where(
                    InvoiceRunOrderRow.run_id == run_id,
                    InvoiceRunOrderRow.group_key == group,
                    InvoiceRunOrderRow.status == RunOrderStatus.PLANNED,
                )
                .order_by(InvoiceRunOrderRow.ordered_at, InvoiceRunOrderRow.order_id)
                .limit(MOST_ORDERS)
            )
            return list(found)

    async def _finalize(self, run_id: str, merchant: Merchant, order_ids: Sequence[str]) -> None:
        async with self._sessions.begin() as session:
            checkouts = await lock_billed(session, merchant.id, order_ids)
            planned = await _still_planned(session, run_id, order_ids)
            ready = await still_billable(session, merchant, planned)
            await _note(session, run_id, set(planned) - set(ready), RunOrderStatus.SKIPPED)
            if not ready:
                return
            mine = await session.scalars(select(OrderRow.checkout_id).where(OrderRow.id.in_(ready)))
            billed = set(mine)
            invoice = await bill(session, merchant, [one for one in checkouts if one.id in billed], ready)
            await _note(session, run_id, ready, RunOrderStatus.BILLED, invoice_id=invoice.id)

    async def _judge(self, run_id: str, merchant: Merchant, order_ids: Sequence[str]) -> None:
        """What a dry run does in place of finalizing: everything but the number, and nothing stays of it."""
        async with self._sessions.begin() as session:
            ready = await still_billable(session, merchant, order_ids)
            await _note(session, run_id, set(order_ids) - set(ready), RunOrderStatus.SKIPPED)
            if ready:
                async with session.begin_nested() as attempt:
                    prepared = await prepare(session, merchant, ready)
                    judge(merchant, prepared.draft, prepared.ties)
                    await attempt.rollback()
                await _note(session, run_id, ready, RunOrderStatus.BILLABLE)

    async def _note_failure(self, run_id: str, order_ids: Sequence[str], words: str, *, at_orders: bool) -> None:
        async with self._sessions.begin() as session:
            if at_orders:
                await note_build_error(session, order_ids, words)
            planned = await _still_planned(session, run_id, order_ids)
            await _note(session, run_id, planned, RunOrderStatus.FAILED, error=words[:LONGEST_ERROR])

    async def unsent(self, step: OfInvoiceRun) -> Unsent:
        async with self._sessions() as session:
            found = await session.scalars(
                select(InvoiceRunOrderRow.invoice_id)
                .where(
                    InvoiceRunOrderRow.run_id == step.run_id,
                    InvoiceRunOrderRow.merchant_id == step.merchant_id,
                    InvoiceRunOrderRow.status == RunOrderStatus.BILLED,
                )
                .group_by(InvoiceRunOrderRow.invoice_id)
                .order_by(func.min(InvoiceRunOrderRow.ordered_at), InvoiceRunOrderRow.invoice_id)
                .limit(step.most)
            )
            invoice_ids = tuple(invoice_id for invoice_id in found if invoice_id is not None)
            return Unsent(invoice_ids=invoice_ids, credit_notes=await granted_before(session, invoice_ids))

    async def note_sent(self, step: NoteSent) -> RunStanding:
        async with self._sessions.begin() as session:
            run = await _run(session, step.merchant_id, step.run_id)
            for invoice_id, error in step.outcomes.items():
                await session.execute(
                    update(InvoiceRunOrderRow)
                    .where(InvoiceRunOrderRow.run_id == run.id, InvoiceRunOrderRow.invoice_id == invoice_id)
                    .values(status=RunOrderStatus.UNSENT if error else RunOrderStatus.SENT, error=error)
                )
            return await _standing(session, run)

    async def waiting(self, merchant_id: str, invoice_ids: tuple[str, ...]) -> Waiting:
        async with self._sessions() as session:
            merchant = await _merchant(session, merchant_id)
            if merchant.invoicing is not Invoicing.COLLECTIVE:
                return Waiting(workflow_ids=())
            found = await session.scalars(
                select(CheckoutRow.workflow_id)
                .join(OrderRow, OrderRow.checkout_id == CheckoutRow.id)
                .where(OrderRow.invoice_id.in_(invoice_ids))
            )
            return Waiting(workflow_ids=tuple(found))

    async def complete(self, step: OfInvoiceRun) -> RunStanding:
        async with self._sessions.begin() as session:
            run = await _run(session, step.merchant_id, step.run_id, lock=True)
            is_news = run.phase != RunPhase.COMPLETED
            if is_news:
                run.phase, run.completed_at = RunPhase.COMPLETED, datetime.now(UTC)
            standing = await _standing(session, run)
            if is_news:
                counts = {status.value: count for status, count in standing.orders.items()}
                await tell(
                    session, run.merchant_id, "invoice_run.completed", None, invoice_run_id=run.id, orders=counts
                )
            return standing


async def _merchant(session: AsyncSession, merchant_id: str) -> Merchant:
    row = await session.get(MerchantRow, merchant_id)
    if row is None:
        raise NotFound("merchant", merchant_id)
    return from_json(Merchant, row.config)


async def _run(session: AsyncSession, merchant_id: str, run_id: str, *, lock: bool = False) -> InvoiceRunRow:
    mine = select(InvoiceRunRow).where(InvoiceRunRow.id == run_id, InvoiceRunRow.merchant_id == merchant_id)
    run = (await session.scalars(mine.with_for_update() if lock else mine)).one_or_none()
    if run is None:
        raise NotFound("invoice run", run_id)
    return run


async def _standing(session: AsyncSession, run: InvoiceRunRow) -> RunStanding:
    await session.flush()
    return RunStanding(
        phase=RunPhase(run.phase),
        opened_by=run.opened_by,
        dry_run=run.request["dry_run"],
        orders=(await counts_of(session, [run.id]))[run.id],
    )


def _due(until: date, merchant: Merchant) -> list[ColumnElement[bool]]:
    return [func.coalesce(OrderRow.service_date, _ordered_on(merchant)) <= until]


def _ordered_on(merchant: Merchant) -> ColumnElement[date]:
    """The day of an order in the seller's calendar."""
    return func.date(func.timezone(merchant.time_zone, OrderRow.created_at))


def _fitting(wanted: OrderFilter, merchant: Merchant) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.customer is not None:
        conditions.append(
            or_(
                OrderRow.buyer["number"].astext == wanted.customer,
                func.lower(OrderRow.buyer["email"].astext) == wanted.customer.lower(),
            )
        )
    if wanted.assignment_key_prefix is not None:
        conditions.append(OrderRow.assignment_key.startswith(wanted.assignment_key_prefix, autoescape=True))
    if wanted.currency is not None:
        conditions.append(OrderRow.currency == wanted.currency)
    if wanted.ordered_until is not None:
        conditions.append(_ordered_on(merchant) <= wanted.ordered_until)
    if wanted.metadata:
        conditions.append(CheckoutRow.request["metadata"].contains(wanted.metadata))
    return conditions


def _planned(
    run: InvoiceRunRow,
    order: OrderRow,
    stated: dict[str, object],
    cart: dict[str, object],
    mode: RunMode,
    merchant: Merchant,
) -> dict[str, object]:
    """An order of the plan. Alone are deposits and what deducts them, and one that cannot be read: it will fail when
    its turn comes."""
    group = order.id
    if mode is RunMode.PARENT_CHILD:
        try:
            request = from_json(CheckoutRequest, stated)
            if request.document == InvoiceKind.INVOICE and not request.deducts:
                fields = resolve(merchant.invoice_mapping, request)
                group = group_key(from_json(Customer, order.buyer), from_json(PricedCart, cart), fields)
        except ValueError as error:
            _unexpected(run.id, error)
    return {
        "run_id": run.id,
        "order_id": order.id,
        "merchant_id": run.merchant_id,
        "ordered_at": order.created_at,
        "group_key": group,
        "status": RunOrderStatus.PLANNED,
        "amount": order.total,
        "currency": order.currency,
    }


def _unexpected(run_id: str, error: Exception) -> str:
    """Log where an error came from, and name it. What it says may quote a customer, and goes nowhere."""
    places = "".join(traceback.format_tb(error.__traceback__))
    _log.error("run %s: %s with an order, at\n%s", run_id, type(error).__name__, places)
    return f"unexpected: {type(error).__name__}"


async def _still_planned(session: AsyncSession, run_id: str, order_ids: Sequence[str]) -> list[str]:
    """Which of these nobody has dealt with: a step that was thought dead may have."""
    found = await session.scalars(
        select(InvoiceRunOrderRow.order_id)
        .where(
            InvoiceRunOrderRow.run_id == run_id,
            InvoiceRunOrderRow.order_id.in_(order_ids),
            InvoiceRunOrderRow.status == RunOrderStatus.PLANNED,
        )
        .order_by(InvoiceRunOrderRow.order_id)
        .with_for_update()
    )
    return list(found)


async def _note(
    session: AsyncSession,
    run_id: str,
    order_ids: Sequence[str] | set[str],
    status: RunOrderStatus,
    *,
    invoice_id: str | None = None,
    error: str | None = None,
) -> None:
    await session.execute(
        update(InvoiceRunOrderRow)
        .where(InvoiceRunOrderRow.run_id == run_id, InvoiceRunOrderRow.order_id.in_(order_ids))
        .values(status=status, invoice_id=invoice_id, error=error, updated_at=func.now())
    )

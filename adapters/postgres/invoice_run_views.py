"""Reads invoice runs, and what became of the orders in them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, distinct, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.database import from_json
from adapters.postgres.tables import InvoiceRow, OrderRow
from adapters.postgres.tables_billing import InvoiceRunOrderRow, InvoiceRunRow
from domain.invoice_runs import INVOICED, InvoiceRunRequest, RunOrderStatus, RunPhase
from domain.views import InvoiceRunPage, InvoiceRunView, RunOrderPage, RunOrderView

_COUNTED = INVOICED | {RunOrderStatus.BILLABLE}
"""What the amounts of a run are the sum of."""


async def last_runs_of(session: AsyncSession, checkout_ids: Sequence[str]) -> dict[str, str]:
    """The last run that looked at the order of each checkout, dry runs aside."""
    found = await session.execute(
        select(OrderRow.checkout_id, InvoiceRunOrderRow.run_id)
        .join(InvoiceRunOrderRow, InvoiceRunOrderRow.order_id == OrderRow.id)
        .join(InvoiceRunRow, InvoiceRunRow.id == InvoiceRunOrderRow.run_id)
        .where(OrderRow.checkout_id.in_(checkout_ids), ~InvoiceRunRow.request["dry_run"].as_boolean())
        .order_by(InvoiceRunRow.created_at)
    )
    return {row.checkout_id: row.run_id for row in found}


async def read_run(session: AsyncSession, *conditions: ColumnElement[bool]) -> InvoiceRunView | None:
    """The run that fits."""
    rows = (await session.scalars(select(InvoiceRunRow).where(*conditions))).all()
    return next(iter(await _views(session, rows)), None)


async def read_runs(session: AsyncSession, merchant_id: str, *, cursor: str | None, limit: int) -> InvoiceRunPage:
    """A page of a merchant's runs, newest first."""
    wanted = select(InvoiceRunRow).where(InvoiceRunRow.merchant_id == merchant_id)
    if cursor is not None:
        wanted = wanted.where(tuple_(InvoiceRunRow.created_at, InvoiceRunRow.id) < after(cursor))
    newest = wanted.order_by(InvoiceRunRow.created_at.desc(), InvoiceRunRow.id.desc()).limit(limit + 1)
    rows = (await session.scalars(newest)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return InvoiceRunPage(
        items=await _views(session, rows[:limit]), next_cursor=cursor_of(last.created_at, last.id) if last else None
    )


async def read_run_orders(
    session: AsyncSession,
    merchant_id: str,
    run_id: str,
    *,
    status: RunOrderStatus | None,
    cursor: str | None,
    limit: int,
) -> RunOrderPage:
    """A page of a run's orders, oldest first."""
    wanted = (
        select(InvoiceRunOrderRow, OrderRow.assignment_key, InvoiceRow.number)
        .join(OrderRow, OrderRow.id == InvoiceRunOrderRow.order_id)
        .outerjoin(InvoiceRow, InvoiceRow.id == InvoiceRunOrderRow.invoice_id)
        .where(InvoiceRunOrderRow.run_id == run_id, InvoiceRunOrderRow.merchant_id == merchant_id)
    )
    if status is not None:
        wanted = wanted.where(InvoiceRunOrderRow.status == status)
    if cursor is not None:
        wanted = wanted.where(tuple_(InvoiceRunOrderRow.ordered_at, InvoiceRunOrderRow.order_id) > after(cursor))
    oldest = wanted.order_by(InvoiceRunOrderRow.ordered_at, InvoiceRunOrderRow.order_id).limit(limit + 1)
    rows = (await session.execute(oldest)).all()
    last = rows[limit - 1][0] if len(rows) > limit else None
    return RunOrderPage(
        items=tuple(_order(row, number, invoice_number) for row, number, invoice_number in rows[:limit]),
        next_cursor=cursor_of(last.ordered_at, last.order_id) if last else None,
    )


def _order(row: InvoiceRunOrderRow, number: str, invoice_number: str | None) -> RunOrderView:
    return RunOrderView(
        order_id=row.order_id,
        number=number,
        group=row.group_key,
        status=RunOrderStatus(row.status),
        amount=row.amount,
        currency=row.currency,
        invoice_id=row.invoice_id,
        invoice_number=invoice_number,
        error=row.error,
    )


async def counts_of(session: AsyncSession, run_ids: Sequence[str]) -> dict[str, dict[RunOrderStatus, int]]:
    """What became of the orders of each run."""
    found = await session.execute(
        select(InvoiceRunOrderRow.run_id, InvoiceRunOrderRow.status, func.count().label("orders"))
        .where(InvoiceRunOrderRow.run_id.in_(run_ids))
        .group_by(InvoiceRunOrderRow.run_id, InvoiceRunOrderRow.status)
    )
    counts: dict[str, dict[RunOrderStatus, int]] = {run_id: {} for run_id in run_ids}
    for row in found:
        counts[row.run_id][RunOrderStatus(row.status)] = row.orders
    return counts


async def _views(session: AsyncSession, rows: Sequence[InvoiceRunRow]) -> tuple[InvoiceRunView, ...]:
    ids = [row.id for row in rows]
    counts = await counts_of(session, ids)
    amounts: dict[str, dict[str, int]] = {run_id: {} for run_id in ids}
    for summed in await session.execute(
        select(
            InvoiceRunOrderRow.run_id, InvoiceRunOrderRow.currency, func.sum(InvoiceRunOrderRow.amount).label("amount")
        )
        .where(InvoiceRunOrderRow.run_id.in_(ids), InvoiceRunOrderRow.status.in_(_COUNTED))
        .group_by(InvoiceRunOrderRow.run_id, InvoiceRunOrderRow.currency)
    ):
        amounts[summed.run_id][summed.currency] = int(summed.amount)
    invoices = {
        row.run_id: row.invoices
        for row in await session.execute(
            select(
                InvoiceRunOrderRow.run_id,
                func.count(distinct(func.coalesce(InvoiceRunOrderRow.invoice_id, InvoiceRunOrderRow.group_key))).label(
                    "invoices"
                ),
            )
            .where(InvoiceRunOrderRow.run_id.in_(ids), InvoiceRunOrderRow.status.in_(_COUNTED))
            .group_by(InvoiceRunOrderRow.run_id)
        )
    }
    first, last = await _numbers(session, ids, last=False), await _numbers(session, ids, last=True)
    return tuple(
        InvoiceRunView(
            id=row.id,
            request=from_json(InvoiceRunRequest, row.request),
            until=row.until,
            phase=RunPhase(row.phase),
            workflow_id=row.workflow_id,
            orders=counts[row.id],
            invoices=invoices.get(row.id, 0),
            amounts=amounts[row.id],
            first_number=first.get(row.id),
            last_number=last.get(row.id),
            created_at=row.created_at,
            billed_at=row.billed_at,
            completed_at=row.completed_at,
        )
        for row in rows
    )


async def _numbers(session: AsyncSession, run_ids: Sequence[str], *, last: bool) -> dict[str, str]:
    """The number of the first or last invoice of each run."""
    at = InvoiceRow.finalized_at.desc() if last else InvoiceRow.finalized_at
    found = await session.execute(
        select(InvoiceRunOrderRow.run_id, InvoiceRow.number)
        .join(InvoiceRow, InvoiceRow.id == InvoiceRunOrderRow.invoice_id)
        .where(InvoiceRunOrderRow.run_id.in_(run_ids))
        .ext(distinct_on(InvoiceRunOrderRow.run_id))
        .order_by(InvoiceRunOrderRow.run_id, at)
    )
    return {row.run_id: row.number for row in found}

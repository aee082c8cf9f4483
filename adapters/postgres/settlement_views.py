"""Pictures of disputes and payouts, for the reader."""

from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.tables import PaymentRow
from adapters.postgres.tables_disputes import DisputeRow
from adapters.postgres.tables_payouts import PayoutItemRow, PayoutRow
from domain.disputes import DisputeStatus
from domain.payouts import PayoutItemKind, PayoutStatus
from domain.views import DisputeView, PayoutItemView, PayoutPage, PayoutView


async def disputes_of(session: AsyncSession, checkout_ids: Sequence[str]) -> dict[str, tuple[DisputeView, ...]]:
    """The disputes of each checkout that has any, oldest first."""
    rows = await session.scalars(
        select(DisputeRow).where(DisputeRow.checkout_id.in_(checkout_ids)).order_by(DisputeRow.opened_at, DisputeRow.id)
    )
    found: dict[str, tuple[DisputeView, ...]] = {}
    for row in rows:
        view = DisputeView(
            id=row.id,
            status=DisputeStatus(row.status),
            amount=row.amount,
            currency=row.currency,
            reason=row.reason,
            evidence_due_at=row.evidence_due_at,
        )
        found[row.checkout_id or ""] = (*found.get(row.checkout_id or "", ()), view)
    return found


async def read_payouts(session: AsyncSession, merchant_id: str, *, cursor: str | None, limit: int) -> PayoutPage:
    """Newest first, without their items. Raises InvalidInput for a cursor that is not one of ours."""
    wanted = select(PayoutRow).where(PayoutRow.merchant_id == merchant_id)
    if cursor is not None:
        wanted = wanted.where(tuple_(PayoutRow.created_at, PayoutRow.id) < after(cursor))
    newest = wanted.order_by(PayoutRow.created_at.desc(), PayoutRow.id.desc()).limit(limit + 1)
    rows = (await session.scalars(newest)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return PayoutPage(
        items=tuple(_payout(row) for row in rows[:limit]),
        next_cursor=cursor_of(last.created_at, last.id) if last else None,
    )


async def read_payout(session: AsyncSession, merchant_id: str, payout_id: str) -> PayoutView | None:
    """One payout with all its items."""
    row = await session.get(PayoutRow, payout_id)
    if row is None or row.merchant_id != merchant_id:
        return None
    items = await session.execute(
        select(PayoutItemRow, PaymentRow.checkout_id)
        .outerjoin(PaymentRow, PaymentRow.id == PayoutItemRow.payment_id)
        .where(PayoutItemRow.payout_id == payout_id)
        .order_by(PayoutItemRow.reference)
    )
    return _payout(row, tuple(_item(item, checkout_id) for item, checkout_id in items))


def _payout(row: PayoutRow, items: tuple[PayoutItemView, ...] | None = None) -> PayoutView:
    return PayoutView(
        id=row.id,
        reference=row.reference,
        status=PayoutStatus(row.status),
        amount=row.amount,
        currency=row.currency,
        arrives_on=row.arrives_on,
        matched=row.matched,
        created_at=row.created_at,
        items=items,
    )


def _item(row: PayoutItemRow, checkout_id: str | None) -> PayoutItemView:
    return PayoutItemView(
        reference=row.reference,
        kind=PayoutItemKind(row.kind),
        source=row.source,
        amount=row.amount,
        fee=row.fee,
        net=row.net,
        payment_id=row.payment_id,
        checkout_id=checkout_id,
        matched=row.matched,
    )

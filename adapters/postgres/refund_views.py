"""Pictures of refunds, for the reader."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json
from adapters.postgres.refund_money import credit_notes_of
from adapters.postgres.tables import InvoiceRow
from adapters.postgres.tables_refunds import RefundRow
from domain.refund_requests import RefundRequest
from domain.refunds import RefundOrigin, RefundStatus
from domain.views import CreditNoteView, RefundView


async def refunds_of(session: AsyncSession, checkout_ids: Sequence[str]) -> dict[str, tuple[RefundView, ...]]:
    """The refunds of each checkout that has any, oldest first."""
    found: dict[str, tuple[RefundView, ...]] = {}
    for refund in await _read(session, RefundRow.checkout_id.in_(checkout_ids)):
        found[refund.checkout_id or ""] = (*found.get(refund.checkout_id or "", ()), refund)
    return found


async def read_refund(session: AsyncSession, *conditions: ColumnElement[bool]) -> RefundView | None:
    """The refund that meets all conditions, if there is one."""
    found = await _read(session, *conditions)
    return found[0] if found else None


async def _read(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[RefundView]:
    wanted = select(RefundRow).where(*conditions).order_by(RefundRow.created_at, RefundRow.id)
    rows = (await session.scalars(wanted)).all()
    notes = await credit_notes_of(session, [row.id for row in rows]) if rows else {}
    return [_view(row, notes.get(row.id, ())) for row in rows]


def _view(row: RefundRow, notes: Sequence[InvoiceRow]) -> RefundView:
    return RefundView(
        id=row.id,
        checkout_id=row.checkout_id,
        payment_id=row.payment_id,
        status=RefundStatus(row.status),
        origin=RefundOrigin(row.origin),
        amount=row.amount,
        currency=row.currency,
        reason=row.reason,
        failure=row.failure,
        approved_by=row.approved_by,
        credit_notes=tuple(CreditNoteView(id=note.id, number=note.number) for note in notes),
        key=row.key if row.request is not None else None,
        request=None if row.request is None else from_json(RefundRequest, row.request),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

"""Pictures of refunds, for the reader."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json
from adapters.postgres.tables import InvoiceRow
from adapters.postgres.tables_refunds import RefundRow
from domain.refund_requests import RefundRequest
from domain.refunds import RefundOrigin, RefundStatus
from domain.views import CreditNoteView, RefundView


def _wanted(*conditions: ColumnElement[bool]) -> Select[RefundRow, str]:
    return (
        select(RefundRow, InvoiceRow.number)
        .outerjoin(InvoiceRow, InvoiceRow.id == RefundRow.credit_note_id)
        .where(*conditions)
        .order_by(RefundRow.created_at, RefundRow.id)
    )


async def refunds_of(session: AsyncSession, checkout_ids: Sequence[str]) -> dict[str, tuple[RefundView, ...]]:
    """The refunds of each checkout that has any, oldest first."""
    found: dict[str, tuple[RefundView, ...]] = {}
    for row, number in await session.execute(_wanted(RefundRow.checkout_id.in_(checkout_ids))):
        found[row.checkout_id or ""] = (*found.get(row.checkout_id or "", ()), _view(row, number))
    return found


async def read_refund(session: AsyncSession, *conditions: ColumnElement[bool]) -> RefundView | None:
    """The refund that meets all conditions, if there is one."""
    found = (await session.execute(_wanted(*conditions))).one_or_none()
    return None if found is None else _view(found[0], found[1])


def _view(row: RefundRow, number: str | None) -> RefundView:
    note = CreditNoteView(id=row.credit_note_id, number=number) if row.credit_note_id and number else None
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
        credit_note=note,
        key=row.key if row.request is not None else None,
        request=None if row.request is None else from_json(RefundRequest, row.request),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

"""Pictures of cases, for the reader."""

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.tables import PaymentRow
from adapters.postgres.tables_cases import CaseRow
from domain.cases import CaseStatus
from domain.views import CasePage, CaseView

_IS: dict[CaseStatus, ColumnElement[bool]] = {
    CaseStatus.OPEN: CaseRow.decided_at.is_(None),
    CaseStatus.DECIDED: CaseRow.decided_at.is_not(None) & CaseRow.settled_at.is_(None),
    CaseStatus.SETTLED: CaseRow.settled_at.is_not(None),
}


async def read_cases(
    session: AsyncSession, merchant_id: str, *, status: CaseStatus | None, cursor: str | None, limit: int
) -> CasePage:
    """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
    condition = CaseRow.merchant_id == merchant_id
    if status is not None:
        condition &= _IS[status]
    if cursor is not None:
        condition &= tuple_(CaseRow.opened_at, CaseRow.id) < after(cursor)
    views = await _views(session, condition, limit + 1)
    last = views[limit - 1] if len(views) > limit else None
    return CasePage(items=views[:limit], next_cursor=cursor_of(last.opened_at, last.id) if last else None)


async def read_case(session: AsyncSession, merchant_id: str, case_id: str) -> CaseView | None:
    """One case."""
    found = await _views(session, (CaseRow.merchant_id == merchant_id) & (CaseRow.id == case_id), 1)
    return found[0] if found else None


async def _views(session: AsyncSession, condition: ColumnElement[bool], limit: int) -> tuple[CaseView, ...]:
    found = await session.execute(
        select(CaseRow, PaymentRow.reference)
        .outerjoin(PaymentRow, PaymentRow.id == CaseRow.payment_id)
        .where(condition)
        .order_by(CaseRow.opened_at.desc(), CaseRow.id.desc())
        .limit(limit)
    )
    return tuple(_view(row, reference) for row, reference in found)


def _view(row: CaseRow, payment_reference: str | None) -> CaseView:
    decided = CaseStatus.DECIDED if row.settled_at is None else CaseStatus.SETTLED
    return CaseView(
        id=row.id,
        kind=row.kind,
        status=CaseStatus.OPEN if row.decided_at is None else decided,
        checkout_id=row.checkout_id,
        payment_id=row.payment_id,
        payment_reference=payment_reference,
        workflow_id=row.workflow_id,
        amount=row.data.get("amount"),
        currency=row.data.get("currency"),
        detail=row.data.get("failure") or row.data.get("detail"),
        options=tuple(row.options),
        opened_at=row.opened_at,
        due_at=row.due_at,
        overdue=row.overdue,
        decision=row.decision,
        reason=row.reason,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        settled_at=row.settled_at,
    )

"""Finalized documents as they are read: with their files, their delivery, and what corrects them."""

from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.database import from_json
from adapters.postgres.deposits import deposits_of_keys
from adapters.postgres.tables import CheckoutRow, DeliveryRow, DocumentRow, InvoiceRow, OrderRow
from adapters.postgres.tables_billing import InvoiceOrderRow
from adapters.postgres.tables_corrections import CorrectionRow
from domain.checkout import CheckoutRequest
from domain.corrections import CorrectionRequest
from domain.deliveries import DeliveryStatus
from domain.deposits import deduction_problems
from domain.documents import DocumentKind, DocumentRef
from domain.errors import Violation
from domain.invoices import InvoiceKind, InvoiceStatus, Particulars
from domain.views import AcceptedCorrection, CorrectionView, DeliveryView, InvoicePage, InvoiceView


async def read_invoices(
    session: AsyncSession,
    merchant_id: str,
    *,
    kind: InvoiceKind | None,
    status: InvoiceStatus | None,
    cursor: str | None,
    limit: int,
) -> InvoicePage:
    """A page of a merchant's documents, newest first. Raises InvalidInput for a cursor that is not one of ours."""
    wanted = select(InvoiceRow).where(InvoiceRow.merchant_id == merchant_id)
    if kind is not None:
        wanted = wanted.where(InvoiceRow.kind == kind)
    if status is not None:
        wanted = wanted.where(InvoiceRow.status == status)
    if cursor is not None:
        wanted = wanted.where(tuple_(InvoiceRow.finalized_at, InvoiceRow.id) < after(cursor))
    newest = wanted.order_by(InvoiceRow.finalized_at.desc(), InvoiceRow.id.desc()).limit(limit + 1)
    rows = (await session.scalars(newest)).all()
    views = await invoice_views(session, rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    return InvoicePage(
        items=tuple(views[row.id] for row in rows[:limit]),
        next_cursor=cursor_of(last.finalized_at, last.id) if last else None,
    )


async def invoice_views(session: AsyncSession, rows: Sequence[InvoiceRow]) -> dict[str, InvoiceView]:
    """The picture of each of these documents, by its id."""
    ids = [row.id for row in rows]
    documents: dict[tuple[str, str], DocumentRef] = {
        (row.invoice_id, row.kind): DocumentRef(
            kind=DocumentKind(row.kind), key=row.key, sha256=row.sha256, size=row.size
        )
        for row in await session.scalars(select(DocumentRow).where(DocumentRow.invoice_id.in_(ids)))
    }
    newest_last = select(DeliveryRow).where(DeliveryRow.invoice_id.in_(ids)).order_by(DeliveryRow.queued_at)
    deliveries = {
        row.invoice_id: DeliveryView(status=DeliveryStatus(row.status), at=row.updated_at)
        for row in await session.scalars(newest_last)
    }
    corrections = await _corrections_of(session, ids)
    orders = await _orders_of(session, ids)
    return {
        row.id: InvoiceView(
            id=row.id,
            number=row.number,
            status=InvoiceStatus(row.status),
            currency=row.currency,
            total=row.grand_total + row.rounding,
            kind=InvoiceKind(row.kind),
            issued_on=row.issued_on,
            reason=particulars.reason,
            corrects_id=row.corrects_id,
            corrected_by=corrections.get(row.id, ()),
            orders=orders.get(row.id, ()),
            deducts=tuple(deduction.document.number for deduction in particulars.deductions),
            pdf=documents.get((row.id, DocumentKind.INVOICE_PDF)),
            xml=documents.get((row.id, DocumentKind.INVOICE_XML)),
            ubl=documents.get((row.id, DocumentKind.INVOICE_UBL)),
            delivery=deliveries.get(row.id),
        )
        for row in rows
        for particulars in [from_json(Particulars, row.particulars)]
    }


async def read_correction(session: AsyncSession, merchant_id: str, key: str) -> AcceptedCorrection | None:
    """What came of a shop's key."""
    found = await session.scalars(
        select(CorrectionRow).where(CorrectionRow.merchant_id == merchant_id, CorrectionRow.key == key)
    )
    row = found.one_or_none()
    if row is None:
        return None
    return AcceptedCorrection(request=from_json(CorrectionRequest, row.request), document_id=row.document_id)


async def deposit_problems(
    session: AsyncSession, merchant_id: str, request: CheckoutRequest, total: int
) -> tuple[Violation, ...]:
    """Why a new checkout cannot deduct what it wants to; nothing for one whose key is known."""
    known = await session.scalar(
        select(CheckoutRow.id).where(
            CheckoutRow.merchant_id == merchant_id, CheckoutRow.assignment_key == request.assignment_key
        )
    )
    if not request.deducts or known is not None:
        return ()
    deposits = await deposits_of_keys(session, merchant_id, request.deducts)
    return deduction_problems(request, total, deposits)


async def _orders_of(session: AsyncSession, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The orders each of these documents is about, oldest first."""
    found = await session.execute(
        select(InvoiceOrderRow.invoice_id, InvoiceOrderRow.order_id)
        .join(OrderRow, OrderRow.id == InvoiceOrderRow.order_id)
        .where(InvoiceOrderRow.invoice_id.in_(ids))
        .order_by(OrderRow.created_at, OrderRow.id)
    )
    orders: dict[str, tuple[str, ...]] = {}
    for invoice_id, order_id in found:
        orders[invoice_id] = (*orders.get(invoice_id, ()), order_id)
    return orders


async def _corrections_of(session: AsyncSession, ids: Sequence[str]) -> dict[str, tuple[CorrectionView, ...]]:
    found = await session.scalars(
        select(InvoiceRow).where(InvoiceRow.corrects_id.in_(ids)).order_by(InvoiceRow.finalized_at, InvoiceRow.id)
    )
    corrections: dict[str, tuple[CorrectionView, ...]] = {}
    for row in found:
        view = CorrectionView(
            id=row.id, kind=InvoiceKind(row.kind), number=row.number, total=row.grand_total + row.rounding
        )
        corrections[row.corrects_id or ""] = (*corrections.get(row.corrects_id or "", ()), view)
    return corrections

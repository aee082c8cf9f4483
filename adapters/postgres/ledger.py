"""The read side of the ledger: entries, orders, payments, settlements and links, always of one merchant."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.assignments import balance_of
from adapters.postgres.combined_links import waiting_on
from adapters.postgres.cursors import after, cursor_of
from adapters.postgres.database import Sessions, from_json
from adapters.postgres.payment_views import payment_view
from adapters.postgres.tables import CheckoutRow, EntryItemRow, EntryRow, OrderLineRow, OrderRow, PaymentRow
from adapters.postgres.tables_settlements import CombinedLinkRow, SettlementRow
from domain.cart import PricedDiscount
from domain.checkout import CheckoutStatus, Customer, PriceMode
from domain.entries import EntryItemKind, EntryStatus
from domain.ledger_views import (
    EntryDetailView,
    EntryItemView,
    EntryPage,
    LinkEntryView,
    LinkView,
    MoveView,
    OrderDetailView,
    OrderDiscountView,
    OrderLineView,
    OrderPage,
    PaymentDetailView,
    PaymentPage,
    SettlementView,
    TiedPaymentView,
    Wanted,
)
from domain.payments import PaymentStatus
from domain.settlement_steps import Consequences, LinkRequest
from domain.settlements import CancelEntry, Reduce, ReductionKind, Request, Settle, SettlementKind

_Listed = TypeVar("_Listed", EntryRow, OrderRow, PaymentRow)
_REQUESTS: dict[SettlementKind, type[Reduce] | type[CancelEntry] | type[Settle]] = {
    SettlementKind.REDUCTION: Reduce,
    SettlementKind.CANCELATION: CancelEntry,
    SettlementKind.ASSIGNMENT: Settle,
}


class PostgresLedger:
    """Implements `api.ports.Ledger`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @asynccontextmanager
    async def _one_moment(self) -> AsyncIterator[AsyncSession]:
        """A session whose queries all see the same moment, so that no picture shows half a change."""
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def entry(self, merchant_id: str, entry_id: str) -> EntryDetailView | None:
        async with self._one_moment() as session:
            row = await _mine(session, EntryRow, merchant_id, entry_id)
            return None if row is None else next(iter(await _entries(session, [row])))

    async def entries(self, merchant_id: str, wanted: Wanted, status: EntryStatus | None) -> EntryPage:
        query = select(EntryRow).where(EntryRow.merchant_id == merchant_id)
        query = _of_checkout(query, EntryRow.checkout_id, EntryRow.assignment_key, wanted)
        if status is not None:
            query = query.where(EntryRow.status == status)
        async with self._one_moment() as session:
            rows, cursor = await _page(session, query, EntryRow, wanted)
            return EntryPage(items=await _entries(session, rows), next_cursor=cursor)

    async def payment(self, merchant_id: str, payment_id: str) -> PaymentDetailView | None:
        async with self._one_moment() as session:
            row = await _mine(session, PaymentRow, merchant_id, payment_id)
            return None if row is None else next(iter(await _payments(session, [row])))

    async def payments(self, merchant_id: str, wanted: Wanted, status: PaymentStatus | None) -> PaymentPage:
        query = select(PaymentRow).where(PaymentRow.merchant_id == merchant_id)
        if wanted.checkout_id is not None or wanted.assignment_key is not None:
            query = query.where(PaymentRow.checkout_id.in_(_checkouts(merchant_id, wanted)))
        if status is not None:
            query = query.where(PaymentRow.status == status)
        async with self._one_moment() as session:
            rows, cursor = await _page(session, query, PaymentRow, wanted)
            return PaymentPage(items=await _payments(session, rows), next_cursor=cursor)

    async def order(self, merchant_id: str, order_id: str) -> OrderDetailView | None:
        async with self._one_moment() as session:
            row = await _mine(session, OrderRow, merchant_id, order_id)
            return None if row is None else next(iter(await _orders(session, [row])))

    async def orders(self, merchant_id: str, wanted: Wanted) -> OrderPage:
        query = select(OrderRow).where(OrderRow.merchant_id == merchant_id)
        query = _of_checkout(query, OrderRow.checkout_id, OrderRow.assignment_key, wanted)
        async with self._one_moment() as session:
            rows, cursor = await _page(session, query, OrderRow, wanted)
            return OrderPage(items=await _orders(session, rows), next_cursor=cursor)

    async def settlement_of_key(self, merchant_id: str, key: str) -> SettlementView | None:
        async with self._one_moment() as session:
            row = await session.scalar(
                select(SettlementRow).where(SettlementRow.merchant_id == merchant_id, SettlementRow.key == key)
            )
            return None if row is None else _settlement(row)

    async def link(self, merchant_id: str, link_id: str) -> LinkView | None:
        async with self._one_moment() as session:
            row = await session.get(CombinedLinkRow, link_id)
            return None if row is None or row.merchant_id != merchant_id else await read_link(session, row)


async def _mine(session: AsyncSession, table: type[_Listed], merchant_id: str, row_id: str) -> _Listed | None:
    row = await session.get(table, row_id)
    return row if row is not None and row.merchant_id == merchant_id else None


def _of_checkout(query: Select[_Listed], checkout: Any, assignment_key: Any, wanted: Wanted) -> Select[_Listed]:
    if wanted.checkout_id is not None:
        query = query.where(checkout == wanted.checkout_id)
    if wanted.assignment_key is not None:
        query = query.where(assignment_key == wanted.assignment_key)
    return query


def _checkouts(merchant_id: str, wanted: Wanted) -> Select[str]:
    query = select(CheckoutRow.id).where(CheckoutRow.merchant_id == merchant_id)
    conditions: list[ColumnElement[bool]] = []
    if wanted.checkout_id is not None:
        conditions.append(CheckoutRow.id == wanted.checkout_id)
    if wanted.assignment_key is not None:
        conditions.append(CheckoutRow.assignment_key == wanted.assignment_key)
    return query.where(*conditions)


async def _page(
    session: AsyncSession, query: Select[_Listed], table: type[_Listed], wanted: Wanted
) -> tuple[Sequence[_Listed], str | None]:
    """The rows of a page, newest first, and where the next one begins."""
    if wanted.cursor is not None:
        query = query.where(tuple_(table.created_at, table.id) < after(wanted.cursor))
    newest = query.order_by(table.created_at.desc(), table.id.desc()).limit(wanted.limit + 1)
    rows = (await session.scalars(newest)).all()
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    return rows[: wanted.limit], cursor_of(last.created_at, last.id) if last else None


# Entries


async def _entries(session: AsyncSession, rows: Sequence[EntryRow]) -> tuple[EntryDetailView, ...]:
    """These entries, with one query a table however many they are."""
    ids = [row.id for row in rows]
    tied = await session.execute(
        select(EntryItemRow, PaymentRow)
        .join(PaymentRow, PaymentRow.id == EntryItemRow.payment_id)
        .where(EntryItemRow.entry_id.in_(ids))
        .order_by(EntryItemRow.created_at, EntryItemRow.id)
    )
    items = [_tied(item, payment) for item, payment in tied]
    done = await session.scalars(
        select(SettlementRow)
        .where(SettlementRow.entry_id.in_(ids))
        .order_by(SettlementRow.created_at, SettlementRow.id)
    )
    settlements = [_settlement(row) for row in done]
    return tuple(
        _entry(
            row,
            tuple(tie for tie in items if tie.item.entry_id == row.id),
            tuple(settlement for settlement in settlements if settlement.entry_id == row.id),
        )
        for row in rows
    )


def _entry(
    row: EntryRow, items: tuple[TiedPaymentView, ...], settlements: tuple[SettlementView, ...]
) -> EntryDetailView:
    balance = balance_of(row)
    return EntryDetailView(
        id=row.id,
        checkout_id=row.checkout_id,
        assignment_key=row.assignment_key,
        status=EntryStatus(row.status),
        currency=row.currency,
        initial_amount=balance.initial,
        reductions=balance.reductions,
        open_amount=balance.open,
        assigned_amount=balance.assigned,
        expected_amount=balance.expected,
        outstanding_amount=balance.outstanding,
        items=items,
        settlements=settlements,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _tied(item: EntryItemRow, payment: PaymentRow) -> TiedPaymentView:
    return TiedPaymentView(
        item=_item(item),
        status=PaymentStatus(payment.status),
        provider=payment.provider,
        provider_reference=payment.reference,
    )


def _item(row: EntryItemRow) -> EntryItemView:
    return EntryItemView(
        entry_id=row.entry_id,
        payment_id=row.payment_id,
        kind=EntryItemKind(row.kind),
        amount=row.amount,
        process=row.business_process,
        created_at=row.created_at,
    )


def _settlement(row: SettlementRow) -> SettlementView:
    kind = SettlementKind(row.kind)
    request: Request = from_json(_REQUESTS[kind], row.request)
    return SettlementView(
        id=row.id,
        kind=kind,
        key=None if kind is SettlementKind.CANCELATION else row.key,
        entry_id=row.entry_id,
        reduction=ReductionKind(row.reduction) if row.reduction else None,
        amount=row.amount,
        currency=row.currency,
        reason=request.reason,
        done_by=row.done_by,
        moves=tuple(
            MoveView(payment_id=move["payment"], entry_id=move["entry"], amount=move["amount"]) for move in row.moves
        ),
        refunds=from_json(Consequences, row.consequences).refunds,
        credit_note_id=row.credit_note_id,
        request=request,
        created_at=row.created_at,
    )


# Payments, orders, links


async def _payments(session: AsyncSession, rows: Sequence[PaymentRow]) -> tuple[PaymentDetailView, ...]:
    found = await session.scalars(
        select(EntryItemRow)
        .where(EntryItemRow.payment_id.in_([row.id for row in rows]))
        .order_by(EntryItemRow.created_at, EntryItemRow.id)
    )
    items = [_item(item) for item in found]
    return tuple(_payment(row, tuple(item for item in items if item.payment_id == row.id)) for row in rows)


def _payment(row: PaymentRow, items: tuple[EntryItemView, ...]) -> PaymentDetailView:
    return PaymentDetailView(
        payment=payment_view(row),
        checkout_id=row.checkout_id,
        captured=row.captured,
        assigned=row.assigned,
        available=row.available,
        refunded=row.refunded,
        disputed=row.disputed,
        method=row.method,
        detail=row.detail,
        captured_at=row.captured_at,
        items=items,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _orders(session: AsyncSession, rows: Sequence[OrderRow]) -> tuple[OrderDetailView, ...]:
    found = await session.scalars(
        select(OrderLineRow)
        .where(OrderLineRow.order_id.in_([row.id for row in rows]))
        .order_by(OrderLineRow.order_id, OrderLineRow.position)
    )
    lines = found.all()
    return tuple(_order(row, [line for line in lines if line.order_id == row.id]) for row in rows)


def _order(row: OrderRow, lines: Sequence[OrderLineRow]) -> OrderDetailView:
    discounts = [from_json(PricedDiscount, discount) for discount in row.discounts]
    names = ("position", "sku", "name", "description", "quantity", "unit", "unit_price", "tax_category", "tax_rate")
    return OrderDetailView(
        id=row.id,
        number=row.assignment_key,
        checkout_id=row.checkout_id,
        currency=row.currency,
        prices=PriceMode(row.prices),
        total=row.total,
        buyer=from_json(Customer, row.buyer),
        lines=tuple(OrderLineView(**{name: getattr(line, name) for name in names}) for line in lines),
        discounts=tuple(OrderDiscountView(name=discount.name, amount=discount.amount) for discount in discounts),
        created_at=row.created_at,
    )


async def read_link(session: AsyncSession, row: CombinedLinkRow) -> LinkView:
    """A link, and what of its entries is still to be paid."""
    entries = tuple(
        LinkEntryView(
            entry_id=member.entry.id,
            checkout_id=member.checkout.id,
            assignment_key=member.entry.assignment_key,
            checkout_status=CheckoutStatus(member.checkout.status),
            outstanding=member.owed,
        )
        for member in await waiting_on(session, row.id)
    )
    return LinkView(
        id=row.id,
        token=row.token,
        currency=row.currency,
        payable=sum(entry.outstanding for entry in entries),
        entries=entries,
        request=from_json(LinkRequest, row.request),
        workflow_id=row.workflow_id,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )

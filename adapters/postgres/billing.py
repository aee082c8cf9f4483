"""Billing orders: from what was sold to a finalized invoice. An invoice run and a single purchase go this one way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.assignments import claims_of
from adapters.postgres.checkouts import advance_checkout
from adapters.postgres.database import from_json
from adapters.postgres.feed import tell
from adapters.postgres.finalization import Ties, finalize, judge
from adapters.postgres.tables import (
    CheckoutRow,
    EntryItemRow,
    EntryRow,
    InvoiceRow,
    OrderLineRow,
    OrderRow,
    PaymentRow,
)
from domain.assignment import Candidate, Claim, Settled, assign, balances, window
from domain.billing import BillableOrder, draft_invoice
from domain.cart import PricedDiscount, TaxCategory
from domain.checkout import CheckoutRequest, CheckoutStatus, Customer, PriceMode
from domain.entries import EntryItemKind, EntryStatus
from domain.invoice_mapping import resolve
from domain.invoices import Draft, InvoiceStatus, PaymentMade
from domain.merchants import BillableWhen, Merchant
from domain.totals import CartLine

LONGEST_ERROR = 500
_BALANCED_ONCE = (CheckoutStatus.BALANCED, CheckoutStatus.INVOICED, CheckoutStatus.COMPLETED)


def billable(merchant: Merchant) -> ColumnElement[bool]:
    """Which orders may be billed, over orders joined with their checkouts and entries.

    Nothing in force bills them yet, their entry is owed, and was balanced once, or need not be: a dispute after that
    does not keep an invoice back.
    """
    status = case((CheckoutRow.review.is_not(None), CheckoutRow.review["before"].astext), else_=CheckoutRow.status)
    ready = or_(
        literal(merchant.billable_when is BillableWhen.ORDERED),
        EntryRow.status == EntryStatus.BALANCED,
        status.in_(_BALANCED_ONCE),
    )
    return and_(OrderRow.invoice_id.is_(None), EntryRow.status != EntryStatus.CANCELED, ready)


async def lock_checkouts(session: AsyncSession, merchant_id: str, order_ids: Sequence[str]) -> list[CheckoutRow]:
    """The checkouts of these orders, locked one after the other in the order of their ids."""
    of_orders = select(OrderRow.checkout_id).where(OrderRow.id.in_(order_ids), OrderRow.merchant_id == merchant_id)
    found = await session.scalars(
        select(CheckoutRow)
        .where(CheckoutRow.id.in_(of_orders))
        .order_by(CheckoutRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(found)


async def still_billable(session: AsyncSession, merchant: Merchant, order_ids: Sequence[str]) -> list[str]:
    """Which of these orders may be billed now, oldest first."""
    found = await session.scalars(
        select(OrderRow.id)
        .join(CheckoutRow, CheckoutRow.id == OrderRow.checkout_id)
        .join(EntryRow, EntryRow.checkout_id == OrderRow.checkout_id)
        .where(OrderRow.id.in_(order_ids), billable(merchant))
        .order_by(OrderRow.created_at, OrderRow.id)
    )
    return list(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An invoice that lacks nothing but its number."""

    draft: Draft
    ties: Ties
    status: InvoiceStatus


async def bill(
    session: AsyncSession, merchant: Merchant, checkouts: Sequence[CheckoutRow], order_ids: Sequence[str]
) -> InvoiceRow:
    """Finalize one invoice over these orders, whose checkouts the caller has locked.

    Raises InvalidDraft; then no number was drawn, and the caller notes why at the orders.
    """
    prepared = await prepare(session, merchant, order_ids)
    invoice = await finalize(session, merchant, prepared.draft, prepared.ties, prepared.status)
    for checkout in checkouts:
        advance_checkout(checkout, CheckoutStatus.BALANCED, CheckoutStatus.INVOICED)
    await session.flush()
    await tell(
        session,
        invoice.merchant_id,
        "invoice.finalized",
        only_of(checkouts),
        invoice_id=invoice.id,
        number=invoice.number,
        **({"checkouts": [checkout.id for checkout in checkouts]} if len(checkouts) > 1 else {}),
    )
    return invoice


def only_of(checkouts: Sequence[CheckoutRow]) -> str | None:
    """The checkout an event about a document is of; a collective one is of none alone."""
    return checkouts[0].id if len(checkouts) == 1 else None


async def prepare(session: AsyncSession, merchant: Merchant, order_ids: Sequence[str]) -> Prepared:
    """Build the invoice of these orders and judge it. Raises InvalidDraft."""
    orders = await billable_orders(session, merchant, order_ids)
    draft = draft_invoice(orders, merchant.languages)
    entries = await _entries_of(session, merchant.id, [order.number for order in orders])
    claims = await claims_of(session, [entry.id for entry in entries])
    candidates = [_candidate(entry, claims) for entry in entries]
    shares = tuple(assign(order.number, order.total, order.currency, candidates) for order in orders)
    ties = Ties(orders=tuple(order.order_id for order in orders), entries=shares)
    judge(draft, ties)
    mine = [Claim(document_id="", entry_id=share.entry_id, amount=share.amount) for share in shares]
    settled = {entry.id: Settled(assigned=entry.assigned, reduced=-entry.reductions) for entry in entries}
    standing = balances([*claims, *mine], settled)
    payments: list[PaymentMade] = []
    for share in shares:
        covered = standing.by_claim["", share.entry_id]
        payments += await _payments_made(session, share.entry_id, merchant, covered.earlier, covered.money)
    draft = replace(draft, payments=tuple(sorted(payments, key=lambda payment: payment.paid_on)))
    return Prepared(draft=draft, ties=ties, status=InvoiceStatus.OPEN if standing.open("") else InvoiceStatus.PAID)


async def note_build_error(session: AsyncSession, order_ids: Sequence[str], words: str) -> None:
    """Keep why these orders could not be billed, at the orders; the next invoice over them takes it away."""
    await session.execute(
        update(OrderRow)
        .where(OrderRow.id.in_(order_ids), OrderRow.invoice_id.is_(None))
        .values(build_error=words[:LONGEST_ERROR])
    )


async def billable_orders(session: AsyncSession, merchant: Merchant, order_ids: Sequence[str]) -> list[BillableOrder]:
    """These orders as billing sees them, oldest first."""
    found = await session.execute(
        select(OrderRow, CheckoutRow.request)
        .join(CheckoutRow, CheckoutRow.id == OrderRow.checkout_id)
        .where(OrderRow.id.in_(order_ids), OrderRow.merchant_id == merchant.id)
        .order_by(OrderRow.created_at, OrderRow.id)
    )
    rows = found.all()
    lines = await _lines_of(session, order_ids)
    return [_order(row, from_json(CheckoutRequest, request), lines.get(row.id, ()), merchant) for row, request in rows]


def _order(row: OrderRow, request: CheckoutRequest, lines: Sequence[OrderLineRow], merchant: Merchant) -> BillableOrder:
    return BillableOrder(
        order_id=row.id,
        number=row.assignment_key,
        ordered_on=row.created_at.astimezone(ZoneInfo(merchant.time_zone)).date(),
        currency=row.currency,
        prices=PriceMode(row.prices),
        total=row.total,
        buyer=from_json(Customer, row.buyer),
        lines=tuple(_line(line) for line in lines),
        discounts=tuple(from_json(PricedDiscount, discount) for discount in row.discounts),
        fields=resolve(merchant.invoice_mapping, request),
    )


def _line(line: OrderLineRow) -> CartLine:
    return CartLine(
        sku=line.sku,
        name=line.name,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        tax_category=TaxCategory(line.tax_category),
        tax_rate=line.tax_rate,
    )


async def _lines_of(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[OrderLineRow]]:
    found = await session.scalars(
        select(OrderLineRow)
        .where(OrderLineRow.order_id.in_(order_ids))
        .order_by(OrderLineRow.order_id, OrderLineRow.position)
    )
    lines: dict[str, list[OrderLineRow]] = {}
    for line in found:
        lines.setdefault(line.order_id, []).append(line)
    return lines


async def _entries_of(session: AsyncSession, merchant_id: str, keys: Sequence[str]) -> list[EntryRow]:
    """The entries that have one of these assignment keys."""
    found = await session.scalars(
        select(EntryRow)
        .where(EntryRow.merchant_id == merchant_id, EntryRow.assignment_key.in_(keys))
        .execution_options(populate_existing=True)
    )
    return list(found)


def _candidate(entry: EntryRow, claims: Sequence[Claim]) -> Candidate:
    return Candidate(
        entry_id=entry.id,
        assignment_key=entry.assignment_key,
        status=EntryStatus(entry.status),
        currency=entry.currency,
        open=entry.initial + entry.reductions,
        claimed=sum(claim.amount - claim.credited for claim in claims if claim.entry_id == entry.id),
    )


async def _payments_made(
    session: AsyncSession, entry_id: str, merchant: Merchant, skip: int, take: int
) -> list[PaymentMade]:
    """The money of an entry that pays for this invoice: what lies behind `skip`, which older documents have."""
    found = await session.execute(
        select(EntryItemRow.amount, PaymentRow.method, PaymentRow.detail, PaymentRow.captured_at, PaymentRow.created_at)
        .join(PaymentRow, PaymentRow.id == EntryItemRow.payment_id)
        .where(EntryItemRow.entry_id == entry_id, EntryItemRow.kind == EntryItemKind.ASSIGNED)
        .order_by(PaymentRow.created_at)
    )
    rows = found.all()
    parts = window([row.amount for row in rows], skip, take)
    return [
        PaymentMade(
            amount=part,
            method=row.method or "other",
            detail=row.detail,
            paid_on=(row.captured_at or row.created_at).astimezone(ZoneInfo(merchant.time_zone)).date(),
        )
        for row, part in zip(rows, parts, strict=True)
        if part
    ]

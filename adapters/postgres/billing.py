"""Billing orders: from what was sold to a finalized invoice. An invoice run and a single purchase go this one way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres import deposits
from adapters.postgres.assignments import claims_of
from adapters.postgres.billable import billable_orders
from adapters.postgres.checkouts import advance_checkout
from adapters.postgres.credit_notes import credit_what_was_reduced
from adapters.postgres.feed import tell
from adapters.postgres.finalization import Ties, finalize, today
from adapters.postgres.locks import lock_checkouts
from adapters.postgres.tables import (
    CheckoutRow,
    EntryItemRow,
    EntryRow,
    InvoiceRow,
    OrderRow,
    PaymentRow,
)
from adapters.postgres.tables_billing import InvoiceEntryRow
from adapters.postgres.vat_evidence import refuse_invalid_vat_id
from domain import entries
from domain.assignment import Candidate, Claim, Settled, assign, balances, window
from domain.billing import draft_invoice
from domain.checkout import CheckoutStatus
from domain.entries import EntryItemKind, EntryStatus
from domain.invoices import DEMANDS, Draft, InvoiceStatus, PaymentMade
from domain.merchants import BillableWhen, Merchant
from domain.terms import with_terms

LONGEST_ERROR = 500
_BALANCED_ONCE = (CheckoutStatus.BALANCED, CheckoutStatus.INVOICED, CheckoutStatus.COMPLETED)


def billable(merchant: Merchant) -> ColumnElement[bool]:
    """Which orders may be billed, over orders joined with their checkouts and entries.

    Nothing in force bills them yet, their entry is owed, or was until its invoice was canceled, and was balanced once,
    or need not be: a dispute after that does not keep an invoice back.
    """
    status = case((CheckoutRow.review.is_not(None), CheckoutRow.review["before"].astext), else_=CheckoutRow.status)
    ready = or_(
        literal(merchant.billable_when is BillableWhen.ORDERED),
        EntryRow.status == EntryStatus.BALANCED,
        status.in_(_BALANCED_ONCE),
    )
    owed = and_(or_(EntryRow.status != EntryStatus.CANCELED, _was_taken_back()), EntryRow.shut_at.is_(None))
    return and_(OrderRow.invoice_id.is_(None), owed, ready)


def _was_taken_back() -> ColumnElement[bool]:
    """Whether an invoice over the entry was canceled: then the next one asks for it again."""
    canceled = (
        select(InvoiceEntryRow.entry_id)
        .join(InvoiceRow, InvoiceRow.id == InvoiceEntryRow.invoice_id)
        .where(
            InvoiceEntryRow.entry_id == EntryRow.id,
            InvoiceRow.kind.in_(DEMANDS),
            InvoiceRow.status == InvoiceStatus.CANCELED,
        )
    )
    return canceled.exists()


async def lock_billed(session: AsyncSession, merchant_id: str, order_ids: Sequence[str]) -> list[CheckoutRow]:
    """The checkouts of these orders, locked."""
    of_orders = select(OrderRow.checkout_id).where(OrderRow.id.in_(order_ids), OrderRow.merchant_id == merchant_id)
    return list((await lock_checkouts(session, merchant_id, of_orders)).values())


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
    await _ask_again(session, prepared.ties)
    invoice = await finalize(session, merchant, prepared.draft, prepared.ties, prepared.status)
    for checkout in checkouts:
        advance_checkout(checkout, CheckoutStatus.BALANCED, CheckoutStatus.INVOICED)
    await session.flush()
    ids = [checkout.id for checkout in checkouts]
    notes = [
        note
        for share in prepared.ties.entries
        for note in await credit_what_was_reduced(session, invoice, await session.get_one(EntryRow, share.entry_id))
    ]
    await tell(
        session,
        invoice.merchant_id,
        "invoice.finalized",
        only_of(ids),
        invoice_id=invoice.id,
        number=invoice.number,
        **({"checkouts": ids} if len(ids) > 1 else {}),
    )
    for note in notes:
        told = {"invoice_id": note.id, "number": note.number}
        await tell(session, invoice.merchant_id, "credit_note.finalized", only_of(ids), **told)
    return invoice


def only_of(checkout_ids: Sequence[str]) -> str | None:
    """The checkout an event about a document is of; a collective one is of none alone."""
    return checkout_ids[0] if len(checkout_ids) == 1 else None


async def _ask_again(session: AsyncSession, ties: Ties) -> None:
    """What was canceled with an earlier invoice is owed again."""
    for share in ties.entries:
        entry = await session.get_one(EntryRow, share.entry_id)
        if entry.status == EntryStatus.CANCELED:
            entry.status = entries.move(EntryStatus.CANCELED, EntryStatus.OPEN)


async def prepare(session: AsyncSession, merchant: Merchant, order_ids: Sequence[str]) -> Prepared:
    """Build the invoice of these orders; the deposits it deducts are taken. Raises InvalidDraft."""
    orders = [
        replace(order, deductions=await deposits.take(session, order.checkout_id)) if order.deducts else order
        for order in await billable_orders(session, merchant, order_ids)
    ]
    await refuse_invalid_vat_id(session, *(order.checkout_id for order in orders))
    draft = draft_invoice(orders, merchant.languages)
    found = await _entries_of(session, merchant.id, [order.number for order in orders])
    claims = await claims_of(session, [entry.id for entry, _ in found])
    candidates = [_candidate(entry, claims, taken_back=taken_back) for entry, taken_back in found]
    shares = tuple(assign(order.number, order.owed, order.currency, candidates) for order in orders)
    mine = [Claim(document_id="", entry_id=share.entry_id, amount=share.amount) for share in shares]
    settled = {entry.id: Settled(assigned=entry.assigned, reduced=-entry.reductions) for entry, _ in found}
    standing = balances([*claims, *mine], settled)
    payments: list[PaymentMade] = []
    for share in shares:
        covered = standing.by_claim["", share.entry_id]
        payments += await _payments_made(session, share.entry_id, merchant, covered.earlier, covered.money)
    draft = replace(draft, payments=tuple(sorted(payments, key=lambda payment: payment.paid_on)))
    return Prepared(
        draft=with_terms(draft, today(merchant)),
        ties=Ties(orders=tuple(order.order_id for order in orders), entries=shares),
        status=InvoiceStatus.OPEN if standing.open("") else InvoiceStatus.PAID,
    )


async def note_build_error(session: AsyncSession, order_ids: Sequence[str], words: str) -> None:
    """Keep why these orders could not be billed, at the orders; the next invoice over them takes it away."""
    await session.execute(
        update(OrderRow)
        .where(OrderRow.id.in_(order_ids), OrderRow.invoice_id.is_(None))
        .values(build_error=words[:LONGEST_ERROR])
    )


async def _entries_of(session: AsyncSession, merchant_id: str, keys: Sequence[str]) -> list[tuple[EntryRow, bool]]:
    """The entries that have one of these assignment keys, and whether they were taken back with their invoice."""
    found = await session.execute(
        select(EntryRow, _was_taken_back())
        .where(EntryRow.merchant_id == merchant_id, EntryRow.assignment_key.in_(keys))
        .execution_options(populate_existing=True)
    )
    return [(entry, taken_back) for entry, taken_back in found]


def _candidate(entry: EntryRow, claims: Sequence[Claim], *, taken_back: bool) -> Candidate:
    status = EntryStatus(entry.status)
    return Candidate(
        entry_id=entry.id,
        assignment_key=entry.assignment_key,
        status=EntryStatus.OPEN if taken_back and status is EntryStatus.CANCELED else status,
        currency=entry.currency,
        initial=entry.initial,
        claimed=sum(claim.amount for claim in claims if claim.entry_id == entry.id),
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

"""Reads the books: bookings, newest first, and the balances of accounts."""

from collections.abc import AsyncIterator, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.cursors import cursor_of, number_after
from adapters.postgres.database import from_json
from adapters.postgres.tables import InvoiceRow
from adapters.postgres.tables_bookings import BookingExportItemRow, BookingLineRow, BookingRow
from domain.book_views import AccountBalance, BookedLine, BookingFilter, BookingPage, BookingView
from domain.bookings import BookingKind
from domain.cart import TaxCategory
from domain.checkout import Customer


async def read_bookings(
    session: AsyncSession, merchant_id: str, wanted: BookingFilter, *, cursor: str | None, limit: int
) -> BookingPage:
    """Newest first. Raises InvalidInput for a cursor that is not one of ours."""
    query = select(BookingRow).where(BookingRow.merchant_id == merchant_id)
    for column, value in (
        (BookingRow.kind, wanted.kind),
        (BookingRow.reference, wanted.reference),
        (BookingRow.checkout_id, wanted.checkout_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.first_day is not None:
        query = query.where(BookingRow.booking_date >= wanted.first_day)
    if wanted.last_day is not None:
        query = query.where(BookingRow.booking_date <= wanted.last_day)
    if wanted.account is not None:
        on_account = select(BookingLineRow.booking_id).where(BookingLineRow.account == wanted.account)
        query = query.where(BookingRow.id.in_(on_account))
    if cursor is not None:
        query = query.where(BookingRow.sequence < number_after(cursor))
    rows = (await session.scalars(query.order_by(BookingRow.sequence.desc()).limit(limit + 1))).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return BookingPage(
        items=tuple(await _views(session, rows[:limit])),
        next_cursor=cursor_of(last.created_at, str(last.sequence)) if last else None,
    )


async def read_booking(session: AsyncSession, merchant_id: str, booking_id: str) -> BookingView | None:
    """One booking."""
    row = await session.get(BookingRow, booking_id)
    if row is None or row.merchant_id != merchant_id:
        return None
    return (await _views(session, [row]))[0]


async def _views(session: AsyncSession, rows: Sequence[BookingRow]) -> list[BookingView]:
    lines: dict[str, list[BookingLineRow]] = {row.id: [] for row in rows}
    found = await session.scalars(
        select(BookingLineRow).where(BookingLineRow.booking_id.in_(lines)).order_by(BookingLineRow.position)
    )
    for line in found:
        lines[line.booking_id].append(line)
    return [view_of(row, lines[row.id]) for row in rows]


def view_of(row: BookingRow, lines: Sequence[BookingLineRow], buyer: Customer | None = None) -> BookingView:
    """A booking with its lines."""
    return BookingView(
        id=row.id,
        sequence=row.sequence,
        kind=BookingKind(row.kind),
        fact=row.fact,
        currency=row.currency,
        document_date=row.document_date,
        booking_date=row.booking_date,
        reference=row.reference,
        checkout_id=row.checkout_id,
        payment_id=row.payment_id,
        invoice_id=row.invoice_id,
        payout_id=row.payout_id,
        reverses_id=row.reverses_id,
        by=row.by,
        reason=row.reason,
        created_at=row.created_at,
        lines=tuple(map(_line, lines)),
        buyer=buyer,
    )


def _line(row: BookingLineRow) -> BookedLine:
    return BookedLine(
        role=row.role,
        account=row.account,
        account_name=row.account_name,
        amount=row.amount,
        debtor=row.debtor,
        tax_category=None if row.tax_category is None else TaxCategory(row.tax_category),
        tax_rate=row.tax_rate,
        automatic=row.automatic,
        tax_key=row.tax_key,
        entry_id=row.entry_id,
    )


async def stream_batch(session: AsyncSession, export_id: str) -> AsyncIterator[BookingView]:
    """The bookings of a batch in the order of their days, as the database sends them: never all in memory."""
    query = (
        select(BookingRow, BookingLineRow, InvoiceRow.buyer)
        .join(BookingExportItemRow, BookingExportItemRow.booking_id == BookingRow.id)
        .join(BookingLineRow, BookingLineRow.booking_id == BookingRow.id)
        .outerjoin(InvoiceRow, InvoiceRow.id == BookingRow.invoice_id)
        .where(BookingExportItemRow.export_id == export_id)
        .order_by(BookingRow.booking_date, BookingRow.sequence, BookingLineRow.position)
        .execution_options(yield_per=500)
    )
    current: BookingRow | None = None
    lines: list[BookingLineRow] = []
    customer: Customer | None = None
    async for booking, line, buyer in await session.stream(query):
        if current is not None and booking.id != current.id:
            yield view_of(current, lines, customer)
            lines = []
        if not lines:
            current, customer = booking, None if buyer is None else from_json(Customer, buyer)
        lines.append(line)
    if current is not None:
        yield view_of(current, lines, customer)


async def trial_balance(
    session: AsyncSession, merchant_id: str, first_day: date, last_day: date
) -> tuple[AccountBalance, ...]:
    """Every account that was ever moved until `last_day`, by number and currency."""
    amount, day = BookingLineRow.amount, BookingRow.booking_date
    in_range = day >= first_day
    found = await session.execute(
        select(
            BookingLineRow.account,
            func.max(BookingLineRow.account_name),
            BookingRow.currency,
            func.coalesce(func.sum(amount).filter(~in_range), 0),
            func.coalesce(func.sum(amount).filter(in_range, amount > 0), 0),
            -func.coalesce(func.sum(amount).filter(in_range, amount < 0), 0),
        )
        .join(BookingRow, BookingRow.id == BookingLineRow.booking_id)
        .where(BookingRow.merchant_id == merchant_id, day <= last_day)
        .group_by(BookingLineRow.account, BookingRow.currency)
        .order_by(BookingLineRow.account, BookingRow.currency)
    )
    return tuple(
        AccountBalance(
            account=account, name=name, currency=currency, opening=int(opening), debit=int(debit), credit=int(credit)
        )
        for account, name, currency, opening, debit, credit in found
    )

"""What steps tell the books: each function takes a thing as it stands now, and books what of it is not booked yet.

Call it when the thing's row is right again, in the transaction that changed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.bookings import Desk, add, bring, desk_of
from adapters.postgres.database import from_json
from adapters.postgres.debtors import debtor_of
from adapters.postgres.tables import EntryRow, InvoiceRow, PaymentRow
from adapters.postgres.tables_bookings import BookingLineRow, BookingRow
from adapters.postgres.tables_disputes import DisputeRow
from adapters.postgres.tables_payouts import PayoutRow
from domain import bookings, credit_notes
from domain.accounts import Role
from domain.bookings import BookingKind, Claims, Position, Subject
from domain.cart import PricedCart, TaxCategory, TaxRounding, TaxSubtotal
from domain.checkout import Customer
from domain.invoices import DEMANDS, Deduction, InvoiceKind, InvoiceStatus
from domain.payouts import Counterpart, PayoutItem, PayoutItemKind, PayoutStatus

_ON_ITS_WAY = {PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT, PayoutStatus.PAID}


# Money


async def payment(session: AsyncSession, row: PaymentRow) -> None:
    """What was captured, and what the provider keeps of it once that is known."""
    if row.captured == 0:
        return
    desk = await desk_of(session, row.merchant_id)
    day = desk.day(row.captured_at or datetime.now(UTC))
    captured = _of_payment(BookingKind.PAYMENT, row, row.id, day)
    await bring(session, desk, captured, row.captured, bookings.money_came, debtor=None)
    if row.fee is not None:
        await _fee(session, desk, row, row.fee, row.settlement_currency or row.currency)


async def _fee(session: AsyncSession, desk: Desk, row: PaymentRow, amount: int, currency: str) -> None:
    day = desk.day(datetime.now(UTC))
    subject = _of_payment(BookingKind.FEE, row, row.id, day, currency)
    await bring(session, desk, subject, amount, bookings.fee, debtor=None)


async def assignment(session: AsyncSession, entry: EntryRow, row: PaymentRow, assigned: int) -> None:
    """What of a payment is tied to an entry now, in minor units."""
    desk = await desk_of(session, entry.merchant_id)
    standing = await _standing(session, entry.id)
    subject = Subject(
        kind=BookingKind.ASSIGNMENT,
        of=f"{row.id}:{entry.id}",
        currency=entry.currency,
        document_date=desk.day(datetime.now(UTC)),
        reference=standing.number or entry.assignment_key,
        checkout_id=entry.checkout_id,
        payment_id=row.id,
    )
    rule = partial(bookings.assigned, standing.position, entry.id)
    await bring(session, desk, subject, assigned, rule, debtor=standing.debtor)


async def refund(session: AsyncSession, row: PaymentRow, refund_id: str, counted: int) -> None:
    """What of a payment a refund has taken; `refund_id` is the case's where a case ordered it."""
    desk = await desk_of(session, row.merchant_id)
    subject = _of_payment(BookingKind.REFUND, row, refund_id, desk.day(datetime.now(UTC)))
    await bring(session, desk, subject, counted, bookings.money_left, debtor=None)


async def dispute(session: AsyncSession, row: DisputeRow, disputed: PaymentRow) -> None:
    """What of a payment a dispute holds back, and what the provider charges for it."""
    desk = await desk_of(session, row.merchant_id)
    today = desk.day(datetime.now(UTC))
    held = _of_payment(BookingKind.DISPUTE, disputed, row.id, today)
    await bring(session, desk, held, row.held, bookings.money_left, debtor=None)
    if row.fee is not None:
        currency = disputed.settlement_currency or disputed.currency
        charged = _of_payment(BookingKind.DISPUTE_FEE, disputed, row.id, today, currency)
        await bring(session, desk, charged, row.fee, bookings.dispute_fee, debtor=None)


def _of_payment(kind: BookingKind, row: PaymentRow, of: str, day: date, currency: str | None = None) -> Subject:
    return Subject(
        kind=kind,
        of=of,
        currency=currency or row.currency,
        document_date=day,
        reference=row.reference,
        checkout_id=row.checkout_id,
        payment_id=row.id,
    )


# Documents


async def document(
    session: AsyncSession, row: InvoiceRow, cart: PricedCart, deductions: Sequence[Deduction], claims: Claims
) -> None:
    """A finalized document: what it asks for or takes back, its rounding, the deposits it deducts.

    `claims` are what it asks of each entry, or gives back to it. What was paid ahead is set against what is owed
    then. Rounding and deductions are the first entry's.
    """
    desk = await desk_of(session, row.merchant_id)
    debtor = await debtor_of(session, desk, from_json(Customer, row.buyer))
    entries = [await session.get_one(EntryRow, entry_id) for entry_id, _ in claims]
    about = _Document(row=row, checkout_id=entries[0].checkout_id, first=entries[0].id)
    corrected = None if row.corrects_id is None else await session.get_one(InvoiceRow, row.corrects_id)
    corrects = None if corrected is None else InvoiceKind(corrected.kind)
    sign = 1 if corrects is None else -1
    asked = bookings.document(
        InvoiceKind(row.kind), corrects, cart.subtotals, bookings.gross_claims(row.grand_total, claims)
    )
    subject = about.subject(BookingKind(row.kind))
    await bring(session, desk, subject, sign * row.grand_total, lambda _: asked, debtor=debtor)
    if row.rounding:
        rounding = partial(bookings.rounding, entry_id=about.first)
        await bring(session, desk, about.subject(BookingKind.ROUNDING), sign * row.rounding, rounding, debtor=debtor)
    for deducted in deductions:
        await _deduct(session, desk, about, deducted, sign, debtor)
    for entry in entries:
        await _give_up(session, entry)
        await _offset(session, desk, about, entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """A document, the checkout it is looked up by, and the first entry it is about."""

    row: InvoiceRow
    checkout_id: str
    first: str

    def subject(self, kind: BookingKind, part: str | None = None) -> Subject:
        return Subject(
            kind=kind,
            of=self.row.id if part is None else f"{self.row.id}:{part}",
            currency=self.row.currency,
            document_date=self.row.issued_on,
            reference=self.row.number,
            checkout_id=self.checkout_id,
            invoice_id=self.row.id,
        )


async def _deduct(
    session: AsyncSession, desk: Desk, about: _Document, deducted: Deduction, sign: int, debtor: int | None
) -> None:
    lines = bookings.deduction(deducted.subtotals, deducted.rounding, about.first)
    subject = about.subject(BookingKind.DEDUCTION, deducted.document.number)
    booked = lines if sign > 0 else bookings.taken_back(lines)
    await bring(session, desk, subject, -sign * deducted.amount, lambda _: booked, debtor=debtor)


async def _offset(session: AsyncSession, desk: Desk, about: _Document, entry: EntryRow) -> None:
    standing = await _standing(session, entry.id)
    if lines := bookings.offset(standing.position, entry.id):
        subject = about.subject(BookingKind.OFFSET, entry.id)
        await add(session, desk, subject, lines[0].amount, lines, debtor=standing.debtor)


async def given_up(session: AsyncSession, entry: EntryRow) -> None:
    """What documents ask for though the entry does not owe it any more is written off, with its VAT, rate by rate;
    what is owed again, or was credited after all, is written back. Nothing to do while there is no invoice.
    """
    invoice = await _give_up(session, entry)
    if invoice is not None:
        about = _Document(row=invoice, checkout_id=entry.checkout_id, first=entry.id)
        await _offset(session, await desk_of(session, entry.merchant_id), about, entry)


async def _give_up(session: AsyncSession, entry: EntryRow) -> InvoiceRow | None:
    """Write off or back what is to be; answers the invoice it was asked for by, if there was anything."""
    standing = await _standing(session, entry.id)
    asked = standing.position.receivable - standing.position.prepayment
    surplus = asked - (entry.initial + entry.reductions - entry.assigned)
    invoice = await _invoice_in_force(session, entry.id) if surplus else None
    if invoice is None:
        return None
    if surplus > 0:
        chain = select(InvoiceRow.id).where((InvoiceRow.id == invoice.id) | (InvoiceRow.corrects_id == invoice.id))
        there = await _credited(session, BookingRow.invoice_id.in_(chain))
    else:
        of_entry = select(BookingLineRow.booking_id).where(BookingLineRow.entry_id == entry.id)
        given = await _credited(session, BookingRow.kind == BookingKind.WRITE_OFF, BookingRow.id.in_(of_entry))
        there = given.other_way_round()
    amount = min(abs(surplus), there.payable)
    if amount <= 0:
        return None
    await _write_off(session, entry, invoice, there, amount if surplus > 0 else -amount, standing.debtor)
    return invoice


async def _write_off(
    session: AsyncSession,
    entry: EntryRow,
    invoice: InvoiceRow,
    there: "_Credited",
    amount: int,
    debtor: int | None,
) -> None:
    """Write `amount` (as owed) off, or back when it is negative, out of what is there per rate."""
    desk = await desk_of(session, entry.merchant_id)
    cart = credit_notes.credit(
        invoice.number,
        invoice.currency,
        there.rates,
        (),
        abs(amount),
        tax_rounding=TaxRounding(invoice.tax_rounding),
        rounding=there.rounding,
    )
    lines = bookings.written_off(InvoiceKind(invoice.kind), cart.subtotals, cart.totals.rounding, entry.id)
    about = _Document(row=invoice, checkout_id=entry.checkout_id, first=entry.id)
    subject = replace(about.subject(BookingKind.WRITE_OFF, entry.id), document_date=desk.day(datetime.now(UTC)))
    booked = lines if amount > 0 else bookings.taken_back(lines)
    await add(session, desk, subject, amount, booked, debtor=debtor)


async def _invoice_in_force(session: AsyncSession, entry_id: str) -> InvoiceRow | None:
    """The latest invoice or deposit invoice that was booked for an entry, unless it was canceled."""
    found = await session.scalars(
        select(InvoiceRow)
        .join(BookingRow, BookingRow.invoice_id == InvoiceRow.id)
        .join(BookingLineRow, BookingLineRow.booking_id == BookingRow.id)
        .where(
            BookingLineRow.entry_id == entry_id,
            BookingRow.kind.in_(DEMANDS),
            InvoiceRow.status != InvoiceStatus.CANCELED,
        )
        .order_by(BookingRow.sequence.desc())
        .limit(1)
    )
    return found.one_or_none()


@dataclass(frozen=True, slots=True)
class _Credited:
    """What bookings credited: net and tax per rate, and rounding."""

    rates: Sequence[TaxSubtotal]
    rounding: int

    @property
    def payable(self) -> int:
        """What was owed by it."""
        return sum(part.basis + part.tax for part in self.rates) + self.rounding

    def other_way_round(self) -> "_Credited":
        """The same as debit."""
        return _Credited([replace(part, basis=-part.basis, tax=-part.tax) for part in self.rates], -self.rounding)


async def _credited(session: AsyncSession, *conditions: ColumnElement[bool]) -> _Credited:
    """What the books have under these conditions."""
    rounding = await session.scalar(
        select(-func.coalesce(func.sum(BookingLineRow.amount), 0))
        .join(BookingRow, BookingRow.id == BookingLineRow.booking_id)
        .where(BookingLineRow.role == Role.ROUNDING, *conditions)
    )
    return _Credited(await _rates(session, *conditions), int(rounding or 0))


async def _rates(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[TaxSubtotal]:
    is_tax = BookingLineRow.role == Role.OUTPUT_VAT
    found = await session.execute(
        select(
            BookingLineRow.tax_category,
            BookingLineRow.tax_rate,
            -func.coalesce(func.sum(BookingLineRow.amount).filter(~is_tax), 0),
            -func.coalesce(func.sum(BookingLineRow.amount).filter(is_tax), 0),
        )
        .join(BookingRow, BookingRow.id == BookingLineRow.booking_id)
        .where(BookingLineRow.tax_category.is_not(None), *conditions)
        .group_by(BookingLineRow.tax_category, BookingLineRow.tax_rate)
        .order_by(BookingLineRow.tax_category, BookingLineRow.tax_rate.desc())
    )
    return [
        TaxSubtotal(tax_category=TaxCategory(category), tax_rate=rate, basis=int(basis), tax=int(tax))
        for category, rate, basis, tax in found
        if category is not None and rate is not None
    ]


@dataclass(frozen=True, slots=True)
class _Standing:
    position: Position
    debtor: int | None
    number: str | None


async def _standing(session: AsyncSession, entry_id: str) -> _Standing:
    """Where an entry stands in the books, whose account it is on, and the number of its latest invoice."""
    of_entry = select(BookingLineRow.booking_id).where(BookingLineRow.entry_id == entry_id)
    latest = (
        select(BookingRow.reference)
        .where(BookingRow.id.in_(of_entry), BookingRow.kind.in_(DEMANDS))
        .order_by(BookingRow.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    owed, ahead = BookingLineRow.role == Role.RECEIVABLES, BookingLineRow.role == Role.PREPAYMENTS
    found = await session.execute(
        select(
            func.coalesce(func.sum(BookingLineRow.amount).filter(owed), 0),
            func.coalesce(func.sum(BookingLineRow.amount).filter(ahead), 0),
            func.max(BookingLineRow.debtor),
            latest,
        ).where(BookingLineRow.entry_id == entry_id)
    )
    receivable, prepayment, debtor, number = found.one()
    return _Standing(Position(receivable=int(receivable), prepayment=-int(prepayment)), debtor, number)


# Payouts


async def payout(session: AsyncSession, row: PayoutRow) -> None:
    """A transfer to the bank: on its way, there, or sent back."""
    desk = await desk_of(session, row.merchant_id)
    sent = row.amount if row.status in _ON_ITS_WAY else 0
    await bring(session, desk, _of_payout(desk, BookingKind.PAYOUT, row, row.id), sent, bookings.payout, debtor=None)
    there = row.amount if row.status == PayoutStatus.PAID else 0
    await bring(session, desk, _of_payout(desk, BookingKind.ARRIVAL, row, row.id), there, bookings.arrival, debtor=None)


async def payout_items(
    session: AsyncSession, row: PayoutRow, items: Sequence[tuple[PayoutItem, Counterpart | None]]
) -> None:
    """What a payout tells that nothing else does: fees the provider bills by itself, and what it converted.

    An item of something we do not know is not booked: its case is open, and clearing shows the difference.
    """
    desk = await desk_of(session, row.merchant_id)
    known = [ours.payment_id for _, ours in items if ours is not None]
    paid = {one.id: one for one in await session.scalars(select(PaymentRow).where(PaymentRow.id.in_(known)))}
    for item, ours in items:
        if item.kind is PayoutItemKind.FEE:
            await _billed(session, desk, row, item, -item.net)
        if ours is None:
            continue
        if item.kind is PayoutItemKind.CHARGE and paid[ours.payment_id].fee is None and item.fee:
            await _fee(session, desk, paid[ours.payment_id], item.fee, row.currency)
        if item.kind is PayoutItemKind.REFUND and item.fee:
            await _billed(session, desk, row, item, item.fee)
        if ours.currency != row.currency:
            await _convert(session, desk, row, item, ours)


async def _billed(session: AsyncSession, desk: Desk, row: PayoutRow, item: PayoutItem, amount: int) -> None:
    subject = _of_payout(desk, BookingKind.PAYOUT_FEE, row, f"{row.id}:{item.reference}")
    await bring(session, desk, subject, amount, bookings.fee, debtor=None)


async def _convert(session: AsyncSession, desk: Desk, row: PayoutRow, item: PayoutItem, ours: Counterpart) -> None:
    """What was captured or given back in one currency moved the provider's balance in another."""
    of = f"{row.id}:{item.reference}"
    came = _of_payout(desk, BookingKind.CONVERSION, row, f"{of}:to")
    await bring(session, desk, came, item.amount, bookings.converted, debtor=None)
    went = _of_payout(desk, BookingKind.CONVERSION, row, f"{of}:from", ours.currency)
    left = -ours.amount if item.amount >= 0 else ours.amount
    await bring(session, desk, went, left, bookings.converted, debtor=None)


def _of_payout(desk: Desk, kind: BookingKind, row: PayoutRow, of: str, currency: str | None = None) -> Subject:
    return Subject(
        kind=kind,
        of=of,
        currency=currency or row.currency,
        document_date=desk.day(datetime.now(UTC)),
        reference=row.reference,
        payout_id=row.id,
    )

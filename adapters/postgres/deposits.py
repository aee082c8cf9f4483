"""Deposits that final invoices deduct: found, reserved with the checkout, taken with its invoice, released with it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.finalization import subtotals_of
from adapters.postgres.tables import CheckoutRow, InvoiceRow, OrderRow
from adapters.postgres.tables_corrections import DeductionRow
from domain.checkout import CheckoutRequest
from domain.deposits import Deposit, deduction_problems, left_of
from domain.errors import InvalidDraft, InvalidInput
from domain.invoices import Deduction, DocumentReference, InvoiceKind, InvoiceStatus


async def deposits_of_keys(
    session: AsyncSession, merchant_id: str, keys: Sequence[str], *, lock: bool = False
) -> dict[str, Deposit]:
    """The deposits that assignment keys name. With `lock` their checkouts stay as they are until the commit."""
    wanted = (
        select(CheckoutRow)
        .where(CheckoutRow.merchant_id == merchant_id, CheckoutRow.assignment_key.in_(keys))
        .order_by(CheckoutRow.id)
    )
    if lock:
        wanted = wanted.with_for_update(key_share=True)
    found = {}
    for checkout in await session.scalars(wanted):
        deposit = await _deposit(session, checkout)
        if deposit is not None:
            found[checkout.assignment_key] = deposit
    return found


async def reserve(
    session: AsyncSession, checkout_id: str, merchant_id: str, request: CheckoutRequest, total: int
) -> int:
    """Reserve what a new checkout deducts; answers how much, in minor units. Raises InvalidInput."""
    if not request.deducts:
        return 0
    deposits = await deposits_of_keys(session, merchant_id, request.deducts, lock=True)
    if problems := deduction_problems(request, total, deposits):
        raise InvalidInput(problems)
    session.add_all(
        DeductionRow(
            deposit_id=deposit.checkout_id, checkout_id=checkout_id, merchant_id=merchant_id, amount=deposit.amount
        )
        for deposit in deposits.values()
    )
    await session.flush()
    return sum(deposit.amount for deposit in deposits.values())


async def take(session: AsyncSession, checkout_id: str) -> tuple[Deduction, ...]:
    """What the invoice of a checkout deducts. Raises InvalidDraft when a deposit is not any more what was reserved."""
    found = await session.execute(
        select(DeductionRow, CheckoutRow)
        .join(CheckoutRow, CheckoutRow.id == DeductionRow.deposit_id)
        .where(DeductionRow.checkout_id == checkout_id)
        .order_by(CheckoutRow.created_at, CheckoutRow.id)
    )
    rows = found.all()
    if not rows:
        return ()
    try:
        async with session.begin_nested():
            await session.execute(
                update(DeductionRow).where(DeductionRow.checkout_id == checkout_id).values(released_at=None)
            )
    except IntegrityError as error:
        raise InvalidDraft(["a deposit of this checkout was deducted by another one"]) from error
    return tuple([await _deduction(session, row, checkout) for row, checkout in rows])


async def release(session: AsyncSession, checkout_id: str) -> None:
    """The checkout deducts nothing any more: others may."""
    await session.execute(
        update(DeductionRow)
        .where(DeductionRow.checkout_id == checkout_id, DeductionRow.released_at.is_(None))
        .values(released_at=datetime.now(UTC))
    )


async def deducted_by(session: AsyncSession, deposit_id: str) -> CheckoutRow | None:
    """The checkout that deducts a deposit."""
    found = await session.scalars(
        select(CheckoutRow)
        .join(DeductionRow, DeductionRow.checkout_id == CheckoutRow.id)
        .where(DeductionRow.deposit_id == deposit_id, DeductionRow.released_at.is_(None))
    )
    return found.one_or_none()


async def _deduction(session: AsyncSession, row: DeductionRow, checkout: CheckoutRow) -> Deduction:
    deposit = await _deposit(session, checkout)
    if deposit is None or deposit.amount != row.amount:
        raise InvalidDraft([f"the deposit {checkout.assignment_key} is not what it was when it was deducted"])
    return Deduction(
        document=deposit.document, amount=deposit.amount, subtotals=deposit.subtotals, rounding=deposit.rounding
    )


async def _deposit(session: AsyncSession, checkout: CheckoutRow) -> Deposit | None:
    found = await session.scalars(
        select(InvoiceRow)
        .join(OrderRow, OrderRow.invoice_id == InvoiceRow.id)
        .where(OrderRow.checkout_id == checkout.id, InvoiceRow.kind == InvoiceKind.DEPOSIT)
    )
    invoice = found.one_or_none()
    if invoice is None:
        return None
    notes = (await session.scalars(select(InvoiceRow).where(InvoiceRow.corrects_id == invoice.id))).all()
    credited = await subtotals_of(session, *(note.id for note in notes))
    by = await deducted_by(session, checkout.id)
    return Deposit(
        checkout_id=checkout.id,
        document=DocumentReference(number=invoice.number, issued_on=invoice.issued_on),
        currency=invoice.currency,
        subtotals=left_of(await subtotals_of(session, invoice.id), credited),
        rounding=invoice.rounding - sum(note.rounding for note in notes),
        paid=invoice.status == InvoiceStatus.PAID,
        deducted_by=None if by is None else by.assignment_key,
    )

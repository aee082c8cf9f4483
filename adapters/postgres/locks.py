"""Locks for steps of one checkout, and for those that move money between checkouts.

Who moves money of a payment holds the rows of the checkout that brought it, of the checkout of every entry it is or
will be tied to, and of the payment: checkouts first, then payments, each in the order of their ids. So two steps
never wait for each other.
"""

from collections.abc import Collection

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.tables import CheckoutRow, EntryItemRow, EntryRow, PaymentRow
from domain.errors import NotFound


async def locked_checkout(session: AsyncSession, merchant_id: str, checkout_id: str) -> CheckoutRow:
    """The checkout's row, locked until the transaction ends: the first lock every step takes.

    The lock leaves the key alone, so rows that refer to the checkout (messages in the inbox) never wait for it.
    """
    found = await session.execute(
        select(CheckoutRow)
        .where(CheckoutRow.id == checkout_id, CheckoutRow.merchant_id == merchant_id)
        .with_for_update(key_share=True)
    )
    checkout = found.scalar_one_or_none()
    if checkout is None:
        raise NotFound("checkout", checkout_id)
    return checkout


async def lock_checkouts(
    session: AsyncSession, merchant_id: str, ids: Collection[str] | Select[str]
) -> dict[str, CheckoutRow]:
    """These checkouts, or those a query finds, locked until the transaction ends, in the order of their ids.

    As everywhere the lock leaves their keys alone.
    """
    found = await session.scalars(
        select(CheckoutRow)
        .where(CheckoutRow.merchant_id == merchant_id, CheckoutRow.id.in_(ids))
        .order_by(CheckoutRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in found}


async def lock_money(
    session: AsyncSession,
    merchant_id: str,
    *,
    payments: Collection[str] = (),
    entries: Collection[str] = (),
    checkouts: Collection[str] = (),
) -> tuple[dict[str, CheckoutRow], dict[str, PaymentRow]]:
    """These payments and all money that is on these entries or lies there for them, with every checkout it is tied
    to, and those named beside.

    What is tied to one more checkout while we wait for it makes us begin again with that one: locks are never taken
    out of order.
    """
    await session.flush()
    beside: set[str] = set(checkouts)
    while True:
        money = set(payments) | await _money_of(session, entries)
        wanted = beside | await _checkouts_of(session, money, entries)
        await session.execute(text("SAVEPOINT locks"))
        locked = await lock_checkouts(session, merchant_id, wanted)
        found = await session.scalars(
            select(PaymentRow)
            .where(PaymentRow.merchant_id == merchant_id, PaymentRow.id.in_(money))
            .order_by(PaymentRow.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        rows = {row.id: row for row in found}
        grown = await _money_of(session, entries) - money
        complete = not grown and await _checkouts_of(session, money, entries) <= wanted
        if not complete:
            await session.execute(text("ROLLBACK TO SAVEPOINT locks"))
        # What is written from here on belongs to the transaction itself: finalized documents demand it.
        await session.execute(text("RELEASE SAVEPOINT locks"))
        if complete:
            return locked, rows


async def _money_of(session: AsyncSession, entries: Collection[str]) -> set[str]:
    """The payments on these entries, and those their checkouts brought."""
    if not entries:
        return set()
    tied = await session.scalars(select(EntryItemRow.payment_id).where(EntryItemRow.entry_id.in_(entries)))
    brought = await session.scalars(
        select(PaymentRow.id)
        .join(EntryRow, EntryRow.checkout_id == PaymentRow.checkout_id)
        .where(EntryRow.id.in_(entries))
    )
    return {*tied, *brought}


async def _checkouts_of(session: AsyncSession, payments: Collection[str], entries: Collection[str]) -> set[str]:
    """The checkouts of these entries, those that brought these payments, and those whose entries they settle."""
    own = await session.scalars(select(EntryRow.checkout_id).where(EntryRow.id.in_(entries)))
    brought = await session.scalars(
        select(PaymentRow.checkout_id).where(PaymentRow.id.in_(payments), PaymentRow.checkout_id.is_not(None))
    )
    settled = await session.scalars(
        select(EntryRow.checkout_id)
        .join(EntryItemRow, EntryItemRow.entry_id == EntryRow.id)
        .where(EntryItemRow.payment_id.in_(payments))
    )
    return {checkout for checkout in (*own, *brought, *settled) if checkout is not None}

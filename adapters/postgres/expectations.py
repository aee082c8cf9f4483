"""Money that was promised for an entry: the items that tell of it, and the authorizations that can be captured."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import new_id
from adapters.postgres.tables import CheckoutRow, EntryItemRow, EntryRow, PaymentRow
from domain.captures import Authorization
from domain.checkout import CheckoutStatus
from domain.entries import EntryItemKind, EntryStatus
from domain.payments import PaymentStatus, Promise
from domain.promises import sorted_by_need
from domain.steps import Promised

PROCESS = "payment_promised"


def promise_of(payment: PaymentRow) -> Promise | None:
    """Why the money of a payment will come; None when it came, or will not."""
    return Promise(payment.promise) if payment.promise and payment.status == PaymentStatus.PENDING else None


def captured_for(entry: EntryRow, of_checkout: Sequence[PaymentRow]) -> int:
    """The captured money on an entry, whoever brought it, and what its checkout has free for it, in minor units."""
    return entry.assigned + sum(row.available for row in of_checkout if row.currency == entry.currency)


def promises_for(
    checkout: CheckoutRow, entry: EntryRow, of_checkout: Sequence[PaymentRow]
) -> tuple[tuple[Promised, ...], tuple[str, ...]]:
    """What the entry waits for, and the authorizations that nobody needs. Links for several entries promise nothing."""
    before = (checkout.review or {}).get("before", checkout.status)
    awaited = before == CheckoutStatus.AWAITING_PAYMENT and entry.status != EntryStatus.CANCELED
    promised = [
        Promised(
            reference=row.reference,
            promise=promise,
            amount=row.amount,
            currency=row.currency,
            capture=row.to_capture,
            capture_before=row.capture_before,
        )
        for row in sorted(of_checkout, key=lambda row: (row.created_at, row.id))
        if row.link_id is None and (promise := promise_of(row)) is not None
    ]
    owed = entry.initial + entry.reductions
    missing = owed - captured_for(entry, of_checkout) if awaited else 0
    return sorted_by_need(promised, missing=missing, currency=entry.currency)


async def expect(
    session: AsyncSession, entry: EntryRow, of_checkout: Sequence[PaymentRow], promised: Sequence[Promised]
) -> None:
    """Have one expected item for each payment the entry waits for, and no other. The caller holds the checkout."""
    if entry.expected == 0 and not promised:
        return
    wanted = {one.reference: one.amount for one in promised}
    amounts = {row.id: wanted[row.reference] for row in of_checkout if row.reference in wanted}
    found = await session.execute(
        select(EntryItemRow).where(EntryItemRow.entry_id == entry.id, EntryItemRow.kind == EntryItemKind.EXPECTED)
    )
    known = {item.payment_id: item for item in found.scalars()}
    for payment_id, item in known.items():
        if payment_id in amounts:
            item.amount = amounts[payment_id]
        else:
            await session.delete(item)
    for payment_id in amounts.keys() - known.keys():
        session.add(
            EntryItemRow(
                id=new_id("eit"),
                merchant_id=entry.merchant_id,
                entry_id=entry.id,
                payment_id=payment_id,
                kind=EntryItemKind.EXPECTED,
                amount=amounts[payment_id],
                business_process=PROCESS,
            )
        )
    entry.expected = sum(amounts.values())


def authorizations_in(currency: str, of_checkout: Sequence[PaymentRow]) -> tuple[Authorization, ...]:
    """The payments of a checkout that were authorized in its currency, in the order they came."""
    return tuple(
        Authorization(
            payment_id=row.id,
            amount=row.authorized,
            currency=row.currency,
            stands=promise_of(row) is not None,
            captured=row.captured or (row.to_capture if promise_of(row) is not None else None),
        )
        for row in sorted(of_checkout, key=lambda row: (row.created_at, row.id))
        if row.authorized is not None and row.currency == currency
    )

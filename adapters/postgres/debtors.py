"""Personal accounts of customers."""

from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.bookings import Desk
from adapters.postgres.tables_bookings import DebtorRow
from domain.book_settings import Debtors
from domain.checkout import Customer


async def debtor_of(session: AsyncSession, desk: Desk, buyer: Customer) -> int | None:
    """The customer's personal account, drawn at his first document; None when the range is used up.

    Customers are told apart by VAT id, else by e-mail address.
    """
    settings = desk.settings
    if settings.debtors is Debtors.SHARED:
        return settings.first_debtor
    key = sha256((buyer.vat_id or buyer.email).strip().casefold().encode()).hexdigest()
    known = select(DebtorRow.number).where(DebtorRow.merchant_id == desk.merchant_id, DebtorRow.key == key)
    if (number := await session.scalar(known)) is not None:
        return number
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"debtors/{desk.merchant_id}", 0))))
    if (number := await session.scalar(known)) is not None:
        return number
    last = await session.scalar(select(func.max(DebtorRow.number)).where(DebtorRow.merchant_id == desk.merchant_id))
    number = settings.first_debtor if last is None else max(settings.first_debtor, last + 1)
    if number > settings.last_debtor:
        return None
    session.add(DebtorRow(merchant_id=desk.merchant_id, key=key, number=number))
    await session.flush()
    return number

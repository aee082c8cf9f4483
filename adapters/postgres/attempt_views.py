"""Pictures of attempts to pay, for the reader: what became of each provider session, and why."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.expectations import promise_of
from adapters.postgres.tables import PaymentRow, ProviderSessionRow
from domain.payments import AttemptStatus, PaymentStatus, Promise, SessionStatus, attempt
from domain.views import AttemptView


async def attempts_of(
    session: AsyncSession, checkout_ids: Sequence[str], payments: Iterable[PaymentRow]
) -> dict[str, tuple[AttemptView, ...]]:
    """The attempts by its own link of each checkout that has any, oldest first; `payments` are the checkouts'."""
    tried = {(row.checkout_id, row.reference): row for row in payments}
    rows = await session.scalars(
        select(ProviderSessionRow)
        .where(ProviderSessionRow.checkout_id.in_(checkout_ids), ProviderSessionRow.link_id.is_(None))
        .order_by(ProviderSessionRow.attempt)
    )
    found: dict[str, tuple[AttemptView, ...]] = {}
    for row in rows:
        view = _view(row, tried.get((row.checkout_id, row.payment_reference or "")))
        found[row.checkout_id] = (*found.get(row.checkout_id, ()), view)
    return found


async def latest_attempt(session: AsyncSession, checkout_id: str) -> tuple[AttemptStatus | None, Promise | None]:
    """How the latest attempt of a checkout stands, and why money is on its way, if it is."""
    own = select(PaymentRow).where(PaymentRow.checkout_id == checkout_id, PaymentRow.link_id.is_(None))
    payments = (await session.scalars(own)).all()
    attempts = (await attempts_of(session, [checkout_id], payments)).get(checkout_id, ())
    promises = sorted(promise for row in payments if (promise := promise_of(row)) is not None)
    return attempts[-1].status if attempts else None, promises[0] if promises else None


async def latest_of_link(session: AsyncSession, link_id: str) -> AttemptStatus | None:
    """How the latest attempt to pay by a link for several entries stands."""
    rows = await session.scalars(
        select(ProviderSessionRow)
        .where(ProviderSessionRow.link_id == link_id)
        .order_by(ProviderSessionRow.attempt.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    if row is None:
        return None
    tried = select(PaymentRow).where(PaymentRow.link_id == link_id, PaymentRow.reference == row.payment_reference)
    return _view(row, await session.scalar(tried)).status


def _view(row: ProviderSessionRow, payment: PaymentRow | None) -> AttemptView:
    status, reason = attempt(
        SessionStatus(row.status),
        PaymentStatus(payment.status) if payment else None,
        payment.failure if payment else None,
    )
    return AttemptView(
        number=row.attempt,
        status=status,
        reason=reason,
        payment_id=payment.id if payment else None,
        opened_at=row.created_at,
        expires_at=row.expires_at,
    )

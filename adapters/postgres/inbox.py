"""The inbox of provider messages: durable first, acted upon after."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import Sessions
from adapters.postgres.tables import CheckoutRow, PaymentRow, ProviderEventRow, ProviderSessionRow
from domain.payments import ProviderEvent
from domain.views import InboxEntry


class PostgresInbox:
    """Implements `api.ports.Inbox`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def record(self, merchant_id: str, event: ProviderEvent) -> InboxEntry:
        async with self._sessions.begin() as session:
            checkout = await self._checkout(session, merchant_id, event)
            await session.execute(
                insert(ProviderEventRow)
                .values(
                    merchant_id=merchant_id,
                    provider=event.provider,
                    event_id=event.event_id,
                    type=event.type,
                    relevant=event.relevant,
                    checkout_id=checkout.id if checkout else None,
                    session_id=event.session_id,
                    payment_reference=event.payment_reference,
                    raw=event.raw,
                )
                .on_conflict_do_nothing(
                    index_elements=[
                        ProviderEventRow.merchant_id,
                        ProviderEventRow.provider,
                        ProviderEventRow.event_id,
                    ]
                )
            )
            applied = await session.execute(
                select(ProviderEventRow.applied_at).where(
                    ProviderEventRow.merchant_id == merchant_id,
                    ProviderEventRow.provider == event.provider,
                    ProviderEventRow.event_id == event.event_id,
                )
            )
            return InboxEntry(
                workflow_id=checkout.workflow_id if checkout else None,
                checkout_id=checkout.id if checkout else None,
                applied=applied.scalar_one() is not None,
            )

    @staticmethod
    async def _checkout(session: AsyncSession, merchant_id: str, event: ProviderEvent) -> CheckoutRow | None:
        """Whose business the message is: by our own id in it, else by the session or payment it names."""
        of_merchant = select(CheckoutRow).where(CheckoutRow.merchant_id == merchant_id)
        if event.checkout_id is not None:
            wanted = of_merchant.where(CheckoutRow.id == event.checkout_id)
        elif event.session_id is not None:
            wanted = of_merchant.join(ProviderSessionRow, ProviderSessionRow.checkout_id == CheckoutRow.id).where(
                ProviderSessionRow.provider == event.provider, ProviderSessionRow.session_id == event.session_id
            )
        elif event.payment_reference is not None:
            wanted = of_merchant.join(PaymentRow, PaymentRow.checkout_id == CheckoutRow.id).where(
                PaymentRow.provider == event.provider, PaymentRow.reference == event.payment_reference
            )
        else:
            return None
        return (await session.execute(wanted)).scalar_one_or_none()

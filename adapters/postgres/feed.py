"""The event feed: what happened, written in the very transaction that made it happen."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.tables import EventFeedRow, EventRow


async def tell(session: AsyncSession, merchant_id: str, kind: str, checkout_id: str | None, **data: Any) -> None:
    """Append an event to the merchant's feed. Call it last in a transaction.

    The feed's row is locked until the commit: numbers are gapless, in the order of the commits, and a
    reader that has seen number N will never see a smaller one appear later.
    """
    drawn = (
        insert(EventFeedRow)
        .values(merchant_id=merchant_id, last_sequence=1)
        .on_conflict_do_update(
            index_elements=[EventFeedRow.merchant_id], set_={"last_sequence": EventFeedRow.last_sequence + 1}
        )
        .returning(EventFeedRow.last_sequence)
    )
    sequence = (await session.execute(drawn)).scalar_one()
    session.add(EventRow(merchant_id=merchant_id, sequence=sequence, type=kind, checkout_id=checkout_id, data=data))

"""The table of refunds."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class RefundRow(Base):
    """Money given back. `request` is what the shop asked for, None for a refund that was not made by request.

    `counted` is the part of `amount` that the payment counts as refunded: what was available as soon as the refund
    is ordered, so that nobody else takes it; the rest, `from_entry`, once it is booked. `settled_at` is when the
    customer had the money, or was not to have it.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("merchant_id", "key"),
        UniqueConstraint("merchant_id", "provider_reference"),
        Index(None, "checkout_id"),
        Index(None, "payment_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("0 <= from_entry AND from_entry <= counted AND counted <= amount", name="counted_bounded"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"))
    key: Mapped[str]
    origin: Mapped[str]
    request: Mapped[dict[str, Any] | None]
    opened_by: Mapped[str | None]
    amount: Mapped[int]
    currency: Mapped[str]
    counted: Mapped[int] = mapped_column(server_default="0")
    from_entry: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    status: Mapped[str]
    provider_reference: Mapped[str | None]
    failure: Mapped[str | None]
    approved_by: Mapped[str | None]
    booked_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

"""The table of disputes."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class DisputeRow(Base):
    """Money a customer's bank claims back. `amount` is in the payment's currency, `fee` in the settlement currency.

    `held` is how much of the payment it holds back now: the disputes of a payment add up to its `disputed`.
    `unassigned` is how much of that was assigned to entries, and goes back there when the dispute is won; `taken_from`
    says how much was whose, by the entry's id.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("merchant_id", "provider", "reference"),
        Index(None, "checkout_id"),
        Index(None, "payment_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("0 <= unassigned AND unassigned <= held AND held <= amount", name="held_bounded"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"))
    provider: Mapped[str]
    reference: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    held: Mapped[int] = mapped_column(server_default="0")
    unassigned: Mapped[int] = mapped_column(server_default="0")
    taken_from: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    fee: Mapped[int | None]
    reason: Mapped[str]
    status: Mapped[str]
    evidence_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

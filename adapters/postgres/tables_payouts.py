"""The tables of payouts."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class PayoutRow(Base):
    """A transfer to the merchant's bank account. `matched` when it agrees with the books in all its items."""

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("merchant_id", "provider", "reference"),
        Index("ix_payouts_list", "merchant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    provider: Mapped[str]
    reference: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    arrives_on: Mapped[date]
    matched: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PayoutItemRow(Base):
    """A movement of the provider's balance that the payout consists of; `payment_id` is the payment it is about."""

    __tablename__ = "payout_items"
    __table_args__ = (
        Index(None, "payment_id"),
        CheckConstraint("net = amount - fee", name="net_is_amount_less_fee"),
    )

    payout_id: Mapped[str] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    kind: Mapped[str]
    source: Mapped[str | None]
    amount: Mapped[int]
    fee: Mapped[int]
    net: Mapped[int]
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payments.id"))
    matched: Mapped[bool] = mapped_column(server_default=text("false"))

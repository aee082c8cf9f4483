"""The tables of what is done with entries beside paying them, of refunds by entry, and of links for several entries."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class SettlementRow(Base):
    """A reduction, cancelation or assignment: asked for once under its key, done in the transaction that wrote it.

    `amount` is by how much was reduced, or how much was assigned. `credited` is what a credit note took back of the
    invoice; None for a credit whose invoice has not been written yet. `consequences` says who has to hear of it.
    """

    __tablename__ = "settlements"
    __table_args__ = (
        UniqueConstraint("merchant_id", "key"),
        Index(None, "entry_id"),
        CheckConstraint("amount >= 0 AND (credited IS NULL OR credited >= 0)", name="not_negative"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    key: Mapped[str]
    kind: Mapped[str]
    reduction: Mapped[str | None]
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id"))
    currency: Mapped[str]
    amount: Mapped[int]
    credited: Mapped[int | None]
    credit_note_id: Mapped[str | None] = mapped_column(ForeignKey("invoices.id"))
    request: Mapped[dict[str, Any]]
    moves: Mapped[list[Any]]
    consequences: Mapped[dict[str, Any]]
    opened_by: Mapped[str]
    done_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RefundItemRow(Base):
    """What a refund took from an entry, and the credit note over it."""

    __tablename__ = "refund_items"
    __table_args__ = (Index(None, "entry_id"), CheckConstraint("amount > 0", name="amount_positive"))

    refund_id: Mapped[str] = mapped_column(ForeignKey("refunds.id"), primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    amount: Mapped[int]
    credit_note_id: Mapped[str | None] = mapped_column(ForeignKey("invoices.id"))


class CombinedLinkRow(Base):
    """A payment link for several entries. Its payments are kept with the checkout of its first entry."""

    __tablename__ = "combined_links"
    __table_args__ = (UniqueConstraint("token"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    token: Mapped[str]
    lead_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"))
    currency: Mapped[str]
    request: Mapped[dict[str, Any]]
    workflow_id: Mapped[str]
    opened_by: Mapped[str]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CombinedLinkEntryRow(Base):
    """An entry that a combined link pays, in the order in which its money is assigned."""

    __tablename__ = "combined_link_entries"
    __table_args__ = (Index(None, "entry_id"),)

    link_id: Mapped[str] = mapped_column(ForeignKey("combined_links.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"))
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))

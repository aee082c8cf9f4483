"""The tables of corrections, and of deposits that final invoices deduct."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class CorrectionRow(Base):
    """A correction that a shop asked for by its `key`, and the document that came of it.

    `lines` is what it took of each line of the invoice (`domain.credit_notes.CreditedLine`), empty for one by amount.
    `reduced` is how much less is owed since (minor units); `loose_in` are the checkouts whose money it set free.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        UniqueConstraint("merchant_id", "key"),
        UniqueConstraint("document_id"),
        Index(None, "invoice_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    key: Mapped[str]
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"))
    document_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"))
    request: Mapped[dict[str, Any]]
    opened_by: Mapped[str]
    lines: Mapped[list[Any]]
    reduced: Mapped[int]
    loose_in: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeductionRow(Base):
    """A deposit that a checkout deducts: each at most once at a time. `amount` in minor units of the deposit.

    Released when the checkout closes unpaid or its invoice is canceled; taken again when it is carried out after all.
    """

    __tablename__ = "deductions"
    __table_args__ = (
        Index("uq_deductions_once", "deposit_id", unique=True, postgresql_where=text("released_at IS NULL")),
        Index(None, "checkout_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    deposit_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"), primary_key=True)
    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    amount: Mapped[int]
    released_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

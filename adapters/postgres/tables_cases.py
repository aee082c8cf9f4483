"""The table of cases: what was found and has to be decided, by a policy or by a person."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class CaseRow(Base):
    """A finding and its decision. It outlives runs, and is never removed.

    `fact` names what was found, once. A case is open until `decided_at`; `settled_at` says when the decision was
    carried out. `due_at` is when an undecided case becomes overdue, `remind_at` when somebody is told next.
    `workflow_id` is the run that waits for the decision.
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("merchant_id", "fact"),
        CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name="decision"),
        CheckConstraint("settled_at IS NULL OR decided_at IS NOT NULL", name="settled_after_decided"),
        Index("ix_cases_list", "merchant_id", "opened_at", "id"),
        Index("ix_cases_checkout_id", "checkout_id"),
        Index("ix_cases_payment_id", "payment_id"),
        Index("ix_cases_open", "merchant_id", "opened_at", postgresql_where=text("decided_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payments.id"))
    fact: Mapped[str]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    options: Mapped[list[Any]]
    workflow_id: Mapped[str | None]
    due_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    overdue: Mapped[bool] = mapped_column(server_default=text("false"))
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    settled_at: Mapped[datetime | None]

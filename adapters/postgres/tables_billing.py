"""Which orders and entries a document is about, and the invoice runs that made documents."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class InvoiceOrderRow(Base):
    """An order that a document is about.

    `in_force` is kept by triggers: true for an invoice that is not canceled. At most one such may be about an order,
    and that one stands at the order as its `invoice_id`.
    """

    __tablename__ = "invoice_orders"
    __table_args__ = (
        Index("uq_invoice_orders_one_in_force", "order_id", unique=True, postgresql_where=text("in_force")),
        Index(None, "order_id"),
    )

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    in_force: Mapped[bool] = mapped_column(server_default=text("false"))


class InvoiceEntryRow(Base):
    """What a document claims of an entry, in minor units; of a correction, what it gives up. Unalterable."""

    __tablename__ = "invoice_entries"
    __table_args__ = (Index(None, "entry_id"), CheckConstraint("amount >= 0", name="amount_not_negative"))

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    amount: Mapped[int]


class InvoiceRunRow(Base):
    """An invoice run. `request` is what was asked for, `planned_to` the cursor of the last order that was planned."""

    __tablename__ = "invoice_runs"
    __table_args__ = (
        UniqueConstraint("merchant_id", "key"),
        Index("ix_invoice_runs_list", "merchant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    key: Mapped[str]
    request: Mapped[dict[str, Any]]
    until: Mapped[date]
    phase: Mapped[str]
    workflow_id: Mapped[str]
    opened_by: Mapped[str]
    planned_to: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    billed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class InvoiceRunOrderRow(Base):
    """An order in a run: what it is billed with, and what became of it. `amount` in minor units of `currency`."""

    __tablename__ = "invoice_run_orders"
    __table_args__ = (
        Index("ix_invoice_run_orders_group", "run_id", "status", "group_key"),
        Index("ix_invoice_run_orders_invoice", "run_id", "invoice_id"),
        Index(None, "order_id"),
    )

    run_id: Mapped[str] = mapped_column(ForeignKey("invoice_runs.id"), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    ordered_at: Mapped[datetime]
    group_key: Mapped[str]
    status: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    invoice_id: Mapped[str | None] = mapped_column(ForeignKey("invoices.id"))
    error: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

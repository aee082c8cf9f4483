"""The tables of the books. Bookings and their lines are written once; triggers refuse change and removal, a booking
that does not sum to zero, and one in a closed period.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.tables import Base


class BookingRow(Base):
    """A fact, or a part of one: what is booked under a `fact` adds up in `amount` to what the fact says.

    `number` counts the bookings of a fact. `document_date` is the day of the fact, `booking_date` the day it is booked
    on: a later one when its month was closed. `reference` is what people look it up by. A booking that takes another
    one back names it in `reverses_id`, with who did it and why.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        UniqueConstraint("merchant_id", "fact", "number"),
        UniqueConstraint("reverses_id"),
        Index("ix_bookings_list", "merchant_id", "booking_date", "sequence"),
        Index("ix_bookings_newest", "merchant_id", "sequence"),
        Index(None, "invoice_id"),
        Index(None, "checkout_id"),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("booking_date >= document_date", name="booked_not_before"),
        CheckConstraint("reverses_id IS NULL OR (by IS NOT NULL AND reason IS NOT NULL)", name="reversal_explained"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    fact: Mapped[str]
    number: Mapped[int]
    kind: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    document_date: Mapped[date]
    booking_date: Mapped[date]
    reference: Mapped[str]
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payments.id"))
    invoice_id: Mapped[str | None] = mapped_column(ForeignKey("invoices.id"))
    payout_id: Mapped[str | None] = mapped_column(ForeignKey("payouts.id"))
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("bookings.id"))
    by: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BookingLineRow(Base):
    """One side of a booking, on the account the chart gave when it was booked. Debits are positive.

    `debtor` is the customer's personal account below a receivable.
    """

    __tablename__ = "booking_lines"
    __table_args__ = (
        Index(None, "entry_id"),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("(tax_category IS NULL) = (tax_rate IS NULL)", name="tax_complete"),
    )

    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    role: Mapped[str]
    tax_category: Mapped[str | None]
    tax_rate: Mapped[Decimal | None]
    account: Mapped[str]
    account_name: Mapped[str]
    automatic: Mapped[bool] = mapped_column(server_default=text("false"))
    tax_key: Mapped[str | None]
    debtor: Mapped[int | None]
    amount: Mapped[int]
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id"))


class DebtorRow(Base):
    """A customer's personal account. `key` is a hash of what tells customers apart."""

    __tablename__ = "debtors"
    __table_args__ = (UniqueConstraint("merchant_id", "number"),)

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BookingPeriodRow(Base):
    """A month (`2026-11`) that was closed once, and how it stands now."""

    __tablename__ = "booking_periods"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    closed: Mapped[bool]
    by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class BookingPeriodChangeRow(Base):
    """Who closed or reopened a month, and why. Never changed, never removed."""

    __tablename__ = "booking_period_changes"
    __table_args__ = (Index(None, "merchant_id", "month"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    month: Mapped[str]
    closed: Mapped[bool]
    by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class BookingExportRow(Base):
    """A batch: bookings of a range of days that were given out together, in one format, for the first time.

    `settings` are the merchant's book settings and name as they were, so that the file stays the same.
    """

    __tablename__ = "booking_exports"
    __table_args__ = (Index("ix_booking_exports_list", "merchant_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    format: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    bookings: Mapped[int]
    fixed: Mapped[bool]
    settings: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BookingExportItemRow(Base):
    """That a booking was exported, by which batch: once per format."""

    __tablename__ = "booking_export_items"
    __table_args__ = (UniqueConstraint("booking_id", "format"),)

    export_id: Mapped[str] = mapped_column(ForeignKey("booking_exports.id"), primary_key=True)
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    format: Mapped[str]

"""The tables. Amounts are integer minor units (`bigint`), times are UTC (`timestamptz`), and where an
invariant of the product says "one", a UNIQUE says so here. Every row carries its merchant.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        Decimal: Numeric,
    }


def _merchant() -> Mapped[str]:
    return mapped_column(ForeignKey("merchants.id"))


def _now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


class MerchantRow(Base):
    """A tenant; `config` is its `domain.merchants.Merchant` as JSON."""

    __tablename__ = "merchants"

    id: Mapped[str] = mapped_column(primary_key=True)
    config: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class ApiKeyRow(Base):
    """A shop's key, as hash: the key itself is never stored."""

    __tablename__ = "api_keys"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    last4: Mapped[str]
    created_at: Mapped[datetime] = _now()
    revoked_at: Mapped[datetime | None]


class CheckoutRow(Base):
    """One purchase. `request` is what the shop sent first, `cart` what it adds up to."""

    __tablename__ = "checkouts"
    __table_args__ = (
        UniqueConstraint("merchant_id", "assignment_key"),
        Index("ix_checkouts_list", "merchant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    assignment_key: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    total: Mapped[int]
    request: Mapped[dict[str, Any]]
    cart: Mapped[dict[str, Any]]
    workflow_id: Mapped[str]
    opened_by: Mapped[str]
    review: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class EntryRow(Base):
    """A receivable. `assigned` and `expected` are the sums of its items, kept in the same transaction.

    `shut_at` is when it was canceled for good, by itself and not because its checkout ended unpaid.
    """

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("merchant_id", "assignment_key"),
        UniqueConstraint("checkout_id"),
        Index("ix_entries_list", "merchant_id", "created_at", "id"),
        CheckConstraint("initial >= 0", name="initial_not_negative"),
        CheckConstraint("reductions <= 0 AND initial + reductions >= 0", name="reductions_bounded"),
        CheckConstraint("assigned >= 0 AND assigned <= initial + reductions", name="assigned_bounded"),
        CheckConstraint("expected >= 0", name="expected_not_negative"),
        CheckConstraint(
            "(status = 'balanced') = (assigned = initial + reductions) OR status = 'canceled'", name="status"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"))
    assignment_key: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    initial: Mapped[int]
    reductions: Mapped[int] = mapped_column(server_default="0")
    assigned: Mapped[int] = mapped_column(server_default="0")
    expected: Mapped[int] = mapped_column(server_default="0")
    shut_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class PaymentLinkRow(Base):
    """Our own link: it outlives provider sessions. At most one per entry."""

    __tablename__ = "payment_links"
    __table_args__ = (UniqueConstraint("entry_id"),)

    token: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"))
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = _now()


class ProviderSessionRow(Base):
    """An attempt to pay. At most one of an entry is open, so at most one can be paid.

    `payment_reference` is the provider's id of the payment that was tried in it, null until one was. A session of a
    link for several entries (`link_id`) has a row for each of them.
    """

    __tablename__ = "provider_sessions"
    __table_args__ = (
        UniqueConstraint("checkout_id", "link_id", "attempt", postgresql_nulls_not_distinct=True),
        UniqueConstraint("merchant_id", "provider", "session_id", "entry_id"),
        Index("uq_provider_sessions_one_open", "entry_id", unique=True, postgresql_where=text("status = 'open'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"))
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))
    link_id: Mapped[str | None] = mapped_column(ForeignKey("combined_links.id"))
    attempt: Mapped[int]
    provider: Mapped[str]
    session_id: Mapped[str]
    url: Mapped[str]
    status: Mapped[str]
    payment_reference: Mapped[str | None]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class PaymentRow(Base):
    """A money transfer: `captured = assigned + available + refunded + disputed`, by the database itself.

    `disputed` is what banks have taken back, for now or for good. `fee` and `net` are in minor units of
    `settlement_currency`.

    `checkout_id` is null for money on the merchant's account that we cannot tie to a checkout. Money of a link for
    several entries (`link_id`) is kept with the checkout of the first.

    `promise` says why the money of a pending payment will come, and is kept when it came or did not. Of a payment that
    was `authorized` (minor units), `to_capture` is what the shop wants captured, null until it has said so.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("merchant_id", "provider", "reference"),
        Index(None, "checkout_id"),
        Index("ix_payments_list", "merchant_id", "created_at", "id"),
        CheckConstraint("captured = assigned + available + refunded + disputed", name="money_is_conserved"),
        CheckConstraint(
            "captured >= 0 AND assigned >= 0 AND available >= 0 AND refunded >= 0 AND disputed >= 0",
            name="not_negative",
        ),
        CheckConstraint("to_capture > 0 AND to_capture <= authorized", name="captured_of_authorized"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    link_id: Mapped[str | None] = mapped_column(ForeignKey("combined_links.id"))
    provider: Mapped[str]
    reference: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    captured: Mapped[int] = mapped_column(server_default="0")
    assigned: Mapped[int] = mapped_column(server_default="0")
    available: Mapped[int] = mapped_column(server_default="0")
    refunded: Mapped[int] = mapped_column(server_default="0")
    disputed: Mapped[int] = mapped_column(server_default="0")
    fee: Mapped[int | None]
    net: Mapped[int | None]
    settlement_currency: Mapped[str | None]
    available_on: Mapped[date | None]
    method: Mapped[str | None]
    detail: Mapped[str | None]
    failure: Mapped[str | None]
    promise: Mapped[str | None]
    authorized: Mapped[int | None]
    capture_before: Mapped[datetime | None]
    to_capture: Mapped[int | None]
    settled_by: Mapped[str]
    captured_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class EntryItemRow(Base):
    """Ties money to an entry. `business_process` names the step that wrote the item last."""

    __tablename__ = "entry_items"
    __table_args__ = (
        UniqueConstraint("entry_id", "payment_id", "kind"),
        Index(None, "payment_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"))
    kind: Mapped[str]
    amount: Mapped[int]
    business_process: Mapped[str]
    created_at: Mapped[datetime] = _now()


class ProviderEventRow(Base):
    """The inbox: a message of a provider, durable before the provider hears 2xx, unapplied until a run says so."""

    __tablename__ = "provider_events"
    __table_args__ = (
        UniqueConstraint("merchant_id", "provider", "event_id"),
        Index("ix_provider_events_unapplied", "received_at", postgresql_where=text("relevant AND applied_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    merchant_id: Mapped[str] = _merchant()
    provider: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    relevant: Mapped[bool]
    subject: Mapped[str] = mapped_column(server_default="payment")
    reference: Mapped[str | None]
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    session_id: Mapped[str | None]
    payment_reference: Mapped[str | None]
    raw: Mapped[str]
    received_at: Mapped[datetime] = _now()
    applied_at: Mapped[datetime | None]


class OrderRow(Base):
    """What was sold: created once, after the capture.

    `invoice_id` is the invoice in force, kept by triggers of the database (see `tables_billing`); without one the
    order can be billed. `build_error` says why the last attempt failed, `service_date` when it may be billed at first.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("checkout_id"),
        UniqueConstraint("merchant_id", "assignment_key"),
        Index("ix_orders_list", "merchant_id", "created_at", "id"),
        Index("ix_orders_unbilled", "merchant_id", "created_at", "id", postgresql_where=text("invoice_id IS NULL")),
        Index(None, "invoice_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    checkout_id: Mapped[str] = mapped_column(ForeignKey("checkouts.id"))
    assignment_key: Mapped[str]
    currency: Mapped[str]
    prices: Mapped[str]
    total: Mapped[int]
    buyer: Mapped[dict[str, Any]]
    discounts: Mapped[list[Any]]
    surcharges: Mapped[list[Any]] = mapped_column(server_default="[]")
    tax_rounding: Mapped[str] = mapped_column(server_default="gross_exact")
    service_date: Mapped[date | None]
    invoice_id: Mapped[str | None] = mapped_column(ForeignKey("invoices.id"))
    build_error: Mapped[str | None]
    created_at: Mapped[datetime] = _now()


class OrderLineRow(Base):
    """One thing sold. `unit_price` and `adjustments` are in the order's price mode; `tax_rule` says why its tax is."""

    __tablename__ = "order_lines"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    sku: Mapped[str | None]
    name: Mapped[str]
    description: Mapped[str | None]
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    unit_price: Mapped[Decimal]
    tax_category: Mapped[str]
    tax_rate: Mapped[Decimal]
    tax_rule: Mapped[str] = mapped_column(server_default="stated")
    exemption_code: Mapped[str | None]
    exemption_reason: Mapped[str | None]
    adjustments: Mapped[list[Any]] = mapped_column(server_default="[]")


class SeriesRow(Base):
    """A number range: the next number is drawn under this row's lock, in the transaction that finalizes.

    `period` is what the last number counted in (the year, the month, or `all`); in a new one counting starts again.
    `last_place` counts all documents of the series, and `last_proof` chains the next one to them.
    """

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("merchant_id", "legal_entity", "kind"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    legal_entity: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    period: Mapped[str]
    last_number: Mapped[int]
    last_drawn_at: Mapped[datetime | None]
    last_place: Mapped[int] = mapped_column(server_default="0")
    last_proof: Mapped[str | None]


class InvoiceRow(Base):
    """A finalized document. A trigger refuses every change but that of `status`, and every delete.

    A credit note is one too: `corrects_id` is the invoice it takes back from, never more than was invoiced. Which
    orders a document is about, and which entries, `invoice_orders` and `invoice_entries` say.
    `place` is the document's place in its series, `proof` chains it to the one before (see `domain.proofs`); documents
    that are older than the chain have none.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("merchant_id", "number"),
        UniqueConstraint("series_id", "period", "sequence"),
        UniqueConstraint("series_id", "place"),
        Index("uq_invoices_one_cancelation", "corrects_id", unique=True, postgresql_where=text("kind = 'cancelation'")),
        Index(None, "corrects_id"),
        Index("ix_invoices_list", "merchant_id", "finalized_at", "id"),
        CheckConstraint(
            "(kind IN ('credit_note', 'cancelation')) = (corrects_id IS NOT NULL)", name="corrections_correct"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    kind: Mapped[str] = mapped_column(server_default="invoice")
    corrects_id: Mapped[str | None] = mapped_column(ForeignKey("invoices.id"))
    period: Mapped[str]
    sequence: Mapped[int]
    number: Mapped[str]
    status: Mapped[str]
    language: Mapped[str]
    issued_on: Mapped[date]
    delivered_on: Mapped[date]
    order_number: Mapped[str]
    seller: Mapped[dict[str, Any]]
    branding: Mapped[dict[str, Any]]
    buyer: Mapped[dict[str, Any]]
    payments: Mapped[list[Any]]
    currency: Mapped[str]
    prices: Mapped[str]
    discounts: Mapped[list[Any]]
    allowances: Mapped[list[Any]]
    surcharges: Mapped[list[Any]] = mapped_column(server_default="[]")
    charges: Mapped[list[Any]] = mapped_column(server_default="[]")
    particulars: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    line_total: Mapped[int]
    allowance_total: Mapped[int]
    charge_total: Mapped[int] = mapped_column(server_default="0")
    basis_total: Mapped[int]
    tax_total: Mapped[int]
    grand_total: Mapped[int]
    rounding: Mapped[int] = mapped_column(server_default="0")
    tax_rounding: Mapped[str] = mapped_column(server_default="gross_exact")
    finalized_at: Mapped[datetime]
    place: Mapped[int]
    previous_proof: Mapped[str | None]
    proof: Mapped[str | None]


class InvoiceLineRow(Base):
    """A line of a finalized invoice; unalterable like it."""

    __tablename__ = "invoice_lines"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    sku: Mapped[str | None]
    name: Mapped[str]
    description: Mapped[str | None]
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    unit_price: Mapped[Decimal]
    amount: Mapped[int]
    net_unit_price: Mapped[Decimal]
    net_amount: Mapped[int]
    tax_category: Mapped[str]
    tax_rate: Mapped[Decimal]
    tax_rule: Mapped[str] = mapped_column(server_default="stated")
    adjustments: Mapped[list[Any]] = mapped_column(server_default="[]")
    order_number: Mapped[str | None]


class TaxSubtotalRow(Base):
    """Tax of one category and rate on a finalized invoice; unalterable like it."""

    __tablename__ = "tax_subtotals"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    tax_category: Mapped[str] = mapped_column(primary_key=True)
    tax_rate: Mapped[Decimal] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    basis: Mapped[int]
    tax: Mapped[int]
    exemption_code: Mapped[str | None]
    exemption_reason: Mapped[str | None]


class DocumentRow(Base):
    """Where an invoice's bytes lie. Written once; a trigger refuses change and delete."""

    __tablename__ = "documents"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    key: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    created_at: Mapped[datetime] = _now()


class DeliveryRow(Base):
    """A document on its way. `answer` is what the mail server said, the evidence that it was sent.

    `key` is that of the request to send the document again, and empty for the one its own run sends.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("invoice_id", "channel", "key"), UniqueConstraint("message_id"))

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = _merchant()
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"))
    channel: Mapped[str]
    key: Mapped[str] = mapped_column(server_default="")
    message_id: Mapped[str]
    recipient: Mapped[str]
    status: Mapped[str]
    answer: Mapped[str | None]
    queued_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class EventFeedRow(Base):
    """The last sequence number of a merchant's feed; its lock makes the feed gapless and in commit order."""

    __tablename__ = "event_feeds"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    last_sequence: Mapped[int]


class EventRow(Base):
    """What happened, written in the transaction that made it happen."""

    __tablename__ = "events"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    checkout_id: Mapped[str | None] = mapped_column(ForeignKey("checkouts.id"))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = _now()

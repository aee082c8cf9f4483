"""The books: double entry, periods, and what was exported.

Triggers hold what must always hold: a booking sums to zero, is complete when its transaction commits, is never changed
or removed, and never lands in a closed period. Whoever books in a month shares a lock with the others who do;
whoever closes it waits for all of them, so nothing slips in behind.

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UNALTERABLE = """
CREATE FUNCTION quittance_unalterable_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is part of the books: its rows are never changed or removed', TG_TABLE_NAME;
END $$
"""

IN_OPEN_PERIOD = """
CREATE FUNCTION quittance_booked_in_open_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text := to_char(NEW.booking_date, 'YYYY-MM');
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('period/' || NEW.merchant_id || '/' || wanted, 0));
    IF EXISTS (SELECT FROM booking_periods WHERE merchant_id = NEW.merchant_id AND month = wanted AND closed) THEN
        RAISE EXCEPTION 'the booking period % is closed', wanted;
    END IF;
    RETURN NEW;
END $$
"""

COMPLETE = """
CREATE FUNCTION quittance_line_of_new_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A booking is complete when its transaction commits: lines come in that transaction or never.
    IF NOT EXISTS (
        SELECT FROM bookings
        WHERE id = NEW.booking_id AND merchant_id = NEW.merchant_id AND xmin = pg_current_xact_id()::xid
    ) THEN
        RAISE EXCEPTION 'booking % is complete: nothing can be added', NEW.booking_id;
    END IF;
    RETURN NEW;
END $$
"""

BALANCED = """
CREATE FUNCTION quittance_balanced_booking() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
    lines integer;
BEGIN
    SELECT coalesce(sum(amount), 0), count(*) INTO total, lines FROM booking_lines WHERE booking_id = NEW.id;
    IF total <> 0 OR lines < 2 THEN
        RAISE EXCEPTION 'booking % does not balance: % lines sum to %', NEW.id, lines, total;
    END IF;
    RETURN NULL;
END $$
"""

WRITTEN_ONCE = ("bookings", "booking_lines", "booking_period_changes", "booking_exports", "booking_export_items")


def upgrade() -> None:
    _create_bookings()
    _create_debtors_and_periods()
    _create_exports()
    for function in (UNALTERABLE, IN_OPEN_PERIOD, COMPLETE, BALANCED):
        op.execute(function)
    for table in WRITTEN_ONCE:
        op.execute(
            f"""CREATE TRIGGER unalterable BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION quittance_unalterable_booking()"""
        )
        op.execute(
            f"""CREATE TRIGGER kept BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION quittance_unalterable_booking()"""
        )
    op.execute(
        """CREATE TRIGGER in_open_period BEFORE INSERT ON bookings
        FOR EACH ROW EXECUTE FUNCTION quittance_booked_in_open_period()"""
    )
    op.execute(
        """CREATE TRIGGER complete BEFORE INSERT ON booking_lines
        FOR EACH ROW EXECUTE FUNCTION quittance_line_of_new_booking()"""
    )
    op.execute(
        """CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON bookings DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION quittance_balanced_booking()"""
    )


def _create_bookings() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("document_date", sa.Date(), nullable=False),
        sa.Column("booking_date", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("payout_id", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_bookings_amount_not_zero")),
        sa.CheckConstraint("booking_date >= document_date", name=op.f("ck_bookings_booked_not_before")),
        sa.CheckConstraint(
            "reverses_id IS NULL OR (by IS NOT NULL AND reason IS NOT NULL)",
            name=op.f("ck_bookings_reversal_explained"),
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_bookings_merchant_id")),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_bookings_checkout_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_bookings_payment_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_bookings_invoice_id")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_bookings_payout_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["bookings.id"], name=op.f("fk_bookings_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("merchant_id", "fact", "number", name=op.f("uq_bookings_merchant_id_fact_number")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_bookings_reverses_id")),
    )
    op.create_index("ix_bookings_list", "bookings", ["merchant_id", "booking_date", "sequence"])
    op.create_index("ix_bookings_newest", "bookings", ["merchant_id", "sequence"])
    op.create_index(op.f("ix_bookings_invoice_id"), "bookings", ["invoice_id"])
    op.create_index(op.f("ix_bookings_checkout_id"), "bookings", ["checkout_id"])
    op.create_table(
        "booking_lines",
        sa.Column("booking_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tax_category", sa.Text(), nullable=True),
        sa.Column("tax_rate", sa.Numeric(), nullable=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tax_key", sa.Text(), nullable=True),
        sa.Column("debtor", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_booking_lines_amount_not_zero")),
        sa.CheckConstraint("(tax_category IS NULL) = (tax_rate IS NULL)", name=op.f("ck_booking_lines_tax_complete")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_booking_lines_booking_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_booking_lines_merchant_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_booking_lines_entry_id")),
        sa.PrimaryKeyConstraint("booking_id", "position", name=op.f("pk_booking_lines")),
    )
    op.create_index(op.f("ix_booking_lines_entry_id"), "booking_lines", ["entry_id"])


def _create_debtors_and_periods() -> None:
    op.create_table(
        "debtors",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_debtors_merchant_id")),
        sa.PrimaryKeyConstraint("merchant_id", "key", name=op.f("pk_debtors")),
        sa.UniqueConstraint("merchant_id", "number", name=op.f("uq_debtors_merchant_id_number")),
    )
    op.create_table(
        "booking_periods",
        *_period_columns(),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_booking_periods_merchant_id")),
        sa.PrimaryKeyConstraint("merchant_id", "month", name=op.f("pk_booking_periods")),
    )
    op.create_table(
        "booking_period_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_period_columns(),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_booking_period_changes_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_period_changes")),
    )
    op.create_index(
        op.f("ix_booking_period_changes_merchant_id_month"), "booking_period_changes", ["merchant_id", "month"]
    )


def _period_columns() -> "tuple[sa.Column[object], ...]":
    return (
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def _create_exports() -> None:
    op.create_table(
        "booking_exports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("bookings", sa.BigInteger(), nullable=False),
        sa.Column("fixed", sa.Boolean(), nullable=False),
        sa.Column("settings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_booking_exports_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_exports")),
    )
    op.create_index("ix_booking_exports_list", "booking_exports", ["merchant_id", "created_at", "id"])
    op.create_table(
        "booking_export_items",
        sa.Column("export_id", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_booking_export_items_booking_id")),
        sa.ForeignKeyConstraint(["export_id"], ["booking_exports.id"], name=op.f("fk_booking_export_items_export_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_booking_export_items_merchant_id")),
        sa.PrimaryKeyConstraint("export_id", "booking_id", name=op.f("pk_booking_export_items")),
        sa.UniqueConstraint("booking_id", "format", name=op.f("uq_booking_export_items_booking_id_format")),
    )


def downgrade() -> None:
    for table in (
        "booking_export_items",
        "booking_exports",
        "booking_period_changes",
        "booking_periods",
        "debtors",
        "booking_lines",
        "bookings",
    ):
        op.drop_table(table)
    for function in (
        "unalterable_booking",
        "booked_in_open_period",
        "line_of_new_booking",
        "balanced_booking",
    ):
        op.execute(f"DROP FUNCTION quittance_{function}()")

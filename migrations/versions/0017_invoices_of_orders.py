"""Documents about several orders and entries, and the invoice in force at each order.

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ONE_IN_FORCE = "status <> 'canceled' AND kind IN ('invoice', 'deposit')"

TIE_ORDER = """
CREATE FUNCTION quittance_tie_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT kind IN ('invoice', 'deposit') AND status <> 'canceled' INTO STRICT NEW.in_force
    FROM invoices WHERE id = NEW.invoice_id;
    IF NEW.in_force THEN
        UPDATE orders SET invoice_id = NEW.invoice_id, build_error = NULL WHERE id = NEW.order_id;
    END IF;
    RETURN NEW;
END $$
"""
"""What is about an order stands at the order, if it is in force."""

FROZEN_TIE = """
CREATE FUNCTION quittance_frozen_tie() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'in_force' = to_jsonb(OLD) - 'in_force' AND NEW.in_force = (
        SELECT kind IN ('invoice', 'deposit') AND status <> 'canceled' FROM invoices WHERE id = NEW.invoice_id
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% belongs to finalized documents: its rows are never changed or removed', TG_TABLE_NAME;
END $$
"""
"""A tie never changes, but whether it is in force follows its document."""

RELEASE_ORDERS = """
CREATE FUNCTION quittance_release_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE invoice_orders SET in_force = (NEW.status <> 'canceled') WHERE invoice_id = NEW.id;
    UPDATE orders SET invoice_id = CASE WHEN NEW.status = 'canceled' THEN NULL ELSE NEW.id END
    WHERE id IN (SELECT order_id FROM invoice_orders WHERE invoice_id = NEW.id);
    RETURN NULL;
END $$
"""
"""When an invoice is canceled, its orders can be billed again."""

WITHIN_INVOICE = """
CREATE OR REPLACE FUNCTION quittance_credit_within_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The steps lock the checkouts before they correct, so no second correction can slip in between.
    IF (SELECT coalesce(sum({total}), 0) FROM (
            SELECT NEW.grand_total, NEW.rounding
            UNION ALL SELECT grand_total, rounding FROM invoices WHERE corrects_id = NEW.corrects_id
        ) AS taken_back)
        > (SELECT {total} FROM invoices WHERE id = NEW.corrects_id AND kind IN ('invoice', 'deposit')
            AND currency = NEW.currency AND merchant_id = NEW.merchant_id) IS NOT FALSE THEN
        RAISE EXCEPTION '% % would take back more than was invoiced', NEW.kind, NEW.number;
    END IF;
    RETURN NEW;
END $$
"""
"""What is owed counts, rounding included: a collective invoice comes to what its orders come to."""

CLAIMED = """
grand_total + rounding - (
    SELECT coalesce(sum((deduction ->> 'amount')::bigint), 0)
    FROM jsonb_array_elements(coalesce(particulars -> 'deductions', '[]')) AS deduction
)
"""
"""What a document asks for, after deposits."""


def upgrade() -> None:
    op.create_table(
        "invoice_orders",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("in_force", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_orders_invoice_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_invoice_orders_merchant_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_invoice_orders_order_id")),
        sa.PrimaryKeyConstraint("invoice_id", "order_id", name=op.f("pk_invoice_orders")),
    )
    op.create_index(op.f("ix_invoice_orders_order_id"), "invoice_orders", ["order_id"])
    op.create_index(
        "uq_invoice_orders_one_in_force",
        "invoice_orders",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("in_force"),
    )
    op.create_table(
        "invoice_entries",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_invoice_entries_amount_not_negative")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_invoice_entries_entry_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_entries_invoice_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_invoice_entries_merchant_id")),
        sa.PrimaryKeyConstraint("invoice_id", "entry_id", name=op.f("pk_invoice_entries")),
    )
    op.create_index(op.f("ix_invoice_entries_entry_id"), "invoice_entries", ["entry_id"])
    op.add_column("orders", sa.Column("service_date", sa.Date(), nullable=True))
    op.add_column("orders", sa.Column("invoice_id", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("build_error", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_orders_invoice_id"), "orders", "invoices", ["invoice_id"], ["id"])
    op.execute(
        """INSERT INTO invoice_orders (invoice_id, order_id, merchant_id, in_force)
        SELECT id, order_id, merchant_id, status <> 'canceled' AND kind IN ('invoice', 'deposit') FROM invoices"""
    )
    op.execute(
        f"""INSERT INTO invoice_entries (invoice_id, entry_id, merchant_id, amount)
        SELECT id, entry_id, merchant_id, {CLAIMED} FROM invoices"""  # noqa: S608
    )
    op.execute(
        """UPDATE orders SET invoice_id = invoice_orders.invoice_id FROM invoice_orders
        WHERE order_id = orders.id AND in_force"""
    )
    op.create_index(op.f("ix_orders_invoice_id"), "orders", ["invoice_id"])
    op.create_index(
        "ix_orders_unbilled",
        "orders",
        ["merchant_id", "created_at", "id"],
        postgresql_where=sa.text("invoice_id IS NULL"),
    )
    op.drop_index("uq_invoices_one_in_force", table_name="invoices", postgresql_where=sa.text(ONE_IN_FORCE))
    for column in ("checkout_id", "order_id", "entry_id"):
        op.drop_column("invoices", column)
    op.drop_column("deliveries", "checkout_id")
    _protect()


def _protect() -> None:
    for function in (TIE_ORDER, FROZEN_TIE, RELEASE_ORDERS, WITHIN_INVOICE.format(total="grand_total + rounding")):
        op.execute(function)
    op.execute(
        """CREATE TRIGGER tied BEFORE INSERT ON invoice_orders
        FOR EACH ROW EXECUTE FUNCTION quittance_tie_order()"""
    )
    op.execute(
        """CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON invoice_orders
        FOR EACH ROW EXECUTE FUNCTION quittance_frozen_tie()"""
    )
    op.execute(
        """CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON invoice_entries
        FOR EACH ROW EXECUTE FUNCTION quittance_frozen_row()"""
    )
    op.execute(
        """CREATE TRIGGER released AFTER UPDATE OF status ON invoices FOR EACH ROW
        WHEN (NEW.kind IN ('invoice', 'deposit') AND (OLD.status = 'canceled') <> (NEW.status = 'canceled'))
        EXECUTE FUNCTION quittance_release_orders()"""
    )
    for table in ("invoice_orders", "invoice_entries"):
        op.execute(
            f"""CREATE TRIGGER complete BEFORE INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION quittance_line_of_finalized_invoice()"""
        )
        op.execute(
            f"""CREATE TRIGGER kept BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION quittance_frozen_row()"""
        )


def downgrade() -> None:
    """Of a document about several orders only the first is kept: the older shape has room for no more."""
    op.execute(WITHIN_INVOICE.format(total="grand_total"))
    op.execute("DROP TRIGGER released ON invoices")
    op.execute("ALTER TABLE invoices DISABLE TRIGGER frozen")
    for column, owner, ties in (("order_id", "orders", "invoice_orders"), ("entry_id", "entries", "invoice_entries")):
        op.add_column("invoices", sa.Column(column, sa.Text(), nullable=True))
        op.execute(
            f"""UPDATE invoices SET {column} = (
                SELECT min({column}) FROM {ties} WHERE {ties}.invoice_id = invoices.id
            )"""  # noqa: S608
        )
        op.create_foreign_key(op.f(f"fk_invoices_{column}"), "invoices", owner, [column], ["id"])
    for table, its_invoice in (("invoices", "id"), ("deliveries", "invoice_id")):
        op.add_column(table, sa.Column("checkout_id", sa.Text(), nullable=True))
        op.execute(
            f"""UPDATE {table} SET checkout_id = (
                SELECT min(checkout_id) FROM orders JOIN invoice_orders ON invoice_orders.order_id = orders.id
                WHERE invoice_orders.invoice_id = {table}.{its_invoice}
            )"""  # noqa: S608
        )
        op.create_foreign_key(op.f(f"fk_{table}_checkout_id"), table, "checkouts", ["checkout_id"], ["id"])
        op.alter_column(table, "checkout_id", nullable=False)
    for column in ("order_id", "entry_id"):
        op.alter_column("invoices", column, nullable=False)
    op.execute("ALTER TABLE invoices ENABLE TRIGGER frozen")
    op.create_index(
        "uq_invoices_one_in_force",
        "invoices",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text(ONE_IN_FORCE),
    )
    op.drop_index("ix_orders_unbilled", table_name="orders", postgresql_where=sa.text("invoice_id IS NULL"))
    for column in ("build_error", "invoice_id", "service_date"):
        op.drop_column("orders", column)
    op.drop_table("invoice_entries")
    op.drop_table("invoice_orders")
    for function in ("release_orders", "frozen_tie", "tie_order"):
        op.execute(f"DROP FUNCTION quittance_{function}()")

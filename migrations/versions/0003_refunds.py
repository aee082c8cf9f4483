"""Refunds, and credit notes: documents of their own beside the invoices they correct.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CREDIT_WITHIN_INVOICE = """
CREATE FUNCTION quittance_credit_within_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The steps lock the checkout before they credit, so no second credit note can slip in between.
    IF NEW.grand_total + (SELECT coalesce(sum(grand_total), 0) FROM invoices WHERE corrects_id = NEW.corrects_id)
        > (SELECT grand_total FROM invoices WHERE id = NEW.corrects_id AND kind = 'invoice'
            AND currency = NEW.currency AND merchant_id = NEW.merchant_id) IS NOT FALSE THEN
        RAISE EXCEPTION 'credit note % would credit more than was invoiced', NEW.number;
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("invoices", sa.Column("kind", sa.Text(), server_default="invoice", nullable=False))
    op.add_column("invoices", sa.Column("corrects_id", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_invoices_corrects_id"), "invoices", "invoices", ["corrects_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_invoices_credit_note_corrects"), "invoices", "(kind = 'credit_note') = (corrects_id IS NOT NULL)"
    )
    op.create_index(op.f("ix_invoices_corrects_id"), "invoices", ["corrects_id"])
    _one_in_force("status <> 'canceled' AND kind = 'invoice'", before="status <> 'canceled'")
    op.execute(CREDIT_WITHIN_INVOICE)
    op.execute(
        """CREATE TRIGGER within_invoice BEFORE INSERT ON invoices
        FOR EACH ROW WHEN (NEW.kind = 'credit_note') EXECUTE FUNCTION quittance_credit_within_invoice()"""
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("credit_note_id", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("request", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("counted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("from_entry", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint(
            "0 <= from_entry AND from_entry <= counted AND counted <= amount", name=op.f("ck_refunds_counted_bounded")
        ),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_refunds_checkout_id")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["invoices.id"], name=op.f("fk_refunds_credit_note_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_refunds_entry_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_refunds_merchant_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("merchant_id", "key", name=op.f("uq_refunds_merchant_id_key")),
        sa.UniqueConstraint(
            "merchant_id", "provider_reference", name=op.f("uq_refunds_merchant_id_provider_reference")
        ),
    )
    op.create_index(op.f("ix_refunds_checkout_id"), "refunds", ["checkout_id"])
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"])


def _one_in_force(condition: str, *, before: str) -> None:
    op.drop_index("uq_invoices_one_in_force", table_name="invoices", postgresql_where=sa.text(before))
    op.create_index(
        "uq_invoices_one_in_force", "invoices", ["order_id"], unique=True, postgresql_where=sa.text(condition)
    )


def downgrade() -> None:
    op.drop_table("refunds")
    op.execute("DROP TRIGGER within_invoice ON invoices")
    op.execute("DROP FUNCTION quittance_credit_within_invoice()")
    _one_in_force("status <> 'canceled'", before="status <> 'canceled' AND kind = 'invoice'")
    op.drop_index(op.f("ix_invoices_corrects_id"), table_name="invoices")
    op.drop_constraint(op.f("ck_invoices_credit_note_corrects"), "invoices")
    op.drop_column("invoices", "corrects_id")
    op.drop_column("invoices", "kind")

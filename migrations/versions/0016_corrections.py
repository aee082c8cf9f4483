"""Corrections that shops ask for, and deposits that final invoices deduct.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("request", _json(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("lines", _json(), nullable=False),
        sa.Column("reduced", sa.BigInteger(), nullable=False),
        sa.Column("loose_in", _json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["invoices.id"], name=op.f("fk_corrections_document_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_corrections_invoice_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_corrections_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint("document_id", name=op.f("uq_corrections_document_id")),
        sa.UniqueConstraint("merchant_id", "key", name=op.f("uq_corrections_merchant_id_key")),
    )
    op.create_index(op.f("ix_corrections_invoice_id"), "corrections", ["invoice_id"], unique=False)
    op.create_table(
        "deductions",
        sa.Column("deposit_id", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_deductions_amount_positive")),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_deductions_checkout_id")),
        sa.ForeignKeyConstraint(["deposit_id"], ["checkouts.id"], name=op.f("fk_deductions_deposit_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_deductions_merchant_id")),
        sa.PrimaryKeyConstraint("deposit_id", "checkout_id", name=op.f("pk_deductions")),
    )
    op.create_index(op.f("ix_deductions_checkout_id"), "deductions", ["checkout_id"], unique=False)
    op.create_index(
        "uq_deductions_once",
        "deductions",
        ["deposit_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("deductions")
    op.drop_table("corrections")


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(none_as_null=True, astext_type=sa.Text())

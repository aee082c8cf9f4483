"""Cases that somebody must decide; money and events that belong to no checkout.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("options", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name=op.f("ck_cases_decision")),
        sa.CheckConstraint("settled_at IS NULL OR decided_at IS NOT NULL", name=op.f("ck_cases_settled_after_decided")),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_cases_checkout_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_cases_merchant_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_cases_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("merchant_id", "fact", name=op.f("uq_cases_merchant_id_fact")),
    )
    op.create_index("ix_cases_list", "cases", ["merchant_id", "opened_at", "id"])
    op.create_index("ix_cases_checkout_id", "cases", ["checkout_id"])
    op.create_index("ix_cases_payment_id", "cases", ["payment_id"])
    op.create_index(
        "ix_cases_open", "cases", ["merchant_id", "opened_at"], postgresql_where=sa.text("decided_at IS NULL")
    )
    op.alter_column("payments", "checkout_id", nullable=True)
    op.alter_column("events", "checkout_id", nullable=True)


def downgrade() -> None:
    op.alter_column("events", "checkout_id", nullable=False)
    op.alter_column("payments", "checkout_id", nullable=False)
    op.drop_table("cases")

"""Disputes and payouts. Money that a bank has taken back is the fourth place captured money can be in:
captured = assigned + available + refunded + disputed.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CONSERVED = "captured = assigned + available + refunded"
NOT_NEGATIVE = "captured >= 0 AND assigned >= 0 AND available >= 0 AND refunded >= 0"


def upgrade() -> None:
    op.add_column("payments", sa.Column("disputed", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("payments", sa.Column("settlement_currency", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("available_on", sa.Date(), nullable=True))
    _constrain(f"{CONSERVED} + disputed", f"{NOT_NEGATIVE} AND disputed >= 0")
    op.create_table(
        "disputes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("held", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unassigned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_disputes_amount_positive")),
        sa.CheckConstraint(
            "0 <= unassigned AND unassigned <= held AND held <= amount", name=op.f("ck_disputes_held_bounded")
        ),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_disputes_checkout_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_disputes_merchant_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint(
            "merchant_id", "provider", "reference", name=op.f("uq_disputes_merchant_id_provider_reference")
        ),
    )
    op.create_index(op.f("ix_disputes_checkout_id"), "disputes", ["checkout_id"])
    op.create_index(op.f("ix_disputes_payment_id"), "disputes", ["payment_id"])
    op.create_table(
        "payouts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("matched", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_payouts_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint(
            "merchant_id", "provider", "reference", name=op.f("uq_payouts_merchant_id_provider_reference")
        ),
    )
    op.create_index("ix_payouts_list", "payouts", ["merchant_id", "created_at", "id"])
    op.create_table(
        "payout_items",
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("matched", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("net = amount - fee", name=op.f("ck_payout_items_net_is_amount_less_fee")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_payout_items_merchant_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payout_items_payment_id")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_items_payout_id")),
        sa.PrimaryKeyConstraint("payout_id", "reference", name=op.f("pk_payout_items")),
    )
    op.create_index(op.f("ix_payout_items_payment_id"), "payout_items", ["payment_id"])


def downgrade() -> None:
    op.drop_table("payout_items")
    op.drop_table("payouts")
    op.drop_table("disputes")
    _constrain(CONSERVED, NOT_NEGATIVE)
    op.drop_column("payments", "available_on")
    op.drop_column("payments", "settlement_currency")
    op.drop_column("payments", "disputed")


def _constrain(conserved: str, not_negative: str) -> None:
    for name, condition in (("money_is_conserved", conserved), ("not_negative", not_negative)):
        op.drop_constraint(op.f(f"ck_payments_{name}"), "payments", type_="check")
        op.create_check_constraint(op.f(f"ck_payments_{name}"), "payments", condition)

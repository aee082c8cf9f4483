"""Tax: why a line is taxed as it is, discounts and charges of orders, strict rounding, answers about VAT ids.

Revision: 0011, after 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("orders", "invoices"):
        op.add_column(table, sa.Column("tax_rounding", sa.Text(), server_default="gross_exact", nullable=False))
    op.add_column("orders", sa.Column("surcharges", _json(), server_default="[]", nullable=False))
    for table in ("order_lines", "invoice_lines"):
        op.add_column(table, sa.Column("tax_rule", sa.Text(), server_default="stated", nullable=False))
    for name in ("exemption_code", "exemption_reason"):
        op.add_column("order_lines", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("order_lines", sa.Column("adjustments", _json(), server_default="[]", nullable=False))
    op.create_table(
        "vat_id_checks",
        sa.Column("checkout_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("evidence", _json(), nullable=False),
        sa.Column("relied_on", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_vat_id_checks_checkout_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_vat_id_checks_merchant_id")),
        sa.PrimaryKeyConstraint("checkout_id", name=op.f("pk_vat_id_checks")),
    )
    op.create_index(
        "ix_vat_id_checks_unverified",
        "vat_id_checks",
        ["ask_at"],
        postgresql_where=sa.text("status = 'unverified'"),
    )


def downgrade() -> None:
    op.drop_table("vat_id_checks")
    for name in ("adjustments", "exemption_reason", "exemption_code"):
        op.drop_column("order_lines", name)
    for table in ("invoice_lines", "order_lines"):
        op.drop_column(table, "tax_rule")
    op.drop_column("orders", "surcharges")
    for table in ("invoices", "orders"):
        op.drop_column(table, "tax_rounding")


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(none_as_null=True, astext_type=sa.Text())

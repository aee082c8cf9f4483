"""What documents tell beyond plain invoices: charges, adjustments of lines, reasons for no tax, particulars.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("surcharges", "charges"):
        op.add_column("invoices", sa.Column(name, _json(), server_default="[]", nullable=False))
    op.add_column("invoices", sa.Column("particulars", _json(), server_default="{}", nullable=False))
    for name in ("charge_total", "rounding"):
        op.add_column("invoices", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("invoice_lines", sa.Column("adjustments", _json(), server_default="[]", nullable=False))
    op.add_column("invoice_lines", sa.Column("order_number", sa.Text(), nullable=True))
    for name in ("exemption_code", "exemption_reason"):
        op.add_column("tax_subtotals", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("exemption_code", "exemption_reason"):
        op.drop_column("tax_subtotals", name)
    for name in ("order_number", "adjustments"):
        op.drop_column("invoice_lines", name)
    for name in ("rounding", "charge_total", "particulars", "charges", "surcharges"):
        op.drop_column("invoices", name)


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(none_as_null=True, astext_type=sa.Text())

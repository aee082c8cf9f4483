"""A document can be mailed again: a delivery for each request.

Revision: 0021, after 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("key", sa.Text(), server_default="", nullable=False))
    op.drop_constraint(op.f("uq_deliveries_invoice_id_channel"), "deliveries")
    op.create_unique_constraint(
        op.f("uq_deliveries_invoice_id_channel_key"), "deliveries", ["invoice_id", "channel", "key"]
    )


def downgrade() -> None:
    op.execute("DELETE FROM deliveries WHERE key <> ''")
    op.drop_constraint(op.f("uq_deliveries_invoice_id_channel_key"), "deliveries")
    op.create_unique_constraint(op.f("uq_deliveries_invoice_id_channel"), "deliveries", ["invoice_id", "channel"])
    op.drop_column("deliveries", "key")

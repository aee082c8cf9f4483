"""How far the provider's list was read; what each message is about.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_reconciliations_merchant_id")),
        sa.PrimaryKeyConstraint("merchant_id", "provider", name=op.f("pk_reconciliations")),
    )
    op.add_column("provider_events", sa.Column("subject", sa.Text(), server_default="payment", nullable=False))
    op.add_column("provider_events", sa.Column("reference", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("provider_events", "reference")
    op.drop_column("provider_events", "subject")
    op.drop_table("reconciliations")

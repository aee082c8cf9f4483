"""A refund over several entries has a credit note for each: what it took, and its notes, are told by its items alone.

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("refunds", "credit_note_id")
    op.drop_column("refunds", "entry_id")


def downgrade() -> None:
    for column, of in (("entry_id", "entries"), ("credit_note_id", "invoices")):
        op.add_column("refunds", sa.Column(column, sa.Text(), nullable=True))
        op.create_foreign_key(op.f(f"fk_refunds_{column}"), "refunds", of, [column], ["id"])
    op.execute(
        """UPDATE refunds SET entry_id = item.entry_id, credit_note_id = item.credit_note_id
        FROM (SELECT DISTINCT ON (refund_id) * FROM refund_items ORDER BY refund_id, credit_note_id) item
        WHERE item.refund_id = refunds.id"""
    )

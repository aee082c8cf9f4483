"""Money that was promised: authorizations, what is to be captured of them, and the payment tried in a session.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("promise", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("authorized", sa.BigInteger(), nullable=True))
    op.add_column("payments", sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payments", sa.Column("to_capture", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payments_captured_of_authorized"), "payments", "to_capture > 0 AND to_capture <= authorized"
    )
    op.add_column("provider_sessions", sa.Column("payment_reference", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_entries_expected_not_negative"), "entries", "expected >= 0")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_entries_expected_not_negative"), "entries", type_="check")
    op.drop_column("provider_sessions", "payment_reference")
    op.drop_constraint(op.f("ck_payments_captured_of_authorized"), "payments", type_="check")
    for name in ("to_capture", "capture_before", "authorized", "promise"):
        op.drop_column("payments", name)

"""An entry may be about nothing: deposits can cover a final invoice completely.

Revision: 0023, after 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint(op.f("ck_entries_initial_not_negative"), "entries", "initial >= 0")
    op.drop_constraint(op.f("ck_entries_initial_positive"), "entries")


def downgrade() -> None:
    """Refused while there is an entry about nothing."""
    op.create_check_constraint(op.f("ck_entries_initial_positive"), "entries", "initial > 0")
    op.drop_constraint(op.f("ck_entries_initial_not_negative"), "entries")

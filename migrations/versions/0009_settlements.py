"""Money between any payment and any entry: reductions, cancelations, assignments, links for several entries.

Revision: 0009, after 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_settlements()
    _create_refund_items()
    _create_links()
    op.add_column("entries", sa.Column("shut_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_entries_list"), "entries", ["merchant_id", "created_at", "id"])
    op.create_index(op.f("ix_orders_list"), "orders", ["merchant_id", "created_at", "id"])
    op.create_index(op.f("ix_payments_list"), "payments", ["merchant_id", "created_at", "id"])
    op.create_index(op.f("ix_entry_items_payment_id"), "entry_items", ["payment_id"])
    op.add_column("payments", sa.Column("link_id", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_payments_link_id"), "payments", "combined_links", ["link_id"], ["id"])
    op.add_column("disputes", sa.Column("taken_from", _json(), server_default="{}", nullable=False))
    op.execute(
        """UPDATE disputes SET taken_from = jsonb_build_object(entries.id, unassigned)
        FROM entries WHERE entries.checkout_id = disputes.checkout_id AND unassigned > 0"""
    )
    _share_sessions()


def _create_settlements() -> None:
    op.create_table(
        "settlements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reduction", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=True),
        sa.Column("credit_note_id", sa.Text(), nullable=True),
        sa.Column("request", _json(), nullable=False),
        sa.Column("moves", _json(), nullable=False),
        sa.Column("consequences", _json(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND (credited IS NULL OR credited >= 0)", name=op.f("ck_settlements_not_negative")
        ),
        sa.ForeignKeyConstraint(["credit_note_id"], ["invoices.id"], name=op.f("fk_settlements_credit_note_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_settlements_entry_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_settlements_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
        sa.UniqueConstraint("merchant_id", "key", name=op.f("uq_settlements_merchant_id_key")),
    )
    op.create_index(op.f("ix_settlements_entry_id"), "settlements", ["entry_id"])


def _create_refund_items() -> None:
    op.create_table(
        "refund_items",
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("credit_note_id", sa.Text(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_items_amount_positive")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["invoices.id"], name=op.f("fk_refund_items_credit_note_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_refund_items_entry_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_refund_items_merchant_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_refund_items_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", "entry_id", name=op.f("pk_refund_items")),
    )
    op.create_index(op.f("ix_refund_items_entry_id"), "refund_items", ["entry_id"])
    op.execute(
        """INSERT INTO refund_items (refund_id, entry_id, merchant_id, amount, credit_note_id)
        SELECT id, entry_id, merchant_id, from_entry, credit_note_id FROM refunds WHERE from_entry > 0"""
    )


def _create_links() -> None:
    op.create_table(
        "combined_links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("request", _json(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["checkouts.id"], name=op.f("fk_combined_links_lead_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_combined_links_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_combined_links")),
        sa.UniqueConstraint("token", name=op.f("uq_combined_links_token")),
    )
    op.create_table(
        "combined_link_entries",
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_combined_link_entries_checkout_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_combined_link_entries_entry_id")),
        sa.ForeignKeyConstraint(["link_id"], ["combined_links.id"], name=op.f("fk_combined_link_entries_link_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_combined_link_entries_merchant_id")),
        sa.PrimaryKeyConstraint("link_id", "position", name=op.f("pk_combined_link_entries")),
    )
    op.create_index(op.f("ix_combined_link_entries_entry_id"), "combined_link_entries", ["entry_id"])


def _share_sessions() -> None:
    """A session of a link for several entries has a row for each: so no entry has two that can be paid."""
    op.add_column("provider_sessions", sa.Column("link_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_provider_sessions_link_id"), "provider_sessions", "combined_links", ["link_id"], ["id"]
    )
    op.drop_constraint("uq_provider_sessions_checkout_id_attempt", "provider_sessions")
    op.create_unique_constraint(
        "uq_provider_sessions_checkout_id_link_id_attempt",
        "provider_sessions",
        ["checkout_id", "link_id", "attempt"],
        postgresql_nulls_not_distinct=True,
    )
    op.drop_constraint("uq_provider_sessions_merchant_id_provider_session_id", "provider_sessions")
    op.create_unique_constraint(
        "uq_provider_sessions_merchant_id_provider_session_id_entry_id",
        "provider_sessions",
        ["merchant_id", "provider", "session_id", "entry_id"],
    )


def downgrade() -> None:
    op.execute("DELETE FROM provider_sessions WHERE link_id IS NOT NULL")
    op.drop_constraint("uq_provider_sessions_merchant_id_provider_session_id_entry_id", "provider_sessions")
    op.create_unique_constraint(
        "uq_provider_sessions_merchant_id_provider_session_id",
        "provider_sessions",
        ["merchant_id", "provider", "session_id"],
    )
    op.drop_constraint("uq_provider_sessions_checkout_id_link_id_attempt", "provider_sessions")
    op.create_unique_constraint(
        "uq_provider_sessions_checkout_id_attempt", "provider_sessions", ["checkout_id", "attempt"]
    )
    op.drop_column("provider_sessions", "link_id")
    op.drop_column("disputes", "taken_from")
    op.drop_column("payments", "link_id")
    op.drop_index(op.f("ix_entry_items_payment_id"), table_name="entry_items")
    op.drop_index(op.f("ix_payments_list"), table_name="payments")
    op.drop_index(op.f("ix_orders_list"), table_name="orders")
    op.drop_index(op.f("ix_entries_list"), table_name="entries")
    op.drop_column("entries", "shut_at")
    for table in ("combined_link_entries", "combined_links", "refund_items", "settlements"):
        op.drop_table(table)


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(none_as_null=True, astext_type=sa.Text())

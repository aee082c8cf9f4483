"""Series that prove their documents: places, proofs, legal entities; cancelations and deposit invoices.

Revision: 0015, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None

ONE_IN_FORCE = "status <> 'canceled' AND kind IN ('invoice', 'deposit')"
ONE_IN_FORCE_BEFORE = "status <> 'canceled' AND kind = 'invoice'"
CORRECT = "(kind IN ('credit_note', 'cancelation')) = (corrects_id IS NOT NULL)"
CORRECT_BEFORE = "(kind = 'credit_note') = (corrects_id IS NOT NULL)"

PLACES = """
UPDATE invoices SET place = counted.place FROM (
    SELECT id, row_number() OVER (PARTITION BY series_id ORDER BY finalized_at, sequence) AS place FROM invoices
) AS counted WHERE counted.id = invoices.id
"""
LAST_PLACES = """
UPDATE series SET last_place = (SELECT count(*) FROM invoices WHERE invoices.series_id = series.id)
"""
SERIES_FORWARD = """
CREATE FUNCTION quittance_series_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.last_place < OLD.last_place THEN
        RAISE EXCEPTION 'a series counts finalized documents: it never goes back or away';
    END IF;
    RETURN NEW;
END $$
"""

WITHIN_INVOICE = """
CREATE OR REPLACE FUNCTION quittance_credit_within_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The steps lock the checkout before they correct, so no second correction can slip in between.
    IF NEW.grand_total + NEW.rounding
        + (SELECT coalesce(sum(grand_total + rounding), 0) FROM invoices WHERE corrects_id = NEW.corrects_id)
        > (SELECT grand_total + rounding FROM invoices WHERE id = NEW.corrects_id AND kind IN {corrected}
            AND currency = NEW.currency AND merchant_id = NEW.merchant_id) IS NOT FALSE THEN
        RAISE EXCEPTION '% % would take back more than was invoiced', NEW.kind, NEW.number;
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("series", sa.Column("legal_entity", sa.Text(), server_default="", nullable=False))
    op.add_column("series", sa.Column("last_place", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("series", sa.Column("last_proof", sa.Text(), nullable=True))
    op.drop_constraint(op.f("uq_series_merchant_id_kind"), "series")
    op.create_unique_constraint(
        op.f("uq_series_merchant_id_legal_entity_kind"), "series", ["merchant_id", "legal_entity", "kind"]
    )
    op.add_column("invoices", sa.Column("place", sa.BigInteger(), nullable=True))
    op.add_column("invoices", sa.Column("previous_proof", sa.Text(), nullable=True))
    op.add_column("invoices", sa.Column("proof", sa.Text(), nullable=True))
    op.execute("ALTER TABLE invoices DISABLE TRIGGER frozen")
    op.execute(PLACES)
    op.execute("ALTER TABLE invoices ENABLE TRIGGER frozen")
    op.execute(LAST_PLACES)
    op.alter_column("invoices", "place", nullable=False)
    op.create_unique_constraint(op.f("uq_invoices_series_id_place"), "invoices", ["series_id", "place"])
    _demand(ONE_IN_FORCE_BEFORE, ONE_IN_FORCE)
    op.drop_constraint(op.f("ck_invoices_credit_note_corrects"), "invoices")
    op.create_check_constraint(op.f("ck_invoices_corrections_correct"), "invoices", CORRECT)
    op.create_index(
        "uq_invoices_one_cancelation",
        "invoices",
        ["corrects_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'cancelation'"),
    )
    _within_invoice(corrected=("invoice", "deposit"), by=("credit_note", "cancelation"))
    op.create_index("ix_invoices_list", "invoices", ["merchant_id", "finalized_at", "id"])
    op.execute(SERIES_FORWARD)
    op.execute(
        """CREATE TRIGGER forward BEFORE UPDATE OR DELETE ON series
        FOR EACH ROW EXECUTE FUNCTION quittance_series_forward()"""
    )
    op.execute(
        """CREATE TRIGGER kept BEFORE TRUNCATE ON series
        FOR EACH STATEMENT EXECUTE FUNCTION quittance_series_forward()"""
    )


def _demand(before: str, after: str) -> None:
    """At most one document of an order asks for money."""
    op.drop_index("uq_invoices_one_in_force", table_name="invoices", postgresql_where=sa.text(before))
    op.create_index("uq_invoices_one_in_force", "invoices", ["order_id"], unique=True, postgresql_where=sa.text(after))


def _within_invoice(*, corrected: tuple[str, ...], by: tuple[str, ...]) -> None:
    """Of `corrected` documents never more is taken back than they have, by which kinds ever."""
    op.execute(WITHIN_INVOICE.format(corrected=_listed(corrected)))
    op.execute("DROP TRIGGER within_invoice ON invoices")
    op.execute(
        f"""CREATE TRIGGER within_invoice BEFORE INSERT ON invoices
        FOR EACH ROW WHEN (NEW.kind IN {_listed(by)}) EXECUTE FUNCTION quittance_credit_within_invoice()"""
    )


def _listed(kinds: tuple[str, ...]) -> str:
    return "({})".format(", ".join(f"'{kind}'" for kind in kinds))


def downgrade() -> None:
    _within_invoice(corrected=("invoice",), by=("credit_note",))
    op.execute("DROP TRIGGER kept ON series")
    op.execute("DROP TRIGGER forward ON series")
    op.execute("DROP FUNCTION quittance_series_forward()")
    op.drop_index("ix_invoices_list", table_name="invoices")
    op.drop_index(
        "uq_invoices_one_cancelation", table_name="invoices", postgresql_where=sa.text("kind = 'cancelation'")
    )
    op.drop_constraint(op.f("ck_invoices_corrections_correct"), "invoices")
    op.create_check_constraint(op.f("ck_invoices_credit_note_corrects"), "invoices", CORRECT_BEFORE)
    _demand(ONE_IN_FORCE, ONE_IN_FORCE_BEFORE)
    op.drop_constraint(op.f("uq_invoices_series_id_place"), "invoices")
    for name in ("proof", "previous_proof", "place"):
        op.drop_column("invoices", name)
    op.drop_constraint(op.f("uq_series_merchant_id_legal_entity_kind"), "series")
    op.create_unique_constraint(op.f("uq_series_merchant_id_kind"), "series", ["merchant_id", "kind"])
    for name in ("last_proof", "last_place", "legal_entity"):
        op.drop_column("series", name)

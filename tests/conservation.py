"""Whether money is conserved: the product's fourth invariant, asked of the books as they are."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.book_equations import assert_books_agree

_SUMS = text("""
    SELECT merchant_id, currency, sum(captured) AS captured, sum(assigned) AS assigned, sum(available) AS available,
           sum(refunded) AS refunded, sum(disputed) AS disputed
    FROM payments GROUP BY merchant_id, currency
""")
_ENTRIES = text("""
    SELECT entries.id, entries.assigned, coalesce(sum(entry_items.amount), 0) AS items
    FROM entries LEFT JOIN entry_items ON entry_items.entry_id = entries.id AND entry_items.kind = 'assigned'
    GROUP BY entries.id
    HAVING entries.assigned <> coalesce(sum(entry_items.amount), 0)
""")
_PAYMENTS = text("""
    SELECT payments.id, payments.assigned, coalesce(sum(entry_items.amount), 0) AS items
    FROM payments LEFT JOIN entry_items ON entry_items.payment_id = payments.id AND entry_items.kind = 'assigned'
    GROUP BY payments.id
    HAVING payments.assigned <> coalesce(sum(entry_items.amount), 0)
""")
_CURRENCIES = text("""
    SELECT entry_items.id
    FROM entry_items
    JOIN entries ON entries.id = entry_items.entry_id
    JOIN payments ON payments.id = entry_items.payment_id
    WHERE entries.currency <> payments.currency
""")
_DISPUTES = text("""
    SELECT payments.id, payments.disputed, coalesce(sum(disputes.held), 0) AS held
    FROM payments LEFT JOIN disputes ON disputes.payment_id = payments.id
    GROUP BY payments.id
    HAVING payments.disputed <> coalesce(sum(disputes.held), 0)
""")
_STRANGERS = text("""
    SELECT entry_items.id
    FROM entry_items
    JOIN entries ON entries.id = entry_items.entry_id
    JOIN payments ON payments.id = entry_items.payment_id
    WHERE (entries.merchant_id, entries.merchant_id) <> (payments.merchant_id, entry_items.merchant_id)
       OR (entries.status = 'canceled' AND entry_items.kind = 'assigned')
""")
_REDUCED = text("""
    SELECT entries.id, -entries.reductions AS reduced,
           coalesce(refunded.total, 0) + coalesce(settled.total, 0) + coalesce(corrected.total, 0) AS accounted
    FROM entries
    LEFT JOIN (SELECT entry_id, sum(amount) AS total FROM refund_items GROUP BY entry_id) refunded
        ON refunded.entry_id = entries.id
    LEFT JOIN (SELECT entry_id, sum(amount) AS total FROM settlements WHERE entry_id IS NOT NULL GROUP BY entry_id)
        settled ON settled.entry_id = entries.id
    LEFT JOIN (SELECT entry_id, sum(reduced) AS total
               FROM corrections JOIN invoice_entries ON invoice_entries.invoice_id = document_id
               GROUP BY entry_id) corrected ON corrected.entry_id = entries.id
    WHERE -entries.reductions
          <> coalesce(refunded.total, 0) + coalesce(settled.total, 0) + coalesce(corrected.total, 0)
""")
_CREDITED = text("""
    SELECT entries.id, coalesce(notes.total, 0) AS credited,
           coalesce(refunded.total, 0) + coalesce(settled.total, 0) + coalesce(corrected.total, 0) AS accounted
    FROM entries
    JOIN invoice_entries AS claims ON claims.entry_id = entries.id
    JOIN invoices ON invoices.id = claims.invoice_id AND invoices.kind IN ('invoice', 'deposit')
        AND invoices.status <> 'canceled'
    LEFT JOIN (SELECT entry_id, sum(amount) AS total
               FROM invoice_entries JOIN invoices ON invoices.id = invoice_id AND kind = 'credit_note'
               GROUP BY entry_id) notes ON notes.entry_id = entries.id
    LEFT JOIN (SELECT entry_id, sum(amount) AS total FROM refund_items GROUP BY entry_id) refunded
        ON refunded.entry_id = entries.id
    LEFT JOIN (SELECT entry_id, sum(coalesce(credited, amount)) AS total FROM settlements
               WHERE entry_id IS NOT NULL GROUP BY entry_id) settled ON settled.entry_id = entries.id
    LEFT JOIN (SELECT entry_id, sum(amount) AS total
               FROM corrections JOIN invoices ON invoices.id = document_id AND kind = 'credit_note'
               JOIN invoice_entries ON invoice_entries.invoice_id = document_id
               GROUP BY entry_id) corrected ON corrected.entry_id = entries.id
    WHERE coalesce(notes.total, 0)
          <> coalesce(refunded.total, 0) + coalesce(settled.total, 0) + coalesce(corrected.total, 0)
""")
_TAKEN = text("""
    SELECT refunds.id, refunds.from_entry, coalesce(sum(refund_items.amount), 0) AS items
    FROM refunds LEFT JOIN refund_items ON refund_items.refund_id = refunds.id
    WHERE refunds.status NOT IN ('failed', 'canceled')
    GROUP BY refunds.id
    HAVING refunds.from_entry <> coalesce(sum(refund_items.amount), 0)
""")


_EXPECTED = text("""
    SELECT entries.id, entries.expected, coalesce(sum(entry_items.amount), 0) AS items
    FROM entries LEFT JOIN entry_items ON entry_items.entry_id = entries.id AND entry_items.kind = 'expected'
    GROUP BY entries.id
    HAVING entries.expected <> coalesce(sum(entry_items.amount), 0)
""")
_UNPROMISED = text("""
    SELECT entry_items.id FROM entry_items JOIN payments ON payments.id = entry_items.payment_id
    WHERE entry_items.kind = 'expected'
    AND (payments.promise IS NULL OR payments.status <> 'pending' OR payments.amount <> entry_items.amount)
""")


async def assert_money_is_conserved(engine: AsyncEngine) -> None:
    """Fail unless every captured minor unit is in exactly one place, and entries and payments tell the same.

    What banks hold back in disputes is a place of its own. One payment may be on several entries, and one entry may
    hold several payments; what entries owe less is told by refunds, settlements and corrections, and by credit notes if
    invoiced. The books say the same, to the minor unit.
    """
    async with engine.connect() as connection:
        for row in await connection.execute(_SUMS):
            placed = row.assigned + row.available + row.refunded + row.disputed
            assert row.captured == placed, f"{row.merchant_id} {row.currency}: {row.captured} became {placed}"
        for name, query in (("entry", _ENTRIES), ("payment", _PAYMENTS)):
            differing = [tuple(row) for row in await connection.execute(query)]
            assert differing == [], f"{name}: (id, assigned, sum of its items)"
        unheld = [tuple(row) for row in await connection.execute(_DISPUTES)]
        assert unheld == [], "payment: (id, disputed, held by its disputes)"
        assert [tuple(row) for row in await connection.execute(_CURRENCIES)] == [], "money tied across currencies"
        unexpected = [tuple(row) for row in await connection.execute(_EXPECTED)]
        assert unexpected == [], "entry: (id, expected, sum of its items)"
        assert [tuple(row) for row in await connection.execute(_UNPROMISED)] == [], (
            "money expected that nobody promised"
        )
        assert [tuple(row) for row in await connection.execute(_STRANGERS)] == [], "money on an entry that takes none"
        for name, query in (
            ("entry: (id, reduced, refunded from it and settled)", _REDUCED),
            ("entry: (id, credited by notes, credited by refunds and settlements)", _CREDITED),
            ("refund: (id, taken from entries, sum of its items)", _TAKEN),
        ):
            assert [tuple(row) for row in await connection.execute(query)] == [], name
        await assert_books_agree(connection)

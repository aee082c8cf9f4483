"""Whether the books say what the things they are about say: asked of every database a test leaves behind."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_UNBALANCED = """
    SELECT bookings.id, bookings.fact FROM bookings LEFT JOIN booking_lines ON booking_id = bookings.id
    GROUP BY bookings.id HAVING coalesce(sum(booking_lines.amount), 0) <> 0 OR count(*) < 2
"""
_SUM = """
    SELECT bookings.merchant_id, currency, sum(booking_lines.amount) FROM bookings
    JOIN booking_lines ON booking_id = bookings.id
    GROUP BY bookings.merchant_id, currency HAVING sum(booking_lines.amount) <> 0
"""
_UNASSIGNED = """
    WITH said AS (
        SELECT merchant_id, currency, sum(available) AS amount FROM payments GROUP BY merchant_id, currency
    ), booked AS (
        SELECT bookings.merchant_id, currency, -sum(booking_lines.amount) AS amount FROM bookings
        JOIN booking_lines ON booking_id = bookings.id WHERE role = 'unassigned'
        GROUP BY bookings.merchant_id, currency
    )
    SELECT merchant_id, currency, said.amount, booked.amount FROM said FULL JOIN booked USING (merchant_id, currency)
    WHERE coalesce(said.amount, 0) <> coalesce(booked.amount, 0)
"""
_CLEARING = """
    WITH moved AS (
        SELECT merchant_id, currency, captured - refunded - disputed AS amount FROM payments
        UNION ALL SELECT merchant_id, coalesce(settlement_currency, currency), -fee FROM payments
            WHERE captured > 0 AND fee IS NOT NULL
        UNION ALL SELECT disputes.merchant_id, coalesce(settlement_currency, payments.currency), -disputes.fee
            FROM disputes JOIN payments ON payments.id = payment_id WHERE disputes.fee IS NOT NULL
        UNION ALL SELECT merchant_id, currency, -amount FROM payouts WHERE status NOT IN ('failed', 'canceled')
        UNION ALL SELECT payouts.merchant_id, currency, payout_items.net FROM payout_items
            JOIN payouts ON payouts.id = payout_id WHERE kind = 'fee'
        UNION ALL SELECT payouts.merchant_id, payouts.currency, -payout_items.fee FROM payout_items
            JOIN payouts ON payouts.id = payout_id JOIN payments ON payments.id = payment_id
            WHERE kind = 'refund' OR (kind = 'charge' AND payments.fee IS NULL)
    ), said AS (
        SELECT merchant_id, currency, sum(amount) AS amount FROM moved GROUP BY merchant_id, currency
    ), booked AS (
        SELECT bookings.merchant_id, currency,
               sum(booking_lines.amount) FILTER (WHERE role = 'clearing') AS amount,
               sum(booking_lines.amount) FILTER (WHERE role = 'conversion') AS converted
        FROM bookings JOIN booking_lines ON booking_id = bookings.id GROUP BY bookings.merchant_id, currency
    )
    SELECT merchant_id, currency, said.amount, booked.amount FROM said FULL JOIN booked USING (merchant_id, currency)
    WHERE coalesce(said.amount, 0) <> coalesce(booked.amount, 0) + coalesce(booked.converted, 0)
"""
_ENTRIES = """
    WITH documents AS (
        SELECT entry_id,
               sum(CASE WHEN kind IN ('credit_note', 'cancelation') THEN -1 ELSE 1 END * amount) AS asked
        FROM invoices JOIN invoice_entries ON invoice_id = invoices.id GROUP BY entry_id
    ), waived AS (
        SELECT entry_id, sum(booking_lines.amount) AS amount FROM booking_lines
        JOIN bookings ON bookings.id = booking_id
        WHERE kind = 'write_off' AND role = 'receivables' GROUP BY entry_id
    ), booked AS (
        SELECT entry_id, coalesce(sum(amount) FILTER (WHERE role = 'receivables'), 0) AS owed,
               -coalesce(sum(amount) FILTER (WHERE role = 'prepayments'), 0) AS ahead
        FROM booking_lines WHERE entry_id IS NOT NULL GROUP BY entry_id
    )
    SELECT entries.id, coalesce(asked, 0) + coalesce(waived.amount, 0) - assigned AS said, owed, ahead
    FROM entries
    LEFT JOIN documents ON documents.entry_id = entries.id
    LEFT JOIN waived ON waived.entry_id = entries.id
    LEFT JOIN booked ON booked.entry_id = entries.id
    WHERE coalesce(owed, 0) <> greatest(coalesce(asked, 0) + coalesce(waived.amount, 0) - assigned, 0)
       OR coalesce(ahead, 0) <> greatest(assigned - coalesce(asked, 0) - coalesce(waived.amount, 0), 0)
"""
_INVOICED = """
    SELECT entries.id, initial + reductions - assigned AS outstanding, coalesce(owed, 0) - coalesce(ahead, 0) AS booked
    FROM entries
    LEFT JOIN (
        SELECT entry_id, sum(amount) FILTER (WHERE role = 'receivables') AS owed,
               -sum(amount) FILTER (WHERE role = 'prepayments') AS ahead
        FROM booking_lines GROUP BY entry_id
    ) AS booked ON booked.entry_id = entries.id
    WHERE EXISTS (SELECT FROM invoices JOIN invoice_entries ON invoice_id = invoices.id
                  WHERE entry_id = entries.id AND kind IN ('invoice', 'deposit') AND status <> 'canceled')
      AND initial + reductions - assigned <> coalesce(owed, 0) - coalesce(ahead, 0)
"""
_REVENUE = """
    WITH said AS (
        SELECT invoices.merchant_id, currency, tax_category, tax_rate,
               sum(CASE WHEN invoices.kind IN ('credit_note', 'cancelation') THEN -1 ELSE 1 END * basis) AS basis,
               sum(CASE WHEN invoices.kind IN ('credit_note', 'cancelation') THEN -1 ELSE 1 END * tax) AS tax
        FROM invoices JOIN tax_subtotals ON invoice_id = invoices.id
        GROUP BY invoices.merchant_id, currency, tax_category, tax_rate
    ), booked AS (
        SELECT bookings.merchant_id, currency, tax_category, tax_rate,
               -coalesce(sum(booking_lines.amount) FILTER (WHERE role <> 'output_vat'), 0) AS basis,
               -coalesce(sum(booking_lines.amount) FILTER (WHERE role = 'output_vat'), 0) AS tax
        FROM bookings JOIN booking_lines ON booking_id = bookings.id
        WHERE tax_category IS NOT NULL AND kind IN ('invoice', 'deposit', 'credit_note', 'cancelation')
        GROUP BY bookings.merchant_id, currency, tax_category, tax_rate
    )
    SELECT * FROM said FULL JOIN booked USING (merchant_id, currency, tax_category, tax_rate)
    WHERE coalesce(said.basis, 0) <> coalesce(booked.basis, 0) OR coalesce(said.tax, 0) <> coalesce(booked.tax, 0)
"""
_BANK = """
    WITH said AS (
        SELECT merchant_id, currency, coalesce(sum(amount) FILTER (WHERE status = 'paid'), 0) AS there,
               coalesce(sum(amount) FILTER (WHERE status IN ('pending', 'in_transit')), 0) AS transit
        FROM payouts GROUP BY merchant_id, currency
    ), booked AS (
        SELECT bookings.merchant_id, currency,
               coalesce(sum(booking_lines.amount) FILTER (WHERE role = 'bank'), 0) AS there,
               coalesce(sum(booking_lines.amount) FILTER (WHERE role = 'transit'), 0) AS transit
        FROM bookings JOIN booking_lines ON booking_id = bookings.id WHERE role IN ('bank', 'transit')
        GROUP BY bookings.merchant_id, currency
    )
    SELECT * FROM said FULL JOIN booked USING (merchant_id, currency)
    WHERE coalesce(said.there, 0) <> coalesce(booked.there, 0)
       OR coalesce(said.transit, 0) <> coalesce(booked.transit, 0)
"""
EQUATIONS: Mapping[str, str] = {
    "a booking does not sum to zero": _UNBALANCED,
    "the books do not sum to zero": _SUM,
    "unassigned money is not what payments have available": _UNASSIGNED,
    "clearing is not what was captured less what left the provider": _CLEARING,
    "an entry's balance is not what documents ask for less what is assigned": _ENTRIES,
    "an invoiced entry's balance is not what is outstanding": _INVOICED,
    "revenue and VAT are not those of the documents": _REVENUE,
    "bank and transit are not what payouts brought": _BANK,
}


async def assert_books_agree(connection: AsyncConnection) -> None:
    """Fail unless every balance of the books is what payments, entries, documents and payouts say."""
    for wrong, query in EQUATIONS.items():
        differing = [tuple(row) for row in await connection.execute(text(query))]
        assert differing == [], f"{wrong}: {differing}"

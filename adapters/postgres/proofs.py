"""What of a finalized document's rows is proved: every column, but its status and the links of the chain itself.

What it is about is proved with it: its ties to orders and entries, but not whether they are in force, which is status.
"""

from collections.abc import Iterable
from typing import Any

from adapters.postgres.tables import Base, InvoiceLineRow, InvoiceRow, TaxSubtotalRow
from adapters.postgres.tables_billing import InvoiceEntryRow, InvoiceOrderRow

_NOT_CONTENT = {"status", "in_force", "place", "previous_proof", "proof"}


def content_of(
    invoice: InvoiceRow,
    lines: Iterable[InvoiceLineRow],
    subtotals: Iterable[TaxSubtotalRow],
    orders: Iterable[InvoiceOrderRow],
    entries: Iterable[InvoiceEntryRow],
) -> dict[str, Any]:
    """The content that `domain.proofs` takes; the same before the rows are written and after they are read."""
    return {
        "invoice": _columns(invoice),
        "lines": [_columns(line) for line in sorted(lines, key=lambda line: line.position)],
        "subtotals": [
            _columns(subtotal) for subtotal in sorted(subtotals, key=lambda one: (str(one.tax_category), one.tax_rate))
        ],
        "orders": [_columns(order) for order in sorted(orders, key=lambda order: order.order_id)],
        "entries": [_columns(entry) for entry in sorted(entries, key=lambda entry: entry.entry_id)],
    }


def _columns(row: Base) -> dict[str, Any]:
    return {
        column.name: getattr(row, column.name) for column in row.__table__.columns if column.name not in _NOT_CONTENT
    }

"""What of a finalized document's rows is proved: every column, but its status and the links of the chain itself."""

from collections.abc import Iterable
from typing import Any

from adapters.postgres.tables import Base, InvoiceLineRow, InvoiceRow, TaxSubtotalRow

_NOT_CONTENT = {"status", "place", "previous_proof", "proof"}


def content_of(
    invoice: InvoiceRow, lines: Iterable[InvoiceLineRow], subtotals: Iterable[TaxSubtotalRow]
) -> dict[str, Any]:
    """The content that `domain.proofs` takes; the same before the rows are written and after they are read."""
    return {
        "invoice": _columns(invoice),
        "lines": [_columns(line) for line in sorted(lines, key=lambda line: line.position)],
        "subtotals": [
            _columns(subtotal) for subtotal in sorted(subtotals, key=lambda one: (str(one.tax_category), one.tax_rate))
        ],
    }


def _columns(row: Base) -> dict[str, Any]:
    return {
        column.name: getattr(row, column.name) for column in row.__table__.columns if column.name not in _NOT_CONTENT
    }

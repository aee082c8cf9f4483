"""What the application may do with its tables when it is not their owner.

A role with these rights and no more can finalize documents and book, and cannot change, delete or truncate what is
written, nor switch off the triggers that refuse it: only the owner of a table can.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.tables import Base

_ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")
_WRITTEN_ONCE = {
    "invoices": ("SELECT", "INSERT", "UPDATE (status)"),
    "invoice_lines": ("SELECT", "INSERT"),
    "tax_subtotals": ("SELECT", "INSERT"),
    "invoice_orders": ("SELECT", "INSERT", "UPDATE (in_force)"),
    "invoice_entries": ("SELECT", "INSERT"),
    "documents": ("SELECT", "INSERT"),
    "series": ("SELECT", "INSERT", "UPDATE"),
    "bookings": ("SELECT", "INSERT"),
    "booking_lines": ("SELECT", "INSERT"),
    "booking_period_changes": ("SELECT", "INSERT"),
    "booking_exports": ("SELECT", "INSERT"),
    "booking_export_items": ("SELECT", "INSERT"),
}


async def grant(engine: AsyncEngine, role: str) -> None:
    """Give an existing role the rights of the application, and no others. Safe to repeat."""
    quoted = engine.dialect.identifier_preparer.quote(role)
    async with engine.begin() as connection:
        await connection.execute(text(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}"))
        await connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quoted}"))
        for table in Base.metadata.tables:
            rights = ", ".join(_WRITTEN_ONCE.get(table, _ALL))
            await connection.execute(text(f"GRANT {rights} ON {table} TO {quoted}"))
        await connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}"))

"""Many billable orders at once: copies of one that went through the books by hand."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_COPIES = (
    """INSERT INTO checkouts SELECT (jsonb_populate_record(c, jsonb_build_object(
        'id', 'chk_' || :mark || n, 'assignment_key', :mark || '-' || n,
        'workflow_id', 'checkout:' || c.merchant_id || ':' || :mark || '-' || n,
        'request', jsonb_set(jsonb_set(jsonb_set(c.request, '{assignment_key}', to_jsonb(:mark || '-' || n)),
            '{customer,number}', to_jsonb('K-' || n % :customers)),
            '{metadata}', jsonb_build_object('po_number', 'PO-' || n % :customers))
    ))).* FROM checkouts c, generate_series(1, :many) n WHERE c.id = :checkout""",
    """INSERT INTO entries SELECT (jsonb_populate_record(e, jsonb_build_object(
        'id', 'ent_' || :mark || n, 'checkout_id', 'chk_' || :mark || n, 'assignment_key', :mark || '-' || n
    ))).* FROM entries e, generate_series(1, :many) n WHERE e.checkout_id = :checkout""",
    """INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object(
        'id', 'pay_' || :mark || n, 'checkout_id', 'chk_' || :mark || n, 'reference', 'pi_' || :mark || n
    ))).* FROM payments p, generate_series(1, :many) n WHERE p.checkout_id = :checkout""",
    """INSERT INTO entry_items SELECT (jsonb_populate_record(i, jsonb_build_object(
        'id', 'eit_' || :mark || n, 'entry_id', 'ent_' || :mark || n, 'payment_id', 'pay_' || :mark || n
    ))).* FROM entry_items i JOIN entries e ON e.id = i.entry_id, generate_series(1, :many) n
    WHERE e.checkout_id = :checkout""",
    """INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object(
        'id', 'ord_' || :mark || n, 'checkout_id', 'chk_' || :mark || n, 'assignment_key', :mark || '-' || n,
        'buyer', jsonb_set(o.buyer, '{number}', to_jsonb('K-' || n % :customers)),
        'created_at', o.created_at + n * interval '1 microsecond'
    ))).* FROM orders o, generate_series(1, :many) n WHERE o.checkout_id = :checkout""",
    """INSERT INTO order_lines SELECT (jsonb_populate_record(l, jsonb_build_object('order_id', 'ord_' || :mark || n))).*
    FROM order_lines l JOIN orders o ON o.id = l.order_id, generate_series(1, :many) n
    WHERE o.checkout_id = :checkout""",
)


async def copy_orders(engine: AsyncEngine, checkout_id: str, many: int, *, customers: int, mark: str = "SO") -> None:
    """Copy a billable checkout with all that belongs to it: keys `<mark>-1` and on, customers `K-0` and on."""
    values = {"checkout": checkout_id, "many": many, "customers": customers, "mark": mark}
    async with engine.begin() as connection:
        for copy in _COPIES:
            names = {name: value for name, value in values.items() if f":{name}" in copy}
            await connection.execute(text(copy), names)

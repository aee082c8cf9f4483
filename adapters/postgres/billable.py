"""Orders as billing sees them: read once, for invoices and for what is taken back of them."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.database import from_json
from adapters.postgres.tables import CheckoutRow, OrderLineRow, OrderRow
from domain.billing import BillableOrder
from domain.cart import PricedDiscount, PricedSurcharge, TaxCategory, TaxRounding, TaxRule
from domain.checkout import CheckoutRequest, Customer, PriceMode
from domain.invoice_mapping import resolve
from domain.invoices import InvoiceKind
from domain.merchants import Merchant
from domain.totals import CartLine, StatedAdjustment


async def billable_orders(session: AsyncSession, merchant: Merchant, order_ids: Sequence[str]) -> list[BillableOrder]:
    """These orders as billing sees them, oldest first."""
    found = await session.execute(
        select(OrderRow, CheckoutRow.request)
        .join(CheckoutRow, CheckoutRow.id == OrderRow.checkout_id)
        .where(OrderRow.id.in_(order_ids), OrderRow.merchant_id == merchant.id)
        .order_by(OrderRow.created_at, OrderRow.id)
    )
    rows = found.all()
    lines = await _lines_of(session, order_ids)
    return [_order(row, from_json(CheckoutRequest, request), lines.get(row.id, ()), merchant) for row, request in rows]


def _order(row: OrderRow, request: CheckoutRequest, lines: Sequence[OrderLineRow], merchant: Merchant) -> BillableOrder:
    return BillableOrder(
        order_id=row.id,
        checkout_id=row.checkout_id,
        number=row.assignment_key,
        ordered_on=row.created_at.astimezone(ZoneInfo(merchant.time_zone)).date(),
        currency=row.currency,
        prices=PriceMode(row.prices),
        total=row.total,
        buyer=from_json(Customer, row.buyer),
        lines=tuple(_line(line) for line in lines),
        discounts=tuple(from_json(PricedDiscount, discount) for discount in row.discounts),
        surcharges=tuple(from_json(PricedSurcharge, surcharge) for surcharge in row.surcharges),
        tax_rounding=TaxRounding(row.tax_rounding),
        fields=resolve(merchant.invoice_mapping, request),
        document=InvoiceKind(request.document),
        deducts=bool(request.deducts),
    )


def _line(line: OrderLineRow) -> CartLine:
    return CartLine(
        sku=line.sku,
        name=line.name,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        tax_category=TaxCategory(line.tax_category),
        tax_rate=line.tax_rate,
        tax_rule=TaxRule(line.tax_rule),
        exemption_code=line.exemption_code,
        exemption_reason=line.exemption_reason,
        adjustments=tuple(from_json(StatedAdjustment, one) for one in line.adjustments),
    )


async def _lines_of(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[OrderLineRow]]:
    found = await session.scalars(
        select(OrderLineRow)
        .where(OrderLineRow.order_id.in_(order_ids))
        .order_by(OrderLineRow.order_id, OrderLineRow.position)
    )
    lines: dict[str, list[OrderLineRow]] = {}
    for line in found:
        lines.setdefault(line.order_id, []).append(line)
    return lines

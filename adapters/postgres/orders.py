"""Sales orders."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.postgres.checkouts import advance_checkout, refuse_canceled
from adapters.postgres.database import Sessions, from_json, new_id, to_json
from adapters.postgres.feed import tell
from adapters.postgres.locks import locked_checkout
from adapters.postgres.tables import MerchantRow, OrderLineRow, OrderRow
from domain.cart import PricedCart, PricedLine, TaxCategory
from domain.checkout import CheckoutRequest, CheckoutStatus
from domain.invoice_mapping import resolve
from domain.merchants import Merchant
from domain.steps import OfCheckout, SalesOrder
from domain.totals import StatedAdjustment


class PostgresOrderBook:
    """Implements `domain.ports.OrderBook`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def create_sales_order(self, step: OfCheckout) -> SalesOrder:
        async with self._sessions.begin() as session:
            checkout = await locked_checkout(session, step.merchant_id, step.checkout_id)
            refuse_canceled(checkout)
            request = from_json(CheckoutRequest, checkout.request)
            cart = from_json(PricedCart, checkout.cart)
            order_id = new_id("ord")
            created = await session.execute(
                insert(OrderRow)
                .values(
                    id=order_id,
                    merchant_id=step.merchant_id,
                    checkout_id=step.checkout_id,
                    assignment_key=checkout.assignment_key,
                    currency=cart.currency,
                    prices=cart.prices,
                    total=cart.totals.payable,
                    buyer=to_json(request.customer),
                    discounts=[to_json(discount) for discount in cart.discounts],
                    surcharges=[to_json(surcharge) for surcharge in cart.surcharges],
                    tax_rounding=cart.tax_rounding,
                    service_date=await _service_date(session, step.merchant_id, request),
                )
                .on_conflict_do_nothing(index_elements=[OrderRow.checkout_id])
                .returning(OrderRow.id)
            )
            if created.scalar_one_or_none() is not None:
                session.add_all(_line(line, order_id, step.merchant_id, cart) for line in cart.lines)
                await session.flush()
                await tell(session, step.merchant_id, "order.created", step.checkout_id, order_id=order_id)
            advance_checkout(checkout, CheckoutStatus.CAPTURED, CheckoutStatus.ORDERED)
            found = await session.execute(select(OrderRow.id).where(OrderRow.checkout_id == step.checkout_id))
            return SalesOrder(order_id=found.scalar_one())


def _line(line: PricedLine, order_id: str, merchant_id: str, cart: PricedCart) -> OrderLineRow:
    """What was sold, as stated; what is exempt with the reason its subtotal has."""
    exempt = next((one for one in cart.subtotals if one.tax_category is line.tax_category is TaxCategory.EXEMPT), None)
    stated = [StatedAdjustment(reason=one.reason, amount=one.amount, charge=one.charge) for one in line.adjustments]
    return OrderLineRow(
        order_id=order_id,
        position=line.position,
        merchant_id=merchant_id,
        sku=line.sku,
        name=line.name,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
        tax_rule=line.tax_rule,
        exemption_code=exempt.exemption_code if exempt else None,
        exemption_reason=exempt.exemption_reason if exempt else None,
        adjustments=[to_json(adjustment) for adjustment in stated],
    )


async def _service_date(session: AsyncSession, merchant_id: str, request: CheckoutRequest) -> date | None:
    """The first day an invoice run may bill the order on, where the order names one."""
    merchant = from_json(Merchant, (await session.get_one(MerchantRow, merchant_id)).config)
    fields = resolve(merchant.invoice_mapping, request)
    return fields.service_date or fields.service_end

"""Sales orders."""

from datetime import date

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Page, Representation, amount
from domain.checkout import Address, PriceMode
from domain.ledger_views import OrderDetailView
from domain.views import OrderView


class OrderOut(Representation):
    """The sales order. `invoice` is the id of the invoice in force, `build_error` why the last attempt to bill it
    failed, `last_invoice_run` the run that looked at it last."""

    id: str
    number: str
    total: Amount
    service_date: date | None = None
    invoice: str | None = None
    build_error: str | None = None
    last_invoice_run: str | None = None
    created_at: Moment


class AddressOut(Representation):
    """A postal address."""

    line1: str
    line2: str | None
    postal_code: str
    city: str
    country: str


class BuyerOut(Representation):
    """Who bought."""

    name: str
    company: str | None
    email: str
    language: str
    vat_id: str | None
    number: str | None
    address: AddressOut


class OrderLineOut(Representation):
    """One thing sold."""

    position: int
    sku: str | None
    name: str
    description: str | None
    quantity: str
    unit: str
    unit_price: str
    tax_category: str
    tax_rate: str


class OrderDiscountOut(Representation):
    """A discount on the order."""

    name: str
    amount: Amount


class OrderDetailOut(Representation):
    """A sales order with its lines; prices are gross or net as `prices` says."""

    model_config = ConfigDict(title="OrderDetail")

    id: str
    number: str
    checkout: str
    currency: str
    prices: PriceMode
    total: Amount
    buyer: BuyerOut
    lines: list[OrderLineOut]
    discounts: list[OrderDiscountOut]
    created_at: Moment


class OrderList(Page[OrderDetailOut]):
    """A page of orders, newest first. `next_cursor` is null on the last page."""


def order(view: OrderView, currency: str) -> OrderOut:
    """An order as its checkout shows it."""
    return OrderOut(
        id=view.id,
        number=view.number,
        total=amount(view.total, currency),
        service_date=view.service_date,
        invoice=view.invoice_id,
        build_error=view.build_error,
        last_invoice_run=view.last_run_id,
        created_at=view.created_at,
    )


def order_detail(view: OrderDetailView) -> OrderDetailOut:
    """A sales order with its lines."""
    buyer = view.buyer
    return OrderDetailOut(
        id=view.id,
        number=view.number,
        checkout=view.checkout_id,
        currency=view.currency,
        prices=view.prices,
        total=amount(view.total, view.currency),
        buyer=BuyerOut(
            name=buyer.name,
            company=buyer.company,
            email=buyer.email,
            language=buyer.language,
            vat_id=buyer.vat_id,
            number=buyer.number,
            address=_address(buyer.address),
        ),
        lines=[
            OrderLineOut(
                position=line.position,
                sku=line.sku,
                name=line.name,
                description=line.description,
                quantity=f"{line.quantity:f}",
                unit=line.unit,
                unit_price=f"{line.unit_price:f}",
                tax_category=line.tax_category,
                tax_rate=f"{line.tax_rate:f}",
            )
            for line in view.lines
        ],
        discounts=[
            OrderDiscountOut(name=discount.name, amount=amount(discount.amount, view.currency))
            for discount in view.discounts
        ],
        created_at=view.created_at,
    )


def _address(address: Address) -> AddressOut:
    return AddressOut(
        line1=address.line1,
        line2=address.line2,
        postal_code=address.postal_code,
        city=address.city,
        country=address.country,
    )

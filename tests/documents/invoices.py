"""Invoices to render: one realistic cart, and ways to vary it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters import merchant_file
from domain.cart import PricedDiscount, TaxCategory
from domain.checkout import Address, Customer, PriceMode
from domain.invoices import Invoice, PaymentMade
from domain.totals import CartLine, price_cart

MERCHANT = merchant_file.load(Path(__file__).parents[2] / "merchants" / "meridian.toml")

BUYER = Customer(
    name="Dr. Jana Köhler",
    company="Atelier Nordlicht GmbH",
    email="jana@atelier-nordlicht.example",
    language="de",
    number="K-10438",
    address=Address(line1="Königsstraße 48 b", postal_code="10961", city="Berlin", country="DE"),
)


def a_line(name: str, price: str, *, quantity: str = "1", rate: str = "19", **more: Any) -> CartLine:
    """A line at the standard rate unless `rate` is 0."""
    return CartLine(
        name=name,
        quantity=Decimal(quantity),
        unit=more.pop("unit", "C62"),
        unit_price=Decimal(price),
        tax_category=TaxCategory.STANDARD if Decimal(rate) else TaxCategory.ZERO,
        tax_rate=Decimal(rate),
        **more,
    )


LINES = (
    a_line("Schreibtisch „Kontor“, Eiche geölt", "849.00", sku="MW-1042", description="160 mal 80 cm"),
    a_line(
        "Schreibtischleuchte „Lumen“, Messing", "129.50", quantity="2", sku="MW-2210", description="dimmbar, 2700 K"
    ),
    a_line("Handbuch „Holz richtig pflegen“", "24.21", quantity="3", rate="7", sku="MW-9001", description="gebunden"),
    a_line("Montage vor Ort", "68.00", quantity="2.5", unit="HUR", description="Dienstleistung · Berlin, nach Aufwand"),
    a_line("Versand & Verpackung", "39.90", description="DHL Spedition, versichert"),
)

DISCOUNT = PricedDiscount(name="Sommeraktion", amount=2500)


def an_invoice(
    *,
    prices: PriceMode = PriceMode.NET,
    lines: tuple[CartLine, ...] = LINES,
    discounts: tuple[PricedDiscount, ...] = (),
    currency: str = "EUR",
    language: str = "de",
    paid: bool = True,
    **changes: Any,
) -> Invoice:
    """A finalized invoice of the demo merchant, paid by card unless said otherwise."""
    cart = price_cart(currency=currency, prices=prices, lines=lines, discounts=discounts)
    invoice = Invoice(
        number="RE-2026-004217",
        language=language,
        issued_on=date(2026, 11, 23),
        delivered_on=date(2026, 11, 23),
        finalized_at=datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC),
        order_number="SO-88213",
        seller=MERCHANT.seller,
        branding=MERCHANT.branding,
        buyer=BUYER,
        cart=cart,
        payments=(a_payment(cart.totals.grand_total),) if paid else (),
    )
    return replace(invoice, **changes)


def a_payment(amount: int) -> PaymentMade:
    """A card payment, in minor units."""
    return PaymentMade(amount=amount, method="card", detail="Visa •••• 4242", paid_on=date(2026, 11, 23))


def many_lines(count: int) -> tuple[CartLine, ...]:
    """Different lines at two rates, some with long names."""
    return tuple(
        a_line(
            f"Regalboden Nr. {n}" + (", Eiche massiv, geölt, mit verdeckter Wandbefestigung" if n % 7 == 0 else ""),
            f"{10 + n % 90}.{n % 100:02}",
            quantity=str(1 + n % 4),
            rate="7" if n % 5 == 0 else "19",
            sku=f"MW-{3000 + n}",
            description="30 mal 80 cm" if n % 3 else None,
        )
        for n in range(1, count + 1)
    )

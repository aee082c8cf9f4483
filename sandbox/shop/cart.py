"""What the demo shop sells, to whom."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the cart, in the words of the API: decimal strings, net prices."""

    sku: str | None = None
    name: str
    description: str
    quantity: str = "1"
    unit: str = "C62"
    unit_price: str
    tax_category: str = "S"
    tax_rate: str = "19"

    @property
    def amount(self) -> Decimal:
        """Quantity times price, net."""
        return (Decimal(self.quantity) * Decimal(self.unit_price)).quantize(Decimal("0.01"))


CURRENCY = "EUR"
LINES = (
    Line(sku="MW-1042", name="Schreibtisch „Kontor“, Eiche geölt", description="160 x 80 cm", unit_price="849.00"),
    Line(
        sku="MW-2210",
        name="Schreibtischleuchte „Lumen“, Messing",
        description="dimmbar, 2700 K",
        quantity="2",
        unit_price="129.50",
    ),
    Line(
        sku="MW-9001",
        name="Handbuch „Holz richtig pflegen“",
        description="ISBN 978-3-00-000000-0 · gebunden",
        quantity="3",
        unit_price="24.21",
        tax_rate="7",
    ),
    Line(
        name="Montage vor Ort",
        description="Dienstleistung · Berlin, nach Aufwand",
        quantity="2.5",
        unit="HUR",
        unit_price="68.00",
    ),
    Line(name="Versand & Verpackung", description="DHL Spedition, versichert", unit_price="39.90"),
)
NET = sum((line.amount for line in LINES), Decimal())
TOTAL = "1646.01"
"""What the customer pays, tax included, as the shop's own till has it: Quittance has to agree to the cent."""

CUSTOMER = {
    "name": "Dr. Jana Köhler",
    "company": "Atelier Nordlicht GmbH",
    "email": "jana.koehler@example.org",
    "language": "de",
    "vat_id": None,
    "number": "K-10438",
    "address": {
        "line1": "Königsstraße 48 b",
        "line2": None,
        "postal_code": "10961",
        "city": "Berlin",
        "country": "DE",
    },
}


def checkout(assignment_key: str, *, shop_url: str) -> dict[str, Any]:
    """The body of `POST /v1/checkouts` for this cart."""
    return {
        "assignment_key": assignment_key,
        "currency": CURRENCY,
        "prices": "net",
        "total": TOTAL,
        "customer": CUSTOMER,
        "lines": [asdict(line) for line in LINES],
        "redirects": {"success": f"{shop_url}/ok", "failure": f"{shop_url}/failed", "cancel": f"{shop_url}/cart"},
        "metadata": {"shop": "demo"},
    }

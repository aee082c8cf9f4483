"""Bodies of `POST /v1/checkouts`, and the way from such a body to the request the domain judges."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from domain.checkout import (
    Address,
    CheckoutRequest,
    Customer,
    Redirects,
    RequestedCharge,
    RequestedDiscount,
    RequestedLine,
    RequestedLineCharge,
)
from domain.electronic_addresses import ElectronicAddress

Body = dict[str, Any]
Mutate = Callable[[Body], Body]

_GOOD: Body = {
    "assignment_key": "SO-88213",
    "currency": "EUR",
    "prices": "gross",
    "total": "839.00",
    "customer": {
        "name": "Jana Köhler",
        "company": "Atelier Nordlicht GmbH",
        "email": "jana@example.org",
        "language": "de",
        "vat_id": None,
        "address": {
            "line1": "Königsstraße 48 b",
            "line2": None,
            "postal_code": "10961",
            "city": "Berlin",
            "country": "DE",
        },
    },
    "lines": [
        {
            "sku": "MW-1042",
            "name": "Schreibtisch",
            "description": "160 x 80 cm",
            "quantity": "1",
            "unit": "C62",
            "unit_price": "849.00",
            "tax_category": "S",
            "tax_rate": "19",
        }
    ],
    "discounts": [{"name": "Sommer", "amount": "10.00"}],
    "redirects": {
        "success": "https://shop.example/ok",
        "failure": "https://shop.example/failed",
        "cancel": "https://shop.example/cart",
    },
    "expires_in_seconds": 604800,
    "metadata": {"cart": "c-1"},
}


def good_body() -> Body:
    """A checkout that is taken, fresh to be changed. Its redirects need the origin `https://shop.example`."""
    return deepcopy(_GOOD)


def put(changes: dict[str, Any]) -> Mutate:
    """A change of a body: the value at each simple JSON Pointer is replaced or added."""

    def mutate(body: Body) -> Body:
        changed: Any = deepcopy(body)
        for pointer, value in changes.items():
            *way, last = pointer.split("/")[1:]
            target = changed
            for step in way:
                target = target[int(step) if isinstance(target, list) else step]
            target[int(last) if isinstance(target, list) else last] = value
        return dict(changed)

    return mutate


def request_of(body: Body) -> CheckoutRequest:
    """The request a caller without type checks would build: what has the wrong shape is passed on as it is."""
    fields = dict(body)
    fields["customer"] = _built(Customer, body["customer"], address=Address, electronic_address=ElectronicAddress)
    fields["redirects"] = _built(Redirects, body.get("redirects"))
    fields["lines"] = _each(_line, body["lines"])
    fields["discounts"] = _each(RequestedDiscount, body.get("discounts", []))
    fields["charges"] = _each(RequestedCharge, body.get("charges", []))
    return CheckoutRequest(**fields)


def _line(**fields: Any) -> RequestedLine:
    kinds = {"discounts": RequestedDiscount, "charges": RequestedLineCharge}
    return RequestedLine(**fields | {name: _each(kinds[name], fields[name]) for name in kinds if name in fields})


def _built(kind: Callable[..., Any], value: Any, **inner: Callable[..., Any]) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        built = {name: _built(inner_kind, value[name]) for name, inner_kind in inner.items() if name in value}
        return kind(**value | built)
    except (KeyError, TypeError):
        return value


def _each(kind: Callable[..., Any], values: Any) -> Any:
    return tuple(_built(kind, value) for value in values) if isinstance(values, list) else values

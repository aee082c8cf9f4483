"""The mapping: which data of an order become which fields of its invoice, as a merchant declares it.

Precedence, field by field: what the order says (its sources in their order, the first value wins), then what the
merchant has noted for the customer, then what the merchant says for all, else nothing. What is set already is
never overwritten.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from domain.checkout import CheckoutRequest
from domain.languages import is_language
from domain.texts import text_problem
from domain.violations import Violations, escaped

LONGEST_REFERENCE = 100
LONGEST_NOTE = 500
_METADATA = "metadata."
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SOURCES = frozenset(
    {
        "assignment_key",
        "customer.name",
        "customer.company",
        "customer.number",
        "customer.vat_id",
        "customer.language",
    }
)


class InvoiceField(StrEnum):
    """What a mapping can fill. The service dates are days (ISO 8601); a period needs its start and its end."""

    LANGUAGE = "language"
    PURCHASE_ORDER = "purchase_order"
    BUYER_REFERENCE = "buyer_reference"
    NOTES = "notes"
    SERVICE_DATE = "service_date"
    SERVICE_START = "service_start"
    SERVICE_END = "service_end"


_DAYS = frozenset({InvoiceField.SERVICE_DATE, InvoiceField.SERVICE_START, InvoiceField.SERVICE_END})
_ITS_OWN = {InvoiceField.LANGUAGE: ("customer.language",)}
"""Where an order says it without being asked."""
_STANDING = {InvoiceField.BUYER_REFERENCE: ("customer.leitweg_id", "customer.buyer_reference")}
"""What a customer wants on all his invoices, as he says himself: it goes before what the merchant knows of him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceMapping:
    """`sources` are places of the order per field; `customers` are values per customer number and field, `defaults`
    values per field. A source is `metadata.<key>`, `assignment_key` or a field of the customer."""

    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    customers: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFields:
    """What was found for one order. `service_date` is the day of a delivery; a service has a start and an end, both
    or none."""

    language: str | None = None
    purchase_order: str | None = None
    buyer_reference: str | None = None
    notes: tuple[str, ...] = ()
    service_date: date | None = None
    service_start: date | None = None
    service_end: date | None = None


def mapping_problems(mapping: InvoiceMapping) -> Iterator[str]:
    """What is wrong with a mapping, in words that name the place."""
    for name, sources in mapping.sources.items():
        if name not in set(InvoiceField):
            yield _unknown_field("sources", name)
        for source in sources:
            if not _is_source(source):
                yield f"sources.{name}: {source!r} is no place of an order; use metadata.<key> or {_listed(_SOURCES)}"
    for place, values in (
        ("defaults", mapping.defaults),
        *((f"customers.{number}", values) for number, values in mapping.customers.items()),
    ):
        for name, value in values.items():
            if name not in set(InvoiceField):
                yield _unknown_field(place, name)
            elif problem := _value_problem(InvoiceField(name), value):
                yield f"{place}.{name} {problem}"


def check_mapped(violations: Violations, mapping: InvoiceMapping, request: CheckoutRequest) -> None:
    """Note what an order must not say, given what it will become on its invoice. Pointers are into the checkout."""
    for name, sources in mapping.sources.items():
        for source in sources:
            key = source.removeprefix(_METADATA)
            value = request.metadata.get(key) if source.startswith(_METADATA) else None
            if value and (problem := _value_problem(InvoiceField(name), value)):
                violations.add(f"/metadata/{escaped(key)}", f"{problem}: it becomes the invoice's {name}")


def mapped_texts(mapping: InvoiceMapping, request: CheckoutRequest) -> Iterator[tuple[str, str]]:
    """Every note of the shop that its invoice will show, with its pointer: fonts must have it."""
    sources = {source for of_field in mapping.sources.values() for source in of_field}
    keys = {source.removeprefix(_METADATA) for source in sources if source.startswith(_METADATA)}
    return ((f"/metadata/{escaped(key)}", value) for key, value in request.metadata.items() if key in keys and value)


def resolve(mapping: InvoiceMapping, request: CheckoutRequest) -> InvoiceFields:
    """The invoice fields of an order. Nothing is raised: a value that breaks its field's rule counts as none."""
    found = {name: _values(mapping, request, name) for name in InvoiceField}
    first = {name: values[0] if values else None for name, values in found.items()}
    start, end = _day(first[InvoiceField.SERVICE_START]), _day(first[InvoiceField.SERVICE_END])
    is_period = start is not None and end is not None and start <= end
    return InvoiceFields(
        language=first[InvoiceField.LANGUAGE],
        purchase_order=first[InvoiceField.PURCHASE_ORDER],
        buyer_reference=first[InvoiceField.BUYER_REFERENCE],
        notes=tuple(dict.fromkeys(found[InvoiceField.NOTES])),
        service_date=_day(first[InvoiceField.SERVICE_DATE]),
        service_start=start if is_period else None,
        service_end=end if is_period else None,
    )


def _values(mapping: InvoiceMapping, request: CheckoutRequest, name: InvoiceField) -> list[str]:
    """All good values of the first level that has one, in the order of precedence."""
    sources = mapping.sources.get(name, _ITS_OWN.get(name, ()))
    of_customer = mapping.customers.get(request.customer.number or "", {})
    levels: tuple[list[str | None], ...] = (
        [_at(request, source) for source in sources],
        [_at(request, place) for place in _STANDING.get(name, ())],
        [of_customer.get(name)],
        [mapping.defaults.get(name)],
    )
    good = ([value for value in level if value and _value_problem(name, value) is None] for level in levels)
    return next(filter(None, good), [])


def _at(request: CheckoutRequest, source: str) -> str | None:
    """What an order says at a place; blank is nothing."""
    if source.startswith(_METADATA):
        value = request.metadata.get(source.removeprefix(_METADATA))
    elif source.startswith("customer."):
        value = getattr(request.customer, source.removeprefix("customer."))
    else:
        value = request.assignment_key
    return (value or "").strip() or None


def _is_source(source: str) -> bool:
    return source in _SOURCES or (source.startswith(_METADATA) and len(source) > len(_METADATA))


def _value_problem(name: InvoiceField, value: str) -> str | None:
    if name in _DAYS:
        return None if _day(value) else "must be a day such as 2026-11-30"
    if name is InvoiceField.LANGUAGE:
        return None if is_language(value) else 'must be an ISO 639-1 code in lower case such as "de"'
    return text_problem(value, most=LONGEST_NOTE if name is InvoiceField.NOTES else LONGEST_REFERENCE)


def _day(value: str | None) -> date | None:
    if value is None or not _ISO_DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _unknown_field(place: str, name: str) -> str:
    return f"{place}.{name}: there is no such field of an invoice; there are {_listed(InvoiceField)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))

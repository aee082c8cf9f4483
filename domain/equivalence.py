"""Whether two requests ask for the same checkout: decides between "here it is" and a conflict of keys.

Compared is what the requests mean. Numbers are compared as numbers (`849` is `849.00`), an absent field is its
default, metadata has no order. `total` does not count: it is a check sum over the lines, and `price_checkout`
refuses a wrong one when the checkout is started. Everything else counts, also redirects, metadata and expiry,
because a shop that changed them expects the change to have an effect.

Both functions read one canonical form, so equal fingerprints and no differences are the same thing.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from domain.checkout import (
    CheckoutRequest,
    RequestedCharge,
    RequestedDiscount,
    RequestedLine,
    RequestedLineCharge,
)
from domain.decimals import DECIMAL_STRING
from domain.errors import Difference
from domain.violations import escaped

_NUMBERS: dict[type, set[str]] = {
    RequestedLine: {"quantity", "unit_price", "tax_rate"},
    RequestedDiscount: {"amount"},
    RequestedLineCharge: {"amount"},
    RequestedCharge: {"amount", "tax_rate"},
}
_IGNORED: dict[type, set[str]] = {CheckoutRequest: {"total"}}


def differences(accepted: CheckoutRequest, received: CheckoutRequest) -> tuple[Difference, ...]:
    """The fields in which two requests mean different things, with their values as they were sent.

    A line or discount that only one of them has is one difference, its other side None.
    """
    return tuple(_differences("", _canonical(accepted), _canonical(received), asdict(accepted), asdict(received)))


def fingerprint(request: CheckoutRequest) -> str:
    """The lower-case hex SHA-256 of what a request means: equal if and only if there are no differences.

    Fields at their default are left out, so a field that is added to requests later changes no fingerprint
    kept before.
    """
    meaning = _canonical(request, with_defaults=False)
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), default=repr)
    return sha256(text.encode("ascii")).hexdigest()


def _canonical(value: Any, *, with_defaults: bool = True) -> Any:
    """Dicts, lists and plain values that are equal for requests that mean the same."""
    if is_dataclass(value):
        return {
            field.name: canonical
            for field in fields(value)
            if field.name not in _IGNORED.get(type(value), ())
            for canonical in [_canonical_field(value, field.name, with_defaults=with_defaults)]
            if with_defaults or not _same(canonical, _canonical(_default(field), with_defaults=False))
        }
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item, with_defaults=with_defaults) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def _canonical_field(owner: Any, name: str, *, with_defaults: bool) -> Any:
    value = getattr(owner, name)
    is_number = name in _NUMBERS.get(type(owner), ())
    return _number(value) if is_number else _canonical(value, with_defaults=with_defaults)


def _number(text: Any) -> Any:
    if not isinstance(text, str) or not DECIMAL_STRING.fullmatch(text) or "." not in text:
        return text
    return text.rstrip("0").rstrip(".")


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


def _differences(pointer: str, left: Any, right: Any, left_sent: Any, right_sent: Any) -> Iterator[Difference]:
    """Walk two canonical forms side by side, and beside them what was sent."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in {**left_sent, **right_sent}:
            if key in left or key in right:
                yield from _differences(
                    f"{pointer}/{escaped(key)}", left.get(key), right.get(key), left_sent.get(key), right_sent.get(key)
                )
    elif isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            sides = (_at(side, index) for side in (left, right, left_sent, right_sent))
            yield from _differences(f"{pointer}/{index}", *sides)
    elif not _same(left, right):
        yield Difference(pointer=pointer, accepted=left_sent, received=right_sent)


def _at(items: Any, index: int) -> Any:
    return items[index] if index < len(items) else None

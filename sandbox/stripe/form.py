"""Stripe's request encoding: `a[b][0]=x` pairs as nested dicts and lists of strings, and back to a path in words."""

import re
from collections.abc import Iterable
from typing import Any

from sandbox.stripe.errors import refuse

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def parse(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested parameters. `a[]=x` appends, `a[0]=x` sets; a name that is not well formed is a StripeError."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        match = _NAME.match(name)
        if not match:
            refuse(f"Invalid parameter name: {name}", name)
        _put(root, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value, name)
    return {name: _lists(value) for name, value in root.items()}


def path(location: Iterable[str | int]) -> str:
    """A place in nested parameters as Stripe writes it: `line_items[0][price_data]`."""
    first, *rest = location
    return f"{first}" + "".join(f"[{part}]" for part in rest)


def _put(node: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    for position, raw in enumerate(keys):
        key = raw or str(len(node))
        if position == len(keys) - 1:
            node[key] = value
            return
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            refuse(f"Invalid parameter: {name} is given both as a value and as an object", name)


def _lists(node: Any) -> Any:
    """Dicts whose keys are 0..n-1 become lists, at every depth but never at the top."""
    if not isinstance(node, dict):
        return node
    if node and set(node) == {str(index) for index in range(len(node))}:
        return [_lists(node[str(index)]) for index in range(len(node))]
    return {key: _lists(value) for key, value in node.items()}

"""`expand`: ids in an answer replaced by the objects they name, up to four levels deep as Stripe allows."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.stripe.errors import refuse
from sandbox.stripe.store import Json

Finder = Callable[[str], Json | None]

_REFERENCES = {
    "checkout.session": {"payment_intent"},
    "payment_intent": {"latest_charge"},
    "charge": {"balance_transaction", "payment_intent", "failure_balance_transaction"},
    "refund": {"charge", "payment_intent", "balance_transaction", "failure_balance_transaction"},
    "dispute": {"charge", "payment_intent"},
    "balance_transaction": {"source"},
    "payout": {"balance_transaction"},
}
_INCLUDED = {"checkout.session": {"line_items"}, "charge": {"refunds"}}


def expand(answer: Json, paths: Iterable[str], find: Finder, include: Callable[[Json, str], Json]) -> Json:
    """A copy of `answer` with every dotted path of `paths` filled in; `include` makes lists shown on request only."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4 + (steps[0] == "data"):
            refuse(f"You cannot expand more than 4 levels of a property: {path}", "expand")
        answer = _filled(answer, steps, path, find, include)
    return answer


def _filled(node: Any, steps: list[str], path: str, find: Finder, include: Callable[[Json, str], Json]) -> Any:
    if isinstance(node, list):
        return [_filled(item, steps, path, find, include) for item in node]
    if not steps or node is None:
        return node
    step, rest = steps[0], steps[1:]
    kind = node.get("object")
    if kind == "list" and step == "data":
        return {**node, "data": _filled(node["data"], rest, path, find, include)}
    if step in _INCLUDED.get(kind, ()):
        value = node.get(step) or include(node, step)
    elif step in _REFERENCES.get(kind, ()):
        value = node.get(step)
        value = find(value) if isinstance(value, str) else value
    else:
        refuse(f"This property cannot be expanded ({path}).", "expand")
    return {**node, step: _filled(value, rest, path, find, include)}

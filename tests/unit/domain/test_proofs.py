"""Proofs: the same content always gives the same, today and in ten years; anything else another."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from domain.proofs import canonical, holds, proof

CONTENT: dict[str, Any] = {
    "invoice": {
        "number": "RE-2026-000042",
        "issued_on": date(2026, 3, 9),
        "finalized_at": datetime(2026, 3, 9, 10, 11, 12, 345, tzinfo=UTC),
        "buyer": {"name": "Jana Köhler", "company": None},
        "grand_total": 83_900,
        "rounding": 0,
        "payments": [],
    },
    "lines": [{"position": 1, "quantity": Decimal("2.50"), "unit_price": Decimal("100"), "name": 'Tisch "Nord"'}],
}
KNOWN_FIRST = "1:db20b4fce3a81041d756bbc7a8115609762d8222496c98db7c3ae55eda9c6c04"
KNOWN_SECOND = "1:7360ce571a10beb85e54f936879a6e798822d60a0887a04ad9c03d86a56b7f43"


def test_the_canonical_form_is_what_the_documentation_says() -> None:
    assert canonical(CONTENT).decode() == (
        '{"invoice":{"buyer":{"name":"Jana Köhler"},"finalized_at":"2026-03-09T10:11:12.000345+00:00",'
        '"grand_total":83900,"issued_on":"2026-03-09","number":"RE-2026-000042"},'
        '"lines":[{"name":"Tisch \\"Nord\\"","position":1,"quantity":"2.5","unit_price":"100"}]}'
    )


def test_the_proof_of_a_known_document_never_changes() -> None:
    """A proof computed by an earlier version: if this fails, documents out there could not be audited any more."""
    assert proof(None, CONTENT) == KNOWN_FIRST
    assert proof(KNOWN_FIRST, CONTENT) == KNOWN_SECOND


SAME: dict[str, dict[str, Any]] = {
    "a field that came later": {"tip": 0, "note": None, "tags": [], "extra": {}, "charge": False, "text": ""},
    "a time in another zone": {
        "finalized_at": datetime(2026, 3, 9, 11, 11, 12, 345, tzinfo=timezone(timedelta(hours=1)))
    },
}
OTHER: dict[str, dict[str, Any]] = {
    "an amount": {"grand_total": 83_901},
    "a name": {"buyer": {"name": "Jana Kohler"}},
    "a moment": {"finalized_at": datetime(2026, 3, 9, 10, 11, 12, 346, tzinfo=UTC)},
    "something more": {"tip": 1},
    "something in a list": {"payments": [{"amount": 1}]},
    "an empty item": {"payments": [{}]},
}


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_what_says_the_same_has_the_same_proof(changes: dict[str, Any]) -> None:
    assert proof(None, CONTENT | {"invoice": CONTENT["invoice"] | changes}) == proof(None, CONTENT)


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_every_change_changes_the_proof(changes: dict[str, Any]) -> None:
    changed = CONTENT | {"invoice": CONTENT["invoice"] | changes}
    assert not holds(proof(None, CONTENT), None, changed)


def test_the_document_before_is_part_of_the_proof() -> None:
    assert proof("1:a", CONTENT) != proof("1:b", CONTENT) != proof(None, CONTENT)


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        canonical({"rate": 0.19})

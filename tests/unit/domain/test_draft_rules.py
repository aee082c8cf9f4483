"""Every one-cent and one-field mistake in a draft is seen, by rule and field, before it takes a number."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain import draft_rules
from domain.cart import TaxCategory
from domain.checkout import PriceMode
from domain.invoices import Draft
from domain.totals import CartLine, price_cart
from tests.carts import ISSUED_ON, SELLER, draft_of
from tests.draft_mutations import MUTATIONS, Mutation, broken_draft, sound_draft


def found(draft: Draft, seller: Any = SELLER) -> set[str]:
    return {broken.rule for broken in draft_rules.broken(draft, seller, ISSUED_ON)}


def test_the_draft_that_is_changed_is_sound() -> None:
    for mode in ("net", "gross", "strict", "reversed"):
        assert draft_rules.broken(sound_draft(mode), SELLER, ISSUED_ON) == ()


def test_there_are_at_least_forty_mutations_and_each_has_a_name() -> None:
    assert len(MUTATIONS) >= 40
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_draft_with_one_mistake_breaks_a_rule_that_names_the_field(mutation: Mutation) -> None:
    broken = draft_rules.broken(broken_draft(mutation), SELLER, ISSUED_ON)
    assert mutation.rule in {one.rule for one in broken}
    assert all(one.field.startswith("/") and one.message for one in broken)


@pytest.mark.parametrize(
    ("category", "seller", "rule"),
    [
        (TaxCategory.STANDARD, {"vat_id": None, "tax_number": None}, "BR-S-02"),
        (TaxCategory.ZERO, {"vat_id": None, "tax_number": None}, "BR-Z-02"),
        (TaxCategory.EXEMPT, {"vat_id": None, "tax_number": None}, "BR-E-02"),
        (TaxCategory.REVERSE_CHARGE, {"vat_id": None}, "BR-AE-02"),
        (TaxCategory.INTRA_COMMUNITY, {"vat_id": None}, "BR-IC-02"),
        (TaxCategory.EXPORT, {"vat_id": None}, "BR-G-02"),
        (TaxCategory.OUTSIDE_SCOPE, {"tax_number": None, "register": None}, "BR-O-02"),
    ],
    ids=str,
)
def test_a_seller_without_the_number_a_category_needs_gets_no_number(
    category: TaxCategory, seller: dict[str, Any], rule: str
) -> None:
    line = CartLine(
        name="Stuhl",
        quantity=Decimal(1),
        unit="C62",
        unit_price=Decimal("99.00"),
        tax_category=category,
        tax_rate=Decimal(19 if category is TaxCategory.STANDARD else 0),
        exemption_reason="§ 19 UStG" if category is TaxCategory.EXEMPT else None,
    )
    draft = draft_of(price_cart(currency="EUR", prices=PriceMode.NET, lines=[line], discounts=[]))
    assert found(draft) == set()
    assert rule in found(draft, replace(SELLER, **seller))


def test_no_message_repeats_what_is_known_of_the_buyer() -> None:
    draft = sound_draft("reversed")
    secret = replace(draft.buyer, name="", vat_id="Geheim", address=replace(draft.buyer.address, country="Geheim"))
    broken = draft_rules.broken(replace(draft, buyer=secret), SELLER, ISSUED_ON)
    assert broken
    assert not any("Geheim" in str(one) for one in broken)

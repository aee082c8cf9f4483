"""Carts of every kind: what must hold of each, computed another way than the product does."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import HealthCheck, given, settings
from iso4217 import Currency

from domain import draft_rules
from domain.cart import PricedCart, TaxCategory, TaxRounding
from domain.checkout import PriceMode
from domain.currencies import document_step
from domain.invoices import Draft
from tests.carts import EXAMPLES, ISSUED_ON, SELLER, drafts, invoice_of


def half_up(value: Fraction, step: int) -> int:
    return floor(value / step + Fraction(1, 2)) * step


@pytest.mark.proof
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drafts())
def test_every_cart_meets_every_rule_and_costs_what_was_shown(draft: Draft) -> None:
    """One walk over each cart, as making them costs more than judging them."""
    cart = draft.cart
    assert draft_rules.broken(draft, SELLER, ISSUED_ON) == ()
    assert invoice_of(draft).due in {0, cart.totals.payable}
    _costs_what_was_shown(cart)
    _loses_nothing_in_allocation(cart)
    _states_two_decimals_at_most(cart)
    for subtotal in cart.subtotals:
        assert (subtotal.tax_category is TaxCategory.STANDARD) == (subtotal.tax_rate > 0)
        _is_taxed_within_the_tolerance(cart, subtotal.basis, subtotal.tax, Fraction(subtotal.tax_rate))


def _costs_what_was_shown(cart: PricedCart) -> None:
    stated = sum(line.amount for line in cart.lines) + sum(charge.amount for charge in cart.surcharges)
    stated -= sum(discount.amount for discount in cart.discounts)
    gross = cart.prices is PriceMode.GROSS
    assert (cart.totals.payable if gross else cart.totals.basis_total) == stated
    assert cart.totals.rounding == 0 or (gross and cart.tax_rounding is TaxRounding.STRICT)


def _loses_nothing_in_allocation(cart: PricedCart) -> None:
    totals = cart.totals
    assert totals.line_total == sum(line.net_amount for line in cart.lines)
    assert totals.allowance_total == sum(item.amount for item in cart.allowances)
    assert totals.charge_total == sum(item.amount for item in cart.charges)
    assert totals.basis_total == sum(subtotal.basis for subtotal in cart.subtotals)
    assert totals.basis_total == totals.line_total - totals.allowance_total + totals.charge_total
    assert totals.payable == sum(item.basis + item.tax for item in cart.subtotals) + totals.rounding
    for line in cart.lines:
        own = sum(item.net_amount if item.charge else -item.net_amount for item in line.adjustments)
        item = half_up(
            Fraction(line.quantity) * Fraction(line.net_unit_price) * 10 ** _exponent(cart.currency),
            document_step(cart.currency),
        )
        assert line.net_amount == item + own >= 0
        assert all(0 <= item.net_amount <= item.amount for item in line.adjustments)


def _exponent(currency: str) -> int:
    """By another source than the product's."""
    return int(Currency(currency).exponent or 0)


def _states_two_decimals_at_most(cart: PricedCart) -> None:
    """BR-DEC-01 and following, and what Stripe demands of three-decimal currencies."""
    finest = int(10 ** max(0, _exponent(cart.currency) - 2))
    totals = cart.totals
    amounts = [totals.line_total, totals.allowance_total, totals.charge_total, totals.basis_total, totals.tax_total]
    amounts += [totals.grand_total, totals.rounding, totals.payable]
    amounts += [line.net_amount for line in cart.lines] + [subtotal.tax for subtotal in cart.subtotals]
    assert [amount for amount in amounts if amount % finest] == []


def _is_taxed_within_the_tolerance(cart: PricedCart, basis: int, tax: int, rate: Fraction) -> None:
    step, exact = document_step(cart.currency), basis * rate / 100
    if cart.prices is PriceMode.NET or cart.tax_rounding is TaxRounding.STRICT:
        assert tax == half_up(exact, step)
    else:
        assert abs(tax - exact) <= step
        assert basis == half_up((basis + tax) * 100 / (100 + rate), step)

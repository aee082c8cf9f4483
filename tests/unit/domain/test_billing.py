"""Which orders share an invoice, and what that invoice says."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import totals
from domain.billing import BillableOrder, draft_invoice, group_key
from domain.cart import PricedDiscount, TaxCategory, TaxRounding
from domain.checkout import Customer, PriceMode
from domain.errors import InvalidDraft
from domain.invoice_mapping import InvoiceFields
from domain.invoices import Period
from tests.checkout_bodies import good_body, request_of

BUYER = request_of(good_body()).customer


def line(price: str = "839.00", rate: str = "19") -> totals.CartLine:
    """One thing sold."""
    return totals.CartLine(
        name="Thing",
        quantity=Decimal(1),
        unit="C62",
        unit_price=Decimal(price),
        tax_category=TaxCategory.STANDARD,
        tax_rate=Decimal(rate),
    )


def order(number: str = "SO-1", prices: PriceMode = PriceMode.GROSS, **changes: object) -> BillableOrder:
    """An order of one line that comes to what it says."""
    lines = changes.pop("lines", (line(),))
    discounts = changes.pop("discounts", ())
    cart = totals.price_cart(currency="EUR", prices=prices, lines=lines, discounts=discounts)  # type: ignore[arg-type]
    made = BillableOrder(
        order_id=f"ord_{number}",
        checkout_id=f"chk_{number}",
        number=number,
        ordered_on=date(2026, 11, 20),
        currency="EUR",
        prices=prices,
        total=cart.totals.payable,
        buyer=BUYER,
        lines=lines,  # type: ignore[arg-type]
        discounts=discounts,  # type: ignore[arg-type]
        fields=InvoiceFields(language="de"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_invoice_of_one_order_is_the_order() -> None:
    draft = draft_invoice([order()], ["en", "de"])
    assert (draft.order_number, draft.language, draft.delivered_on) == ("SO-1", "de", date(2026, 11, 20))
    assert draft.cart.totals.payable == 83_900
    assert draft.cart.lines[0].order_number is None
    assert draft.particulars.service_period is None


def test_language_the_merchant_does_not_write_becomes_his_first() -> None:
    assert draft_invoice([order(fields=InvoiceFields(language="fr"))], ["en", "de"]).language == "en"


def test_order_that_does_not_come_to_what_it_says_is_no_draft() -> None:
    with pytest.raises(InvalidDraft, match=r"the lines of SO-1 give 839\.00 EUR, the order says 839\.01 EUR"):
        draft_invoice([order(total=83_901)], ["en"])


def test_invoice_over_several_days_names_the_period() -> None:
    orders = [order("SO-1", ordered_on=date(2026, 11, 3)), order("SO-2", ordered_on=date(2026, 11, 9))]
    draft = draft_invoice(orders, ["en"])
    assert draft.particulars.service_period == Period(start=date(2026, 11, 3), end=date(2026, 11, 9))
    assert draft.delivered_on == date(2026, 11, 9)
    assert draft.order_number == "SO-1 … SO-2"


def test_service_of_several_days_is_a_period() -> None:
    fields = InvoiceFields(service_start=date(2026, 10, 1), service_end=date(2026, 10, 31))
    draft = draft_invoice([order(fields=fields)], ["en"])
    assert draft.particulars.service_period == Period(start=date(2026, 10, 1), end=date(2026, 10, 31))
    assert draft.delivered_on == date(2026, 10, 31)


def test_notes_of_all_orders_are_told_once_each() -> None:
    orders = [order(f"SO-{n}", fields=InvoiceFields(notes=notes)) for n, notes in enumerate([("a",), ("b", "a")])]
    assert draft_invoice(orders, ["en"]).particulars.notes == ("a", "b")


def key(
    buyer: Customer = BUYER,
    currency: str = "EUR",
    prices: PriceMode = PriceMode.GROSS,
    rounding: TaxRounding = TaxRounding.GROSS_EXACT,
    exempt: str | None = None,
    **fields: str,
) -> str:
    """The group of an order."""
    sold = (
        line() if exempt is None else replace(line(rate="0"), tax_category=TaxCategory.EXEMPT, exemption_reason=exempt)
    )
    cart = totals.price_cart(currency=currency, prices=prices, lines=[sold], discounts=[], tax_rounding=rounding)
    return group_key(buyer, cart, InvoiceFields(**fields))  # type: ignore[arg-type]


def test_customer_is_known_by_his_number_wherever_he_lives() -> None:
    numbered = replace(BUYER, number="K-1")
    moved = replace(numbered, email="new@example.org", address=replace(BUYER.address, city="Kiel"))
    assert key(numbered) == key(moved)
    assert key(numbered) != key(replace(numbered, number="K-2"))
    assert key(numbered) != key(replace(numbered, vat_id="DE123456788"))


def test_customer_without_number_is_known_by_mail_and_address() -> None:
    assert key() == key(replace(BUYER, email=BUYER.email.upper()))
    for other in (
        replace(BUYER, email="other@example.org"),
        replace(BUYER, address=replace(BUYER.address, city="Kiel")),
        replace(BUYER, vat_id="DE123456788"),
    ):
        assert key() != key(other)


def test_what_stands_at_the_head_of_a_document_keeps_orders_apart() -> None:
    groups = {
        key(), key(currency="USD"), key(prices=PriceMode.NET), key(language="fr"), key(purchase_order="1"),
        key(buyer_reference="1"), key(rounding=TaxRounding.STRICT), key(exempt="a"), key(exempt="b"),
        key(replace(BUYER, leitweg_id="04011000-12345-03")),
    }  # fmt: skip
    assert len(groups) == 10
    assert BUYER.email not in key()


prices = st.decimals(min_value="0.01", max_value="2000", places=2).map(str)
rates = st.sampled_from(["7", "19", "5.5"])
carts = st.tuples(st.lists(st.tuples(prices, rates), min_size=1, max_size=4), st.integers(0, 99))


@given(st.lists(carts, min_size=1, max_size=8), st.sampled_from(PriceMode))
def test_collective_invoice_is_sound_and_costs_what_its_orders_cost(
    wanted: list[tuple[list[tuple[str, str]], int]], mode: PriceMode
) -> None:
    orders = []
    for number, (lines, per_cent) in enumerate(wanted):
        made = tuple(line(price, rate) for price, rate in lines)
        off = sum(int(Decimal(price) * 100) for price, _ in lines) * per_cent // 100
        discounts = (PricedDiscount(name="off", amount=off),) if off else ()
        orders.append(order(f"SO-{number}", mode, lines=made, discounts=discounts))

    cart = draft_invoice(orders, ["en"]).cart

    assert totals.violations(cart) == ()
    assert cart.totals.payable == sum(one.total for one in orders)
    assert mode is PriceMode.NET or cart.totals.rounding == 0
    assert abs(cart.totals.rounding) <= len(orders) * len(cart.subtotals)

"""Credit notes: split by tax rate, exact to the minor unit, and never more than was invoiced."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import totals
from domain.cart import PricedCart, PricedDiscount, TaxCategory, TaxRounding
from domain.checkout import PriceMode
from domain.corrections import LineCredit
from domain.credit_notes import CreditedLine, credit, credit_lines
from domain.errors import InvalidDraft, InvalidInput

RATES = ("19", "7", "0")


def invoiced(amounts: dict[str, str], prices: PriceMode = PriceMode.GROSS) -> PricedCart:
    """An invoice's cart with one line per rate."""
    lines = [
        totals.CartLine(
            name="Ware",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal(amount),
            tax_category=TaxCategory.ZERO if rate == "0" else TaxCategory.STANDARD,
            tax_rate=Decimal(rate),
        )
        for rate, amount in amounts.items()
    ]
    return totals.price_cart(currency="EUR", prices=prices, lines=lines, discounts=[])


def note(cart: PricedCart, amount: int, *earlier: PricedCart) -> PricedCart:
    """A credit note over the cart, after earlier ones."""
    credited = [subtotal for one in earlier for subtotal in one.subtotals]
    return credit("RE-2026-000001", cart.currency, cart.subtotals, credited, amount)


def test_credit_of_everything_takes_back_exactly_what_each_rate_had() -> None:
    cart = invoiced({"19": "119.00", "7": "53.51", "0": "10.00"})

    full = note(cart, cart.totals.grand_total)

    assert full.subtotals == cart.subtotals
    assert [line.name for line in full.lines] == ["RE-2026-000001"] * 3


def test_partial_credit_is_split_in_proportion_to_the_rates() -> None:
    cart = invoiced({"19": "300.00", "7": "100.00"})

    part = note(cart, 10_000)

    gross = {str(subtotal.tax_rate): subtotal.basis + subtotal.tax for subtotal in part.subtotals}
    assert gross == {"19": 7_500, "7": 2_500}
    assert [(subtotal.basis, subtotal.tax) for subtotal in part.subtotals] == [(6_303, 1_197), (2_336, 164)]


def test_rate_that_gets_nothing_has_no_line() -> None:
    cart = invoiced({"19": "999.99", "7": "0.01"})

    assert [str(subtotal.tax_rate) for subtotal in note(cart, 1).subtotals] == ["19"]


@pytest.mark.parametrize("amount", [0, -1, 11_901])
def test_credit_of_nothing_or_too_much_takes_no_number(amount: int) -> None:
    with pytest.raises(InvalidDraft):
        note(invoiced({"19": "119.00"}), amount)


def test_second_credit_of_everything_is_refused() -> None:
    cart = invoiced({"19": "119.00"})

    with pytest.raises(InvalidDraft):
        note(cart, 1, note(cart, 11_900))


@given(data=st.data())
def test_credits_in_any_parts_never_exceed_a_rate_and_come_to_the_whole_invoice(data: st.DataObject) -> None:
    cents = st.integers(min_value=1, max_value=99_999)
    amounts = {rate: f"{data.draw(cents) / Decimal(100):.2f}" for rate in RATES}
    cart = invoiced(amounts, data.draw(st.sampled_from(PriceMode)))
    left, notes = cart.totals.grand_total, list[PricedCart]()
    while left:
        part = left if len(notes) == 4 else data.draw(st.integers(min_value=1, max_value=left))
        notes.append(note(cart, part, *notes))
        assert notes[-1].totals.grand_total == part
        assert totals.violations(notes[-1]) == ()
        left -= part
    for invoiced_rate in cart.subtotals:
        given_back = sum(
            subtotal.basis + subtotal.tax
            for one in notes
            for subtotal in one.subtotals
            if subtotal.tax_rate == invoiced_rate.tax_rate
        )
        assert given_back == invoiced_rate.basis + invoiced_rate.tax


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=3), st.data())
def test_strict_invoice_is_credited_to_the_cent_though_its_taxes_do_not_give_its_total(
    cents: list[int], data: st.DataObject
) -> None:
    lines = [
        totals.CartLine(
            name="Ware",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal(amount).scaleb(-2),
            tax_category=TaxCategory.STANDARD,
            tax_rate=Decimal(rate),
        )
        for amount, rate in zip(cents, (19, 7, 20), strict=False)
    ]
    cart = totals.price_cart(
        currency="EUR", prices=PriceMode.GROSS, lines=lines, discounts=[], tax_rounding=TaxRounding.STRICT
    )
    payable = cart.totals.payable
    first = data.draw(st.integers(1, payable))

    notes: list[PricedCart] = []
    for amount in (first, payable - first):
        if amount:
            credited = [subtotal for one in notes for subtotal in one.subtotals]
            left = cart.totals.rounding - sum(one.totals.rounding for one in notes)
            notes.append(
                credit(
                    "RE-1",
                    "EUR",
                    cart.subtotals,
                    credited,
                    amount,
                    tax_rounding=TaxRounding.STRICT,
                    rounding=left,
                )
            )

    assert sum(one.totals.payable for one in notes) == payable
    assert all(totals.violations(one) == () for one in notes)


def test_credit_note_repeats_why_no_tax_was_charged() -> None:
    exempt = totals.CartLine(
        name="Kurs",
        quantity=Decimal(1),
        unit="C62",
        unit_price=Decimal("80.00"),
        tax_category=TaxCategory.EXEMPT,
        tax_rate=Decimal(0),
        exemption_code="VATEX-EU-132-1I",
    )
    cart = totals.price_cart(currency="EUR", prices=PriceMode.NET, lines=[exempt], discounts=[])

    assert [subtotal.exemption_code for subtotal in note(cart, 4000).subtotals] == ["VATEX-EU-132-1I"]


def test_dinar_are_credited_in_steps_that_a_document_can_state() -> None:
    lines = [
        totals.CartLine(
            name="Ware",
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal("1.010"),
            tax_category=TaxCategory.STANDARD,
            tax_rate=Decimal(rate),
        )
        for rate in (5, 10)
    ]
    cart = totals.price_cart(currency="KWD", prices=PriceMode.GROSS, lines=lines, discounts=[])

    assert note(cart, 1010).totals.payable == 1010
    with pytest.raises(InvalidDraft):
        note(cart, 1005)


# By line


def basket(
    *lines: tuple[str, str, str],
    discount: int = 0,
    prices: PriceMode = PriceMode.GROSS,
    tax_rounding: TaxRounding = TaxRounding.GROSS_EXACT,
) -> PricedCart:
    """An invoice's cart: quantity, unit price and rate of each line, and a discount on all of it."""
    return totals.price_cart(
        currency="EUR",
        prices=prices,
        lines=[
            totals.CartLine(
                sku=f"W-{index}",
                name=f"Ware {index}",
                quantity=Decimal(quantity),
                unit="H87",
                unit_price=Decimal(price),
                tax_category=TaxCategory.ZERO if rate == "0" else TaxCategory.STANDARD,
                tax_rate=Decimal(rate),
            )
            for index, (quantity, price, rate) in enumerate(lines, start=1)
        ],
        discounts=[PricedDiscount(name="Sommer", amount=discount)] if discount else [],
        tax_rounding=tax_rounding,
    )


def by_line(
    cart: PricedCart, *wanted: LineCredit, earlier: tuple[CreditedLine, ...] = (), credited: tuple[PricedCart, ...] = ()
) -> tuple[PricedCart, tuple[CreditedLine, ...]]:
    """A credit note over lines, after earlier ones."""
    return credit_lines(cart, credited, earlier, wanted)


def test_credited_line_keeps_its_words_its_price_and_its_tax() -> None:
    cart = basket(("3", "19.90", "19"), ("1", "5.00", "7"))

    part, taken = by_line(cart, LineCredit(position=1, quantity="2"))

    [line] = part.lines
    assert (line.sku, line.name, line.unit) == ("W-1", "Ware 1", "H87")
    assert (line.quantity, line.unit_price, line.tax_rate) == (Decimal(2), Decimal("19.90"), Decimal(19))
    assert part.totals.grand_total == 3_980
    assert taken == (CreditedLine(position=1, quantity=Decimal(2), amount=3_980),)


def test_line_whose_price_went_down_is_credited_by_amount() -> None:
    part, taken = by_line(basket(("3", "19.90", "19")), LineCredit(position=1, amount="5.00"))

    assert [(line.quantity, line.unit, line.amount) for line in part.lines] == [(Decimal(1), "C62", 500)]
    assert taken == (CreditedLine(position=1, quantity=Decimal(0), amount=500),)


def test_line_of_a_discounted_cart_gives_back_what_was_paid_for_it() -> None:
    cart = basket(("2", "50.00", "19"), ("1", "100.00", "19"), discount=2_000)

    part, _ = by_line(cart, LineCredit(position=1, quantity="1"))

    assert part.totals.grand_total == 4_500


def test_net_invoice_is_credited_with_its_tax() -> None:
    part, _ = by_line(basket(("2", "50.00", "19"), prices=PriceMode.NET), LineCredit(position=1, quantity="1"))

    assert (part.totals.basis_total, part.totals.grand_total) == (5_000, 5_950)


NOT_LEFT = {
    "a line there is not": (LineCredit(position=3), "/lines/0/position"),
    "a place before the first": (LineCredit(position=0), "/lines/0/position"),
    "more pieces than there were": (LineCredit(position=1, quantity="4"), "/lines/0/quantity"),
    "no piece": (LineCredit(position=1, quantity="0"), "/lines/0/quantity"),
    "pieces less than none": (LineCredit(position=1, quantity="-1"), "/lines/0/quantity"),
    "no number of pieces": (LineCredit(position=1, quantity="1,5"), "/lines/0/quantity"),
    "so few that it is nothing": (LineCredit(position=2, quantity="0.0001"), "/lines/0/quantity"),
    "more money than it came to": (LineCredit(position=1, amount="59.71"), "/lines/0/amount"),
    "no money": (LineCredit(position=1, amount="0.00"), "/lines/0/amount"),
    "no amount": (LineCredit(position=1, amount="1.234"), "/lines/0/amount"),
}


@pytest.mark.parametrize(("wanted", "pointer"), NOT_LEFT.values(), ids=NOT_LEFT)
def test_what_is_not_there_is_not_credited(wanted: LineCredit, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        by_line(basket(("3", "19.90", "19"), ("1", "5.00", "7")), wanted)
    assert [violation.pointer for violation in refused.value.violations] == [pointer]


def test_what_was_credited_is_not_left() -> None:
    cart = basket(("3", "19.90", "19"), ("1", "5.00", "7"))
    first, taken = by_line(cart, LineCredit(position=1, quantity="2"), LineCredit(position=2))

    with pytest.raises(InvalidInput) as refused:
        by_line(
            cart,
            LineCredit(position=1, quantity="2"),
            LineCredit(position=2),
            earlier=taken,
            credited=(first,),
        )
    assert [violation.pointer for violation in refused.value.violations] == ["/lines/0/quantity", "/lines/1/position"]


def test_credit_by_amount_leaves_less_of_the_rate_than_of_its_lines() -> None:
    cart = basket(("1", "100.00", "19"), ("1", "10.00", "7"))

    with pytest.raises(InvalidInput, match="more than is left of S 19 %"):
        by_line(cart, LineCredit(position=1), credited=(note(cart, 5_500),))


_pieces = st.lists(
    st.tuples(
        st.integers(1, 9), st.decimals("0.01", "999.99", places=2), st.sampled_from(RATES)
    ).map(lambda line: (str(line[0]), str(line[1]), line[2])),
    min_size=1,
    max_size=5,
)  # fmt: skip


_modes = st.tuples(st.sampled_from(PriceMode), st.sampled_from(TaxRounding))


@given(_pieces, st.integers(0, 90), _modes, st.randoms(use_true_random=False))
def test_pieces_credited_one_by_one_come_to_the_invoice_and_not_a_cent_more(
    lines: list[tuple[str, str, str]], per_cent: int, mode: tuple[PriceMode, TaxRounding], dice: Random
) -> None:
    whole = sum(line.amount for line in basket(*lines).lines)
    cart = basket(*lines, discount=whole * per_cent // 100, prices=mode[0], tax_rounding=mode[1])
    pieces = [position for position, (quantity, _, _) in enumerate(lines, start=1) for _ in range(int(quantity))]
    dice.shuffle(pieces)
    earlier: tuple[CreditedLine, ...] = ()
    notes: tuple[PricedCart, ...] = ()

    for position in pieces:
        try:
            part, taken = by_line(cart, LineCredit(position=position, quantity="1"), earlier=earlier, credited=notes)
        except InvalidInput:
            continue  # a piece of less than half a cent
        earlier, notes = (*earlier, *taken), (*notes, part)
    for position in range(1, len(lines) + 1):
        try:
            part, taken = by_line(cart, LineCredit(position=position), earlier=earlier, credited=notes)
        except InvalidInput:
            continue  # nothing is left
        earlier, notes = (*earlier, *taken), (*notes, part)

    assert sum(part.totals.payable for part in notes) == cart.totals.payable
    assert all(totals.violations(part) == () for part in notes)


@given(_pieces, st.integers(0, 90), _modes)
def test_one_note_over_all_lines_takes_back_every_tax_and_the_rounding_of_the_invoice(
    lines: list[tuple[str, str, str]], per_cent: int, mode: tuple[PriceMode, TaxRounding]
) -> None:
    whole = sum(line.amount for line in basket(*lines).lines)
    cart = basket(*lines, discount=whole * per_cent // 100, prices=mode[0], tax_rounding=mode[1])
    worthy = [line for line in cart.lines if payable(cart, line.position)]

    part, _ = by_line(cart, *[LineCredit(position=line.position) for line in worthy])

    assert part.totals.payable == cart.totals.payable
    assert part.totals.rounding == cart.totals.rounding
    assert by_rate(part) == {rate: amounts for rate, amounts in by_rate(cart).items() if any(amounts)}


@given(_pieces, _modes, st.data())
def test_rest_by_amount_after_lines_takes_back_all_that_is_payable(
    lines: list[tuple[str, str, str]], mode: tuple[PriceMode, TaxRounding], data: st.DataObject
) -> None:
    cart = basket(*lines, prices=mode[0], tax_rounding=mode[1])
    position = data.draw(st.integers(1, len(lines)))

    first, _ = by_line(cart, LineCredit(position=position))
    rest = cart.totals.payable - first.totals.payable
    if rest:
        left = cart.totals.rounding - first.totals.rounding
        last = credit("RE-1", "EUR", cart.subtotals, first.subtotals, rest, tax_rounding=mode[1], rounding=left)
        assert last.totals.payable == rest
        assert totals.violations(last) == ()


def payable(cart: PricedCart, position: int) -> bool:
    """Whether anything was owed for the line, after the discount."""
    try:
        by_line(cart, LineCredit(position=position))
    except InvalidInput:
        return False
    return True


def by_rate(cart: PricedCart) -> dict[str, tuple[int, int]]:
    """Basis and tax of each rate."""
    return {str(one.tax_rate): (one.basis, one.tax) for one in cart.subtotals}


@pytest.mark.parametrize(("price", "rounding"), [("838.92", 1), ("0.16", 1), ("0.11", 0), ("0.03", -1)])
def test_strict_invoice_of_one_line_is_credited_by_it_with_the_cent_of_its_rounding(price: str, rounding: int) -> None:
    cart = basket(("1", price, "19"), tax_rounding=TaxRounding.STRICT)
    assert cart.totals.rounding == rounding

    part, _ = by_line(cart, LineCredit(position=1))

    assert (part.totals.payable, part.totals.rounding) == (cart.totals.payable, rounding)

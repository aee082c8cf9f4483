"""Hypothesis strategies of sound carts and drafts: every tax category, currency and price mode, with discounts and
charges on lines and on the cart. Whoever makes documents of them must find them sound.
"""

import os
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from hypothesis import strategies as st

from domain.cart import PricedCart, PricedDiscount, PricedSurcharge, TaxCategory, TaxRounding
from domain.checkout import Address, Customer, PriceMode
from domain.currencies import EXPONENTS, document_step
from domain.invoices import Draft, InvoiceKind, Particulars, PaymentMade
from domain.merchants import Seller
from domain.totals import CartLine, StatedAdjustment, line_amount, price_cart, stated_amount

EXAMPLES = int(os.environ.get("QUITTANCE_CART_EXAMPLES", "2000"))
"""How many carts are tried where all of them matter."""

ISSUED_ON = date(2026, 11, 26)
SELLER = Seller(
    name="Meridian Werkstatt GmbH",
    address=Address(line1="Lindenallee 12", postal_code="20259", city="Hamburg", country="DE"),
    vat_id="DE123456788",
    tax_number="41/123/45678",
    register="HRB 12345, AG Hamburg",
    email="rechnung@meridian-werkstatt.example",
    iban="DE75512108001245126199",
)
"""May say every category: it has a VAT id, and for category O a tax number."""

_RATES = [Decimal(rate) for rate in ("2.1", "5.5", "7", "8.1", "13.5", "19", "20", "25", "25.5")]
_ALONE = (TaxCategory.OUTSIDE_SCOPE,)
_REVERSED = (TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY)
_TOGETHER = (TaxCategory.STANDARD, TaxCategory.ZERO, TaxCategory.EXEMPT, TaxCategory.EXPORT)


@dataclass(frozen=True, slots=True)
class Taxed:
    """What a line or charge of a generated cart falls under."""

    category: TaxCategory
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the parts of one cart have in common. `reason` is why what is exempt is so: code, words."""

    currency: str
    prices: PriceMode
    rounding: TaxRounding
    taxes: tuple[Taxed, ...]
    reason: tuple[str | None, str | None]

    @property
    def step(self) -> int:
        """The smallest amount of a document, in minor units."""
        return document_step(self.currency)


def currencies() -> st.SearchStrategy[str]:
    """Every currency, and those more often that have something special."""
    return st.sampled_from(["EUR", "USD", "JPY", "KWD", "ISK", "HUF", "CLF"]) | st.sampled_from(sorted(EXPONENTS))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Categories that may be on one document; where the buyer owes the tax, prices are net."""
    group = draw(st.sampled_from([_TOGETHER, _TOGETHER, _ALONE, _REVERSED]))
    categories = draw(st.lists(st.sampled_from(group), min_size=1, max_size=4))
    taxes = tuple(
        Taxed(category, draw(st.sampled_from(_RATES)) if category is TaxCategory.STANDARD else Decimal(0))
        for category in categories
    )
    return Shape(
        currency=draw(currencies()),
        prices=PriceMode.NET if group is _REVERSED else draw(st.sampled_from(PriceMode)),
        rounding=draw(st.sampled_from(TaxRounding)),
        taxes=taxes,
        reason=draw(st.sampled_from([("VATEX-EU-132-1I", None), (None, "§ 19 UStG"), ("VATEX-EU-J", "Antiquität")])),
    )


def _amounts(shape: Shape, most: int = 50_000) -> st.SearchStrategy[int]:
    return st.integers(1, most).map(lambda units: units * shape.step)


@st.composite
def _lines(draw: st.DrawFn, shape: Shape, number: int) -> CartLine:
    taxed = draw(st.sampled_from(shape.taxes))
    decimals = draw(st.integers(0, 6))
    quantity = draw(
        st.integers(1, 12).map(Decimal) | st.integers(1, 10**7).map(lambda units: Decimal(units).scaleb(-4))
    )
    price = Decimal(draw(st.integers(0, 200) | st.integers(0, 10**6))).scaleb(-decimals)
    is_exempt = taxed.category is TaxCategory.EXEMPT
    charges = draw(st.lists(_amounts(shape, 500), max_size=2))
    room = line_amount(quantity, price, shape.currency) + sum(charges)
    discount = draw(st.integers(0, room // shape.step)) * shape.step if draw(st.booleans()) else 0
    stated = [StatedAdjustment(reason=f"Aufpreis {n}", amount=amount, charge=True) for n, amount in enumerate(charges)]
    if discount:
        stated.insert(0, StatedAdjustment(reason="Mengenrabatt", amount=discount))
    return CartLine(
        name=f"Ware {number}",
        sku=f"W-{number}",
        quantity=quantity,
        unit=draw(st.sampled_from(["C62", "HUR", "KGM"])),
        unit_price=price,
        tax_category=taxed.category,
        tax_rate=taxed.rate,
        exemption_code=shape.reason[0] if is_exempt else None,
        exemption_reason=shape.reason[1] if is_exempt else None,
        adjustments=tuple(stated),
    )


@st.composite
def carts(draw: st.DrawFn, shape: Shape | None = None) -> PricedCart:
    """Carts as shops have them, and stranger ones: many rates, fractions, free things, coupons to the last cent."""
    shape = shape or draw(shapes())
    count = draw(st.integers(1, 6))
    lines = [draw(_lines(shape, number)) for number in range(1, count + 1)]
    charged = draw(st.lists(st.tuples(_amounts(shape), st.sampled_from(_chargeable(shape, lines))), max_size=2))
    stated = sum(stated_amount(line, shape.currency) for line in lines) // shape.step
    most = stated if charged else max(0, stated - 1)
    taken = draw(st.integers(0, most)) if draw(st.booleans()) else 0
    cuts = sorted(draw(st.lists(st.integers(0, taken), max_size=2)))
    discounts = [upper - lower for lower, upper in pairwise([0, *cuts, taken]) if upper > lower]
    if stated == 0 and not charged:
        charged = [(shape.step, _taxed(lines[0]))]
    return price_cart(
        currency=shape.currency,
        prices=shape.prices,
        lines=lines,
        discounts=[PricedDiscount(name=f"Rabatt {n}", amount=cut * shape.step) for n, cut in enumerate(discounts)],
        surcharges=[
            PricedSurcharge(name=f"Versand {n}", amount=amount, tax_category=taxed.category, tax_rate=taxed.rate)
            for n, (amount, taxed) in enumerate(charged)
        ],
        tax_rounding=shape.rounding,
    )


def _taxed(line: CartLine) -> Taxed:
    return Taxed(line.tax_category, line.tax_rate)


def _chargeable(shape: Shape, lines: list[CartLine]) -> list[Taxed]:
    """What charges may fall under: exempt only beside exempt lines, which give the reason."""
    of_lines = [_taxed(line) for line in lines]
    return [taxed for taxed in shape.taxes if taxed.category is not TaxCategory.EXEMPT or taxed in of_lines] or of_lines


def buyer_of(cart: PricedCart) -> Customer:
    """Somebody who may get this cart: in another member state, with a VAT id, where he owes the tax; outside of the
    Union where it is exported."""
    categories = {line.tax_category for line in cart.lines}
    country, city, vat_id = "DE", "Berlin", None
    if categories & set(_REVERSED):
        country, city, vat_id = "AT", "Wien", "ATU13585627"
    elif categories & {TaxCategory.EXPORT, TaxCategory.OUTSIDE_SCOPE}:
        country, city = "CH", "Bern"
    return Customer(
        name="Dr. Jana Köhler",
        company="Atelier Nordlicht GmbH",
        email="jana@atelier-nordlicht.example",
        language="de",
        vat_id=vat_id,
        address=Address(line1="Königsstraße 48 b", postal_code="1010", city=city, country=country),
    )


def draft_of(cart: PricedCart, *, paid: bool = True) -> Draft:
    """The draft of an invoice over the cart, paid, or payable on receipt."""
    payment = PaymentMade(amount=cart.totals.payable, method="card", paid_on=ISSUED_ON)
    return Draft(
        kind=InvoiceKind.INVOICE,
        language="de",
        order_number="SO-88213",
        buyer=buyer_of(cart),
        cart=cart,
        payments=(payment,) if paid else (),
        particulars=Particulars() if paid else Particulars(due_on=ISSUED_ON),
    )


def drafts() -> st.SearchStrategy[Draft]:
    """Sound drafts of invoices of `SELLER`, issued on `ISSUED_ON`."""
    return st.builds(draft_of, carts(), paid=st.booleans())

"""Hypothesis strategies of sound carts and drafts: every tax category, currency and price mode, with discounts and
charges on lines and on the cart. Whoever makes documents of them must find them sound.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

from hypothesis import strategies as st

from domain.cart import PricedCart, PricedDiscount, PricedSurcharge, TaxCategory, TaxRounding
from domain.checkout import Address, Customer, PriceMode
from domain.currencies import EXPONENTS, document_step
from domain.invoices import CORRECTIONS, DocumentReference, Draft, Invoice, InvoiceKind, Particulars, PaymentMade
from domain.merchants import Seller
from domain.totals import CartLine, StatedAdjustment, line_amount, price_cart, stated_amount
from tests.fakes.merchants import NORDWERK
from tests.proofs import tries

EXAMPLES = tries("DRAFTS", some=300, all_of_them=2_000)
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
BRANDING = NORDWERK.branding

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


_CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "ISK", "HUF", "CLF"]) | st.sampled_from(sorted(EXPONENTS))
"""Every currency, and those more often that have something special."""
_REASONS = [("VATEX-EU-132-1I", None), (None, "§ 19 UStG"), ("VATEX-EU-J", "Antiquität")]


def _shape(
    group: tuple[TaxCategory, ...],
    picks: list[tuple[int, Decimal]],
    currency: str,
    prices: PriceMode,
    rounding: TaxRounding,
    reason: tuple[str | None, str | None],
) -> Shape:
    categories = [(group[pick % len(group)], rate) for pick, rate in picks]
    return Shape(
        currency=currency,
        prices=PriceMode.NET if group is _REVERSED else prices,
        rounding=rounding,
        taxes=tuple(
            Taxed(category, rate if category is TaxCategory.STANDARD else Decimal(0)) for category, rate in categories
        ),
        reason=reason,
    )


_SHAPES = st.builds(
    _shape,
    st.sampled_from([_TOGETHER, _TOGETHER, _ALONE, _REVERSED]),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(_RATES)), min_size=1, max_size=4),
    _CURRENCIES,
    st.sampled_from(PriceMode),
    st.sampled_from(TaxRounding),
    st.sampled_from(_REASONS),
)
"""Categories that may be on one document; where the buyer owes the tax, prices are net."""

_SHARE = st.just(0) | st.integers(0, 1000)
"""What of something is taken off, in thousandths; often nothing."""


@dataclass(frozen=True, slots=True)
class _Sold:
    """A line before it is known what cart it is in. `price` is counted in `decimals`; `charges` in steps."""

    tax: int
    quantity: Decimal
    price: int
    decimals: int
    charges: list[int]
    discount: int
    unit: str


_SOLD = st.builds(
    _Sold,
    st.integers(0, 3),
    st.integers(1, 12).map(Decimal) | st.integers(1, 10**7).map(lambda units: Decimal(units).scaleb(-4)),
    st.integers(0, 200) | st.integers(0, 10**6),
    st.integers(0, 6),
    st.lists(st.integers(1, 500), max_size=2),
    _SHARE,
    st.sampled_from(["C62", "HUR", "KGM"]),
)


def _line(shape: Shape, number: int, sold: _Sold) -> CartLine:
    taxed = shape.taxes[sold.tax % len(shape.taxes)]
    price = Decimal(sold.price).scaleb(-sold.decimals)
    room = line_amount(sold.quantity, price, shape.currency) // shape.step + sum(sold.charges)
    stated = [
        StatedAdjustment(reason=f"Aufpreis {n}", amount=amount * shape.step, charge=True)
        for n, amount in enumerate(sold.charges)
    ]
    if discount := room * sold.discount // 1000:
        stated.insert(0, StatedAdjustment(reason="Mengenrabatt", amount=discount * shape.step))
    code, words = shape.reason if taxed.category is TaxCategory.EXEMPT else (None, None)
    return CartLine(
        name=f"Ware {number}",
        sku=f"W-{number}",
        quantity=sold.quantity,
        unit=sold.unit,
        unit_price=price,
        tax_category=taxed.category,
        tax_rate=taxed.rate,
        exemption_code=code,
        exemption_reason=words,
        adjustments=tuple(stated),
    )


def _cart(
    shape: Shape, sold: list[_Sold], charged: list[tuple[int, int]], taken_off: int, cuts: list[int]
) -> PricedCart:
    lines = [_line(shape, number, one) for number, one in enumerate(sold, start=1)]
    stated = sum(stated_amount(line, shape.currency) for line in lines) // shape.step
    charged = charged if stated or charged else [(1, 0)]
    most = stated if charged else stated - 1
    taken = most * taken_off // 1000
    edges = [0, *sorted(taken * cut // 1000 for cut in cuts), taken]
    parts = [upper - lower for lower, upper in pairwise(edges) if upper > lower]
    under = _chargeable(shape, lines)
    return price_cart(
        currency=shape.currency,
        prices=shape.prices,
        lines=lines,
        discounts=[PricedDiscount(name=f"Rabatt {n}", amount=part * shape.step) for n, part in enumerate(parts)],
        surcharges=[
            PricedSurcharge(
                name=f"Versand {n}",
                amount=amount * shape.step,
                tax_category=under[tax % len(under)].category,
                tax_rate=under[tax % len(under)].rate,
            )
            for n, (amount, tax) in enumerate(charged)
        ],
        tax_rounding=shape.rounding,
    )


def _chargeable(shape: Shape, lines: list[CartLine]) -> list[Taxed]:
    """What charges may fall under: exempt only beside exempt lines, which give the reason."""
    of_lines = [Taxed(line.tax_category, line.tax_rate) for line in lines]
    return [taxed for taxed in shape.taxes if taxed.category is not TaxCategory.EXEMPT or taxed in of_lines] or of_lines


def carts() -> st.SearchStrategy[PricedCart]:
    """Carts as shops have them, and stranger ones: many rates, fractions, free things, coupons to the last cent."""
    return st.builds(
        _cart,
        _SHAPES,
        st.lists(_SOLD, min_size=1, max_size=5),
        st.lists(st.tuples(st.integers(1, 50_000), st.integers(0, 3)), max_size=2),
        _SHARE,
        st.lists(st.integers(0, 1000), max_size=2),
    )


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


_INVOICE = DocumentReference(number="RE-2026-000001", issued_on=ISSUED_ON)


def draft_of(cart: PricedCart, *, paid: bool = True, kind: InvoiceKind = InvoiceKind.INVOICE) -> Draft:
    """The draft of a document over the cart: paid, or payable on receipt; a correction takes back from an invoice."""
    payment = PaymentMade(amount=cart.totals.payable, method="card", paid_on=ISSUED_ON)
    corrects = kind in CORRECTIONS
    return Draft(
        kind=kind,
        language="de",
        order_number="SO-88213",
        buyer=buyer_of(cart),
        cart=cart,
        payments=(payment,) if paid and not corrects else (),
        delivered_on=ISSUED_ON,
        particulars=Particulars(
            corrects=_INVOICE if corrects else None, due_on=None if paid or corrects else ISSUED_ON
        ),
    )


def drafts() -> st.SearchStrategy[Draft]:
    """Sound drafts of `SELLER`, of every kind, issued on `ISSUED_ON`."""
    kinds = st.just(InvoiceKind.INVOICE) | st.sampled_from(InvoiceKind)
    return st.builds(draft_of, carts(), paid=st.booleans(), kind=kinds)


def invoice_of(draft: Draft) -> Invoice:
    """The document that the draft becomes."""
    return Invoice(
        kind=draft.kind,
        number="RE-2026-004217",
        language=draft.language,
        issued_on=ISSUED_ON,
        delivered_on=draft.delivered_on or ISSUED_ON,
        finalized_at=datetime(2026, 11, 26, 9, 41, 7, tzinfo=UTC),
        order_number=draft.order_number,
        seller=SELLER,
        branding=BRANDING,
        buyer=draft.buyer,
        cart=draft.cart,
        payments=draft.payments,
        particulars=draft.particulars,
    )

"""Documents of every kind, made up: all categories of tax, currencies, prices, discounts, charges, references.

Their amounts are reckoned here, in the order of EN 16931-1 and with nothing of `domain.totals` but the gross prices, so
that the writers are tested on more than what our own pricing can bring about.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, TypeVar
from unicodedata import category

from hypothesis import strategies as st

from domain.cart import (
    Allowance,
    Charge,
    LineAdjustment,
    PricedCart,
    PricedDiscount,
    PricedLine,
    PricedSurcharge,
    TaxCategory,
    TaxSubtotal,
    Totals,
)
from domain.checkout import Address, Customer, PriceMode
from domain.currencies import EXPONENTS
from domain.e_invoices import counts_in_hundredths
from domain.electronic_addresses import ElectronicAddress
from domain.invoices import (
    CORRECTIONS,
    Deduction,
    DocumentReference,
    Invoice,
    InvoiceKind,
    Particulars,
    PaymentMade,
    Period,
)
from domain.money import major_from_minor, minor_from_decimal
from domain.totals import CartLine, price_cart
from domain.units import UNITS
from tests.documents.invoices import BUYER, MERCHANT

_T = TypeVar("_T")

UNKNOWN_TO_THE_RULES = {"STN", "XAD"}
"""Currencies of ISO 4217 that the code list of the official rules does not have yet (BR-CL-04)."""

_CURRENCIES = ["EUR"] * 6 + ["USD", "HUF", "JPY", "KWD", *sorted(EXPONENTS.keys() - UNKNOWN_TO_THE_RULES)]
_RATES = [Decimal(rate) for rate in ("19", "7", "20", "5.5", "25", "2.1")]
_DAY = date(2026, 11, 23)
_PAID_WITH = [
    ("card", "Visa •••• 4242"),
    ("card", None),
    ("sepa_debit", "•••• 3000"),
    ("bank_transfer", None),
    ("wero", None),
]
_LEITWEG_IDS = ["04011000-12345-03", "992-90009-96", "991-33333TEST-33"]
_SELLERS_PEPPOL = ElectronicAddress(scheme="9930", id="DE123456788")
_BUYERS_PEPPOL = [
    ElectronicAddress(scheme="0009", id="12345678200077"),
    ElectronicAddress(scheme="0088", id="4012345000009"),
    ElectronicAddress(scheme="EM", id="rechnung@atelier.example"),
]
_ABROAD = Address(line1="12 rue de la Paix", postal_code="75002", city="Paris", country="FR")
_REASONS: dict[TaxCategory, list[tuple[str | None, str | None]]] = {
    TaxCategory.EXEMPT: [("VATEX-EU-132", None), ("VATEX-EU-143", None), (None, "Kleinunternehmer, § 19 UStG")],
    TaxCategory.REVERSE_CHARGE: [("VATEX-EU-AE", None), (None, None)],
    TaxCategory.INTRA_COMMUNITY: [("VATEX-EU-IC", None), (None, None)],
    TaxCategory.EXPORT: [("VATEX-EU-G", "Export"), (None, None)],
    TaxCategory.OUTSIDE_SCOPE: [("VATEX-EU-O", None), (None, None)],
}

_WORDS = ["Schreibtisch „Kontor“", "Łampa & <Lumen>", "椅子", " vor Ort ", "]]> #1", "a  b", "'\"", "é"]
_UNSAFE = {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
_PRINTABLE = [
    chr(code) for code in (*range(0x20, 0x3000), *range(0x1F600, 0x1F650)) if category(chr(code)) not in _UNSAFE
]


class _Dice(Random):
    """What a document is made of. A seed makes one document, so thousands are cheap and each can be made again."""

    def coin(self) -> bool:
        return self.random() < 0.5

    def maybe(self, value: _T) -> _T | None:
        return value if self.coin() else None

    def text(self) -> str:
        text = "".join(self.choices(_PRINTABLE, k=self.randint(1, 12)))
        return text if text.strip() else "x"


@dataclass(frozen=True)
class _Rate:
    category: TaxCategory
    per_cent: Decimal


def invoices(*kinds: InvoiceKind, prices: PriceMode = PriceMode.NET) -> st.SearchStrategy[Invoice]:
    """Finalized documents of these kinds."""
    return st.builds(lambda seed: _invoice(_Dice(seed), kinds, prices), st.integers(0, 2**63))


def _invoice(dice: _Dice, kinds: tuple[InvoiceKind, ...], prices: PriceMode) -> Invoice:
    kind = dice.choice(kinds)
    cart = _net_cart(dice) if prices is PriceMode.NET else _gross_cart(dice)
    seller = MERCHANT.seller
    buyer = _buyer(dice, cart)
    if buyer.electronic_address:
        seller = replace(seller, electronic_address=_SELLERS_PEPPOL)
    deposit = _part(dice, cart) if kind is InvoiceKind.INVOICE and dice.coin() else 0
    paid = _part(dice, cart, left=cart.totals.payable - deposit) if dice.coin() else 0
    return Invoice(
        kind=kind,
        number=f"RE-2026-{dice.randint(1, 999_999):06}",
        language=dice.choice(["de", "en", "fr"]),
        issued_on=_DAY,
        delivered_on=_DAY - timedelta(days=dice.randint(0, 40)),
        finalized_at=datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC),
        order_number=f"SO-{dice.randint(1, 99_999)}",
        seller=seller,
        branding=MERCHANT.branding,
        buyer=buyer,
        cart=cart,
        payments=(_payment(dice, paid),) if paid else (),
        particulars=_particulars(dice, kind, deposit),
    )


def _buyer(dice: _Dice, cart: PricedCart) -> Customer:
    categories = {subtotal.tax_category for subtotal in cart.subtotals}
    abroad = {TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY, TaxCategory.EXPORT}
    buyer = replace(BUYER, company=dice.maybe(dice.text()), number=dice.maybe("K-10438"))
    is_abroad: bool = dice.coin()
    if is_abroad or categories & abroad:
        buyer = replace(buyer, address=_ABROAD, vat_id="FR40303265045")
    reach = dice.choice(["mail", "leitweg", "peppol"])
    if reach == "leitweg" and counts_in_hundredths(cart.currency):
        return replace(buyer, leitweg_id=dice.choice(_LEITWEG_IDS))
    if reach == "peppol":
        return replace(buyer, electronic_address=dice.choice(_BUYERS_PEPPOL), buyer_reference="Abt. 7")
    return buyer


def _particulars(dice: _Dice, kind: InvoiceKind, deposit: int) -> Particulars:
    corrects = DocumentReference(number="RE-2026-000815", issued_on=date(2026, 10, 2))
    deduction = Deduction(
        document=DocumentReference(number="AZ-2026-000007", issued_on=date(2026, 9, 1)),
        amount=deposit,
        subtotals=(TaxSubtotal(tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19), basis=deposit, tax=0),),
    )
    return Particulars(
        corrects=corrects if kind in CORRECTIONS else None,
        reason=dice.text() if kind in CORRECTIONS else None,
        buyer_reference=dice.choice([None, None, None, "2026-11-23"]),
        purchase_order=dice.maybe("PO 4711/b"),
        notes=dice.choice([(), ("eins",), ("eins", "zwei\nZeilen")]),
        service_period=dice.maybe(Period(start=date(2026, 11, 1), end=date(2026, 11, 30))),
        delivery_address=dice.maybe(replace(BUYER.address, line2="Hinterhaus", city="Potsdam")),
        due_on=dice.maybe(_DAY + timedelta(days=14)),
        deductions=(deduction,) if deposit else (),
    )


def _part(dice: _Dice, cart: PricedCart, left: int | None = None) -> int:
    """A part of what is payable, or of what is left of it, in amounts the currency can be written in."""
    smallest = _smallest(cart.currency)
    most = (cart.totals.payable if left is None else left) // smallest
    return dice.choice([dice.randint(0, most), most]) * smallest if most > 0 else 0


def _payment(dice: _Dice, amount: int) -> PaymentMade:
    method, detail = dice.choice(_PAID_WITH)
    return PaymentMade(amount=amount, method=method, detail=detail, paid_on=_DAY)


def _smallest(currency: str) -> int:
    """The smallest amount with two decimals, in minor units."""
    return int(10 ** max(0, EXPONENTS[currency] - 2))


def _rounded(amount: Decimal, currency: str) -> int:
    """An amount in major units as minor units, rounded to two decimals where the currency has more."""
    smallest = _smallest(currency)
    return int((amount / smallest).scaleb(EXPONENTS[currency]).quantize(Decimal(1), ROUND_HALF_UP)) * smallest


def _rates(dice: _Dice) -> list[_Rate]:
    """The rates of a cart. What is outside the scope of VAT stands alone (BR-O-11)."""
    category = dice.choice([*TaxCategory] + [TaxCategory.STANDARD] * 4)
    if category is TaxCategory.STANDARD:
        rates = dice.sample(_RATES, dice.randint(1, 3))
        others = dice.choice([[], [], [TaxCategory.ZERO], [TaxCategory.EXEMPT]])
        return [*(_Rate(category, rate) for rate in rates), *(_Rate(other, Decimal(0)) for other in others)]
    return [_Rate(category, Decimal(0))]


def _net_cart(dice: _Dice) -> PricedCart:
    currency = dice.choice(_CURRENCIES)
    rates = _rates(dice)
    orders = dice.choice([(None, None), ("SO-1", "SO-2")])
    lines = tuple(
        _line(dice, position, currency, dice.choice(rates), orders[position % 2])
        for position in range(1, dice.randint(1, 4) + 1)
    )
    used = [
        rate
        for rate in rates
        if any(line.tax_category is rate.category and line.tax_rate == rate.per_cent for line in lines)
    ]
    charges = tuple(
        Charge(reason=dice.choice(_WORDS), amount=dice.randint(1, 9999) * _smallest(currency), **_of(rate))
        for rate in used
        if dice.coin()
    )
    allowances = tuple(
        Allowance(reason=dice.choice(_WORDS), amount=_share(dice, _sum(lines, rate), currency), **_of(rate))
        for rate in used
        if dice.coin() and _sum(lines, rate) >= _smallest(currency)
    )
    subtotals = tuple(_subtotal(dice, rate, lines, allowances, charges, currency) for rate in used)
    totals = Totals(
        line_total=sum(line.net_amount for line in lines),
        allowance_total=sum(item.amount for item in allowances),
        charge_total=sum(item.amount for item in charges),
        basis_total=sum(subtotal.basis for subtotal in subtotals),
        tax_total=sum(subtotal.tax for subtotal in subtotals),
        grand_total=sum(subtotal.basis + subtotal.tax for subtotal in subtotals),
    )
    rounding = dice.randint(-2, 2) * _smallest(currency)
    return PricedCart(
        currency=currency,
        prices=PriceMode.NET,
        lines=lines,
        discounts=tuple(PricedDiscount(name=item.reason, amount=item.amount) for item in allowances),
        allowances=allowances,
        subtotals=subtotals,
        totals=replace(totals, rounding=rounding if totals.grand_total + rounding >= 0 else 0),
        surcharges=tuple(
            PricedSurcharge(
                name=item.reason, amount=item.amount, tax_category=item.tax_category, tax_rate=item.tax_rate
            )
            for item in charges
        ),
        charges=charges,
    )


def _line(dice: _Dice, position: int, currency: str, rate: _Rate, order: str | None) -> PricedLine:
    quantity = Decimal(dice.randint(1, 20_000)).scaleb(dice.randint(-4, 0))
    price = Decimal(dice.randint(0, 200_000)).scaleb(dice.randint(-4, 0))
    goods = _rounded(quantity * price, currency)
    adjustments = []
    adjusted = dice.choice(["no", "discount", "charge", "both"])
    if goods >= _smallest(currency) and adjusted in {"discount", "both"}:
        taken = _share(dice, goods, currency)
        adjustments.append(LineAdjustment(reason=dice.choice(_WORDS), amount=taken, net_amount=taken))
    if adjusted in {"charge", "both"}:
        added = dice.randint(1, 999) * _smallest(currency)
        adjustments.append(LineAdjustment(reason=dice.choice(_WORDS), amount=added, net_amount=added, charge=True))
    net = goods + sum(item.net_amount if item.charge else -item.net_amount for item in adjustments)
    return PricedLine(
        position=position,
        sku=None if position % 2 else "MW-1042",
        name=dice.text() if position == 1 else dice.choice(_WORDS),
        description=None if position % 3 else dice.choice(_WORDS),
        quantity=quantity,
        unit=dice.choice(sorted(UNITS)),
        unit_price=price,
        amount=net,
        net_unit_price=price,
        net_amount=net,
        tax_category=rate.category,
        tax_rate=rate.per_cent,
        adjustments=tuple(adjustments),
        order_number=order,
    )


def _subtotal(
    dice: _Dice,
    rate: _Rate,
    lines: tuple[PricedLine, ...],
    allowances: tuple[Allowance, ...],
    charges: tuple[Charge, ...],
    currency: str,
) -> TaxSubtotal:
    taken = sum(item.amount for item in allowances if _is(item, rate))
    added = sum(item.amount for item in charges if _is(item, rate))
    basis = _sum(lines, rate) - taken + added
    code, reason = dice.choice(_REASONS.get(rate.category, [(None, None)]))
    return TaxSubtotal(
        basis=basis,
        tax=_rounded(major_from_minor(basis, currency) * rate.per_cent / 100, currency),
        exemption_code=code,
        exemption_reason=reason,
        **_of(rate),
    )


def _of(rate: _Rate) -> dict[str, Any]:
    return {"tax_category": rate.category, "tax_rate": rate.per_cent}


def _is(item: Any, rate: _Rate) -> bool:
    return item.tax_category is rate.category and item.tax_rate == rate.per_cent


def _sum(lines: tuple[PricedLine, ...], rate: _Rate) -> int:
    return sum(line.net_amount for line in lines if _is(line, rate))


def _share(dice: _Dice, of: int, currency: str) -> int:
    smallest = _smallest(currency)
    return dice.randint(1, of // smallest) * smallest


def _gross_cart(dice: _Dice) -> PricedCart:
    """Gross prices, taken apart by our own pricing."""
    currency = dice.choice([code for code in _CURRENCIES if EXPONENTS[code] <= 2])
    lines = [
        CartLine(
            name=dice.choice(_WORDS),
            quantity=Decimal(dice.randint(1, 20_000)).scaleb(dice.randint(-4, 0)),
            unit="C62",
            unit_price=Decimal(dice.randint(100, 200_000)).scaleb(-EXPONENTS[currency]),
            tax_category=TaxCategory.STANDARD if rate else TaxCategory.ZERO,
            tax_rate=rate,
        )
        for rate in dice.choices([*_RATES, Decimal(0)], k=dice.randint(1, 5))
    ]
    shown = sum(minor_from_decimal(line.quantity * line.unit_price, currency) for line in lines)
    taken = dice.randint(0, max(0, shown // 2 - len(lines)))
    discounts = [PricedDiscount(name=dice.choice(_WORDS), amount=taken)] if taken else []
    return price_cart(currency=currency, prices=PriceMode.GROSS, lines=lines, discounts=discounts)

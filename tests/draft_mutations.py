"""A table of drafts with one mistake each: a cent, or a field. Each names the rule that must see it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from domain.cart import PricedCart, PricedDiscount, PricedSurcharge, TaxCategory, TaxRounding, TaxSubtotal
from domain.checkout import PriceMode
from domain.invoices import Deduction, DocumentReference, Draft, InvoiceKind, Period
from domain.totals import CartLine, StatedAdjustment, price_cart
from tests.carts import ISSUED_ON, draft_of

Change = Callable[[Draft], Draft]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A mistake: in which sound draft (`net`, `gross`, `strict`, `reversed`), what is changed, which rule sees it."""

    name: str
    of: str
    change: Change
    rule: str


def sound_draft(mode: str) -> Draft:
    """A paid draft with all that can be on a cart: two rates, discounts and charges on lines and on the whole."""
    reversed_ = mode == "reversed"
    category = TaxCategory.INTRA_COMMUNITY if reversed_ else TaxCategory.STANDARD

    def line(name: str, price: str, rate: str, quantity: str = "1", *adjustments: StatedAdjustment) -> CartLine:
        return CartLine(
            name=name,
            quantity=Decimal(quantity),
            unit="C62",
            unit_price=Decimal(price),
            tax_category=category,
            tax_rate=Decimal(0) if reversed_ else Decimal(rate),
            adjustments=adjustments,
        )

    cart = price_cart(
        currency="EUR",
        prices=PriceMode.NET if mode in {"net", "reversed"} else PriceMode.GROSS,
        lines=[
            line("Tisch", "849.00", "19", "1", StatedAdjustment(reason="Messe", amount=1000)),
            line("Öl", "1.155", "7", "2.5", StatedAdjustment(reason="Flasche", amount=25, charge=True)),
            line("Buch", "24.21", "7", "3"),
        ],
        discounts=[PricedDiscount(name="Sommer", amount=2500)],
        surcharges=[
            PricedSurcharge(
                name="Versand",
                amount=490,
                tax_category=category,
                tax_rate=Decimal(0) if reversed_ else Decimal(19),
            )
        ],
        tax_rounding=TaxRounding.STRICT if mode == "strict" else TaxRounding.GROSS_EXACT,
    )
    return draft_of(cart)


def broken_draft(mutation: Mutation) -> Draft:
    """The draft with its mistake."""
    return mutation.change(sound_draft(mutation.of))


def at(path: str, change: Callable[[Any], Any]) -> Change:
    """A change of the value at a path such as `cart/lines/0/net_amount`."""

    def changed(owner: Any, steps: list[str]) -> Any:
        if not steps:
            return change(owner)
        step, *rest = steps
        if isinstance(owner, tuple):
            index = int(step)
            return (*owner[:index], changed(owner[index], rest), *owner[index + 1 :])
        return replace(owner, **{step: changed(getattr(owner, step), rest)})

    def mutate(draft: Draft) -> Draft:
        mutated: Draft = changed(draft, path.split("/"))
        return mutated

    return mutate


def _put(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _more(value: Any) -> Any:
    return value + 1


def _less(value: Any) -> Any:
    return value - 1


def _a_cent_more(value: Decimal) -> Decimal:
    return value + Decimal("0.01")


def _cent(name: str, path: str, rule: str, of: str = "net", change: Callable[[Any], Any] = _more) -> Mutation:
    return Mutation(name=name, of=of, change=at(path, change), rule=rule)


def _field(name: str, path: str, value: Any, rule: str, of: str = "net") -> Mutation:
    return Mutation(name=name, of=of, change=at(path, _put(value)), rule=rule)


def _both(*changes: Change) -> Change:
    def change(draft: Draft) -> Draft:
        for one in changes:
            draft = one(draft)
        return draft

    return change


_TAX_WITH_ALL_SUMS = _both(
    at("cart/subtotals/0/tax", _more),
    at("cart/totals/tax_total", _more),
    at("cart/totals/grand_total", _more),
    at("payments/0/amount", _more),
)
"""What the official rules let pass: BR-CO-17 tolerates a whole unit."""

_TAX_BETWEEN_RATES = _both(at("cart/subtotals/0/tax", _more), at("cart/subtotals/1/tax", _less))

_LINE_WITH_ALL_SUMS = _both(
    at("cart/lines/2/net_amount", _more),
    at("cart/subtotals/1/basis", _more),
    at("cart/totals/line_total", _more),
    at("cart/totals/basis_total", _more),
    at("cart/totals/grand_total", _more),
    at("payments/0/amount", _more),
)
"""Price x quantity is a cent off, and everything after it fits: no official rule sees it."""


def _without_tax(cart: PricedCart) -> PricedCart:
    return replace(cart, subtotals=cart.subtotals[1:])


def _twice_taxed(cart: PricedCart) -> PricedCart:
    return replace(cart, subtotals=(*cart.subtotals, cart.subtotals[0]))


_INVOICE = DocumentReference(number="RE-2026-000001", issued_on=ISSUED_ON)
_DEPOSIT = Deduction(
    document=_INVOICE,
    amount=11901,
    subtotals=(TaxSubtotal(tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19), basis=10000, tax=1900),),
)
_TOMORROW = ISSUED_ON + timedelta(1)
_YESTERDAY = ISSUED_ON - timedelta(1)

MUTATIONS = (
    # A cent too much or too little
    Mutation(name="tax with all sums made to fit", of="net", change=_TAX_WITH_ALL_SUMS, rule="BR-CO-17"),
    Mutation(name="strict tax with all sums made to fit", of="strict", change=_TAX_WITH_ALL_SUMS, rule="BR-CO-17"),
    Mutation(name="gross tax with all sums made to fit", of="gross", change=_TAX_WITH_ALL_SUMS, rule="total-as-shown"),
    Mutation(name="a cent of tax from one rate to another", of="net", change=_TAX_BETWEEN_RATES, rule="BR-CO-17"),
    Mutation(name="a line with all sums made to fit", of="net", change=_LINE_WITH_ALL_SUMS, rule="price-x-quantity"),
    _cent("a line's amount", "cart/lines/0/amount", "price-x-quantity"),
    _cent("a line's net amount", "cart/lines/0/net_amount", "price-x-quantity"),
    _cent("a gross line's net amount", "cart/lines/0/net_amount", "price-x-quantity", of="gross"),
    _cent("a line's price", "cart/lines/0/unit_price", "price-x-quantity", change=_a_cent_more),
    _cent("a line's net price", "cart/lines/0/net_unit_price", "price-x-quantity", of="gross", change=_a_cent_more),
    _cent("a line's discount", "cart/lines/0/adjustments/0/amount", "price-x-quantity"),
    _cent("a line's net discount", "cart/lines/0/adjustments/0/net_amount", "price-x-quantity", of="gross"),
    _cent("a line's charge", "cart/lines/1/adjustments/0/net_amount", "price-x-quantity", of="gross"),
    _cent("a discount", "cart/discounts/0/amount", "total-as-shown"),
    _cent("a discount's share", "cart/allowances/0/amount", "BR-CO-11"),
    _cent("a stated charge", "cart/surcharges/0/amount", "total-as-shown", of="gross"),
    _cent("a charge", "cart/charges/0/amount", "BR-CO-12", of="gross"),
    _cent("a basis", "cart/subtotals/0/basis", "BR-S-08"),
    _cent("a reversed basis", "cart/subtotals/0/basis", "BR-IC-08", of="reversed"),
    _cent("a tax", "cart/subtotals/1/tax", "BR-CO-14"),
    _cent("tax where the buyer owes it", "cart/subtotals/0/tax", "BR-CO-17", of="reversed"),
    _cent("BT-106", "cart/totals/line_total", "BR-CO-10"),
    _cent("BT-107", "cart/totals/allowance_total", "BR-CO-11"),
    _cent("BT-108", "cart/totals/charge_total", "BR-CO-12"),
    _cent("BT-109", "cart/totals/basis_total", "BR-CO-13"),
    _cent("BT-110", "cart/totals/tax_total", "BR-CO-14"),
    _cent("BT-112", "cart/totals/grand_total", "BR-CO-15"),
    _cent("BT-114 where gross is exact", "cart/totals/rounding", "rounding-bounded", of="gross"),
    _cent("BT-114 of net prices", "cart/totals/rounding", "rounding-bounded"),
    _cent("BT-114 of strict prices", "cart/totals/rounding", "total-as-shown", of="strict"),
    _cent("too much is paid", "payments/0/amount", "BR-CO-16"),
    _cent("a cent is due without terms", "payments/0/amount", "BR-CO-25", change=_less),
    # A wrong field
    _field("everything is due without terms", "payments", (), "BR-CO-25"),
    _field("quantity", "cart/lines/2/quantity", Decimal(4), "price-x-quantity"),
    _field("no quantity", "cart/lines/2/quantity", Decimal(0), "quantity-positive"),
    _field("negative price", "cart/lines/2/net_unit_price", Decimal(-1), "BR-27"),
    _field("rate of a line", "cart/lines/0/tax_rate", Decimal(7), "BR-S-08"),
    _field("category of a line", "cart/lines/0/tax_category", TaxCategory.ZERO, "BR-Z-05"),
    _field("rate where the buyer owes the tax", "cart/lines/0/tax_rate", Decimal(19), "BR-IC-05", of="reversed"),
    _field("category of a subtotal", "cart/subtotals/0/tax_category", TaxCategory.EXEMPT, "BR-E-10"),
    _field("reason where tax is charged", "cart/subtotals/0/exemption_code", "VATEX-EU-AE", "BR-S-10"),
    _field("no reason where it is not", "cart/subtotals/0/exemption_code", None, "BR-IC-10", of="reversed"),
    _field("another reason", "cart/subtotals/0/exemption_code", "VATEX-EU-G", "BR-IC-10", of="reversed"),
    _field("category O beside others", "cart/subtotals/0/tax_category", TaxCategory.OUTSIDE_SCOPE, "BR-O-11"),
    Mutation(name="a subtotal is missing", of="net", change=at("cart", _without_tax), rule="BR-CO-18"),
    Mutation(name="a subtotal is there twice", of="net", change=at("cart", _twice_taxed), rule="BR-CO-18"),
    _field("no lines", "cart/lines", (), "BR-16"),
    _field("line numbers", "cart/lines/1/position", 7, "BR-21"),
    _field("unit", "cart/lines/0/unit", "Stück", "BR-23"),
    _field("no name of a line", "cart/lines/0/name", " ", "BR-25"),
    _field("no reason of a discount", "cart/allowances/0/reason", "", "BR-33"),
    _field("no reason of a charge", "cart/charges/0/reason", "", "BR-38"),
    _field("no reason of a line's discount", "cart/lines/0/adjustments/0/reason", "", "BR-42"),
    _field("currency", "cart/currency", "EURO", "BR-05"),
    _field("currency with other decimals", "cart/currency", "JPY", "price-x-quantity"),
    _field("price mode", "cart/prices", PriceMode.GROSS, "total-as-shown"),
    _field(
        "gross prices where the buyer owes the tax", "cart/prices", PriceMode.GROSS, "reverse-charge-net", "reversed"
    ),
    _field("no buyer's VAT id", "buyer/vat_id", None, "BR-IC-02", of="reversed"),
    _field("buyer's VAT id without country", "buyer/vat_id", "13585627", "BR-CO-09", of="reversed"),
    _field("buyer's VAT id of our own state", "buyer/vat_id", "DE136695976", "BR-IC-02", of="reversed"),
    _field("goods that stay at home", "buyer/address/country", "DE", "BR-IC-12", of="reversed"),
    _field("goods that leave the Union", "buyer/address/country", "CH", "BR-IC-12", of="reversed"),
    _field("no buyer", "buyer/name", "", "BR-07"),
    _field("buyer's country", "buyer/address/country", "XX", "BR-11"),
    _field("no street", "buyer/address/line1", "", "address-complete"),
    _field("language", "language", "xx", "language"),
    _field("no order number", "order_number", "", "order-number"),
    _field("paid tomorrow", "payments/0/paid_on", _TOMORROW, "paid-in-past"),
    _field("paid nothing", "payments/0/amount", 0, "payment-positive"),
    _field("no payment method", "payments/0/method", "", "BR-49"),
    _field("due before it is issued", "particulars/due_on", _YESTERDAY, "due-after-issue"),
    _field("period runs backwards", "particulars/service_period", Period(start=ISSUED_ON, end=_YESTERDAY), "BR-29"),
    _field("delivered in another century", "delivered_on", date(1926, 11, 26), "delivery-plausible"),
    _field("invoice that corrects", "particulars/corrects", _INVOICE, "corrects-nothing"),
    _field("correction of nothing", "kind", InvoiceKind.CREDIT_NOTE, "BR-55"),
    _field("deposit that is a cent off", "particulars/deductions", (_DEPOSIT,), "deduction-adds-up"),
    _field("empty note", "particulars/notes", ("",), "text-says-something"),
)

"""Credit notes: what a refund takes back of an invoice, by tax rate.

A refund is a gross amount. It is spread over the invoice's rates in proportion to what is left of each, by
largest remainder, so that no rate is ever credited more than was invoiced, and a refund of everything gives
back exactly what each rate had. Within a rate it is taken apart as gross prices are (see `domain.totals`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from domain import totals
from domain.cart import PricedCart, TaxCategory, TaxRounding, TaxSubtotal
from domain.checkout import PriceMode
from domain.currencies import document_step
from domain.errors import InvalidDraft
from domain.money import allocate, major_from_minor

UNIT = "C62"
"""One: UN/ECE Recommendation 20."""

_Rate = tuple[TaxCategory, Decimal]


def credit(
    number: str,
    currency: str,
    invoiced: Sequence[TaxSubtotal],
    credited: Iterable[TaxSubtotal],
    amount: int,
    *,
    tax_rounding: TaxRounding = TaxRounding.GROSS_EXACT,
    rounding: int = 0,
) -> PricedCart:
    """What a credit note of `amount` (gross minor units) over invoice `number` adds up to: one line per rate.

    `invoiced` are the invoice's subtotals, `credited` those of its earlier credit notes. `rounding` is what is left of
    the invoice's rounding amount (BT-114), which it has with strict rounding only. Raises InvalidDraft when more is
    credited than is left of the invoice.
    """
    left = _left(invoiced, credited)
    most = sum(left.values()) + rounding
    step = document_step(currency)
    if not 0 < amount <= most or amount % step:
        raise InvalidDraft([f"{amount} cannot be credited on invoice {number}: {most} is left"])
    weights = [max(0, part) // step for part in left.values()]
    if not any(weights):  # all that is left is rounding
        weights = [subtotal.basis + subtotal.tax for subtotal in invoiced]
    shares = [share * step for share in allocate(amount // step, weights)]
    lines = [
        totals.CartLine(
            name=number,
            quantity=Decimal(1),
            unit=UNIT,
            unit_price=major_from_minor(share, currency),
            tax_category=category,
            tax_rate=rate,
            exemption_code=subtotal.exemption_code,
            exemption_reason=subtotal.exemption_reason,
        )
        for (category, rate), subtotal, share in zip(left, invoiced, shares, strict=True)
        if share
    ]
    cart = totals.price_cart(
        currency=currency, prices=PriceMode.GROSS, lines=lines, discounts=[], tax_rounding=tax_rounding
    )
    if broken := totals.violations(cart):
        raise InvalidDraft(broken)
    return cart


def _left(invoiced: Sequence[TaxSubtotal], credited: Iterable[TaxSubtotal]) -> dict[_Rate, int]:
    """Gross per rate that was invoiced and not yet credited."""
    taken: dict[_Rate, int] = defaultdict(int)
    for subtotal in credited:
        taken[subtotal.tax_category, subtotal.tax_rate] += subtotal.basis + subtotal.tax
    return {
        rate: subtotal.basis + subtotal.tax - taken[rate]
        for subtotal in invoiced
        for rate in [(subtotal.tax_category, subtotal.tax_rate)]
    }

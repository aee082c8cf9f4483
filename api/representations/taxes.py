"""How a checkout is taxed, and why."""

from api.representations.base import Amount, Moment, Representation, amount
from domain.cart import TaxCategory, TaxRule
from domain.vat_ids import VatIdStatus
from domain.views import TaxView


class LineTaxOut(Representation):
    """What falls on a line, and why: `stated` by the shop, or the rule by which its tax class was resolved."""

    position: int
    tax_category: TaxCategory
    tax_rate: str
    tax_rule: TaxRule


class TaxSubtotalOut(Representation):
    """Tax of one category and rate. Without tax, the reason: a code of the VATEX list, or words."""

    tax_category: TaxCategory
    tax_rate: str
    basis: Amount
    tax: Amount
    exemption_code: str | None
    exemption_reason: str | None


class VatIdOut(Representation):
    """What the register (VIES) said of the buyer's VAT id. `request_id` proves the question."""

    status: VatIdStatus
    request_id: str | None
    answered_at: Moment | None


class TaxOut(Representation):
    """How the checkout is taxed. `vat_id` is null where the buyer's VAT id decides nothing."""

    lines: list[LineTaxOut]
    subtotals: list[TaxSubtotalOut]
    rounding: Amount
    vat_id: VatIdOut | None


def tax(view: TaxView) -> TaxOut:
    """How a checkout is taxed."""
    cart, evidence = view.cart, view.vat_id
    return TaxOut(
        lines=[
            LineTaxOut(
                position=line.position,
                tax_category=line.tax_category,
                tax_rate=f"{line.tax_rate:f}",
                tax_rule=line.tax_rule,
            )
            for line in cart.lines
        ],
        subtotals=[
            TaxSubtotalOut(
                tax_category=subtotal.tax_category,
                tax_rate=f"{subtotal.tax_rate:f}",
                basis=amount(subtotal.basis, cart.currency),
                tax=amount(subtotal.tax, cart.currency),
                exemption_code=subtotal.exemption_code,
                exemption_reason=subtotal.exemption_reason,
            )
            for subtotal in cart.subtotals
        ],
        rounding=amount(cart.totals.rounding, cart.currency),
        vat_id=None
        if evidence is None
        else VatIdOut(status=evidence.status, request_id=evidence.request_id, answered_at=evidence.answered_at),
    )

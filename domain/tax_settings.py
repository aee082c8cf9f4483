"""How a merchant's sales are taxed."""

from dataclasses import dataclass

from domain.cart import TaxRounding
from domain.vat_ids import InvalidVatIdPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSettings:
    """`oss`: consumers in other member states pay their own country's rate, which the merchant declares by the one-stop
    shop; else the merchant's own (below the threshold of Article 59c of Directive 2006/112/EC).

    `rounding` says how gross prices are taken apart, `invalid_vat_id` what becomes of a reverse charge when the
    register does not know the buyer's VAT id.
    """

    oss: bool = False
    rounding: TaxRounding = TaxRounding.GROSS_EXACT
    invalid_vat_id: InvalidVatIdPolicy = InvalidVatIdPolicy.CHARGE

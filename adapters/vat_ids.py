"""VAT ids judged offline: each member state's own form and check digits, as python-stdnum knows them."""

from stdnum.eu import vat

from domain.tax_rates import is_eu_vat_id


def is_vat_id(vat_id: str) -> bool:
    """Whether this can be a VAT id. Of ids from outside of the Union nothing is known, so they are let pass."""
    return not is_eu_vat_id(vat_id) or bool(vat.is_valid(vat_id))

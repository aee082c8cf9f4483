"""The buyer's VAT id, asked about while his checkout is judged."""

from api.services import Services
from domain.checkout import CheckoutRequest
from domain.errors import VatRegisterUnavailable
from domain.merchants import Merchant
from domain.tax import needs_vat_id
from domain.texts import vat_id_problem
from domain.vat_ids import VatEvidence, VatIdStatus


async def evidence_for(wanted: CheckoutRequest, merchant: Merchant, services: Services) -> VatEvidence | None:
    """What the register says, if the id decides about tax. Its silence stops nobody: the id is unverified for now."""
    vat_id, requester = wanted.customer.vat_id, merchant.seller.vat_id
    if vat_id is None or vat_id_problem(vat_id) or not services.is_vat_id(vat_id) or not needs_vat_id(wanted):
        return None
    try:
        return await services.vat_register.ask(vat_id, requester)
    except VatRegisterUnavailable as silence:
        return VatEvidence(vat_id=vat_id, status=VatIdStatus.UNVERIFIED, requester=requester, failure=str(silence))

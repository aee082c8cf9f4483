"""Captures: take money that a customer's bank holds for the shop."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheMerchant, TheServices, TheSite, known_form
from api.ports import NotPayable
from api.representations.checkouts import CheckoutOut, checkout
from api.schemas import CaptureBody
from api.services import Services
from api.violations import parse
from domain.captures import Authorization, CaptureRequest, Owed, choose
from domain.checkout import CheckoutStatus
from domain.errors import NotFound
from domain.merchants import Merchant
from domain.payments import PaymentStatus
from domain.views import CheckoutView

BODY_LIMIT = 64 * 1024
_OPEN = {CheckoutStatus.AWAITING_PAYMENT, CheckoutStatus.NEEDS_REVIEW}
_CAPTURED = {PaymentStatus.COLLECTED, PaymentStatus.FINAL, PaymentStatus.REVERSED}

router = APIRouter(prefix="/v1/checkouts", tags=["checkouts"])


async def stated_capture(checkout_id: str, request: Request, _: TheMerchant) -> CaptureRequest:
    """The body in the house's words; what amount is right, the books say."""
    body = parse(CaptureBody, await read_json_object(request, BODY_LIMIT))
    return body.to_request(known_form("checkout", checkout_id))


@router.post(
    "/{checkout_id}/capture",
    summary="Capture authorized money",
    responses={
        200: openapi.answer("The money is captured.", "captured_checkout"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(CaptureBody, "capture_request"),
)
async def capture_checkout(
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[CaptureRequest, Depends(stated_capture)],
) -> CheckoutOut:
    """Capture all of an authorization or a part; the provider releases the rest. Asking again answers the same.

    Less than is owed is a short payment, as if the customer had paid too little.
    """
    view = await _known(services, merchant, wanted.checkout_id)
    if view.status in _OPEN:
        with suppress(NotPayable):  # the run ended since we looked, or is being canceled, and writes down how
            await services.runs.capture(view.workflow_id, wanted)
        view = await _known(services, merchant, wanted.checkout_id)
    _demand_captured(wanted, view)
    return checkout(view, site)


def _demand_captured(wanted: CaptureRequest, view: CheckoutView) -> None:
    """Raise what keeps the request from being one that was carried out."""
    authorizations = [
        Authorization(
            payment_id=payment.id,
            amount=payment.authorized_amount,
            currency=payment.currency,
            stands=payment.promise is not None,
            captured=payment.amount if payment.status in _CAPTURED else None,
        )
        for payment in view.payments
        if payment.authorized_amount is not None
    ]
    choose(wanted, authorizations, Owed(amount=0, whole_only=False))


async def _known(services: Services, merchant: Merchant, checkout_id: str) -> CheckoutView:
    view = await services.reader.checkout(merchant.id, checkout_id)
    if view is None:
        raise NotFound("checkout", checkout_id)
    return view

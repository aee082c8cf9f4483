"""Corrections: cancel an invoice, or credit a part of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheMerchant, TheServices, TheSite, known_form
from api.ports import RunsUnavailable
from api.representations.invoices import InvoiceOut, invoice
from api.schemas import CancelInvoiceBody, CreditNoteBody
from api.services import Services, Site
from api.violations import parse
from domain.corrections import CorrectionRequest, check, differences
from domain.errors import CorrectionKeyConflict, InvalidInput, NotFound, Violation
from domain.merchants import Merchant
from domain.views import AcceptedCorrection

BODY_LIMIT = 256 * 1024
"""Bytes; a thousand lines fit."""

router = APIRouter(prefix="/v1/invoices", tags=["invoices"])


async def stated_cancelation(
    invoice_id: str, request: Request, _: TheMerchant, services: TheServices
) -> CorrectionRequest:
    """The body in the house's words, as far as it can be judged without the books."""
    body = parse(CancelInvoiceBody, await read_json_object(request, BODY_LIMIT))
    return _judged(body.to_request(known_form("invoice", invoice_id)), services)


async def stated_credit(invoice_id: str, request: Request, _: TheMerchant, services: TheServices) -> CorrectionRequest:
    """The body in the house's words, as far as it can be judged without the books."""
    body = parse(CreditNoteBody, await read_json_object(request, BODY_LIMIT))
    return _judged(body.to_request(known_form("invoice", invoice_id)), services)


@router.post(
    "/{invoice_id}/cancel",
    status_code=201,
    summary="Cancel an invoice",
    responses={
        201: openapi.answer("The cancelation is finalized.", "cancelation", headers={"Location": "of the cancelation"}),
        200: {**openapi.answer("The same cancelation exists.", "cancelation"), "model": InvoiceOut},
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(CancelInvoiceBody, "cancel_invoice_request"),
)
async def cancel_invoice(
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[CorrectionRequest, Depends(stated_cancelation)],
) -> InvoiceOut:
    """Take a whole invoice back by a document of its own, which is mailed. Its order can be billed again; money that
    paid it is treated by the merchant's policy for late money. An invoice with credit notes is credited by the rest
    instead. Sending the same again answers with the same cancelation."""
    return await _correct(response, merchant, services, site, wanted)


@router.post(
    "/{invoice_id}/credit-notes",
    status_code=201,
    summary="Credit an invoice",
    responses={
        201: openapi.answer("The credit note is finalized.", "credit_note", headers={"Location": "of the credit note"}),
        200: {**openapi.answer("The same credit note exists.", "credit_note"), "model": InvoiceOut},
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(CreditNoteBody, "credit_note_request"),
)
async def credit_invoice(
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[CorrectionRequest, Depends(stated_credit)],
) -> InvoiceOut:
    """Take a part of an invoice back, by line or by amount, or all that is left. So much less is owed; money beyond it
    is treated by the merchant's policy for overpayment. Amounts are with tax. Sending the same again answers with the
    same credit note."""
    return await _correct(response, merchant, services, site, wanted)


def _judged(wanted: CorrectionRequest, services: Services) -> CorrectionRequest:
    violations = list(check(wanted))
    if not violations and (missing := services.undrawable(wanted.reason)):
        named = ", ".join(f"U+{ord(character):04X} {character}" for character in missing[:10])
        violations.append(Violation(pointer="/reason", message=f"cannot be printed on the document: {named}"))
    if violations:
        raise InvalidInput(violations)
    return wanted


async def _correct(
    response: Response, merchant: Merchant, services: Services, site: Site, wanted: CorrectionRequest
) -> InvoiceOut:
    if await services.reader.invoice(merchant.id, wanted.invoice_id) is None:
        raise NotFound("invoice", wanted.invoice_id)
    accepted, created = await _find_or_ask(services, merchant, wanted)
    if different := differences(accepted.request, wanted):
        raise CorrectionKeyConflict(wanted.key, different)
    view = await services.reader.invoice(merchant.id, accepted.document_id)
    if view is None:
        raise NotFound("invoice", accepted.document_id)
    if created:
        response.headers["Location"] = site.invoice_url(view.id)
    else:
        response.status_code = 200
    return invoice(view, site)


async def _find_or_ask(
    services: Services, merchant: Merchant, wanted: CorrectionRequest
) -> tuple[AcceptedCorrection, bool]:
    """The correction of the key, and whether this call started it."""
    existing = await services.reader.correction_of_key(merchant.id, wanted.key)
    if existing is not None:
        return existing, False
    created = await services.corrections.ask(merchant.id, wanted)
    accepted = await services.reader.correction_of_key(merchant.id, wanted.key)
    if accepted is None:
        raise RunsUnavailable("the run answered before its correction can be read")
    return accepted, created

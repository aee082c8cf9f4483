"""Refunds: ask for one, read one, approve or reject one that waits for it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheMerchant, TheServices, TheSite, known_form
from api.ports import RunsUnavailable
from api.representations.refunds import RefundOut, refund
from api.schemas import DecisionBody, RefundBody
from api.services import Services
from api.violations import parse
from domain.errors import InvalidInput, NotFound, RefundKeyConflict
from domain.merchants import Merchant
from domain.refund_requests import LONGEST_REASON, RefundRequest, check, differences
from domain.views import RefundView
from domain.violations import Violations

BODY_LIMIT = 64 * 1024
"""Bytes; a reason fits."""

router = APIRouter(tags=["refunds"])


async def stated_refund(checkout_id: str, request: Request, _: TheMerchant) -> RefundRequest:
    """The body in the house's words, as far as it can be judged without the books."""
    body = parse(RefundBody, await read_json_object(request, BODY_LIMIT))
    wanted = body.to_request(known_form("checkout", checkout_id))
    check(wanted)
    return wanted


async def stated_decision(request: Request, _: TheMerchant) -> DecisionBody:
    """The body of a decision."""
    body = parse(DecisionBody, await read_json_object(request, BODY_LIMIT))
    violations = Violations()
    violations.check_text("/reason", body.reason, most=LONGEST_REASON)
    violations.check_text("/by", body.by, most=LONGEST_REASON)
    if violations.found:
        raise InvalidInput(violations.found)
    return body


@router.post(
    "/v1/checkouts/{checkout_id}/refunds",
    status_code=201,
    summary="Refund a checkout",
    responses={
        201: openapi.answer("The refund is under way.", "refund", headers={"Location": "of the refund"}),
        200: {**openapi.answer("The same refund exists.", "refund"), "model": RefundOut},
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(RefundBody, "refund_request"),
)
async def ask_for_refund(
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[RefundRequest, Depends(stated_refund)],
) -> RefundOut:
    """Give money back, in full or in part, with a credit note for what was invoiced. Sending the same again
    answers with the same refund."""
    if await services.reader.checkout(merchant.id, wanted.checkout_id) is None:
        raise NotFound("checkout", wanted.checkout_id)
    view, created = await _find_or_ask(services, merchant, wanted)
    if view.request is None or (different := differences(view.request, wanted, view.currency)):
        raise RefundKeyConflict(wanted.key, different if view.request else ())
    if created:
        response.headers["Location"] = site.refund_url(view.id)
    else:
        response.status_code = 200
    return refund(view)


@router.get(
    "/v1/refunds/{refund_id}",
    summary="Read a refund",
    responses={200: openapi.answer("The refund.", "refund"), **openapi.problems(401, 404, 503)},
)
async def read_refund(refund_id: str, merchant: TheMerchant, services: TheServices) -> RefundOut:
    """Read where a refund stands."""
    return refund(await _known(services, merchant, refund_id))


@router.post(
    "/v1/refunds/{refund_id}/approve",
    summary="Approve a refund",
    responses={
        200: openapi.answer("The refund is approved.", "refund"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(DecisionBody, "decision"),
)
async def approve_refund(
    refund_id: str,
    merchant: TheMerchant,
    services: TheServices,
    decision: Annotated[DecisionBody, Depends(stated_decision)],
) -> RefundOut:
    """Let a refund go that waits for approval. Approving again changes nothing."""
    return await _decide(services, merchant, refund_id, decision, approved=True)


@router.post(
    "/v1/refunds/{refund_id}/reject",
    summary="Reject a refund",
    responses={
        200: openapi.answer("The refund is canceled.", "refund"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(DecisionBody, "decision"),
)
async def reject_refund(
    refund_id: str,
    merchant: TheMerchant,
    services: TheServices,
    decision: Annotated[DecisionBody, Depends(stated_decision)],
) -> RefundOut:
    """Cancel a refund that waits for approval. Rejecting again changes nothing."""
    return await _decide(services, merchant, refund_id, decision, approved=False)


async def _find_or_ask(services: Services, merchant: Merchant, wanted: RefundRequest) -> tuple[RefundView, bool]:
    """The refund of the key, and whether this call started it."""
    existing = await services.reader.refund_of_key(merchant.id, wanted.key)
    if existing is not None:
        return existing, False
    created = await services.refunds.ask(merchant.id, wanted)
    view = await services.reader.refund_of_key(merchant.id, wanted.key)
    if view is None:
        raise RunsUnavailable("the run answered before its refund can be read")
    return view, created


async def _decide(
    services: Services, merchant: Merchant, refund_id: str, decision: DecisionBody, *, approved: bool
) -> RefundOut:
    view = await _known(services, merchant, refund_id)
    await services.refunds.decide(merchant.id, view.id, approved=approved, by=decision.by, reason=decision.reason)
    return refund(await _known(services, merchant, refund_id))


async def _known(services: Services, merchant: Merchant, refund_id: str) -> RefundView:
    view = await services.reader.refund(merchant.id, known_form("refund", refund_id))
    if view is None:
        raise NotFound("refund", refund_id)
    return view

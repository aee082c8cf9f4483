"""Money that lies elsewhere settles entries; one link is paid for several of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheActor, TheMerchant, TheServices, TheSite, known_form
from api.ledger_bodies import LinkBody, SettlementBody
from api.ports import RunsUnavailable
from api.representations.payment_links import LinkOut, link
from api.representations.settlements import SettlementOut, settlement
from api.services import Services
from api.violations import parse
from domain.combined_links import link_differences, link_id
from domain.errors import NotFound, SettlementKeyConflict
from domain.ledger_views import LinkView
from domain.merchants import Merchant
from domain.settlement_steps import LinkRequest
from domain.settlements import Settle, check, differences

BODY_LIMIT = 64 * 1024
"""Bytes; fifty ids fit."""

router = APIRouter(tags=["settlements"])


async def stated_settlement(request: Request, _: TheMerchant) -> Settle:
    """The body in the house's words, as far as it can be judged without the books."""
    body = parse(SettlementBody, await read_json_object(request, BODY_LIMIT))
    wanted = body.to_request()
    check(wanted)
    for kind, references in (("entry", (*wanted.entries, wanted.credit_entry_id)), ("payment", (wanted.payment_id,))):
        for reference in references:
            if reference is not None:
                known_form(kind, reference)
    return wanted


async def stated_link(request: Request, _: TheMerchant) -> LinkRequest:
    """The body in the house's words. What it says is judged by the books, all of it at once."""
    return parse(LinkBody, await read_json_object(request, BODY_LIMIT)).to_request()


@router.post(
    "/v1/settlements",
    status_code=201,
    summary="Settle entries with available money",
    responses={
        201: openapi.answer("The money is assigned.", "settlement"),
        200: {**openapi.answer("It was assigned before.", "settlement"), "model": SettlementOut},
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(SettlementBody, "settlement_request"),
)
async def settle_entries(
    response: Response,
    merchant: TheMerchant,
    actor: TheActor,
    services: TheServices,
    wanted: Annotated[Settle, Depends(stated_settlement)],
) -> SettlementOut:
    """Assign available money to open entries in order: of one payment, or the credit of another entry. Sending the
    same again answers with the same settlement."""
    view, created = await services.ledger.settlement_of_key(merchant.id, wanted.key), False
    if view is None:
        created = await services.settlements.ask(merchant.id, wanted, by=actor)
        view = await services.ledger.settlement_of_key(merchant.id, wanted.key)
    if view is None:
        raise RunsUnavailable("the run answered before what it did can be read")
    if different := differences(view.request, wanted, view.currency):
        raise SettlementKeyConflict(wanted.key, different)
    if not created:
        response.status_code = 200
    return settlement(view)


@router.post(
    "/v1/payment-links",
    status_code=201,
    summary="Issue a payment link for several entries",
    responses={
        201: openapi.answer("The link is issued.", "combined_link", headers={"Location": "of the link"}),
        200: {**openapi.answer("The same link exists.", "combined_link"), "model": LinkOut},
        **openapi.problems(400, 401, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(LinkBody, "link_request"),
)
async def issue_link(
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[LinkRequest, Depends(stated_link)],
) -> LinkOut:
    """Let a customer pay several open entries of one currency at once. While he pays here, the entries' own links
    cannot be paid, and the other way round. Sending the same key again answers with the same link."""
    known = None if wanted.key is None else await services.ledger.link(merchant.id, link_id(merchant.id, wanted.key))
    view, created = (known, False) if known is not None else await _open(services, merchant, wanted)
    if different := link_differences(view.request, wanted):
        raise SettlementKeyConflict(wanted.key or "", different)
    if created:
        response.headers["Location"] = site.link_url(view.id)
    else:
        response.status_code = 200
    return link(view, site)


@router.get(
    "/v1/payment-links/{link_id}",
    summary="Read a payment link for several entries",
    responses={200: openapi.answer("The link.", "combined_link"), **openapi.problems(401, 404, 503)},
)
async def read_link(link_id: str, merchant: TheMerchant, services: TheServices, site: TheSite) -> LinkOut:
    """Read what of the link is still to be paid."""
    view = await services.ledger.link(merchant.id, known_form("payment link", link_id))
    if view is None:
        raise NotFound("payment link", link_id)
    return link(view, site)


async def _open(services: Services, merchant: Merchant, wanted: LinkRequest) -> tuple[LinkView, bool]:
    our_id, created = await services.links.open(merchant.id, wanted)
    view = await services.ledger.link(merchant.id, our_id)
    if view is None:
        raise RunsUnavailable("the run answered before its link can be read")
    return view, created

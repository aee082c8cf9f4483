"""The generic invoice run: start one, see how far it is, and what became of each order."""

import secrets
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheMerchant, TheServices, TheSite, known_form
from api.ports import RunsUnavailable
from api.representations.invoice_runs import (
    InvoiceRunList,
    InvoiceRunOrderList,
    InvoiceRunOut,
    invoice_run,
    invoice_run_order,
)
from api.schemas import InvoiceRunBody, PageQuery, RunOrderQuery
from api.services import Services
from api.violations import parse
from domain.errors import InvoiceRunKeyConflict, NotFound
from domain.invoice_runs import InvoiceRunRequest, RunPhase, check, differences, run_id
from domain.merchants import Merchant
from domain.views import InvoiceRunView

BODY_LIMIT = 64 * 1024
"""Bytes; a filter fits."""

router = APIRouter(prefix="/v1/invoice-runs", tags=["invoice runs"])


async def stated_run(request: Request, _: TheMerchant) -> InvoiceRunRequest:
    """The body in the house's words. A run without a key gets one that nobody else has."""
    body = parse(InvoiceRunBody, await read_json_object(request, BODY_LIMIT))
    wanted = body.to_request(secrets.token_hex(12) if body.key is None else body.key)
    check(wanted)
    return wanted


@router.post(
    "",
    status_code=201,
    summary="Start an invoice run",
    responses={
        201: openapi.answer("The run is under way.", "invoice_run", headers={"Location": "of the run"}),
        200: {**openapi.answer("The same run exists.", "invoice_run"), "model": InvoiceRunOut},
        **openapi.problems(400, 401, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(InvoiceRunBody, "invoice_run_request"),
)
async def start_invoice_run(
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[InvoiceRunRequest, Depends(stated_run)],
) -> InvoiceRunOut:
    """Bill all orders that can be billed up to a day, or, as a dry run, say which. Sending the same key again answers
    with the same run."""
    view, created = await _find_or_start(services, merchant, wanted)
    if different := differences(view.request, wanted):
        raise InvoiceRunKeyConflict(wanted.key, different)
    if created:
        response.headers["Location"] = site.invoice_run_url(view.id)
    else:
        response.status_code = 200
    return invoice_run(view, site)


@router.get(
    "",
    summary="List invoice runs",
    responses={200: openapi.answer("One page, newest first.", "invoice_runs"), **openapi.problems(401, 422, 503)},
)
async def list_invoice_runs(
    merchant: TheMerchant, services: TheServices, site: TheSite, wanted: Annotated[PageQuery, Query()]
) -> InvoiceRunList:
    """List the merchant's invoice runs, newest first; follow `next_cursor` for more."""
    page = await services.reader.invoice_runs(merchant.id, cursor=wanted.cursor, limit=wanted.limit)
    return InvoiceRunList.of(page, partial(invoice_run, site=site))


@router.get(
    "/{invoice_run_id}",
    summary="Read an invoice run",
    responses={200: openapi.answer("The run.", "invoice_run"), **openapi.problems(401, 404, 503)},
)
async def read_invoice_run(
    invoice_run_id: str, merchant: TheMerchant, services: TheServices, site: TheSite
) -> InvoiceRunOut:
    """Read how far a run is, with counts, numbers and amounts."""
    return invoice_run(await _known(services, merchant, invoice_run_id), site)


@router.get(
    "/{invoice_run_id}/orders",
    summary="List the orders of an invoice run",
    responses={
        200: openapi.answer("One page, oldest first.", "invoice_run_orders"),
        **openapi.problems(401, 404, 422, 503),
    },
)
async def list_orders_of_invoice_run(
    invoice_run_id: str, merchant: TheMerchant, services: TheServices, wanted: Annotated[RunOrderQuery, Query()]
) -> InvoiceRunOrderList:
    """List what became of each order in a run: its invoice, or why it has none."""
    view = await _known(services, merchant, invoice_run_id)
    page = await services.reader.invoice_run_orders(
        merchant.id, view.id, status=wanted.status, cursor=wanted.cursor, limit=wanted.limit
    )
    return InvoiceRunOrderList.of(page, invoice_run_order)


async def _find_or_start(
    services: Services, merchant: Merchant, wanted: InvoiceRunRequest
) -> tuple[InvoiceRunView, bool]:
    """The run of the key, and whether this call started it. One that is not over is made sure to be running."""
    our_id = run_id(merchant.id, wanted.key)
    existing = await services.reader.invoice_run(merchant.id, our_id)
    if existing is not None and (existing.phase is RunPhase.COMPLETED or differences(existing.request, wanted)):
        return existing, False
    created = await services.invoice_runs.start(merchant.id, wanted)
    view = await services.reader.invoice_run(merchant.id, our_id)
    if view is None:
        raise RunsUnavailable("the run answered before it can be read")
    return view, created and existing is None


async def _known(services: Services, merchant: Merchant, invoice_run_id: str) -> InvoiceRunView:
    view = await services.reader.invoice_run(merchant.id, known_form("invoice run", invoice_run_id))
    if view is None:
        raise NotFound("invoice run", invoice_run_id)
    return view

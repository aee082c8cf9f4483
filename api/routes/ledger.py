"""Entries, orders and payments: read one, list them, and what can be done with an entry."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheActor, TheMerchant, TheServices, known_form
from api.ledger_bodies import EntryCancelationBody, EntryQuery, LedgerQuery, PaymentQuery, ReductionBody
from api.ports import RunsUnavailable
from api.representations.entries import EntryDetailOut, EntryList, entry_detail
from api.representations.orders import OrderDetailOut, OrderList, order_detail
from api.representations.payments import PaymentDetailOut, PaymentList, payment_detail
from api.services import Services
from api.violations import parse
from domain.errors import NotFound, SettlementKeyConflict
from domain.ledger_views import EntryDetailView, Wanted
from domain.merchants import Merchant
from domain.settlements import CancelEntry, Reduce, SettlementKind, check, differences

BODY_LIMIT = 64 * 1024
"""Bytes; a reason fits."""

router = APIRouter(tags=["ledger"])


def _wanted(query: LedgerQuery) -> Wanted:
    return Wanted(
        checkout_id=query.checkout, assignment_key=query.assignment_key, cursor=query.cursor, limit=query.limit
    )


@router.get(
    "/v1/entries",
    summary="List entries",
    responses={200: openapi.answer("One page, newest first.", "entries"), **openapi.problems(401, 422, 503)},
)
async def list_entries(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[EntryQuery, Query()]
) -> EntryList:
    """List the merchant's entries, newest first; follow `next_cursor` for more."""
    return EntryList.of(await services.ledger.entries(merchant.id, _wanted(wanted), wanted.status), entry_detail)


@router.get(
    "/v1/entries/{entry_id}",
    summary="Read an entry",
    responses={200: openapi.answer("The entry.", "entry"), **openapi.problems(401, 404, 503)},
)
async def read_entry(entry_id: str, merchant: TheMerchant, services: TheServices) -> EntryDetailOut:
    """Read what is owed, the money on it, and what was done with it."""
    return entry_detail(await _known(services, merchant, entry_id))


@router.get(
    "/v1/orders",
    summary="List orders",
    responses={200: openapi.answer("One page, newest first.", "orders"), **openapi.problems(401, 422, 503)},
)
async def list_orders(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[LedgerQuery, Query()]
) -> OrderList:
    """List the merchant's sales orders, newest first; follow `next_cursor` for more."""
    return OrderList.of(await services.ledger.orders(merchant.id, _wanted(wanted)), order_detail)


@router.get(
    "/v1/orders/{order_id}",
    summary="Read an order",
    responses={200: openapi.answer("The order.", "order"), **openapi.problems(401, 404, 503)},
)
async def read_order(order_id: str, merchant: TheMerchant, services: TheServices) -> OrderDetailOut:
    """Read a sales order with its lines."""
    view = await services.ledger.order(merchant.id, known_form("order", order_id))
    if view is None:
        raise NotFound("order", order_id)
    return order_detail(view)


@router.get(
    "/v1/payments",
    summary="List payments",
    responses={200: openapi.answer("One page, newest first.", "payments"), **openapi.problems(401, 422, 503)},
)
async def list_payments(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[PaymentQuery, Query()]
) -> PaymentList:
    """List the merchant's payments, newest first; follow `next_cursor` for more."""
    return PaymentList.of(await services.ledger.payments(merchant.id, _wanted(wanted), wanted.status), payment_detail)


@router.get(
    "/v1/payments/{payment_id}",
    summary="Read a payment",
    responses={200: openapi.answer("The payment.", "payment"), **openapi.problems(401, 404, 503)},
)
async def read_payment(payment_id: str, merchant: TheMerchant, services: TheServices) -> PaymentDetailOut:
    """Read a payment, and where its money is."""
    view = await services.ledger.payment(merchant.id, known_form("payment", payment_id))
    if view is None:
        raise NotFound("payment", payment_id)
    return payment_detail(view)


# What can be done with an entry


async def stated_reduction(entry_id: str, request: Request, _: TheMerchant) -> Reduce:
    """The body in the house's words, as far as it can be judged without the books."""
    body = parse(ReductionBody, await read_json_object(request, BODY_LIMIT))
    wanted = body.to_request(known_form("entry", entry_id))
    check(wanted)
    return wanted


async def stated_cancelation(entry_id: str, request: Request, _: TheMerchant) -> CancelEntry:
    """The body in the house's words."""
    body = parse(EntryCancelationBody, await read_json_object(request, BODY_LIMIT))
    wanted = body.to_request(known_form("entry", entry_id))
    check(wanted)
    return wanted


@router.post(
    "/v1/entries/{entry_id}/reduce",
    summary="Reduce an entry",
    responses={
        200: openapi.answer("The entry, reduced.", "entry"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(ReductionBody, "reduction_request"),
)
async def reduce_entry(
    merchant: TheMerchant,
    actor: TheActor,
    services: TheServices,
    wanted: Annotated[Reduce, Depends(stated_reduction)],
) -> EntryDetailOut:
    """Lower what is owed: as credit, with a credit note for what was invoiced, or as write-off. Sending the same
    again changes nothing."""
    await _known(services, merchant, wanted.entry_id)
    await _do(services, merchant, wanted, actor)
    return entry_detail(await _known(services, merchant, wanted.entry_id))


@router.post(
    "/v1/entries/{entry_id}/cancel",
    summary="Cancel an entry",
    responses={
        200: openapi.answer("The entry, canceled.", "canceled_entry"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(EntryCancelationBody, "entry_cancelation"),
)
async def cancel_entry(
    merchant: TheMerchant,
    actor: TheActor,
    services: TheServices,
    wanted: Annotated[CancelEntry, Depends(stated_cancelation)],
) -> EntryDetailOut:
    """End an entry for good, and its checkout if it is not invoiced; an invoice is credited. Canceling again changes
    nothing."""
    view = await _known(services, merchant, wanted.entry_id)
    if not any(done.kind is SettlementKind.CANCELATION for done in view.settlements):
        await services.settlements.ask(merchant.id, wanted, by=actor)
        view = await _known(services, merchant, wanted.entry_id)
    return entry_detail(view)


async def _do(services: Services, merchant: Merchant, wanted: Reduce, actor: str) -> None:
    """Have it done, or find that it was. Raises SettlementKeyConflict when the key stands for something else."""
    known = await services.ledger.settlement_of_key(merchant.id, wanted.key)
    if known is None:
        await services.settlements.ask(merchant.id, wanted, by=actor)
        known = await services.ledger.settlement_of_key(merchant.id, wanted.key)
    if known is None:
        raise RunsUnavailable("the run answered before what it did can be read")
    if different := differences(known.request, wanted, known.currency):
        raise SettlementKeyConflict(wanted.key, different)


async def _known(services: Services, merchant: Merchant, entry_id: str) -> EntryDetailView:
    view = await services.ledger.entry(merchant.id, known_form("entry", entry_id))
    if view is None:
        raise NotFound("entry", entry_id)
    return view

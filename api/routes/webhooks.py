"""Where payment providers report facts. No 2xx before the fact is durable; no 5xx but "try again"."""

import logging

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from api import openapi
from api.bodies import read_limited
from api.dependencies import TheServices, known_form
from api.problems import ProblemResponse, RequestRefused, unavailable
from api.services import Services
from domain.errors import InvalidWebhook, NotFound
from domain.payments import EventSubject

BODY_LIMIT = 256 * 1024
"""Bytes; events of the provider stay far below."""

_WITHOUT_CHECKOUT = {EventSubject.REFUND, EventSubject.DISPUTE, EventSubject.PAYOUT}
"""What has a process of its own, whether or not we know a checkout it belongs to."""

_log = logging.getLogger(__name__)
_REFUSALS = (InvalidWebhook, NotFound, RequestRefused, ClientDisconnect)

router = APIRouter(prefix="/webhooks", tags=["provider webhooks"])


@router.post(
    "/stripe/{merchant_id}",
    summary="Take an event of Stripe",
    response_class=Response,
    responses={200: {"description": "The event is durable."}, **openapi.problems(400, 404, 413, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object", "description": "a Stripe snapshot event"}}},
        },
        "parameters": [
            {
                "name": "Stripe-Signature",
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "description": "Stripe's signature of the raw body",
            }
        ],
    },
)
async def take_stripe_event(merchant_id: str, request: Request, services: TheServices) -> Response:
    """Verify the event, make it durable, tell the run of it. Every failure behind us asks for redelivery."""
    try:
        await _take(merchant_id, request, services)
    except _REFUSALS:
        raise
    except Exception:  # noqa: BLE001 -- whatever fails behind us, the provider must hear "again"
        _log.exception("a provider event was not taken; the provider will send it again")
        return ProblemResponse(unavailable())
    return Response(status_code=200)


async def _take(merchant_id: str, request: Request, services: Services) -> None:
    merchant_id = known_form("merchant", merchant_id)
    body = await read_limited(request, BODY_LIMIT)
    try:
        event = services.webhooks.verify(merchant_id, body, request.headers.get("stripe-signature"))
    except InvalidWebhook:
        if await services.reader.merchant(merchant_id) is None:
            raise NotFound("merchant", merchant_id) from None
        raise
    recorded = await services.inbox.record(merchant_id, event)
    named = (recorded.workflow_id, event.payment_reference, event.session_id)
    has_looker = event.subject in _WITHOUT_CHECKOUT or any(name is not None for name in named)
    if event.relevant and has_looker and not recorded.applied:
        await services.runs.report(merchant_id, recorded, event)

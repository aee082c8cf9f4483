"""Deliveries of a document: what was mailed, mailing it again, and links to fetch it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheDownloads, TheMerchant, TheServices, TheSite, known_form
from api.download_links import LONGEST, SHORTEST, LinkExpired
from api.problems import RequestRefused, link_expired
from api.representations.deliveries import DeliveryList, DownloadLinkOut, SentDeliveryOut, delivery
from api.schemas import DownloadLinkBody, ResendBody
from api.services import Services
from api.violations import parse
from domain.deliveries import Dispatch
from domain.documents import MEDIA_TYPES
from domain.errors import DeliveryKeyConflict, InvalidInput, NotFound
from domain.merchants import Merchant
from domain.texts import email_problem
from domain.views import InvoiceView
from domain.violations import Violations

BODY_LIMIT = 16 * 1024
"""Bytes; an address fits."""

router = APIRouter(tags=["invoices"])


async def stated_resend(request: Request, _: TheMerchant) -> ResendBody:
    """The body, as far as it can be judged without the books."""
    body = parse(ResendBody, await read_json_object(request, BODY_LIMIT))
    violations = Violations()
    violations.check_identifier("/key", body.key, most=100)
    if body.email is not None:
        violations.add("/email", email_problem(body.email))
    if violations.found:
        raise InvalidInput(violations.found)
    return body


async def stated_link(request: Request, _: TheMerchant) -> DownloadLinkBody:
    """The body of a wish for a link."""
    body = parse(DownloadLinkBody, await read_json_object(request, BODY_LIMIT))
    if not SHORTEST <= timedelta(seconds=body.expires_in_seconds) <= LONGEST:
        violations = Violations()
        least, most = int(SHORTEST.total_seconds()), int(LONGEST.total_seconds())
        violations.add("/expires_in_seconds", f"must be a whole number from {least} to {most}")
        raise InvalidInput(violations.found)
    return body


@router.get(
    "/v1/invoices/{invoice_id}/deliveries",
    summary="List the deliveries of an invoice",
    responses={200: openapi.answer("The deliveries.", "deliveries"), **openapi.problems(401, 404, 503)},
)
async def list_deliveries(invoice_id: str, merchant: TheMerchant, services: TheServices) -> DeliveryList:
    """Every mail with this document, newest first, with what mail servers said."""
    await _invoice(invoice_id, merchant, services)
    found = await services.reader.deliveries(merchant.id, invoice_id)
    return DeliveryList(items=[delivery(view) for view in found])


@router.post(
    "/v1/invoices/{invoice_id}/deliveries",
    status_code=202,
    summary="Mail an invoice again",
    responses={
        202: openapi.answer("The mail is queued.", "sent_delivery"),
        200: {**openapi.answer("The delivery of this key exists.", "sent_delivery"), "model": SentDeliveryOut},
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(ResendBody, "resend_request"),
)
async def send_again(
    invoice_id: str,
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    wanted: Annotated[ResendBody, Depends(stated_resend)],
) -> SentDeliveryOut:
    """Mail the stored document again, to the buyer or to another address. The same key mails once."""
    view = await _invoice(invoice_id, merchant, services)
    if view.pdf is None:
        raise NotFound("stored document", invoice_id)
    known = {one.key for one in await services.reader.deliveries(merchant.id, invoice_id)}
    dispatch = Dispatch(merchant_id=merchant.id, invoice_id=view.id, key=wanted.key, recipient=wanted.email)
    if wanted.key in known:
        response.status_code = 200
    else:
        await services.resends.ask(dispatch)
    sent = next(one for one in await services.reader.deliveries(merchant.id, invoice_id) if one.key == wanted.key)
    if wanted.email is not None and wanted.email != sent.recipient:
        raise DeliveryKeyConflict(wanted.key)
    return delivery(sent)


@router.post(
    "/v1/invoices/{invoice_id}/download-links",
    status_code=201,
    summary="Make a link to an invoice's PDF",
    responses={
        201: openapi.answer("The link.", "download_link"),
        **openapi.problems(400, 401, 404, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(DownloadLinkBody, "download_link_request"),
)
async def make_download_link(
    invoice_id: str,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    downloads: TheDownloads,
    wanted: Annotated[DownloadLinkBody, Depends(stated_link)],
) -> DownloadLinkOut:
    """A link under which whoever has it may fetch the stored PDF, until it expires."""
    view = await _invoice(invoice_id, merchant, services)
    if view.pdf is None:
        raise NotFound("stored document", invoice_id)
    expires_at = (datetime.now(UTC) + timedelta(seconds=wanted.expires_in_seconds)).replace(microsecond=0)
    return DownloadLinkOut(
        url=site.download_url(downloads.sign(merchant.id, view.id, expires_at)), expires_at=expires_at
    )


@router.get(
    "/d/{token}",
    summary="Fetch a document by its link",
    response_class=Response,
    responses={
        200: {"description": "The stored PDF.", "content": {"application/pdf": {"schema": {"type": "string"}}}},
        **openapi.problems(404, 410, 503),
    },
)
async def download(token: str, services: TheServices, downloads: TheDownloads) -> Response:
    """The stored PDF of the link, byte for byte what was mailed."""
    try:
        merchant_id, invoice_id = downloads.read(token)
    except LinkExpired:
        raise RequestRefused(link_expired()) from None
    view = await services.reader.invoice(merchant_id, invoice_id)
    if view is None or view.pdf is None:
        raise NotFound("document", "of this link")
    content = await services.documents.get(view.pdf)
    name = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in view.number)
    headers = {
        "Content-Disposition": f'inline; filename="{name}.pdf"',
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response(content, media_type=MEDIA_TYPES[view.pdf.kind], headers=headers)


async def _invoice(invoice_id: str, merchant: Merchant, services: Services) -> InvoiceView:
    view = await services.reader.invoice(merchant.id, known_form("invoice", invoice_id))
    if view is None:
        raise NotFound("invoice", invoice_id)
    return view

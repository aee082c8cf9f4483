"""Invoices and their stored documents."""

import re
from functools import partial
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from api import openapi
from api.dependencies import TheMerchant, TheServices, TheSite, known_form
from api.representations.invoices import InvoiceList, InvoiceOut, invoice
from api.schemas import InvoiceQuery
from api.services import Services
from domain.documents import MEDIA_TYPES, DocumentRef
from domain.errors import NotFound
from domain.merchants import Merchant
from domain.views import InvoiceView

router = APIRouter(prefix="/v1/invoices", tags=["invoices"])


def _document_responses(media_type: str) -> openapi.Responses:
    stored = {"description": "The stored bytes.", "content": {media_type: {"schema": {"type": "string"}}}}
    return {200: stored, 304: {"description": "Not changed."}, **openapi.problems(401, 404, 422, 503)}


@router.get(
    "",
    summary="List invoices",
    responses={200: openapi.answer("One page, newest first.", "invoices"), **openapi.problems(401, 422, 503)},
)
async def list_invoices(
    merchant: TheMerchant, services: TheServices, site: TheSite, wanted: Annotated[InvoiceQuery, Query()]
) -> InvoiceList:
    """List finalized documents of every kind, newest first; follow `next_cursor` for more."""
    page = await services.reader.invoices(
        merchant.id, kind=wanted.kind, status=wanted.status, cursor=wanted.cursor, limit=wanted.limit
    )
    return InvoiceList.of(page, partial(invoice, site=site))


@router.get(
    "/{invoice_id}",
    summary="Read an invoice",
    responses={200: openapi.answer("The invoice.", "invoice"), **openapi.problems(401, 404, 503)},
)
async def read_invoice(invoice_id: str, merchant: TheMerchant, services: TheServices, site: TheSite) -> InvoiceOut:
    """Read a finalized invoice, credit note or cancelation, with what it corrects and what corrects it."""
    return invoice(await _invoice(invoice_id, merchant, services), site)


@router.get(
    "/{invoice_id}/pdf",
    summary="Get the invoice as PDF",
    response_class=Response,
    responses=_document_responses("application/pdf"),
)
async def read_invoice_pdf(invoice_id: str, request: Request, merchant: TheMerchant, services: TheServices) -> Response:
    """The stored hybrid PDF (PDF/A-3 with the XML inside), byte for byte what was mailed."""
    view = await _invoice(invoice_id, merchant, services)
    return await _stored(request, view, view.pdf, "pdf", services)


@router.get(
    "/{invoice_id}/xml",
    summary="Get the invoice as XML",
    response_class=Response,
    responses=_document_responses("application/xml"),
)
async def read_invoice_xml(
    invoice_id: str,
    request: Request,
    merchant: TheMerchant,
    services: TheServices,
    syntax: Annotated[Literal["cii", "ubl"], Query(alias="format", description="the XML syntax")] = "cii",
) -> Response:
    """The stored XML of the invoice: UN/CEFACT Cross Industry Invoice, as it is embedded in the PDF, or UBL 2.1."""
    view = await _invoice(invoice_id, merchant, services)
    document, suffix = {"cii": (view.xml, "xml"), "ubl": (view.ubl, "ubl.xml")}[syntax]
    return await _stored(request, view, document, suffix, services)


async def _invoice(invoice_id: str, merchant: Merchant, services: Services) -> InvoiceView:
    view = await services.reader.invoice(merchant.id, known_form("invoice", invoice_id))
    if view is None:
        raise NotFound("invoice", invoice_id)
    return view


async def _stored(
    request: Request, view: InvoiceView, document: DocumentRef | None, suffix: str, services: Services
) -> Response:
    if document is None:
        raise NotFound("stored document", view.id)
    headers = {
        "ETag": f'"{document.sha256}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": _attachment(f"{view.number}.{suffix}"),
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = await services.documents.get(document)
    return Response(content, media_type=MEDIA_TYPES[document.kind], headers=headers)


def _attachment(name: str) -> str:
    """RFC 6266: a plain file name for every client, and the exact one for those that know `filename*`."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    exact = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{exact}'

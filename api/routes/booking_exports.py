"""Exports of bookings: made once per range, fetched as often as need be."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api import openapi
from api.bodies import read_json_object
from api.book_schemas import BookingExportBody
from api.dependencies import TheActor, TheMerchant, TheServices, TheSite, known_form
from api.representations.booking_exports import BookingExportList, BookingExportOut, booking_export
from api.schemas import PageQuery
from api.services import Services
from api.violations import parse
from domain.booking_exports import FOR_DATEV, ExportFormat, ExportView, RequestExport
from domain.errors import NotFound
from domain.merchants import Merchant

BODY_LIMIT = 16 * 1024
"""Bytes."""
_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.JSON: "application/json",
    ExportFormat.DATEV: "text/csv; charset=windows-1252; header=present",
    ExportFormat.DATEV_DEBTORS: "text/csv; charset=windows-1252; header=present",
}
_DATEV_NAMES = {ExportFormat.DATEV: "EXTF_Buchungsstapel", ExportFormat.DATEV_DEBTORS: "EXTF_DebKred_Stamm"}

router = APIRouter(prefix="/v1/booking-exports", tags=["bookings"])


async def stated_export(request: Request, _: TheMerchant) -> BookingExportBody:
    """The body."""
    return parse(BookingExportBody, await read_json_object(request, BODY_LIMIT))


@router.post(
    "",
    summary="Export bookings",
    status_code=201,
    responses={
        201: openapi.answer("The batch was made.", "booking_export"),
        200: openapi.answer("Nothing is new in the range: the batch there is.", "booking_export")
        | {"model": BookingExportOut},
        **openapi.problems(400, 401, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(BookingExportBody, "booking_export_request"),
)
async def make_export(
    merchant: TheMerchant,
    actor: TheActor,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[BookingExportBody, Depends(stated_export)],
    response: Response,
) -> BookingExportOut:
    """Make a batch of the range's bookings that were never exported in this format; a booking is in one batch only."""
    step = RequestExport(
        merchant_id=merchant.id,
        format=wanted.format,
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        by=actor,
    )
    made = await services.books.export(step)
    response.status_code = 201 if made.created else 200
    return booking_export(made.export, site)


@router.get(
    "",
    summary="List booking exports",
    responses={200: openapi.answer("One page, newest first.", "booking_exports"), **openapi.problems(401, 422, 503)},
)
async def list_exports(
    merchant: TheMerchant, services: TheServices, site: TheSite, wanted: Annotated[PageQuery, Query()]
) -> BookingExportList:
    """List the merchant's batches, newest first; follow `next_cursor` for more."""
    page = await services.books.exports(merchant.id, cursor=wanted.cursor, limit=wanted.limit)
    return BookingExportList.of(page, partial(booking_export, site=site))


@router.get(
    "/{export_id}",
    summary="Read a booking export",
    responses={200: openapi.answer("The batch.", "booking_export"), **openapi.problems(401, 404, 503)},
)
async def read_export(export_id: str, merchant: TheMerchant, services: TheServices, site: TheSite) -> BookingExportOut:
    """Read which bookings a batch holds, and where its file is."""
    return booking_export(await _export(export_id, merchant, services), site)


@router.get(
    "/{export_id}/file",
    summary="Get the file of a booking export",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **openapi.problems(401, 404, 503),
    },
)
async def read_file(export_id: str, merchant: TheMerchant, services: TheServices) -> StreamingResponse:
    """The file of a batch, the same bytes every time."""
    view = await _export(export_id, merchant, services)
    return StreamingResponse(
        services.books.file(merchant.id, view.id),
        media_type=_MEDIA_TYPES[view.format],
        headers={"Content-Disposition": f'attachment; filename="{file_name(view)}"'},
    )


def file_name(view: ExportView) -> str:
    """What the file is called; DATEV wants the prefix `EXTF_`."""
    name = _DATEV_NAMES[view.format] if view.format in FOR_DATEV else "bookings"
    suffix = "json" if view.format is ExportFormat.JSON else "csv"
    return f"{name}_{view.first_day:%Y%m%d}_{view.last_day:%Y%m%d}_{view.id}.{suffix}"


async def _export(export_id: str, merchant: Merchant, services: Services) -> ExportView:
    view = await services.books.exported(merchant.id, known_form("booking export", export_id))
    if view is None:
        raise NotFound("booking export", export_id)
    return view

"""Number series, and their audit."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import openapi
from api.dependencies import TheMerchant, TheServices, known_form
from api.representations.series import AuditOut, SeriesList, audit, series
from api.schemas import AuditQuery, PageQuery
from domain.errors import NotFound

router = APIRouter(prefix="/v1/series", tags=["series"])


@router.get(
    "",
    summary="List number series",
    responses={200: openapi.answer("One page.", "series_list"), **openapi.problems(401, 422, 503)},
)
async def list_series(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[PageQuery, Query()]
) -> SeriesList:
    """List the merchant's number series, with what each has drawn last and the proof of its last document."""
    page = await services.series.series(merchant.id, cursor=wanted.cursor, limit=wanted.limit)
    return SeriesList.of(page, series)


@router.get(
    "/{series_id}/audit",
    summary="Audit a number series",
    responses={200: openapi.answer("What was found.", "audit"), **openapi.problems(401, 404, 422, 503)},
)
async def audit_series(
    series_id: str, merchant: TheMerchant, services: TheServices, wanted: Annotated[AuditQuery, Query()]
) -> AuditOut:
    """Check the next documents of a series and their files: no gap, no number twice, nothing edited, moved, missing.

    A series is sound when no page of it has findings; follow `next_cursor` to its end."""
    page = await services.series.audit(
        merchant.id, known_form("series", series_id), cursor=wanted.cursor, limit=wanted.limit
    )
    if page is None:
        raise NotFound("series", series_id)
    return audit(page)

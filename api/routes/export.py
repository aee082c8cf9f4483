"""Everything of a merchant in one archive, so that he can always leave."""

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from api import openapi
from api.dependencies import TheMerchant, TheServices

router = APIRouter(prefix="/v1/export", tags=["export"])


@router.get(
    "",
    summary="Export everything",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A tar archive: rows as JSON lines, documents, a manifest and checksums.",
            "content": {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}},
        },
        **openapi.problems(401, 503),
    },
)
async def export_everything(merchant: TheMerchant, services: TheServices) -> StreamingResponse:
    """All rows and documents of the merchant, as they are at this moment. `SHA256SUMS` inside proves it whole."""
    chunks = services.exporter.archive(merchant.id)
    headers = {
        "Content-Disposition": f'attachment; filename="{merchant.id}.tar"',
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(chunks, media_type="application/x-tar", headers=headers)

"""Whether this process lives, and whether the parts behind it answer."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Response

from api import openapi
from api.dependencies import TheServices
from api.representations.health import PartsOut, ReadinessOut

PATIENCE_SECONDS = 2.0

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Liveness", responses={200: openapi.answer("Alive.", "alive")})
async def live() -> dict[str, str]:
    """Whether this process answers; asks nothing of the parts behind it."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Readiness by part",
    responses={
        200: openapi.answer("All parts answer.", "ready"),
        503: {
            **openapi.answer("A part does not answer.", "degraded"),
            "model": ReadinessOut,
        },
    },
)
async def ready(response: Response, services: TheServices) -> ReadinessOut:
    """Whether every part that is needed to take a checkout answers within two seconds."""
    database, workflows = await asyncio.gather(_answers(services.reader.ready()), _answers(services.runs.ready()))
    fine = database and workflows
    response.status_code = 200 if fine else 503
    return ReadinessOut(status="ok" if fine else "degraded", parts=PartsOut(database=database, workflows=workflows))


async def _answers(question: Awaitable[bool]) -> bool:
    try:
        return await asyncio.wait_for(question, PATIENCE_SECONDS)
    except Exception:  # noqa: BLE001 -- a part that fails in any way is a part that is not ready
        return False

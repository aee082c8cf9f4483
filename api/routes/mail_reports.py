"""Where a mail server's reports come in: bounces, and what was delivered (RFC 3464)."""

import secrets

from fastapi import APIRouter, Request, Response

from api import openapi
from api.bodies import read_limited
from api.dependencies import TheServices
from api.problems import unauthorized

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes; some servers give the whole message back."""

router = APIRouter(prefix="/webhooks", tags=["mail reports"])


@router.post(
    "/mail",
    status_code=204,
    summary="Take a report of a mail server",
    responses={204: {"description": "The report is in the books."}, **openapi.problems(400, 401, 413, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "message/rfc822": {"schema": {"type": "string", "description": "the report, as it was mailed"}}
            },
        },
        "security": [{"HTTPBearer": []}],
    },
)
async def take_mail_report(request: Request, services: TheServices) -> Response:
    """What became of our mail, from the mailbox of its sender. A report on a message of somebody else is ignored."""
    token, given = services.report_token, request.headers.get("authorization", "")
    if token is None or not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise unauthorized("Send the report token as `Authorization: Bearer ...`.", challenge='Bearer realm="reports"')
    for report in services.read_reports(await read_limited(request, BODY_LIMIT)):
        await services.deliveries.record_report(report)
    return Response(status_code=204)

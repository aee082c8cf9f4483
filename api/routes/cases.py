"""Cases: what was found and a person must decide, and what was decided."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheActor, TheMerchant, TheServices, known_form
from api.representations.cases import CaseList, CaseOut, case
from api.schemas import CaseDecisionBody, CaseQuery
from api.services import Services
from api.violations import parse
from domain.cases import CaseStatus, DecideCase
from domain.checkout import LONGEST_REASON
from domain.errors import CaseDecided, InvalidInput, NotFound, Violation
from domain.merchants import Merchant
from domain.views import CaseView
from domain.violations import Violations

BODY_LIMIT = 16 * 1024
"""Bytes."""

router = APIRouter(prefix="/v1/cases", tags=["cases"])


async def stated_decision(request: Request, _: TheMerchant) -> CaseDecisionBody:
    """The body, as far as it can be judged without the case."""
    body = parse(CaseDecisionBody, await read_json_object(request, BODY_LIMIT))
    violations = Violations()
    violations.check_text("/reason", body.reason, most=LONGEST_REASON)
    if violations.found:
        raise InvalidInput(violations.found)
    return body


@router.get(
    "",
    summary="List cases",
    responses={200: openapi.answer("One page, newest first.", "cases"), **openapi.problems(401, 422, 503)},
)
async def list_cases(merchant: TheMerchant, services: TheServices, wanted: Annotated[CaseQuery, Query()]) -> CaseList:
    """List the merchant's cases, newest first; follow `next_cursor` for more."""
    page = await services.reader.cases(merchant.id, status=wanted.status, cursor=wanted.cursor, limit=wanted.limit)
    return CaseList.of(page, case)


@router.get(
    "/{case_id}",
    summary="Read a case",
    responses={200: openapi.answer("The case.", "case"), **openapi.problems(401, 404, 503)},
)
async def read_case(case_id: str, merchant: TheMerchant, services: TheServices) -> CaseOut:
    """Read what was found, what can be decided, and what was."""
    return case(await _case(case_id, merchant, services))


@router.post(
    "/{case_id}/decide",
    summary="Decide a case",
    responses={
        200: openapi.answer("The case is decided.", "decided_case"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(CaseDecisionBody, "case_decision"),
)
async def decide_case(
    case_id: str,
    merchant: TheMerchant,
    actor: TheActor,
    services: TheServices,
    wanted: Annotated[CaseDecisionBody, Depends(stated_decision)],
) -> CaseOut:
    """Decide once, and for all: repeating a decision answers the same, another one is a conflict."""
    view = await _case(case_id, merchant, services)
    _demand_option(view, wanted)
    if view.status is CaseStatus.OPEN:
        step = DecideCase(
            merchant_id=merchant.id,
            case_id=view.id,
            decision=wanted.decision,
            reason=wanted.reason,
            by=actor,
            at=datetime.now(UTC),
        )
        with suppress(CaseDecided):  # somebody was quicker: what he decided is looked at below
            await (services.runs.decide(view, step) if view.workflow_id else services.cases.decide(step))
        view = await _case(case_id, merchant, services)
        _demand_option(view, wanted)
    return case(view)


def _demand_option(view: CaseView, wanted: CaseDecisionBody) -> None:
    if view.decision is not None and view.decision != wanted.decision:
        raise CaseDecided(view.id, view.decision)
    if view.decision is None and wanted.decision not in view.options:
        message = f"must be one of {', '.join(view.options)}"
        raise InvalidInput([Violation(pointer="/decision", message=message)])


async def _case(case_id: str, merchant: Merchant, services: Services) -> CaseView:
    view = await services.reader.case(merchant.id, known_form("case", case_id))
    if view is None:
        raise NotFound("case", case_id)
    return view

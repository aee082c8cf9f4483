"""Bookings: read, balanced, corrected; and the months they are in, closed and reopened."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api import openapi
from api.bodies import read_json_object
from api.book_schemas import BookingQuery, RangeQuery, ReasonBody
from api.dependencies import TheActor, TheMerchant, TheServices, known_form
from api.representations.bookings import (
    BookingList,
    BookingOut,
    PeriodChangeOut,
    PeriodList,
    TrialBalanceOut,
    booking,
    period_change,
    trial_balance,
)
from api.schemas import PageQuery
from api.violations import parse
from domain.book_views import BookingFilter
from domain.checkout import LONGEST_REASON
from domain.errors import InvalidInput, NotFound, Violation
from domain.periods import ChangePeriod, Month
from domain.violations import Violations

BODY_LIMIT = 16 * 1024
"""Bytes."""

router = APIRouter(prefix="/v1", tags=["bookings"])


async def stated_reason(request: Request, _: TheMerchant) -> str:
    """Why, from the body."""
    body = parse(ReasonBody, await read_json_object(request, BODY_LIMIT))
    violations = Violations()
    violations.check_text("/reason", body.reason, most=LONGEST_REASON)
    if violations.found:
        raise InvalidInput(violations.found)
    return body.reason


TheReason = Annotated[str, Depends(stated_reason)]
_REASON_BODY = openapi.body(ReasonBody, "reason")


@router.get(
    "/bookings",
    summary="List bookings",
    responses={200: openapi.answer("One page, newest first.", "bookings"), **openapi.problems(401, 422, 503)},
)
async def list_bookings(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[BookingQuery, Query()]
) -> BookingList:
    """List the merchant's bookings, newest first; follow `next_cursor` for more. Days are booking dates."""
    only = BookingFilter(
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        kind=wanted.kind,
        account=wanted.account,
        reference=wanted.reference,
        checkout_id=wanted.checkout,
    )
    page = await services.books.bookings(merchant.id, only, cursor=wanted.cursor, limit=wanted.limit)
    return BookingList.of(page, booking)


@router.get(
    "/bookings/{booking_id}",
    summary="Read a booking",
    responses={200: openapi.answer("The booking.", "booking"), **openapi.problems(401, 404, 503)},
)
async def read_booking(booking_id: str, merchant: TheMerchant, services: TheServices) -> BookingOut:
    """Read a booking with its lines."""
    view = await services.books.booking(merchant.id, known_form("booking", booking_id))
    if view is None:
        raise NotFound("booking", booking_id)
    return booking(view)


@router.post(
    "/bookings/{booking_id}/rebook",
    summary="Book again on the accounts of today's chart",
    responses={
        200: openapi.answer("The new booking.", "booking"),
        **openapi.problems(400, 401, 404, 413, 415, 422, 503),
    },
    openapi_extra=_REASON_BODY,
)
async def rebook(
    booking_id: str, merchant: TheMerchant, actor: TheActor, services: TheServices, reason: TheReason
) -> BookingOut:
    """Reverse a booking and book the same facts on the accounts the chart gives now. Repeating it changes nothing."""
    known = known_form("booking", booking_id)
    return await read_booking(
        await services.books.rebook(merchant.id, known, by=actor, reason=reason), merchant, services
    )


@router.get(
    "/trial-balance",
    summary="Read the trial balance",
    responses={200: openapi.answer("The balances.", "trial_balance"), **openapi.problems(401, 422, 503)},
)
async def read_trial_balance(
    merchant: TheMerchant, services: TheServices, days: Annotated[RangeQuery, Query()]
) -> TrialBalanceOut:
    """What every account began the range with, what moved in it, and what it ended with."""
    if days.last_day < days.first_day:
        raise InvalidInput([Violation(pointer="/to", message="must not be before `from`")])
    balances = await services.books.trial_balance(merchant.id, days.first_day, days.last_day)
    return trial_balance(balances)


@router.get(
    "/booking-periods",
    summary="List the booking periods that were closed",
    responses={200: openapi.answer("One page, newest first.", "booking_periods"), **openapi.problems(401, 422, 503)},
)
async def list_periods(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[PageQuery, Query()]
) -> PeriodList:
    """List who closed or reopened which month, and why. A month that was never closed is open."""
    page = await services.books.periods(merchant.id, cursor=wanted.cursor, limit=wanted.limit)
    return PeriodList.of(page, period_change)


@router.post(
    "/booking-periods/{month}/close",
    summary="Close a booking period",
    responses={
        200: openapi.answer("The month is closed.", "booking_period"),
        **openapi.problems(400, 401, 413, 415, 422, 503),
    },
    openapi_extra=_REASON_BODY,
)
async def close_period(
    month: str, merchant: TheMerchant, actor: TheActor, services: TheServices, reason: TheReason
) -> PeriodChangeOut:
    """Take no booking in this month any more: what belongs there is booked in the next one that is open."""
    step = ChangePeriod(
        merchant_id=merchant.id, month=Month.parse(month), closed=True, by=actor, reason=reason, at=datetime.now(UTC)
    )
    return period_change(await services.books.change_period(step))


@router.post(
    "/booking-periods/{month}/reopen",
    summary="Reopen a booking period",
    responses={
        200: openapi.answer("The month is open.", "booking_period"),
        **openapi.problems(400, 401, 413, 415, 422, 503),
    },
    openapi_extra=_REASON_BODY,
)
async def reopen_period(
    month: str, merchant: TheMerchant, actor: TheActor, services: TheServices, reason: TheReason
) -> PeriodChangeOut:
    """Take bookings in this month again."""
    step = ChangePeriod(
        merchant_id=merchant.id, month=Month.parse(month), closed=False, by=actor, reason=reason, at=datetime.now(UTC)
    )
    return period_change(await services.books.change_period(step))

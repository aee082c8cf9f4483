"""Payouts: what the provider transferred to the merchant's bank account, and whether it agrees with the books."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import openapi
from api.dependencies import TheMerchant, TheServices, known_form
from api.representations.payouts import PayoutDetailOut, PayoutList, payout, payout_detail
from api.schemas import PageQuery
from domain.errors import NotFound

router = APIRouter(prefix="/v1/payouts", tags=["payouts"])


@router.get(
    "",
    summary="List payouts",
    responses={200: openapi.answer("One page, newest first.", "payouts"), **openapi.problems(401, 422, 503)},
)
async def list_payouts(
    merchant: TheMerchant, services: TheServices, wanted: Annotated[PageQuery, Query()]
) -> PayoutList:
    """List the merchant's payouts, newest first; follow `next_cursor` for more."""
    page = await services.reader.payouts(merchant.id, cursor=wanted.cursor, limit=wanted.limit)
    return PayoutList.of(page, payout)


@router.get(
    "/{payout_id}",
    summary="Read a payout",
    responses={200: openapi.answer("The payout.", "payout"), **openapi.problems(401, 404, 503)},
)
async def read_payout(payout_id: str, merchant: TheMerchant, services: TheServices) -> PayoutDetailOut:
    """Read a payout with everything it consists of."""
    view = await services.reader.payout(merchant.id, known_form("payout", payout_id))
    if view is None:
        raise NotFound("payout", payout_id)
    return payout_detail(view)

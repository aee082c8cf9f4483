"""Checkouts: start one, read one, list them."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api import openapi
from api.bodies import read_json_object
from api.dependencies import TheActor, TheMerchant, TheServices, TheSite, known_form
from api.ports import NotPayable, RunsUnavailable, TooLateToCancel
from api.representations.checkouts import CheckoutList, CheckoutOut, checkout
from api.schemas import CancelBody, CheckoutBody, CheckoutQuery
from api.services import Services, Site
from api.vat_evidence import evidence_for
from api.violations import parse
from domain.checkout import LONGEST_REASON, CheckoutRequest, CheckoutStatus
from domain.equivalence import differences
from domain.errors import AssignmentKeyConflict, InvalidInput, NotFound, Violation
from domain.invoice_mapping import mapped_texts
from domain.merchants import Merchant
from domain.particulars import check_assignment_key
from domain.pricing import CheckoutRules, price_checkout, printed_texts
from domain.scripts import missing_fonts
from domain.vat_ids import VatEvidence, VatIdStatus
from domain.views import CheckoutView
from domain.violations import Violations

BODY_LIMIT = 1024 * 1024
"""Bytes; a thousand lines with descriptions fit."""

_CANCELABLE = {CheckoutStatus.AWAITING_PAYMENT, CheckoutStatus.NEEDS_REVIEW}

router = APIRouter(prefix="/v1/checkouts", tags=["checkouts"])


async def stated_request(request: Request, _: TheMerchant) -> CheckoutRequest:
    """The body in the house's words. It has the right shape; what it says is not judged yet."""
    return parse(CheckoutBody, await read_json_object(request, BODY_LIMIT)).to_request()


@router.post(
    "",
    status_code=201,
    summary="Start a checkout",
    responses={
        201: openapi.answer("The checkout was started.", "checkout", headers={"Location": "of the checkout"}),
        200: {**openapi.answer("The same checkout exists.", "checkout"), "model": CheckoutOut},
        **openapi.problems(400, 401, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.CHECKOUT_BODY,
)
async def start_checkout(
    response: Response,
    merchant: TheMerchant,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[CheckoutRequest, Depends(stated_request)],
) -> CheckoutOut:
    """Start a checkout and get its payment link. Sending the same again answers with the same checkout."""
    view, created, evidence = await _existing(services, merchant, wanted), False, None
    if view is None:
        evidence = await evidence_for(wanted, merchant, services)
        await _demand_acceptable(wanted, merchant, services, site, evidence)
    if view is None or (_link_is_due(view) and not differences(view.request, wanted)):
        view, created = await _open(services, merchant, wanted, evidence)
    if different := differences(view.request, wanted):
        raise AssignmentKeyConflict(wanted.assignment_key, different)
    if created:
        response.headers["Location"] = site.checkout_url(view.id)
    else:
        response.status_code = 200
    return checkout(view, site)


@router.get(
    "",
    summary="List checkouts",
    responses={
        200: openapi.answer("One page, newest first.", "checkouts"),
        **openapi.problems(401, 422, 503),
    },
)
async def list_checkouts(
    merchant: TheMerchant, services: TheServices, site: TheSite, wanted: Annotated[CheckoutQuery, Query()]
) -> CheckoutList:
    """List the merchant's checkouts, newest first; follow `next_cursor` for more."""
    page = await services.reader.checkouts(
        merchant.id,
        assignment_key=wanted.assignment_key,
        status=wanted.status,
        cursor=wanted.cursor,
        limit=wanted.limit,
    )
    return CheckoutList.of(page, partial(checkout, site=site))


@router.get(
    "/{checkout_id}",
    summary="Read a checkout",
    responses={200: openapi.answer("The checkout.", "checkout"), **openapi.problems(401, 404, 503)},
)
async def read_checkout(checkout_id: str, merchant: TheMerchant, services: TheServices, site: TheSite) -> CheckoutOut:
    """Read where a checkout stands, and all that came of it."""
    return checkout(await _known(services, merchant, checkout_id), site)


async def stated_cancel(request: Request, _: TheMerchant) -> CancelBody:
    """The body, with a reason that says something."""
    body = parse(CancelBody, await read_json_object(request, BODY_LIMIT))
    violations = Violations()
    violations.check_text("/reason", body.reason, most=LONGEST_REASON)
    if violations.found:
        raise InvalidInput(violations.found)
    return body


@router.post(
    "/{checkout_id}/cancel",
    summary="Cancel a checkout",
    responses={
        200: openapi.answer("The checkout is canceled.", "canceled_checkout"),
        **openapi.problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=openapi.body(CancelBody, "cancel_request"),
)
async def cancel_checkout(
    checkout_id: str,
    merchant: TheMerchant,
    actor: TheActor,
    services: TheServices,
    site: TheSite,
    wanted: Annotated[CancelBody, Depends(stated_cancel)],
) -> CheckoutOut:
    """Let nobody pay any more. Canceling again answers the same; a capture that comes first is a conflict."""
    view = await _known(services, merchant, checkout_id)
    if view.status in _CANCELABLE:
        with suppress(NotPayable):  # the run ended since we looked, and has written down how
            await services.runs.cancel(view.workflow_id, reason=wanted.reason, by=actor)
        view = await _known(services, merchant, checkout_id)
    if view.status is not CheckoutStatus.CANCELED:
        raise TooLateToCancel(view.status)
    return checkout(view, site)


async def _known(services: Services, merchant: Merchant, checkout_id: str) -> CheckoutView:
    view = await services.reader.checkout(merchant.id, known_form("checkout", checkout_id))
    if view is None:
        raise NotFound("checkout", checkout_id)
    return view


async def _existing(services: Services, merchant: Merchant, wanted: CheckoutRequest) -> CheckoutView | None:
    """The checkout of the assignment key. What was accepted once is not judged again: rules may have tightened."""
    violations = Violations()
    check_assignment_key(violations, wanted.assignment_key)
    if violations.found:  # no database need look for such a key
        return None
    return await services.reader.checkout_of_key(merchant.id, wanted.assignment_key)


async def _open(
    services: Services, merchant: Merchant, wanted: CheckoutRequest, evidence: VatEvidence | None
) -> tuple[CheckoutView, bool]:
    """The checkout of a run that was started or found, and whether this call started it."""
    try:
        created = (await services.runs.open(merchant.id, wanted, evidence)).created
    except NotPayable:  # somebody else's run of this key began and ended since we looked
        created = False
    view = await services.reader.checkout_of_key(merchant.id, wanted.assignment_key)
    if view is None:
        raise RunsUnavailable("the run answered before its checkout can be read")
    return view, created


def _link_is_due(view: CheckoutView) -> bool:
    return view.payment_link is None and view.status is CheckoutStatus.AWAITING_PAYMENT


async def _demand_acceptable(
    wanted: CheckoutRequest, merchant: Merchant, services: Services, site: Site, evidence: VatEvidence | None
) -> None:
    """Every rule that can be known before a run starts. Raises InvalidInput."""
    rules = CheckoutRules.of(
        merchant,
        now=datetime.now(UTC),
        allow_local_redirects=site.sandbox,
        is_vat_id=services.is_vat_id,
        vat_id=evidence.status if evidence else VatIdStatus.UNVERIFIED,
    )
    cart = price_checkout(wanted, rules)
    _demand_drawable([*printed_texts(wanted), *mapped_texts(merchant.invoice_mapping, wanted)], services)
    if wanted.deducts:
        problems = await services.reader.deposit_problems(merchant.id, wanted, cart.totals.payable)
        if problems:
            raise InvalidInput(problems)


def _demand_drawable(printed_at: Iterable[tuple[str, str]], services: Services) -> None:
    """Refuse text that the invoice could not show: it would be found out only after the customer paid."""
    violations = [
        Violation(
            pointer=place, message=f"cannot be printed on the invoice: {_named(missing)}; {missing_fonts(missing)}"
        )
        for place, printed in printed_at
        if (missing := services.undrawable(printed))
    ]
    if violations:
        raise InvalidInput(violations)


def _named(characters: str) -> str:
    return ", ".join(f"U+{ord(character):04X} {character}" for character in characters[:10])

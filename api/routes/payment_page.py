"""The customer's way: the payment page, on to the provider, back with a result, back to the shop."""

from typing import Annotated
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Depends
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api import pages
from api.dependencies import TheServices, TheSite, TheTokens, known_form
from api.pages import Link, Refresh
from api.ports import NotPayable, RunsUnavailable
from api.problems import RETRY_AFTER_SECONDS
from api.result_token import ResultTokens
from api.results import Result, notice_of, result_of
from api.services import Services, Site
from domain.checkout import CheckoutStatus
from domain.errors import NotFound
from domain.views import PaymentPageView

REFRESH_SECONDS = 2
MOST_REFRESHES = 45
"""After so many looks the page stops: a payment that is not confirmed by then may take days."""

_HTML = {"content": {"text/html": {"schema": {"type": "string"}}}}
_PAGE = {"description": "The page.", **_HTML}
_UNKNOWN = {"description": "No such payment link; a page that says so.", **_HTML}
_AGAIN = {"description": "Try again; a page that says so.", **_HTML}
_ONWARD = {"description": "Onward.", "headers": {"Location": {"schema": {"type": "string"}}}}

router = APIRouter(prefix="/pay", tags=["payment page"])


async def page_of_link(token: str, services: TheServices) -> PaymentPageView:
    """What the payment page of this link shows."""
    view = await services.reader.payment_page(known_form("payment link", token))
    if view is None:
        raise NotFound("payment link", token)
    return view


ThePage = Annotated[PaymentPageView, Depends(page_of_link)]


@router.get(
    "/{token}",
    summary="The payment page",
    response_class=HTMLResponse,
    responses={200: _PAGE, 404: _UNKNOWN, 503: _AGAIN},
)
async def show_payment_page(token: str, view: ThePage, site: TheSite, tokens: TheTokens) -> Response:
    """Show the cart and the button to pay, or where the checkout stands when it cannot be paid."""
    if _is_payable(view):
        return pages.payment(view, _path(token), site)
    return _standing(view, view.status, site, tokens)


@router.post(
    "/{token}",
    summary="Go to the provider",
    status_code=303,
    response_class=RedirectResponse,
    responses={303: _ONWARD, 200: _PAGE, 404: _UNKNOWN, 503: _AGAIN},
)
async def go_to_provider(
    token: str, view: ThePage, services: TheServices, site: TheSite, tokens: TheTokens
) -> Response:
    """Open the provider session, if none is open, and send the customer there."""
    if not _is_payable(view):
        return _standing(view, view.status, site, tokens)
    try:
        url = await _page_to_pay(view, services)
    except NotPayable as error:
        return await _not_payable(error, token, services, site, tokens)
    except RunsUnavailable:
        return _again(view, token, site)
    return _onward(url)


async def _not_payable(error: NotPayable, token: str, services: Services, site: Site, tokens: ResultTokens) -> Response:
    """Somebody paid or canceled since the page was read; what is not written down yet will be in a moment."""
    status = await _left_at(error, token, services)
    view = await page_of_link(token, services)
    if status is CheckoutStatus.AWAITING_PAYMENT and view.promise is None:
        return _again(view, token, site)
    return _standing(view, status, site, tokens)


def _again(view: PaymentPageView, token: str, site: Site) -> Response:
    page = pages.of_checkout("unavailable", view, site, status_code=503, link=Link(href=_path(token), label="retry"))
    page.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return page


@router.get(
    "/{token}/return",
    summary="Back from the provider",
    response_class=HTMLResponse,
    responses={200: _PAGE, 303: _ONWARD, 404: _UNKNOWN, 503: _AGAIN},
)
async def take_back(
    token: str, view: ThePage, services: TheServices, site: TheSite, tokens: TheTokens, look: str = "0"
) -> Response:
    """Find out what became of the payment and take the customer back to the shop with the signed result.

    `look` counts how often the waiting page has come back by itself.
    """
    status = await _status_now(token, view, services)
    if status is CheckoutStatus.AWAITING_PAYMENT:
        view = await page_of_link(token, services)
    result = result_of(view, status)
    if result is Result.UNCONFIRMED:
        return _waiting(view, _path(token), site, _count(look))
    if view.redirects is None:
        return _standing(view, status, site, tokens, link=_link_back(token, result, status))
    if result is Result.REVIEW or (result is Result.PENDING and view.redirects.pending is None):
        return _standing(view, status, site, tokens)
    return _onward(_shop_url(view, status, tokens))


@router.get(
    "/{token}/cancel",
    summary="Give up paying",
    status_code=303,
    response_class=RedirectResponse,
    responses={303: _ONWARD, 404: _UNKNOWN, 503: _AGAIN},
)
async def give_up(token: str, view: ThePage) -> Response:
    """Back to the shop's cart, or to the payment page when the shop named no cart or there is nothing to give up."""
    if view.redirects is None or view.status is not CheckoutStatus.AWAITING_PAYMENT:
        return _onward(_path(token))
    return _onward(view.redirects.cancel)


def _is_payable(view: PaymentPageView) -> bool:
    return view.status is CheckoutStatus.AWAITING_PAYMENT and view.promise is None and view.amount > 0


def _link_back(token: str, result: Result, status: CheckoutStatus) -> Link | None:
    """To the payment page, while its link is good and nothing is on its way."""
    good = result is Result.FAILURE and status is CheckoutStatus.AWAITING_PAYMENT
    return Link(href=_path(token), label="back_to_payment") if good else None


async def _status_now(token: str, view: PaymentPageView, services: Services) -> CheckoutStatus:
    """Where the checkout stands; the provider is asked while money is still awaited."""
    if view.status is not CheckoutStatus.AWAITING_PAYMENT:
        return view.status
    try:
        return await _outcome(view, services)
    except NotPayable as error:
        return await _left_at(error, token, services)
    except RunsUnavailable:
        return view.status


async def _page_to_pay(view: PaymentPageView, services: Services) -> str:
    if view.link_id is not None:
        return await services.links.open_payment_page(view.merchant_id, view.link_id)
    return await services.runs.open_payment_page(view.workflow_id)


async def _outcome(view: PaymentPageView, services: Services) -> CheckoutStatus:
    if view.link_id is not None:
        return await services.links.payer_returned(view.merchant_id, view.link_id)
    return await services.runs.payer_returned(view.workflow_id)


async def _left_at(error: NotPayable, token: str, services: Services) -> CheckoutStatus:
    """Where a run left its checkout: one that has just ended cannot be asked, but has written it down."""
    written = (await page_of_link(token, services)).status
    return error.status if written is CheckoutStatus.AWAITING_PAYMENT else written


def _standing(
    view: PaymentPageView, status: CheckoutStatus, site: Site, tokens: ResultTokens, *, link: Link | None = None
) -> Response:
    """The page of a checkout that nobody can pay now, or whose last attempt came to nothing."""
    if view.redirects is not None:
        link = Link(href=_shop_url(view, status, tokens), label="back_to_shop")
    return pages.of_checkout(notice_of(view, status), view, site, link=link)


def _waiting(view: PaymentPageView, path: str, site: Site, looks: int) -> Response:
    if looks >= MOST_REFRESHES:
        return pages.of_checkout("pending_long", view, site, link=Link(href=path, label="back_to_payment"))
    refresh = Refresh(seconds=REFRESH_SECONDS, path=f"{path}/return?look={looks + 1}")
    return pages.of_checkout("pending", view, site, refresh=refresh)


def _shop_url(view: PaymentPageView, status: CheckoutStatus, tokens: ResultTokens) -> str:
    """The shop's address for this outcome, with the checkout and the signed result in its query."""
    redirects = view.redirects
    if redirects is None:
        raise ValueError("the shop named no address to return to")
    result = result_of(view, status)
    addresses = {
        Result.SUCCESS: redirects.success,
        Result.AUTHORIZED: redirects.success,
        Result.PENDING: redirects.pending or redirects.success,
    }
    parts = urlsplit(addresses.get(result, redirects.failure))
    told = urlencode({"checkout": view.checkout_id, "result": tokens.sign(view, status, result)})
    return urlunsplit(parts._replace(query=f"{parts.query}&{told}" if parts.query else told))


def _count(look: str) -> int:
    return int(look) if look.isascii() and look.isdecimal() and len(look) <= 3 else 0


def _path(token: str) -> str:
    return f"/pay/{token}"


def _onward(url: str) -> Response:
    return RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})

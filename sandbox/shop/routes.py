"""The pages of the shop: the cart, and where customers come back to."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sandbox.shop import cart
from sandbox.shop.backend import InvalidResult, Refused, ShopBackend

_TEMPLATES = Path(__file__).with_name("templates")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PROGRESS = ("captured", "ordered", "balanced", "invoiced", "completed")


def router(backend: ShopBackend) -> APIRouter:
    """Everything below `/shop`."""
    routes = APIRouter(prefix="/shop")
    _add_cart(routes, backend)
    _add_order(routes, backend)

    @routes.get("/shop.css")
    def style() -> Response:
        return Response((_TEMPLATES / "shop.css").read_text(), media_type="text/css")

    return routes


def _add_cart(routes: APIRouter, backend: ShopBackend) -> None:
    @routes.get("")
    @routes.get("/cart")
    def show_cart() -> HTMLResponse:
        return _page("cart.html", lines=cart.LINES, net=cart.NET, total=Decimal(cart.TOTAL))

    @routes.post("/checkout")
    async def check_out() -> Response:
        try:
            checkout = await backend.check_out()
        except Refused as error:
            return _problem(502, str(error))
        return RedirectResponse(checkout["payment_link"]["url"], 303)


def _add_order(routes: APIRouter, backend: ShopBackend) -> None:
    @routes.get("/ok")
    @routes.get("/failed")
    async def come_back(checkout: str, result: str) -> HTMLResponse:
        try:
            claims = backend.result(result, checkout)
            state = await backend.look(checkout)
        except InvalidResult as error:
            return _problem(400, f"This result cannot be trusted: {error}.")
        except Refused as error:
            return _problem(502, str(error))
        return _order(state, status=claims["status"], verified=True)

    @routes.get("/order/{checkout}")
    async def show_order(checkout: str) -> HTMLResponse:
        try:
            state = await backend.look(checkout)
        except Refused as error:
            return _problem(502, str(error))
        return _order(state, status=state["status"], verified=False)


def _order(state: dict[str, Any], *, status: str, verified: bool) -> HTMLResponse:
    """`status` is what the customer is told; `state` may have moved on since."""
    again = f"/shop/order/{quote(state['id'], safe='')}"
    paid = status in _PROGRESS
    return _page(
        "order.html", state=state, status=status, paid=paid, verified=verified, progress=_PROGRESS, again=again
    )


def _problem(status: int, problem: str) -> HTMLResponse:
    return _page("problem.html", status, problem=problem)


def _page(template: str, status_code: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(**values), status_code, _HEADERS)


def money(amount: Decimal | str) -> str:
    """Euros as Germans write them."""
    whole, _, cents = f"{Decimal(amount):,.2f}".partition(".")
    return f"{whole.replace(',', '.')},{cents} €"


_templates = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(), undefined=StrictUndefined)
_templates.filters["money"] = money

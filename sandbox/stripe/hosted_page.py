"""The page a customer pays on: one form per outcome, no card fields, and TEST written all over it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.stripe import checkout, methods, money, sessions
from sandbox.stripe.books import Books
from sandbox.stripe.checkout import PAYING, Outcome
from sandbox.stripe.standin import StandIn
from sandbox.stripe.store import Json

_TEMPLATES = Path(__file__).with_name("templates")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def landing(session: Json, outcome: Outcome, *, taken: bool) -> str | None:
    """Where the customer's browser goes after `outcome`; None: it stays on the page."""
    if outcome in PAYING and (taken or session["status"] == "complete"):
        return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
    if taken and outcome is Outcome.CANCEL:
        cancel_url: str | None = session["cancel_url"]
        return cancel_url
    return None


class HostedPage:
    """`/c/pay/{session}`: GET shows it, POST acts as the customer."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(), undefined=StrictUndefined
        )
        self._templates.filters["money"] = money.display

    def routes(self) -> list[Route]:
        """The page, the post, the style sheet."""
        return [
            Route("/c/pay/{session}", self._show, methods=["GET"]),
            Route("/c/pay/{session}", self._post, methods=["POST"]),
            Route("/c/checkout.css", self._style, methods=["GET"]),
        ]

    async def _show(self, request: Request) -> Response:
        self._standin.catch_up()
        found = self._books_of(request.path_params["session"])
        if found is None:
            return self._page("gone.html", 404, {})
        books, session = found
        intent = session["payment_intent"] and books.look(session["payment_intent"])
        error = intent["last_payment_error"] if intent and session["status"] == "open" else None
        context = {
            "session": session,
            "lines": sessions.lines(books, session),
            "error": error["message"] if error else None,
            "delayed_method": methods.delayed(session["currency"]),
            "delayed_offered": methods.delayed(session["currency"]) in session["payment_method_types"],
        }
        return self._page("checkout.html", 200, context)

    async def _post(self, request: Request) -> Response:
        self._standin.catch_up()
        async with request.form() as fields:
            wanted = str(fields.get("outcome", ""))
        found = self._books_of(request.path_params["session"])
        if found is None:
            return self._page("gone.html", 404, {})
        if wanted not in set(Outcome):
            return HTMLResponse(f"outcome must be one of: {', '.join(Outcome)}", 422)
        books, session = found
        with self._standin.step():
            taken = checkout.act(books, session, Outcome(wanted))
        url = landing(session, Outcome(wanted), taken=taken) or request.url.path
        return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    async def _style(self, _: Request) -> Response:
        return Response((_TEMPLATES / "checkout.css").read_text(), media_type="text/css")

    def _books_of(self, session_id: str) -> tuple[Books, Json] | None:
        found = self._standin.store.find(session_id)
        if found is None or found.body["object"] != "checkout.session":
            return None
        return self._standin.books(found.account), found.body

    def _page(self, template: str, status: int, context: Json) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(context), status, _HEADERS)

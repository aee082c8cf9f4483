"""Makes the HTTP application from its collaborators."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import openapi, pages, problems
from api.dependencies import site_of
from api.download_links import DownloadLinks
from api.middleware import Envelope
from api.problems import Problem, ProblemResponse, RequestRefused
from api.result_token import ResultTokens
from api.routes import (
    booking_exports,
    bookings,
    captures,
    cases,
    checkouts,
    corrections,
    deliveries,
    export,
    health,
    invoice_runs,
    invoices,
    ledger,
    mail_reports,
    payment_page,
    payouts,
    refunds,
    series,
    settlements,
    webhooks,
)
from api.services import Services, Site
from api.words import preferred_language
from domain.errors import QuittanceError

__all__ = ["Services", "Site", "create_app"]

TRANSIENT_FAULTS: tuple[type[Exception], ...] = (ConnectionError, TimeoutError)

_DESCRIPTION = """From checkout to sent invoice, as one durable run.

Authenticate with `Authorization: Bearer <api key>`. Money is a decimal string in major units (`"839.00"`, JPY
`"500"`), never a JSON number. Times are RFC 3339 in UTC. Every error is an RFC 9457 problem document. Every
answer carries a `Request-Id`.
"""
_ROUTES = (
    checkouts,
    captures,
    cases,
    invoices,
    deliveries,
    corrections,
    series,
    invoice_runs,
    refunds,
    payouts,
    bookings,
    booking_exports,
    ledger,
    settlements,
    export,
    payment_page,
    webhooks,
    mail_reports,
    health,
)
_NOTICES = {404: "unknown", 405: "refused", 503: "unavailable"}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    services: Services,
    *,
    public_url: str,
    workflow_ui: str,
    provider_origins: tuple[str, ...],
    sandbox: bool,
    transient_faults: tuple[type[Exception], ...] = (),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The application.

    `public_url`, `workflow_ui`, `provider_origins` and `sandbox` are those of `Site`. `transient_faults` are
    the exceptions by which the adapters say that a part does not answer now: they become 503, with
    Retry-After. `lifespan` opens and closes what the services need.
    """
    site = Site(
        public_url=public_url.rstrip("/"),
        workflow_ui=workflow_ui.rstrip("/"),
        provider_origins=provider_origins,
        sandbox=sandbox,
    )
    app = FastAPIOffline(
        title="Quittance",
        version="1",
        description=_DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        static_url="/docs/static",
        lifespan=lifespan or _nothing_to_open,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.state.site = site
    app.state.downloads = DownloadLinks(issuer=site.public_url, keys=services.result_keys)
    app.state.tokens = ResultTokens(issuer=site.public_url, keys=services.result_keys)
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    _handle_failures(app, (*TRANSIENT_FAULTS, *transient_faults))
    app.add_middleware(Envelope, on_fault=_fault)
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    return app


def _handle_failures(app: FastAPI, transient: tuple[type[Exception], ...]) -> None:
    app.add_exception_handler(RequestRefused, _refused)
    app.add_exception_handler(QuittanceError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _parameters)
    for kind in transient:
        app.add_exception_handler(kind, _transient)


async def _refused(request: Request, error: Any) -> Response:
    return _say(request, error.problem)


async def _expected(request: Request, error: Any) -> Response:
    problem = problems.of_error(error)
    if problem is None:
        raise error
    return _say(request, problem)


async def _http(request: Request, error: Any) -> Response:
    return _say(request, problems.of_http(error))


async def _parameters(request: Request, error: Any) -> Response:
    return _say(request, problems.of_parameters(error))


async def _transient(request: Request, _: Exception) -> Response:
    return _say(request, problems.unavailable())


async def _fault(request: Request, request_id: str) -> Response:
    return _say(request, problems.internal(request_id))


def _say(request: Request, problem: Problem) -> Response:
    """A problem document for programs; a page for people who came with a payment link."""
    if not request.url.path.startswith("/pay/"):
        return ProblemResponse(problem)
    notice = _NOTICES.get(problem.status, "fault")
    language = preferred_language(request.headers.get("accept-language", ""))
    page = pages.bare(notice, language, site_of(request), status_code=problem.status)
    page.headers.update(problem.headers)
    return page


@asynccontextmanager
async def _nothing_to_open(_: FastAPI) -> AsyncIterator[None]:
    yield

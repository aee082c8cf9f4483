"""The `/v1` API: what happens to every request before and after its operation."""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.stripe import form, parameters
from sandbox.stripe.books import API_VERSION, Books, Cause, new_id
from sandbox.stripe.connection import Unanswered
from sandbox.stripe.errors import StripeError, unauthorized
from sandbox.stripe.expansion import expand
from sandbox.stripe.faults import HttpFault
from sandbox.stripe.idempotency import KeyedRequest, SavedAnswer, SavedAnswers, keyed
from sandbox.stripe.operations import OPERATIONS, Operation, include
from sandbox.stripe.standin import StandIn

Endpoint = Callable[[Request], Awaitable[Response]]
_FAILED = "Sorry! There was an error while talking to one of our backends. Support has been notified."


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has been let in."""

    operation: Operation
    account: str
    object_id: str
    path: str
    params: dict[str, Any]
    request_id: str
    key: str | None


class Api:
    """The routes under `/v1`."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._answers = SavedAnswers(standin.store, standin.clock)

    def routes(self) -> list[Route]:
        """One route per operation, and one that refuses everything else."""
        known = [Route(op.path, self._endpoint(op), methods=[op.method]) for op in OPERATIONS]
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return [*known, Route("/v1/{rest:path}", self._endpoint(None), methods=methods)]

    def _endpoint(self, operation: Operation | None) -> Endpoint:
        async def serve(request: Request) -> Response:
            request_id = new_id("req_", 14)
            params, malformed = await _params(request)
            log = self._log(request, request_id, params)
            try:
                if malformed:
                    raise malformed
                response = await self._let_in(operation, request, request_id, params, log)
            except StripeError as error:
                response = JSONResponse(error.body, error.status, error.headers)
            response.headers["Request-Id"] = request_id
            response.headers["Stripe-Version"] = API_VERSION
            response.headers["Cache-Control"] = "no-cache, no-store"
            if request.headers.get("idempotency-key"):
                response.headers["Idempotency-Key"] = request.headers["idempotency-key"]
            self._note(log, status=None if isinstance(response, Unanswered) else response.status_code)
            return response

        return serve

    async def _let_in(
        self, operation: Operation | None, request: Request, request_id: str, params: dict[str, Any], log: int
    ) -> Response:
        account = self._authenticate(request)
        self._note(log, account=account)
        if operation is None:
            message = f"Unrecognized request URL ({request.method}: {request.url.path})."
            raise StripeError(404, message)
        version = request.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            raise StripeError(400, f"The Stripe stand-in plays API version {API_VERSION} only, not {version}.")
        call = Call(
            operation=operation,
            account=account,
            object_id=request.path_params.get("id", ""),
            path=request.url.path,
            params=params,
            request_id=request_id,
            key=request.headers.get("idempotency-key") if request.method == "POST" else None,
        )
        self._standin.catch_up()
        with self._standin.step():
            fault = self._standin.faults.http(operation.name, self._subjects(call))
        if fault:
            self._note(log, fault=fault.do)
        return await self._serve(call, fault, log)

    async def _serve(self, call: Call, fault: HttpFault | None, log: int) -> Response:
        if fault:
            response = _turned_away(fault)
            if response:
                return response
        request = keyed(call.account, call.key, call.path, call.params) if call.key else None
        with self._answers.using(request):
            saved = self._answers.find(request)
            if fault and fault.do == "slow":
                await asyncio.sleep(fault.seconds)
            answer = saved or self._execute(call, request, fault)
        if fault and fault.do in {"timeout_after", "reset_after"}:
            return Unanswered(fault.seconds if fault.do == "timeout_after" else 0)
        headers = {}
        if saved:
            self._note(log, replayed=1)
            headers = {"Idempotent-Replayed": "true", "Original-Request": saved.request_id}
        if answer.status >= 500:
            headers["Stripe-Should-Retry"] = "false"
        return JSONResponse(answer.body, answer.status, headers)

    def _execute(self, call: Call, request: KeyedRequest | None, fault: HttpFault | None) -> SavedAnswer:
        """Do it, and in the same atomic step keep the answer under the request's key."""
        crash = SavedAnswer(500, StripeError(500, _FAILED, type="api_error").body, call.request_id)
        params = parameters.read(call.operation.params, call.params)
        if fault and fault.do == "500":
            with self._standin.step():
                self._answers.save(request, crash)
            return crash
        cause = Cause(request_id=call.request_id, idempotency_key=call.key)
        books = self._standin.books(call.account, cause)
        try:
            with self._standin.step():
                body = call.operation.run(books, call.object_id, params)
                body = expand(body, params.expand, books.look, _including(books))
                done = SavedAnswer(200, body, call.request_id)
                answer = crash if fault and fault.do == "500_after" else done
                self._answers.save(request, answer)
        except StripeError as error:
            if error.saved:
                with self._standin.step():
                    self._answers.save(request, SavedAnswer(error.status, error.body, call.request_id))
            raise
        return answer

    def _authenticate(self, request: Request) -> str:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        key = value.strip()
        if scheme.lower() == "basic":
            try:
                key = base64.b64decode(key, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                key = ""
        elif scheme.lower() != "bearer":
            key = ""
        account = self._standin.accounts.get(key)
        if account is None:
            raise unauthorized(key)
        return account.id

    def _subjects(self, call: Call) -> set[str]:
        books = self._standin.books(call.account)
        named = (call.params.get(name) for name in ("payment_intent", "charge"))
        subjects = books.subjects(call.object_id, *(value for value in named if isinstance(value, str)))
        reference = call.params.get("client_reference_id")
        return subjects | ({reference} if isinstance(reference, str) else set())

    def _log(self, request: Request, request_id: str, params: dict[str, Any]) -> int:
        row = self._standin.store.execute(
            "INSERT INTO requests (at, id, method, path, params, idempotency_key) VALUES (?, ?, ?, ?, ?, ?)",
            time.time(), request_id, request.method, request.url.path, json.dumps(params),
            request.headers.get("idempotency-key"),
        )  # fmt: skip
        return row.lastrowid or 0

    def _note(self, log: int, **columns: str | int | None) -> None:
        for name, value in columns.items():
            self._standin.store.execute(f"UPDATE requests SET {name} = ? WHERE seq = ?", value, log)  # noqa: S608


def _turned_away(fault: HttpFault) -> Response | None:
    """The answer of a fault that comes before anything began: no effect, and no key remembers it."""
    match fault.do:
        case "503":
            return _refused(503, "api_error", "Stripe is temporarily unavailable. Please try again.")
        case "429":
            message = (
                "Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits."
            )
            return _refused(429, "invalid_request_error", message, "rate_limit")
        case "409":
            message = "This object cannot be accessed right now because another API request is accessing it."
            return _refused(409, "invalid_request_error", message, "lock_timeout")
        case "timeout_before":
            return Unanswered(fault.seconds)
        case "reset_before":
            return Unanswered(0)
    return None


def _refused(status: int, kind: str, message: str, code: str | None = None) -> Response:
    return JSONResponse(StripeError(status, message, type=kind, code=code).body, status)


def _including(books: Books) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    return lambda owner, name: include(books, owner, name)


async def _params(request: Request) -> tuple[dict[str, Any], StripeError | None]:
    """The parameters, or what is wrong with their encoding."""
    if request.method == "GET":
        text = request.url.query
    else:
        text = (await request.body()).decode("utf-8", "replace")
        if request.headers.get("content-type", "").startswith("application/json"):
            return {}, StripeError(400, "Invalid request: this API takes application/x-www-form-urlencoded bodies.")
    try:
        return form.parse(parse_qsl(text, keep_blank_values=True)), None
    except StripeError as error:
        return {}, error

"""Errors as the caller sees them: RFC 9457 problem documents.

Every expected failure of the house has one problem type here; the exception handlers in `api.app` only
look it up. Nothing that a failure carries reaches a caller unless it is written in this file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.ports import RunsUnavailable, TooLateToCancel
from domain.checkout import CheckoutStatus
from domain.errors import (
    AssignmentKeyConflict,
    CapturedOtherwise,
    CaptureRefused,
    CaseDecided,
    CorrectionKeyConflict,
    DeliveryKeyConflict,
    Difference,
    EntryCanceled,
    InvalidInput,
    InvalidReport,
    InvalidWebhook,
    InvoiceRunKeyConflict,
    MoneyNeeded,
    NotCorrectable,
    NotFound,
    NothingToCapture,
    NothingToRefund,
    QuittanceError,
    RefundDecided,
    RefundKeyConflict,
    SettlementKeyConflict,
    Violation,
)
from domain.money import Money
from domain.violations import MOST_REPORTED, escaped

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document. `slug` makes its type URI, `extra` its extension members."""

    slug: str
    status: int
    title: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """A URI that names the kind of problem; it stays the same in every installation."""
        return f"urn:quittance:problem:{self.slug}"

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        return {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail, **self.extra}


class ProblemResponse(Response):
    """A problem on the wire. Escapes to ASCII, so that whatever was sent can be named in the answer."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem) -> None:
        super().__init__(json.dumps(problem.document()), status_code=problem.status, headers=dict(problem.headers))


class RequestRefused(Exception):
    """The request was refused before it got to any rule of the house."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


def unauthorized(detail: str, *, challenge: str) -> RequestRefused:
    """401: no key, or not one of ours."""
    return RequestRefused(
        Problem(
            slug="unauthorized",
            status=401,
            title="A valid API key is needed",
            detail=detail,
            headers={"WWW-Authenticate": challenge},
        )
    )


def malformed(detail: str) -> RequestRefused:
    """400: the body is not JSON that can be read in one way only."""
    return RequestRefused(Problem(slug="malformed-body", status=400, title="The body cannot be read", detail=detail))


def too_large(limit: int) -> RequestRefused:
    """413: the body has more bytes than the route takes."""
    return RequestRefused(
        Problem(
            slug="body-too-large",
            status=413,
            title="The body is too large",
            detail=f"This resource takes at most {limit} bytes.",
        )
    )


def unsupported_media_type(wanted: str) -> RequestRefused:
    """415: the body is declared as something else than `wanted`."""
    return RequestRefused(
        Problem(
            slug="unsupported-media-type",
            status=415,
            title="The content type is not supported",
            detail=f"Send the body as {wanted}, uncompressed, in UTF-8.",
            headers={"Accept-Post": wanted},
        )
    )


def unavailable() -> Problem:
    """503: a part behind us does not answer; the same request may succeed in a moment."""
    return Problem(
        slug="unavailable",
        status=503,
        title="Temporarily unavailable",
        detail="A part behind this API does not answer. Send the same request again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def internal(request_id: str) -> Problem:
    """500: a fault of ours. Says nothing but where to find it in the log."""
    return Problem(
        slug="internal",
        status=500,
        title="Something went wrong on our side",
        detail=f"The fault was logged under request id {request_id}.",
        extra={"request_id": request_id},
    )


def invalid(violations: Sequence[Violation]) -> Problem:
    """422: what was sent breaks rules; one error per rule, each with its RFC 6901 pointer."""
    count = len(violations)
    shown = violations[:MOST_REPORTED]
    more = f", of which the first {MOST_REPORTED} are listed" if count > MOST_REPORTED else ""
    return Problem(
        slug="invalid-request",
        status=422,
        title="The request breaks a rule",
        detail=f"{count} {'thing is' if count == 1 else 'things are'} wrong{more}. Nothing was done.",
        extra={"errors": [{"pointer": v.pointer, "message": v.message} for v in shown]},
    )


def not_found(error: NotFound) -> Problem:
    """404: no such thing for this merchant."""
    return Problem(
        slug="not-found", status=404, title=f"No such {error.kind}", detail=f"There is no {error.kind} with this id."
    )


def link_expired() -> Problem:
    """410: the link was good once."""
    detail = "The link has expired. Ask the seller for a new one."
    return Problem(slug="link-expired", status=410, title="The link has expired", detail=detail)


def of_http(error: HTTPException) -> Problem:
    """What the router itself refuses: an unknown path (404), a method that a path does not have (405)."""
    phrase = HTTPStatus(error.status_code).phrase
    return Problem(
        slug=phrase.lower().replace(" ", "-"),
        status=error.status_code,
        title=phrase,
        detail=f"{phrase}: see /docs for what there is.",
        headers=error.headers or {},
    )


def of_parameters(error: RequestValidationError) -> Problem:
    """422 for query parameters; the pointer is the parameter's name."""
    return invalid(
        [Violation(pointer=pointer(detail["loc"][1:]), message=parameter_message(detail)) for detail in error.errors()]
    )


@singledispatch
def of_error(error: QuittanceError) -> Problem | None:  # noqa: ARG001 - chosen by its type
    """The problem of an expected failure, or None for one that no route should let through."""
    return None


@of_error.register
def _(error: InvalidInput) -> Problem:
    return invalid(error.violations)


@of_error.register
def _(error: NotFound) -> Problem:
    return not_found(error)


@of_error.register
def _(_: RunsUnavailable) -> Problem:
    return unavailable()


@of_error.register
def _(_: InvalidWebhook) -> Problem:
    return Problem(
        slug="invalid-webhook",
        status=400,
        title="The message is not accepted",
        detail="It is not signed by the provider, too old, or not a message of the provider. It was not kept.",
    )


@of_error.register
def _(error: InvalidReport) -> Problem:
    return Problem(
        slug="invalid-report",
        status=400,
        title="The report is not accepted",
        detail=f"It is {error.answer}. Send it as it was mailed. It was not kept.",
    )


@of_error.register
def _(error: AssignmentKeyConflict) -> Problem:
    named = f"Assignment key {error.assignment_key!r}"
    return _taken("assignment-key-conflict", "assignment key", "checkout", named, error.differences)


@of_error.register
def _(error: RefundKeyConflict) -> Problem:
    return _taken("refund-key-conflict", "key", "refund", f"Key {error.key!r}", error.differences)


@of_error.register
def _(error: CorrectionKeyConflict) -> Problem:
    return _taken("correction-key-conflict", "key", "correction", f"Key {error.key!r}", error.differences)


@of_error.register
def _(error: InvoiceRunKeyConflict) -> Problem:
    return _taken("invoice-run-key-conflict", "key", "invoice run", f"Key {error.key!r}", error.differences)


@of_error.register
def _(error: NotCorrectable) -> Problem:
    return _conflict("not-correctable", "The document cannot be corrected so", f"{error}.")


@of_error.register
def _(error: DeliveryKeyConflict) -> Problem:
    detail = f"Key {error.key!r} names a mail to another address."
    return _conflict("delivery-key-conflict", "The key is taken by another mail", detail)


@of_error.register
def _(_: NothingToRefund) -> Problem:
    return _conflict("nothing-to-refund", "There is nothing to refund", "The checkout has brought no money yet.")


@of_error.register
def _(error: RefundDecided) -> Problem:
    return _conflict("refund-decided", "The refund was decided before", f"The refund is {error.status}.")


@of_error.register
def _(error: CaseDecided) -> Problem:
    detail = f"The decision was {error.decision}. It is never changed."
    return _conflict("case-decided", "The case was decided before", detail)


@of_error.register
def _(error: TooLateToCancel) -> Problem:
    """Says what can be done instead."""
    instead = {
        CheckoutStatus.AWAITING_PAYMENT: "A part of the money is there: decide its case first. Or a payment is on its "
        "way and cannot be called back: wait for its result.",
        CheckoutStatus.EXPIRED: "It has expired, nobody can pay it any more.",
    }
    way = instead.get(error.status, "Its money is captured: give it back by a refund.")
    detail = f"The checkout is {error.status}. {way}"
    title = "The checkout cannot be canceled"
    return _conflict("too-late-to-cancel", title, detail, checkout_status=error.status)


@of_error.register
def _(_: NothingToCapture) -> Problem:
    detail = "No authorized payment of the checkout waits for a capture."
    return _conflict("nothing-to-capture", "There is nothing to capture", detail)


@of_error.register
def _(error: CapturedOtherwise) -> Problem:
    amount = Money(error.amount, error.currency)
    detail = f"{amount} of it are captured. An authorization is captured once."
    title = "The authorization was captured with another amount"
    return _conflict("captured-otherwise", title, detail, captured=amount.to_decimal_string())


@of_error.register
def _(_: CaptureRefused) -> Problem:
    detail = "The authorization still stands: capture another amount, or release it by canceling the checkout."
    return _conflict("capture-refused", "The provider refused the capture", detail)


@of_error.register
def _(error: SettlementKeyConflict) -> Problem:
    return _taken("settlement-key-conflict", "key", "settlement", f"Key {error.key!r}", error.differences)


@of_error.register
def _(_: EntryCanceled) -> Problem:
    return _conflict("entry-canceled", "The entry is canceled", "A canceled entry is shut out of everything.")


@of_error.register
def _(_: MoneyNeeded) -> Problem:
    detail = "It is about to balance the entry of the checkout that brought it."
    return _conflict("money-needed", "The money is needed", detail)


def _conflict(slug: str, title: str, detail: str, **extra: Any) -> Problem:
    """409: what is asked for does not go with what is there."""
    return Problem(slug=slug, status=409, title=title, detail=f"{detail} Nothing was done.", extra=extra)


def _taken(slug: str, key: str, what: str, named: str, differences: Sequence[Difference]) -> Problem:
    """A key that was accepted with another body; lists every differing field."""
    return Problem(
        slug=slug,
        status=409,
        title=f"The {key} is taken by a different {what}",
        detail=f"{named} was accepted with a different body. Nothing was done.",
        extra={
            "differences": [{"pointer": d.pointer, "accepted": d.accepted, "received": d.received} for d in differences]
        },
    )


def pointer(location: Sequence[int | str]) -> str:
    """An RFC 6901 JSON Pointer from the steps that lead to a value."""
    return "".join(f"/{escaped(str(step))}" for step in location)


def parameter_message(detail: Mapping[str, Any]) -> str:
    """What a query parameter should have been."""
    if detail["type"] == "extra_forbidden":
        return "is not a known parameter"
    message: str = detail["msg"]
    return message[:1].lower() + message[1:]

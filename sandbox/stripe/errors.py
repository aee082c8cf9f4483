"""Refusals in Stripe's shape and, as far as published, in Stripe's words."""

from collections.abc import Mapping
from typing import Any, NoReturn


class StripeError(Exception):
    """An answer with an `error` object. `saved` says whether an idempotency key remembers it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        saved: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.saved = saved
        fields = {"code": code, "message": message, "param": param, "type": type, **more}
        self.body = {"error": {name: value for name, value in fields.items() if value is not None}}


def refuse(message: str, param: str | None = None, *, code: str | None = None) -> NoReturn:
    """Raise a 400 of a request that is wrong whatever the state: a validation failure, which no key remembers."""
    raise StripeError(400, message, code=code, param=param)


def forbid(message: str, param: str | None = None, *, code: str | None = None, **more: Any) -> NoReturn:
    """Raise a 400 of a request that the state of an object forbids: it was executed, so its key remembers it."""
    raise StripeError(400, message, code=code, param=param, saved=True, **more)


def missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    """The 404 (400 in a body parameter is Stripe's habit too, but its SDKs treat both alike) of an unknown id."""
    return StripeError(404, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def unauthorized(key: str | None) -> StripeError:
    """The 401 of a missing or wrong key; a key is shown as Stripe shows it, masked but for its last four."""
    if not key:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    else:
        message = f"Invalid API Key provided: {key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}"
    return StripeError(401, message, headers={"WWW-Authenticate": 'Basic realm="Stripe"'})

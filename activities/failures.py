"""The single map from the house's errors to Temporal's failures: what is retried, and what is not."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError

from domain.errors import InvalidDraft, MailDeferred, ProviderUnavailable, QuittanceError

RETRYABLE = (ProviderUnavailable, MailDeferred)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def translated(step: Callable[_P, Awaitable[_T]]) -> Callable[_P, Awaitable[_T]]:
    """Expected errors become failures named after them; only those that may pass are retried.

    A draft's broken rules are the failure's details. Anything unexpected (the database away, a bug) is left alone, and
    so is retried until it is mended.
    """

    @wraps(step)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return await step(*args, **kwargs)
        except QuittanceError as error:
            details = error.broken if isinstance(error, InvalidDraft) else ()
            raise ApplicationError(
                str(error), *details, type=type(error).__name__, non_retryable=not isinstance(error, RETRYABLE)
            ) from error

    return run

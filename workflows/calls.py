"""How the steps are called: named time limits and retries, in one place.

Short database steps are local activities: no queue, a fraction of the cost. Outside calls are regular ones:
visible while they hang, retried by the server, noticed when their worker dies (they beat every second).
Nothing has a last attempt: what may pass is tried until it does; what cannot pass says so itself.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.documents import DocumentActivities

_Activities = TypeVar("_Activities")
_In = TypeVar("_In")
_Out = TypeVar("_Out")

BOOKS_TIMEOUT = timedelta(seconds=10)
BOOKS_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))
OUTSIDE_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
HEARTBEAT_TIMEOUT = timedelta(seconds=5)
PROVIDER_TIMEOUT = timedelta(seconds=60)
RENDERING_TIMEOUT = timedelta(minutes=5)
MAIL_TIMEOUT = timedelta(minutes=2)


async def in_books(step: Callable[[_Activities, _In], Awaitable[_Out]], given: _In, summary: str) -> _Out:
    """One transaction in the database."""
    try:
        return await workflow.execute_local_activity_method(
            step, given, start_to_close_timeout=BOOKS_TIMEOUT, retry_policy=BOOKS_RETRY, summary=summary
        )
    except ApplicationError as failure:
        # A local activity that fails for good raises its error bare. Every other step fails as ActivityError, and
        # a bare error that a run does not expect would end the run.
        raise _failed(summary) from failure


def _failed(summary: str) -> ActivityError:
    return ActivityError(
        "Local activity failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=summary,
        activity_id="",
        retry_state=None,
    )


async def at_provider(
    step: Callable[[_Activities, _In], Awaitable[_Out]],
    given: _In,
    summary: str,
    patience: timedelta | None = None,
) -> _Out:
    """One call to the provider; without `patience` it is repeated until it succeeds or is refused."""
    return await workflow.execute_activity_method(
        step,
        given,
        start_to_close_timeout=PROVIDER_TIMEOUT,
        schedule_to_close_timeout=patience,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=OUTSIDE_RETRY,
        summary=summary,
    )


async def rendering(step: Callable[[DocumentActivities, _In], Awaitable[_Out]], given: _In, summary: str) -> _Out:
    """Work for the rendering processes."""
    return await workflow.execute_activity_method(
        step,
        given,
        start_to_close_timeout=RENDERING_TIMEOUT,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=OUTSIDE_RETRY,
        summary=summary,
    )


async def by_mail(step: Callable[[DeliveryActivities, _In], Awaitable[_Out]], given: _In, summary: str) -> _Out:
    """One conversation with the mail server."""
    return await workflow.execute_activity_method(
        step,
        given,
        start_to_close_timeout=MAIL_TIMEOUT,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=OUTSIDE_RETRY,
        summary=summary,
    )


def reason(failure: ActivityError) -> str:
    """The name of the error that ended a step for good, as `domain.errors` has it."""
    cause = failure.cause
    return cause.type or "unknown" if isinstance(cause, ApplicationError) else type(cause).__name__

"""Heartbeats for steps that wait on the outside world, so that a dead worker is noticed in seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from temporalio import activity

INTERVAL_SECONDS = 1.0
_P = ParamSpec("_P")
_T = TypeVar("_T")


def heartbeating(step: Callable[_P, Awaitable[_T]]) -> Callable[_P, Awaitable[_T]]:
    """Beat while the step runs. The step's event loop beats, so a loop that is stuck counts as dead."""

    @wraps(step)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        beating = asyncio.create_task(_beat())
        try:
            return await step(*args, **kwargs)
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    return run


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(INTERVAL_SECONDS)

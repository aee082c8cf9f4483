"""Processes that are not our children: whether they still run, and waiting for their end."""

import time
from collections.abc import Iterable

import psutil

_PAUSE_SECONDS = 0.02


def still_running(processes: Iterable[psutil.Process], *, after: float) -> list[psutil.Process]:
    """Wait until all have ended, at most `after` seconds; answers those that have not.

    A process that has ended and is only not collected yet by its parent, which may take its time, does not count.
    """
    deadline = time.monotonic() + after
    alive = [process for process in processes if runs(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        alive = [process for process in alive if runs(process)]
    return alive


def runs(process: psutil.Process) -> bool:
    """Whether the process does anything still."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

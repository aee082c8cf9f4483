"""What the supervisor runs, as data."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Probe = Callable[[int], Awaitable[bool]]
"""Asked with the process id until it says that the part does its work."""


class StartFailed(RuntimeError):
    """A part or a task cannot do its work. The message names the log to read."""


def _nothing() -> None:
    """Most parts need no preparation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process that is kept running.

    `environment` is all it gets. `prepare` runs before every start, so that it can clear away what a crash left.
    `stop_signal` asks it to end, and after `stop_seconds` it is killed; so it is when it is not ready after
    `start_seconds`.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], object] = _nothing
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    start_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A command that runs once and must end with 0. `stdin` is for what must not be seen in a list of processes."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""

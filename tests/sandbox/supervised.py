"""Small real programs for the supervisor to look after."""

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sandbox import processes
from sandbox.supervisor.parts import Part, Probe

WORKS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WORKS
HAS_CHILD = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WORKS!r}, sys.argv[1] + '.child']); " + WORKS
)
NEVER_READY = "import time; time.sleep(600)"
FAILS = "import sys; sys.exit('the answer is missing')"


@dataclass
class Told:
    """What a supervisor said."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def say(self, part: str, text: str, *, bad: bool = False) -> None:
        self.lines.append((part, text))


def program(
    directory: Path, source: str, *, name: str = "part", stop_seconds: float = 15.0, start_seconds: float = 60.0
) -> Part:
    """A part that runs `source`, and is ready when that has made the file it is given."""
    mark = directory / f"{name}.ready"
    return Part(
        name=name,
        command=(sys.executable, "-c", source, str(mark)),
        prepare=lambda: mark.unlink(missing_ok=True),
        ready=exists(mark),
        stop_signal=signal.SIGTERM,
        stop_seconds=stop_seconds,
        start_seconds=start_seconds,
    )


def exists(path: Path) -> Probe:
    """Ready when the file is there."""

    async def probe(_pid: int) -> bool:
        return await asyncio.to_thread(path.exists)

    return probe


def runs(pid: int) -> bool:
    """Whether the process does anything still; one that only waits to be collected does not."""
    try:
        return processes.runs(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


async def in_time(condition: Callable[[], object], within: float = 20.0) -> None:
    """Wait until the condition holds; fail when it does not in time (seconds)."""
    deadline = asyncio.get_running_loop().time() + within
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {within} s"
        await asyncio.sleep(0.02)

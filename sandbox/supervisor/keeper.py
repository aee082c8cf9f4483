"""Keeps one part running."""

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

from sandbox.supervisor.console import Reporter
from sandbox.supervisor.parts import Part, StartFailed
from sandbox.supervisor.records import MARK, Records

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_PROBE_PAUSE_SECONDS = 0.1
_ATTEMPTS_AT_FIRST = 5


class Keeper:
    """Starts a part, starts it again when it ends, and pauses longer each time it ends before it was ready."""

    def __init__(
        self, part: Part, *, directory: Path, records: Records, reporter: Reporter, changed: Callable[[], None]
    ) -> None:
        self.part = part
        self.log = directory / "log" / f"{part.name}.log"
        self._environment = {**part.environment, MARK: str(directory)}
        self._records = records
        self._reporter = reporter
        self._changed = changed
        self._process: Process | None = None
        self._failures = 0
        self._stopping = False
        self._first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_running(), name=f"keep {part.name} running")

    @property
    def pid(self) -> int | None:
        """The process id of the part while it runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def started(self) -> None:
        """Wait until the part is ready for the first time. Raises StartFailed when it keeps failing."""
        await asyncio.wait((self._first_ready, self._task), return_when=asyncio.FIRST_COMPLETED)
        if not self._first_ready.done():
            await self._task
            raise StartFailed(f"{self.part.name} was stopped")
        await self._first_ready

    async def stop(self) -> None:
        """Ask the part to end; kill it when it does not in time."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.part.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.part.stop_seconds)
        self._kill()
        if process is not None:
            await process.wait()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._first_ready.cancel()
        self._records.remove(self.part.name)

    def give_up(self) -> None:
        """End the part at once and do not start it again."""
        self._stopping = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _keep_running(self) -> None:
        while not self._stopping:
            begun = time.monotonic()
            process = await self._spawn()
            if process and await self._becomes_ready(process):
                self._failures = 0
                self._reporter.say(self.part.name, f"ready after {time.monotonic() - begun:.1f} s")
                if not self._first_ready.done():
                    self._first_ready.set_result(None)
                await process.wait()
            else:
                self._failures += 1
            self._kill()  # what the part itself had started
            if not self._stopping:
                await self._pause(process)

    async def _spawn(self) -> Process | None:
        try:
            await asyncio.to_thread(self.part.prepare)
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self.part.command,
                    env=self._environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except (OSError, RuntimeError) as error:
            with self.log.open("a") as log:
                log.write(f"cannot be started: {error}\n")
            return None
        self._records.add(self.part.name, self._process.pid, self.part.stop_signal)
        self._changed()
        return self._process

    async def _becomes_ready(self, process: Process) -> bool:
        deadline = time.monotonic() + self.part.start_seconds
        while time.monotonic() < deadline:
            if await self.part.ready(process.pid) and process.returncode is None:
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _PROBE_PAUSE_SECONDS)
                return False
        self._reporter.say(self.part.name, f"not ready after {self.part.start_seconds:.0f} s, see {self.log}", bad=True)
        self._kill()
        await process.wait()
        return False

    async def _pause(self, process: Process | None) -> None:
        end = f"ended ({_ending(process.returncode)})" if process else "cannot be started"
        if not self._first_ready.done() and self._failures >= _ATTEMPTS_AT_FIRST:
            self._stopping = True
            self._first_ready.set_exception(
                StartFailed(f"{self.part.name} {end} {self._failures} times: {_last_line(self.log)} (see {self.log})")
            )
            return
        seconds = min(_FIRST_PAUSE_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        self._reporter.say(self.part.name, f"{end}; starting it again in {seconds:.1f} s, see {self.log}", bad=True)
        await asyncio.sleep(seconds)


def _ending(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return signal.Signals(-returncode).name
    return f"code {returncode}"


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")

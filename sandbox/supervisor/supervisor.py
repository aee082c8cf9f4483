"""Runs the parts of one stack, whose files lie in one directory."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from sandbox.supervisor.console import Reporter
from sandbox.supervisor.keeper import Keeper
from sandbox.supervisor.parts import Part, StartFailed, Task
from sandbox.supervisor.records import MARK, Records


class AlreadyRunning(RuntimeError):
    """Another supervisor runs the stack in this directory."""


class Supervisor:
    """Starts parts in waves, and stops the waves in the opposite order. Made by `supervising`."""

    def __init__(self, directory: Path, *, records: Records, reporter: Reporter, changed: Callable[[], None]) -> None:
        self.directory = directory
        self._records = records
        self._reporter = reporter
        self._changed = changed
        self._waves: list[list[Keeper]] = []

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the parts that run now, by name."""
        return {keeper.part.name: keeper.pid for keeper in self._keepers if keeper.pid is not None}

    async def start(self, *parts: Part) -> None:
        """Start parts side by side and wait until all are ready. Raises StartFailed."""
        wave = [self._keep(part) for part in parts]
        self._waves.append(wave)
        await asyncio.gather(*(keeper.started() for keeper in wave))

    async def run(self, task: Task) -> None:
        """Run a command to its end. Raises StartFailed unless it ends with 0."""
        path = self.directory / "log" / f"{task.name}.log"
        with path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *task.command,
                env={**task.environment, MARK: str(self.directory)},
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await process.communicate(task.stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise StartFailed(f"{task.name} failed with code {process.returncode}, see {path}")
        self._reporter.say(task.name, "done")

    async def stop(self) -> None:
        """Stop everything, what was started last first."""
        for wave in reversed(self._waves):
            await asyncio.gather(*(keeper.stop() for keeper in wave))
        self._waves.clear()

    def give_up(self) -> None:
        """End every process at once; for somebody who does not want to wait for `stop`."""
        for keeper in self._keepers:
            keeper.give_up()

    @property
    def _keepers(self) -> Iterator[Keeper]:
        return (keeper for wave in self._waves for keeper in wave)

    def _keep(self, part: Part) -> Keeper:
        return Keeper(
            part, directory=self.directory, records=self._records, reporter=self._reporter, changed=self._changed
        )


@contextlib.asynccontextmanager
async def supervising(
    directory: Path, *, reporter: Reporter, changed: Callable[[], None] = lambda: None
) -> AsyncIterator[Supervisor]:
    """A supervisor for `directory`, alone there; `changed` is called whenever a process was started.

    Ends what an earlier one left running, and everything it started itself when the block ends; at once when it is
    canceled meanwhile. Raises AlreadyRunning.
    """
    with _alone_in(directory) as own:
        records = Records(own)
        for name in await asyncio.to_thread(records.stop_leftovers):
            reporter.say(name, "was left running by an earlier stack: stopped")
        supervisor = Supervisor(own, records=records, reporter=reporter, changed=changed)
        try:
            yield supervisor
        finally:
            try:
                await supervisor.stop()
            except asyncio.CancelledError:
                supervisor.give_up()
                raise


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[Path]:
    directory = directory.resolve()
    (directory / "log").mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"a stack already runs in {directory} (process {lock.read().strip() or 'unknown'}): "
                "stop it, or set QUITTANCE_VAR to another directory"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield directory

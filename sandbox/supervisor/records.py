"""Who was started, on disk: so that the next supervisor finds what one that was killed left running.

A process is known by its id and the time it was created; an id that was given to somebody else since is left alone.
"""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from sandbox.processes import runs, still_running

MARK = "QUITTANCE_SUPERVISED_IN"
"""In the environment of everything that is started: the directory of its stack."""

_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    pid: int
    created: float
    stop_signal: int


class Records:
    """The processes of the stack in `directory`, each a leader of a process group."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "pids.json"
        self._records: dict[str, _Record] = {}

    def add(self, name: str, pid: int, stop_signal: signal.Signals) -> None:
        """Remember a process that was just started and not yet waited for."""
        try:
            created = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return
        self._records[name] = _Record(pid=pid, created=created, stop_signal=stop_signal)
        self._save()

    def remove(self, name: str) -> None:
        """Forget a process that has ended."""
        if self._records.pop(name, None):
            self._save()

    def stop_leftovers(self) -> list[str]:
        """End what an earlier supervisor left running; answers the names of its parts that still lived."""
        found = {name: list(self._living(record)) for name, record in self._saved()}
        for name, record in self._saved():
            for process in found[name]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(record.stop_signal)
        stubborn = still_running([p for group in found.values() for p in group], after=_PATIENCE_SECONDS)
        for process in stubborn:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        still_running(stubborn, after=_PATIENCE_SECONDS)
        self._save()
        return [name for name, group in found.items() if group]

    def _saved(self) -> list[tuple[str, _Record]]:
        try:
            content = json.loads(self._file.read_text())
            return [(name, _Record(**fields)) for name, fields in content.items()]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def _save(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({name: asdict(record) for name, record in self._records.items()}, indent=2))
        fresh.replace(self._file)

    def _living(self, record: _Record) -> Iterator[psutil.Process]:
        """The recorded process and its group; or of a group without leader those that carry our mark."""
        try:
            leader = psutil.Process(record.pid)
        except psutil.NoSuchProcess:
            yield from (p for p in _group(record.pid) if self._is_marked(p))
            return
        if leader.create_time() == record.created:
            yield from _group(record.pid)

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == str(self._directory)
        except psutil.Error:
            return False


def _group(leader: int) -> list[psutil.Process]:
    members = [process for process in psutil.process_iter() if _group_of(process.pid) == leader]
    return [process for process in members if runs(process)]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None

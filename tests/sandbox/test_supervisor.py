"""The supervisor: what it starts keeps running, and ends when it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sandbox.supervisor.parts import StartFailed, Task
from sandbox.supervisor.supervisor import AlreadyRunning, supervising
from tests.sandbox.supervised import (
    FAILS,
    HAS_CHILD,
    NEVER_READY,
    STUBBORN,
    WORKS,
    Told,
    in_time,
    program,
    runs,
)

SUPERVISOR = """
import asyncio, pathlib, sys
from sandbox.supervisor.supervisor import supervising
from tests.sandbox.supervised import HAS_CHILD, Told, program

async def main(directory):
    async with supervising(directory, reporter=Told()) as supervisor:
        await supervisor.start(program(directory, HAS_CHILD))
        (directory / "up").touch()
        await asyncio.Event().wait()

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_parts_are_up_when_they_are_ready_and_gone_at_the_end(tmp_path: Path) -> None:
    async with supervising(tmp_path, reporter=Told()) as supervisor:
        await supervisor.start(program(tmp_path, WORKS, name="first"), program(tmp_path, WORKS, name="second"))
        assert (tmp_path / "first.ready").exists()
        assert (tmp_path / "second.ready").exists()
        pids = supervisor.pids
        assert set(pids) == {"first", "second"}
        assert all(runs(pid) for pid in pids.values())
    assert not any(runs(pid) for pid in pids.values())
    assert json.loads((tmp_path / "pids.json").read_text()) == {}


async def test_a_part_that_is_killed_is_started_again_within_two_seconds(tmp_path: Path) -> None:
    pids: list[int] = []
    async with supervising(
        tmp_path, reporter=Told(), changed=lambda: pids.extend(supervisor.pids.values())
    ) as supervisor:
        await supervisor.start(program(tmp_path, WORKS))
        for _ in range(3):
            killed = supervisor.pids["part"]
            os.kill(killed, signal.SIGKILL)
            await in_time(lambda killed=killed: supervisor.pids.get("part") not in {None, killed}, within=2)  # type: ignore[misc]
            await in_time((tmp_path / "part.ready").exists)
        assert supervisor.pids["part"] == pids[-1]


async def test_what_a_part_started_itself_ends_with_it(tmp_path: Path) -> None:
    async with supervising(tmp_path, reporter=Told()) as supervisor:
        await supervisor.start(program(tmp_path, HAS_CHILD))
        await in_time((tmp_path / "part.ready.child").exists)
        (child,) = psutil.Process(supervisor.pids["part"]).children()
        os.kill(supervisor.pids["part"], signal.SIGKILL)
        await in_time(lambda: not runs(child.pid))
        await in_time(lambda: len(supervisor.pids) == 1)
        await in_time(lambda: len(psutil.Process(supervisor.pids["part"]).children()) == 1)
        (child,) = psutil.Process(supervisor.pids["part"]).children()
    await in_time(lambda: not runs(child.pid))


async def test_a_part_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    async with supervising(tmp_path, reporter=Told()) as supervisor:
        await supervisor.start(program(tmp_path, STUBBORN, stop_seconds=0.2))
        pid = supervisor.pids["part"]
    assert not runs(pid)


async def test_a_part_that_keeps_failing_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    told = Told()
    async with supervising(tmp_path, reporter=told) as supervisor:
        with pytest.raises(StartFailed, match=r"5 times: the answer is missing \(see .*part\.log\)"):
            await supervisor.start(program(tmp_path, FAILS))
    pauses = [text.split("again in ")[1].split(" s")[0] for _, text in told.lines if "again in" in text]
    assert pauses == ["0.2", "0.4", "0.8", "1.6"]


async def test_a_part_that_does_not_get_ready_is_killed_and_tried_again(tmp_path: Path) -> None:
    told = Told()
    async with supervising(tmp_path, reporter=told) as supervisor:
        with pytest.raises(StartFailed, match="SIGKILL"):
            await supervisor.start(program(tmp_path, NEVER_READY, start_seconds=0.1))
    assert [text for _, text in told.lines if "not ready after" in text]


async def test_one_failing_part_stops_its_neighbours(tmp_path: Path) -> None:
    async with supervising(tmp_path, reporter=Told()) as supervisor:
        with pytest.raises(StartFailed):
            await supervisor.start(program(tmp_path, WORKS, name="good"), program(tmp_path, FAILS, name="bad"))
        good = supervisor.pids["good"]
        assert runs(good)
    assert not runs(good)


async def test_a_task_must_succeed(tmp_path: Path) -> None:
    async with supervising(tmp_path, reporter=Told()) as supervisor:
        reads = "import sys; sys.exit(sys.stdin.read() != 'secret')"
        await supervisor.run(Task(name="reads", command=(sys.executable, "-c", reads), stdin="secret"))
        with pytest.raises(StartFailed, match=r"fails failed with code 1, see .*fails\.log"):
            await supervisor.run(Task(name="fails", command=(sys.executable, "-c", FAILS)))
        assert "the answer is missing" in (tmp_path / "log" / "fails.log").read_text()


async def test_a_directory_has_one_supervisor(tmp_path: Path) -> None:
    async with supervising(tmp_path, reporter=Told()):
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}.*QUITTANCE_VAR"):
            async with supervising(tmp_path, reporter=Told()):
                pass
    async with supervising(tmp_path, reporter=Told()):
        pass


async def test_what_a_killed_supervisor_left_is_stopped_by_the_next(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)])  # noqa: ASYNC220, S603
    await in_time((tmp_path / "up").exists)
    await in_time((tmp_path / "part.ready.child").exists)
    left = int(json.loads((tmp_path / "pids.json").read_text())["part"]["pid"])
    (child,) = psutil.Process(left).children()
    killed.kill()
    killed.wait()
    assert runs(left)
    told = Told()
    async with supervising(tmp_path, reporter=told):
        assert not runs(left)
        assert not runs(child.pid)
    assert told.lines == [("part", "was left running by an earlier stack: stopped")]


async def test_orphans_of_a_part_that_is_gone_are_stopped_too(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)])  # noqa: ASYNC220, S603
    await in_time((tmp_path / "part.ready.child").exists)
    left = int(json.loads((tmp_path / "pids.json").read_text())["part"]["pid"])
    (child,) = psutil.Process(left).children()
    killed.kill()
    killed.wait()
    os.kill(left, signal.SIGKILL)
    await in_time(lambda: not runs(left))
    assert runs(child.pid)
    async with supervising(tmp_path, reporter=Told()):
        assert not runs(child.pid)


async def test_a_process_id_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", NEVER_READY], start_new_session=True)  # noqa: ASYNC220, S603
    try:
        record = {"pid": stranger.pid, "created": psutil.Process(stranger.pid).create_time() - 60, "stop_signal": 15}
        (tmp_path / "pids.json").write_text(json.dumps({"part": record}))
        async with supervising(tmp_path, reporter=Told()):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_unreadable_records_do_not_keep_a_stack_from_starting(tmp_path: Path) -> None:
    (tmp_path / "pids.json").write_text('{"part": {"pid"')
    async with supervising(tmp_path, reporter=Told()) as supervisor:
        await supervisor.start(program(tmp_path, WORKS))

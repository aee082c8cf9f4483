"""`make demo` and `make up` as processes: the whole stack, seen from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.supervised import in_time, runs

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240), pytest.mark.xdist_group("whole stack")]

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0


def command(module: str, var: Path, output: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "QUITTANCE_VAR": str(var), "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as written:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=written, stderr=subprocess.STDOUT
        )


@contextmanager
def stack(var: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`make up`, ended with SIGTERM at the latest."""
    process = command("sandbox.supervisor", var, var / "up.txt")
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


async def addresses(var: Path) -> dict[str, Any]:
    await in_time((var / "stack.json").exists, within=START_SECONDS)
    told: dict[str, Any] = json.loads((var / "stack.json").read_text())
    return told


def pids_of(var: Path) -> Callable[[], dict[str, int]]:
    return lambda: json.loads((var / "stack.json").read_text())["pids"]


def test_the_demo_goes_from_the_cart_to_the_mailed_invoice(tmp_path: Path) -> None:
    output = tmp_path / "demo.txt"
    demo = command("sandbox.demo", tmp_path, output)
    code = demo.wait(START_SECONDS * 1.5)
    seen = output.read_text()
    assert code == 0, seen
    assert seen.count("✔") == 9
    assert (tmp_path / "demo" / "invoice.pdf").read_bytes().startswith(b"%PDF-")
    mail = message_from_bytes((tmp_path / "demo" / "message.eml").read_bytes(), policy=default)
    assert "jana.koehler@example.org" in mail["To"]
    assert not (tmp_path / "stack.json").exists()
    assert json.loads((tmp_path / "pids.json").read_text()) == {}


@pytest.mark.long
async def test_a_stack_heals_itself_and_ends_without_leaving_anything(tmp_path: Path) -> None:
    pids = pids_of(tmp_path)
    with stack(tmp_path) as up:
        told = await addresses(tmp_path)
        assert set(pids()) == {"api", "worker", "postgres", "temporal", "sandbox"}
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            for address in (told["shop"], told["mail"], f"{told['mail']}/messages", told["temporal_ui"]):
                assert (await client.get(address)).is_success
            for part in pids():
                await die_and_come_back(part, pids)
            await ready_again(client, told["api"])
        last = pids()
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
        assert not [part for part, pid in last.items() if runs(pid)]
        assert not (tmp_path / "stack.json").exists()


async def die_and_come_back(part: str, pids: Callable[[], dict[str, int]]) -> None:
    old = pids()[part]
    os.kill(old, signal.SIGKILL)
    await in_time(lambda: pids().get(part) not in {None, old}, within=2)


async def ready_again(client: httpx.AsyncClient, api: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if (await client.get(f"{api}/readyz")).is_success:
                return
        except httpx.TransportError:
            continue
    raise AssertionError("the API does not get ready again")


@pytest.mark.long
async def test_a_stack_that_was_killed_is_cleared_away_by_the_next_one(tmp_path: Path) -> None:
    pids = pids_of(tmp_path)
    with stack(tmp_path) as killed:
        first = await addresses(tmp_path)
        killed.kill()
        killed.wait()
        assert all(runs(pid) for pid in pids().values())
        left = pids()
    with stack(tmp_path):
        await in_time(lambda: (tmp_path / "stack.json").exists() and pids() != left, within=START_SECONDS)
        assert not [part for part, pid in left.items() if runs(pid)]
        second = await addresses(tmp_path)
        assert second["api"] == first["api"]
        assert second["api_key"] == first["api_key"]


async def test_a_second_stack_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with stack(tmp_path):
        await in_time((tmp_path / "lock").exists)
        await in_time(lambda: (tmp_path / "lock").read_text() != "")
        demo = command("sandbox.demo", tmp_path, tmp_path / "demo.txt")
        assert demo.wait(60) == 1
        assert "already runs in" in (tmp_path / "demo.txt").read_text()

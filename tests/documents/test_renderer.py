"""The renderer: invoices in processes of their own, which may hang, crash and be killed."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from adapters.documents.renderer import PooledRenderer, RenderingDied
from domain.errors import MissingGlyphs
from domain.ports import InvoiceRenderer
from tests.documents.invoices import BUYER, an_invoice, many_lines

_ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[PooledRenderer]:
    renderer = PooledRenderer(processes=2)
    yield renderer
    await renderer.close()


def _renderer_processes() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.pid}


async def test_two_processes_write_the_same_bytes(renderer: PooledRenderer) -> None:
    port: InvoiceRenderer = renderer
    first, second, third = await asyncio.gather(*(port.render(an_invoice()) for _ in range(3)))
    assert first == second == third
    assert first.pdf.startswith(b"%PDF-1.7")


async def test_an_invoice_that_cannot_be_drawn_fails_alone(renderer: PooledRenderer) -> None:
    with pytest.raises(MissingGlyphs) as caught:
        await renderer.render(an_invoice(buyer=replace(BUYER, name="株式会社")))
    assert set(caught.value.characters) == set("株式会社")
    assert (await renderer.render(an_invoice())).pdf


async def test_an_invoice_survives_the_death_of_its_process() -> None:
    renderer = PooledRenderer()
    try:
        before = _renderer_processes()
        await renderer.warm_up()
        (process,) = _renderer_processes() - before
        expected = await renderer.render(an_invoice())
        rendering = asyncio.create_task(renderer.render(an_invoice(lines=many_lines(200))))
        await _until_busy(process)
        os.kill(process, signal.SIGKILL)
        assert (await rendering).pdf
        assert await renderer.render(an_invoice()) == expected
    finally:
        await renderer.close()


async def _until_busy(pid: int) -> None:
    """Waits until the process has begun to compute."""
    process = psutil.Process(pid)
    idle = process.cpu_times().user
    async with asyncio.timeout(_PATIENCE):
        while process.cpu_times().user - idle < 0.1:  # noqa: ASYNC110  another process has no event to wait for
            await asyncio.sleep(0.01)


async def test_an_invoice_that_takes_too_long_is_given_up_and_the_next_one_is_rendered() -> None:
    renderer = PooledRenderer(timeout=4.0, timeout_per_line=0.0)
    try:
        await renderer.warm_up()
        with pytest.raises(RenderingDied, match="RE-2026-004217"):
            await renderer.render(an_invoice(lines=many_lines(2000)))
        assert (await renderer.render(an_invoice())).pdf
    finally:
        await renderer.close()


async def test_closing_leaves_no_process_behind() -> None:
    before = _renderer_processes()
    renderer = PooledRenderer(processes=2)
    await renderer.warm_up()
    assert len(_renderer_processes() - before) == 2
    await renderer.close()
    assert _renderer_processes() <= before


def test_renderers_end_when_their_parent_is_killed() -> None:
    program = (
        "import asyncio, multiprocessing, os, signal\n"
        "from adapters.documents.renderer import PooledRenderer\n"
        "async def main():\n"
        "    await PooledRenderer().warm_up()\n"
        "    print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert done.returncode == -signal.SIGKILL
    orphans = [psutil.Process(int(pid)) for pid in done.stdout.split() if psutil.pid_exists(int(pid))]
    _, alive = psutil.wait_procs(orphans, timeout=_PATIENCE)
    assert alive == []


def test_missing_glyphs_travel_between_processes_unchanged() -> None:
    error = MissingGlyphs("会社")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.characters, str(copy)) == (error.characters, str(error))

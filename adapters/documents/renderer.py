"""Renders invoices in processes of their own, so that the event loop never waits for a page's layout.

Typesetting is pure computation and unsafe in threads. Each renderer process serves one invoice at a time; one
that hangs ends itself, one that dies is replaced, and neither disturbs the others.
"""

import asyncio
import faulthandler
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any, TypeVar

from adapters.documents.fonts import FontLibrary
from domain.documents import RenderedInvoice
from domain.errors import DocumentError
from domain.invoices import Invoice

DEFAULT_TIMEOUT = 60.0
TIMEOUT_PER_LINE = 0.1
"""Seconds a single invoice may take, and those it may take for each line: 200 lines take about two, a thousand twelve,
and several times as long on a busy machine."""

_Result = TypeVar("_Result")


class RenderingDied(DocumentError):
    """The process that rendered this invoice ended twice: it hung, crashed or was killed."""


class PooledRenderer:
    """Implements `domain.ports.InvoiceRenderer` on `processes` renderer processes.

    Made inside a running event loop and used by it only. `timeout` and `timeout_per_line` are in seconds and count
    from the start of an invoice, not from its place in the queue. `font_directory` has fonts beside the bundled ones;
    raises UnusableFont.
    """

    def __init__(
        self,
        *,
        processes: int = 1,
        timeout: float = DEFAULT_TIMEOUT,
        timeout_per_line: float = TIMEOUT_PER_LINE,
        font_directory: Path | None = None,
    ) -> None:
        FontLibrary(font_directory)  # raises here, where it is heard, and not in a process that cannot start
        patience = _Patience(seconds=timeout, seconds_per_line=timeout_per_line)
        self._processes = [_RendererProcess(patience, font_directory) for _ in range(processes)]
        self._idle: asyncio.Queue[_RendererProcess] = asyncio.Queue()
        for process in self._processes:
            self._idle.put_nowait(process)

    async def warm_up(self) -> None:
        """Start every process and load its styles and fonts, so that the first invoice is as quick as others."""
        await asyncio.gather(*(process.run(os.getpid) for process in self._processes))

    async def render(self, invoice: Invoice) -> RenderedInvoice:
        """The invoice as PDF and XML. Raises MissingGlyphs, RenderingDied, and UnsafeLogo."""
        process = await self._idle.get()
        try:
            return await process.run(_render, invoice)
        except BrokenProcessPool:
            return await self._again(process, invoice)
        finally:
            self._idle.put_nowait(process)

    async def close(self) -> None:
        """End the processes; waits for the invoices they are at."""
        await asyncio.gather(*(process.close() for process in self._processes))

    async def _again(self, process: "_RendererProcess", invoice: Invoice) -> RenderedInvoice:
        try:
            return await process.run(_render, invoice)
        except BrokenProcessPool as error:
            raise RenderingDied(f"rendering invoice {invoice.number} ended its process twice") from error


class _RendererProcess:
    """One process, started when first needed and again after it died."""

    def __init__(self, patience: "_Patience", font_directory: Path | None) -> None:
        self._prepared_with = (patience, font_directory)
        self._executor: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """Raises BrokenProcessPool when the process died; the next call starts a new one."""
        executor = self._executor = self._executor or self._start()
        try:
            return await asyncio.wrap_future(executor.submit(work, *arguments))
        except BrokenProcessPool:
            if self._executor is executor:
                self._executor = None
            await asyncio.to_thread(executor.shutdown)
            raise

    async def close(self) -> None:
        if self._executor:
            await asyncio.to_thread(self._executor.shutdown)

    def _start(self) -> ProcessPoolExecutor:
        """Never by fork: a copy of this process would hold its locks and connections."""
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        context = multiprocessing.get_context(method)
        return ProcessPoolExecutor(1, mp_context=context, initializer=_prepare, initargs=self._prepared_with)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patience:
    """How long an invoice may take: a long one takes longer, and is no less alive."""

    seconds: float
    seconds_per_line: float

    def with_invoice(self, invoice: Invoice) -> float:
        return self.seconds + self.seconds_per_line * len(invoice.cart.lines)


class _Worker:
    """What a renderer process keeps between invoices."""

    render: Callable[[Invoice], RenderedInvoice]
    patience: _Patience


def _prepare(patience: _Patience, font_directory: Path | None) -> None:
    from adapters.documents.typesetter import Typesetter  # noqa: PLC0415  the parent must not load Pango

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us in order
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Worker.patience = patience
    _Worker.render = Typesetter(FontLibrary(font_directory)).render


def _render(invoice: Invoice) -> RenderedInvoice:
    """Runs in a renderer process. The watchdog is a native thread: it also ends a loop inside Pango."""
    faulthandler.dump_traceback_later(_Worker.patience.with_invoice(invoice), exit=True)
    try:
        return _Worker.render(invoice)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _end_with_parent() -> None:
    """A parent that was killed cannot tell us; without this we would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os._exit(1)

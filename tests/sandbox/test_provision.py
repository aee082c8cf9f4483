"""Setting up: what is installed is what is locked, and what is missing is named."""

import re
from pathlib import Path

import pytest

from sandbox import provision

ROOT = Path(__file__).parents[2]


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^\s;]*==[^\s;]+", (ROOT / lock).read_text(), re.MULTILINE))


def test_what_tests_run_on_includes_what_the_sandbox_runs_on() -> None:
    assert len(pins("requirements-sandbox.txt")) > 50
    assert pins("requirements-sandbox.txt") <= pins("requirements-dev.txt")


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt"])
def test_every_locked_package_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z0-9])", text) if "==" in entry)
    assert "http" not in re.sub(r"(?m)^\s*#.*$|http(core|x|tools)\S*|http2?\b(?!:)", "", text)


def test_missing_libraries_are_named_where_they_cannot_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(provision.SetUpFailed, match=r"WeasyPrint needs Pango.*libpango-1\.0-0 libharfbuzz-subset0"):
        provision.bring_system_packages(["libpango-1.0-0", "libharfbuzz-subset0"], why="WeasyPrint needs Pango")


def test_the_libraries_of_this_machine_are_found() -> None:
    assert provision.missing_libraries() == []


def test_an_environment_is_current_only_while_the_lock_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(provision, "ROOT", tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    lock = tmp_path / "requirements-dev.txt"
    lock.write_text("a==1\n")
    assert not provision.is_current("dev")
    (tmp_path / ".venv" / ".installed-dev").write_text(provision.fingerprint("dev"))
    assert provision.is_current("dev")
    lock.write_text("a==2\n")
    assert not provision.is_current("dev")

"""What a stack remembers from start to start: its secrets and its addresses."""

import socket
import stat
from dataclasses import asdict
from pathlib import Path

from sandbox.supervisor import addresses, credentials


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = credentials.kept_in(file)
    assert credentials.kept_in(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.api_key.startswith("qk_test_")
    assert first.stripe_api_key.startswith("sk_test_")
    assert first.stripe_webhook_secret.startswith("whsec_")


def test_two_stacks_have_different_secrets(tmp_path: Path) -> None:
    one, other = (asdict(credentials.kept_in(tmp_path / name)) for name in ("one.json", "other.json"))
    assert not set(one.values()) & set(other.values())


def test_addresses_stay_the_same(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    assert addresses.kept_in(file) == addresses.kept_in(file)


def test_addresses_change_when_somebody_else_listens_there(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    ports = addresses.kept_in(file)
    with socket.create_server(("127.0.0.1", ports.smtp)):
        others = addresses.kept_in(file)
    assert ports.smtp not in asdict(others).values()
    assert addresses.kept_in(file) == others


def test_unreadable_addresses_are_chosen_anew(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_text('{"api": ')
    assert addresses.kept_in(file) == addresses.kept_in(file)

"""The secrets of a sandbox stack: made once, kept in a file only its owner can read."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """`payload_key` is 32 bytes in base64; the rest are opaque words."""

    api_key: str
    stripe_api_key: str
    stripe_webhook_secret: str
    payload_key: str
    result_key: str


def kept_in(file: Path) -> Credentials:
    """The secrets of this file; they are made when there is none yet."""
    if not file.exists():
        _write(file, _fresh())
    return Credentials(**json.loads(file.read_text()))


def _fresh() -> Credentials:
    return Credentials(
        api_key=f"qk_test_{secrets.token_urlsafe(32)}",
        stripe_api_key=f"sk_test_{secrets.token_hex(24)}",
        stripe_webhook_secret=f"whsec_{secrets.token_hex(24)}",
        payload_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        result_key=secrets.token_urlsafe(32),
    )


def _write(file: Path, credentials: Credentials) -> None:
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(asdict(credentials), output, indent=2)
    fresh.replace(file)

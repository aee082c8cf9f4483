"""Mails on disk: one `.eml` file each, exactly the bytes that came in."""

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.mail import message
from sandbox.mail.message import Mail

_ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A line of the list. `attachments` are (name, media type, bytes); `size` is in bytes."""

    id: str
    received: datetime
    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    size: int
    attachments: tuple[tuple[str, str, int], ...]


class MailStore:
    """The mails in one directory. Ids sort by the time of arrival."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._summaries: dict[str, Summary] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def add(self, raw: bytes) -> str:
        """Keep a mail; it is on disk when this returns its id."""
        mail_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        path = self._path(mail_id)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as output:
            output.write(raw)
            output.flush()
            os.fsync(output.fileno())
        fresh.replace(path)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return mail_id

    def summaries(self) -> list[Summary]:
        """All mails, newest first."""
        ids = sorted((path.stem for path in self._directory.glob("*.eml")), reverse=True)
        return [self._summary(mail_id) for mail_id in ids]

    def raw(self, mail_id: str) -> bytes | None:
        """The bytes of a mail, or None if there is no such mail."""
        if not _ID.fullmatch(mail_id):
            return None
        try:
            return self._path(mail_id).read_bytes()
        except FileNotFoundError:
            return None

    def mail(self, mail_id: str) -> Mail | None:
        """A mail taken apart, or None if there is no such mail."""
        raw = self.raw(mail_id)
        return None if raw is None else message.read(raw)

    def _summary(self, mail_id: str) -> Summary:
        if mail_id not in self._summaries:
            raw = self._path(mail_id).read_bytes()
            mail = message.read(raw)
            self._summaries[mail_id] = Summary(
                id=mail_id,
                received=datetime.strptime(mail_id.partition("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC),
                message_id=mail.message_id,
                sender=mail.sender,
                to=mail.to,
                subject=mail.subject,
                size=len(raw),
                attachments=tuple((a.name, a.type, a.size) for a in mail.attachments),
            )
        return self._summaries[mail_id]

    def _path(self, mail_id: str) -> Path:
        return self._directory / f"{mail_id}.eml"

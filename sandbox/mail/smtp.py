"""The SMTP side of the inbox: a mail is on disk before the sender is told 250."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mail.faults import CLOSE, Faults, Moment
from sandbox.mail.store import MailStore

_LARGEST_MAIL_BYTES = 32 * 1024 * 1024


class _Receiver:
    """The hooks aiosmtpd calls; their names are its own."""

    def __init__(self, store: MailStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._faults.strike(Moment.RECIPIENT, [address]):
            return _fail(server, answer)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if answer := self._faults.strike(Moment.MESSAGE, envelope.rcpt_tos):
            return _fail(server, answer)
        raw = envelope.original_content or b""
        mail_id = await asyncio.to_thread(self._store.add, raw)
        if answer := self._faults.strike(Moment.ACCEPTED, envelope.rcpt_tos):
            return _fail(server, answer)
        return f"250 OK: kept as {mail_id}"


def _fail(server: SMTP, answer: str) -> str:
    if answer == CLOSE and isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
        return "421 closing"  # nobody hears it any more
    return answer


@contextlib.asynccontextmanager
async def listening(store: MailStore, faults: Faults, *, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """An SMTP server while the block runs; answers its port, which is a free one for port 0."""
    protocol = partial(
        SMTP, _Receiver(store, faults), hostname="localhost", enable_SMTPUTF8=True, data_size_limit=_LARGEST_MAIL_BYTES
    )
    server = await asyncio.get_running_loop().create_server(protocol, host, port)
    async with server:
        yield int(server.sockets[0].getsockname()[1])

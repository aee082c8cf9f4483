"""Everything of one merchant in one archive, so that he can always leave: rows, documents, checksums.

A tar archive (POSIX.1-2001), made while it is read: neither the archive nor a table is ever in memory whole.

    <merchant>/data/<table>.jsonl     every row that names the merchant, a JSON object a line
    <merchant>/documents/...          every stored document, byte for byte
    <merchant>/manifest.json          when it was made, how many rows and documents, what was missing
    <merchant>/SHA256SUMS             `sha256sum --check SHA256SUMS` proves the archive
"""

import json
import tarfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from tempfile import SpooledTemporaryFile

from adapters.postgres.database import Sessions
from adapters.postgres.exporting import Snapshot, StoredDocument, snapshot
from domain.documents import DocumentKind, DocumentRef
from domain.errors import DocumentDiffers, NotFound
from domain.ports import DocumentStore

Progress = Callable[[str], None]

_IN_MEMORY = 4 * 1024 * 1024
_CHUNK = 256 * 1024
_END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(kw_only=True)
class _Contents:
    """What went into the archive so far."""

    folder: str
    at: datetime
    sums: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    documents: int = 0
    missing: list[str] = field(default_factory=list)


class MerchantExport:
    """Implements `api.ports.Exporter`."""

    def __init__(self, sessions: Sessions, store: DocumentStore) -> None:
        self._sessions = sessions
        self._store = store

    async def archive(self, merchant_id: str, progress: Progress = lambda _: None) -> AsyncIterator[bytes]:
        """The archive, chunk by chunk. Raises NotFound before the first one for an unknown merchant.

        `progress` hears in words what comes next. A document that is missing, or is not what was stored, is named
        in the manifest, and fails the check of the checksums; the rest is exported all the same.
        """
        contents = _Contents(folder=merchant_id, at=datetime.now(UTC).replace(microsecond=0))
        async with snapshot(self._sessions, merchant_id) as of_merchant:
            merchant = await of_merchant.merchant()
            if merchant is None:
                raise NotFound("merchant", merchant_id)
            yield _file(contents, "data/merchants.jsonl", f"{merchant}\n".encode())
            for table, ordered_by in await of_merchant.tables():
                progress(f"rows of {table}")
                async for chunk in _table(contents, of_merchant, table, ordered_by):
                    yield chunk
            documents = await of_merchant.documents()
            for number, document in enumerate(documents, start=1):
                progress(f"document {number} of {len(documents)}")
                yield await self._document(contents, document)
        yield _file(contents, "manifest.json", _manifest(contents))
        yield _file(contents, "SHA256SUMS", "".join(f"{line}\n" for line in contents.sums).encode())
        yield _END

    async def _document(self, contents: _Contents, document: StoredDocument) -> bytes:
        name = f"documents/{document.key}"
        ref = DocumentRef(
            kind=DocumentKind(document.kind), key=document.key, sha256=document.sha256, size=document.size
        )
        try:
            content = await self._store.get(ref)
        except (NotFound, DocumentDiffers):
            contents.missing.append(document.key)
            contents.sums.append(f"{document.sha256}  {name}")
            return b""
        contents.documents += 1
        return _file(contents, name, content)


async def _table(contents: _Contents, of_merchant: Snapshot, table: str, ordered_by: str) -> AsyncIterator[bytes]:
    """A table's file. Its size stands before its content, so it is put aside first; a large one on the disk."""
    digest, rows = sha256(), 0
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as aside:
        async for row in of_merchant.rows(table, ordered_by):
            line = f"{row}\n".encode()
            digest.update(line)
            aside.write(line)
            rows += 1
        size = aside.tell()
        contents.rows[table] = rows
        yield _header(contents, f"data/{table}.jsonl", size, digest.hexdigest())
        aside.seek(0)
        while chunk := aside.read(_CHUNK):
            yield chunk
        yield _padding(size)


def _file(contents: _Contents, name: str, content: bytes) -> bytes:
    header = _header(contents, name, len(content), sha256(content).hexdigest())
    return header + content + _padding(len(content))


def _header(contents: _Contents, name: str, size: int, digest: str) -> bytes:
    contents.sums.append(f"{digest}  {name}")
    entry = tarfile.TarInfo(f"{contents.folder}/{name}")
    entry.size, entry.mtime, entry.mode = size, int(contents.at.timestamp()), 0o644
    return entry.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _manifest(contents: _Contents) -> bytes:
    told = {
        "format": "quittance-export-1",
        "merchant": contents.folder,
        "made_at": contents.at.isoformat(),
        "rows": contents.rows,
        "documents": contents.documents,
        "missing_documents": contents.missing,
    }
    return json.dumps(told, indent=2).encode()

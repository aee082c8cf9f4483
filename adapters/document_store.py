"""Documents in a directory of this machine: written once, durably, and checked whenever they are read."""

import asyncio
import os
import secrets
from pathlib import Path

from domain.documents import DocumentKind, DocumentRef, digest
from domain.errors import DocumentDiffers, NotFound

_READ_ONLY = 0o444


class InvalidKey(ValueError):
    """The key does not name a place inside the store."""


def parts_of(key: str) -> list[str]:
    """The names a key is made of. Raises InvalidKey for what could lead out of a store, or hide in it."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        raise InvalidKey(f"{key!r} is not a relative path with plain names")
    return parts


def checked(content: bytes, ref: DocumentRef) -> bytes:
    """The bytes, if they are those of `ref`; else raises DocumentDiffers."""
    if digest(content) != ref.sha256:
        raise DocumentDiffers(f"the bytes under {ref.key!r} are not those that were stored")
    return content


class LocalDocumentStore:
    """Implements `domain.ports.DocumentStore`. A key is a relative path with `/`, such as `meridian/inv_1.pdf`.

    A document appears under its key complete or not at all: it is written and flushed beside its place, then
    linked to it, which fails if something is there already. Processes may share a directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, kind: DocumentKind, key: str, content: bytes) -> DocumentRef:
        """Store durably, once; the same bytes again change nothing. Raises DocumentDiffers and InvalidKey."""
        await asyncio.to_thread(self._write, self._path(key), content)
        return DocumentRef(kind=kind, key=key, sha256=digest(content), size=len(content))

    async def get(self, ref: DocumentRef) -> bytes:
        """The stored bytes. Raises NotFound, DocumentDiffers when they are not those of `ref`, InvalidKey."""
        try:
            content = await asyncio.to_thread(self._path(ref.key).read_bytes)
        except FileNotFoundError as error:
            raise NotFound("document", ref.key) from error
        return checked(content, ref)

    def _path(self, key: str) -> Path:
        return self._directory.joinpath(*parts_of(key))

    def _write(self, path: Path, content: bytes) -> None:
        _make_directories(path.parent)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), _READ_ONLY)
                os.fsync(file.fileno())
            os.link(beside, path)
        except FileExistsError:
            if path.read_bytes() != content:
                raise DocumentDiffers(f"other bytes are already stored under {path.name!r}") from None
        finally:
            beside.unlink(missing_ok=True)
        _flush(path.parent)


def _make_directories(directory: Path) -> None:
    """Every new directory is flushed into its parent, else a power cut may lose it with all inside."""
    if not directory.exists():
        _make_directories(directory.parent)
        directory.mkdir(exist_ok=True)
        _flush(directory.parent)


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

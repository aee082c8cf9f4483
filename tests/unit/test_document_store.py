"""The document store: once, durably, and only what was stored."""

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.document_store import InvalidKey, LocalDocumentStore
from domain.documents import DocumentKind, digest
from domain.errors import DocumentDiffers, NotFound
from domain.ports import DocumentStore

_PDF = DocumentKind.INVOICE_PDF
_KEY = "meridian/2026/inv_1.pdf"


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return LocalDocumentStore(tmp_path / "documents")


def _files(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


async def test_what_was_stored_can_be_read(store: DocumentStore) -> None:
    ref = await store.put(_PDF, _KEY, b"%PDF")
    assert (ref.kind, ref.key, ref.sha256, ref.size) == (_PDF, _KEY, digest(b"%PDF"), 4)
    assert await store.get(ref) == b"%PDF"


async def test_storing_the_same_bytes_again_changes_nothing(store: DocumentStore, tmp_path: Path) -> None:
    first = await store.put(_PDF, _KEY, b"%PDF")
    written = (tmp_path / "documents" / _KEY).stat()
    assert await store.put(_PDF, _KEY, b"%PDF") == first
    again = (tmp_path / "documents" / _KEY).stat()
    assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert _files(tmp_path / "documents") == [_KEY]


async def test_other_bytes_never_replace_a_document(store: DocumentStore, tmp_path: Path) -> None:
    ref = await store.put(_PDF, _KEY, b"first")
    with pytest.raises(DocumentDiffers):
        await store.put(_PDF, _KEY, b"second")
    assert await store.get(ref) == b"first"
    assert _files(tmp_path / "documents") == [_KEY]


async def test_of_many_writers_at_once_one_wins_and_the_others_are_told(store: DocumentStore, tmp_path: Path) -> None:
    contents = [f"document {n}".encode() * 1000 for n in range(16)]
    outcomes = await asyncio.gather(*(store.put(_PDF, _KEY, c) for c in contents), return_exceptions=True)
    refs = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(refs) == 1
    assert all(isinstance(outcome, DocumentDiffers) for outcome in outcomes if outcome is not refs[0])
    assert await store.get(refs[0]) in contents
    assert _files(tmp_path / "documents") == [_KEY]


async def test_a_document_that_is_not_there_is_not_found(store: DocumentStore) -> None:
    ref = await store.put(_PDF, _KEY, b"%PDF")
    with pytest.raises(NotFound):
        await store.get(replace(ref, key="meridian/other.pdf"))


async def test_bytes_that_changed_on_disk_are_not_given_out(store: DocumentStore, tmp_path: Path) -> None:
    ref = await store.put(_PDF, _KEY, b"%PDF")
    (tmp_path / "documents" / _KEY).write_bytes(b"%PDG")
    with pytest.raises(DocumentDiffers):
        await store.get(ref)


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../outside", "a/../../outside", "a//b", "a/./b", "a/", ".hidden", "a\\b", "a\0b"]
)
async def test_a_key_never_leads_out_of_the_store(store: DocumentStore, tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidKey):
        await store.put(_PDF, key, b"%PDF")
    assert _files(tmp_path) == []


async def test_a_document_cannot_be_read_through_a_key_that_leads_out(store: DocumentStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    ref = await store.put(_PDF, _KEY, b"secret")
    with pytest.raises(InvalidKey):
        await store.get(replace(ref, key="../secret"))


async def test_stored_files_are_read_only(store: DocumentStore, tmp_path: Path) -> None:
    await store.put(_PDF, _KEY, b"%PDF")
    mode = (tmp_path / "documents" / _KEY).stat().st_mode
    assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)

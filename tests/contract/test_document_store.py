"""What every store of documents does: `domain.ports.DocumentStore` and `api.ports.Documents`."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import api.ports
from adapters.document_store import LocalDocumentStore
from domain.documents import DocumentKind, digest
from domain.errors import DocumentDiffers, NotFound
from domain.ports import DocumentStore
from tests.fakes.documents import FakeDocuments
from tests.fakes.world import World

PDF, XML = DocumentKind.INVOICE_PDF, DocumentKind.INVOICE_XML
KEY = "meridian/2026/inv_1.pdf"
STORES: dict[str, Callable[[Path], DocumentStore]] = {
    "fake": lambda _: FakeDocuments(World()),
    "local": lambda directory: LocalDocumentStore(directory / "documents"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentStore:
    return STORES[request.param](tmp_path)


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"", bytes(range(256)) * 4096])
async def test_what_was_stored_is_read_byte_for_byte(store: DocumentStore, content: bytes) -> None:
    ref = await store.put(PDF, KEY, content)
    assert (ref.kind, ref.key, ref.sha256, ref.size) == (PDF, KEY, digest(content), len(content))
    reader: api.ports.Documents = store
    assert await reader.get(ref) == content


async def test_storing_the_same_again_changes_nothing(store: DocumentStore) -> None:
    first = await store.put(PDF, KEY, b"%PDF")
    assert await store.put(PDF, KEY, b"%PDF") == first
    assert await store.get(first) == b"%PDF"


async def test_other_bytes_never_replace_a_document(store: DocumentStore) -> None:
    ref = await store.put(PDF, KEY, b"first")
    with pytest.raises(DocumentDiffers):
        await store.put(PDF, KEY, b"second")
    assert await store.get(ref) == b"first"


async def test_documents_under_different_keys_do_not_meet(store: DocumentStore) -> None:
    pdf = await store.put(PDF, KEY, b"%PDF")
    xml = await store.put(XML, "meridian/2026/inv_1.xml", b"<xml/>")
    assert (await store.get(pdf), await store.get(xml)) == (b"%PDF", b"<xml/>")


async def test_of_many_writers_at_once_one_wins_and_the_others_are_told(store: DocumentStore) -> None:
    contents = [f"document {number}".encode() for number in range(8)]
    outcomes = await asyncio.gather(*(store.put(PDF, KEY, content) for content in contents), return_exceptions=True)
    refs = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(refs) == 1
    assert sum(isinstance(outcome, DocumentDiffers) for outcome in outcomes) == len(contents) - 1
    assert digest(await store.get(refs[0])) == refs[0].sha256


async def test_a_document_that_is_not_there_is_not_found(store: DocumentStore) -> None:
    ref = await store.put(PDF, KEY, b"%PDF")
    with pytest.raises(NotFound):
        await store.get(replace(ref, key="meridian/2026/inv_2.pdf"))


async def test_bytes_that_are_not_those_that_were_asked_for_are_not_given_out(store: DocumentStore) -> None:
    ref = await store.put(PDF, KEY, b"%PDF")
    with pytest.raises(DocumentDiffers):
        await store.get(replace(ref, sha256=digest(b"another")))

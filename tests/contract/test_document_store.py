"""What every store of documents does: `domain.ports.DocumentStore` and `api.ports.Documents`."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

import api.ports
from adapters.document_store import InvalidKey, LocalDocumentStore
from adapters.s3_document_store import Bucket, S3DocumentStore, StoreAway
from domain.documents import DocumentKind, digest
from domain.errors import DocumentDiffers, NotFound
from domain.ports import DocumentStore
from tests.fakes.documents import FakeDocuments
from tests.fakes.world import World

PDF, XML = DocumentKind.INVOICE_PDF, DocumentKind.INVOICE_XML
KEY = "meridian/2026/inv_1.pdf"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """An S3 service with a bucket `documents`; its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/documents").raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


def _bucket(endpoint: str, timeout: timedelta = timedelta(seconds=20)) -> Bucket:
    """A corner of its own for each test."""
    return Bucket(
        name="documents",
        prefix=secrets.token_hex(4),
        endpoint=endpoint,
        access_key_id="key",
        secret_access_key="secret",
        timeout=timeout,
    )


@pytest.fixture(params=["fake", "local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentStore:
    match request.param:
        case "fake":
            return FakeDocuments(World())
        case "local":
            return LocalDocumentStore(tmp_path / "documents")
        case _:
            return S3DocumentStore(_bucket(request.getfixturevalue("s3_server")))


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


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a//b", ".hidden", "a/../b", "a\\b", ""])
async def test_a_key_never_leads_out_of_a_bucket(s3_server: str, key: str) -> None:
    with pytest.raises(InvalidKey):
        await S3DocumentStore(_bucket(s3_server)).put(PDF, key, b"%PDF")


async def test_a_bucket_that_does_not_answer_is_a_reason_to_try_again() -> None:
    away = S3DocumentStore(_bucket("http://127.0.0.1:9", timeout=timedelta(seconds=1)))
    with pytest.raises(StoreAway):
        await away.put(PDF, KEY, b"%PDF")

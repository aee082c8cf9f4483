"""A merchant takes everything with him: rows, documents, checksums."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from adapters.document_stores import open_store
from adapters.export import MerchantExport
from adapters.postgres import database
from tests.e2e.test_deliveries import completed
from tests.house import House


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of an archive by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {entry.name: (tar.extractfile(entry) or io.BytesIO()).read() for entry in tar}


def broken_sums(files: dict[str, bytes]) -> list[str]:
    """What `sha256sum --check` would find wrong."""
    stated = [line.split("  ", 1) for line in files["meridian/SHA256SUMS"].decode().splitlines()]
    return [name for digest, name in stated if hashlib.sha256(files.get(f"meridian/{name}", b"")).hexdigest() != digest]


async def test_export_holds_every_row_and_every_document_with_checksums(the_house: House, body: dict[str, Any]) -> None:
    done = await completed(the_house, body)

    answer = await the_house.shop.get("/v1/export")

    assert answer.headers["content-type"] == "application/x-tar"
    files = unpacked(answer.content)
    assert broken_sums(files) == []
    checkouts = [json.loads(line) for line in files["meridian/data/checkouts.jsonl"].splitlines()]
    [mine] = [row for row in checkouts if row["id"] == done["id"]]
    assert mine["request"]["customer"]["email"] == body["customer"]["email"]
    pdf = (await the_house.shop.get(done["invoice"]["pdf"])).content
    assert pdf in files.values()
    manifest = json.loads(files["meridian/manifest.json"])
    assert manifest["missing_documents"] == []
    assert manifest["rows"]["checkouts"] == len(checkouts)
    assert manifest["documents"] == sum(name.startswith("meridian/documents/") for name in files)
    assert "meridian/data/api_keys.jsonl" not in files


async def test_export_names_a_document_that_is_lost_and_holds_all_else(
    the_house: House, body: dict[str, Any], tmp_path: Path
) -> None:
    await completed(the_house, body)
    nothing_there = open_store(directory=tmp_path, bucket=None)
    export = MerchantExport(database.sessions(the_house.engine), nothing_there)

    files = unpacked(b"".join([chunk async for chunk in export.archive("meridian")]))

    missing = json.loads(files["meridian/manifest.json"])["missing_documents"]
    assert missing
    assert broken_sums(files) == [f"documents/{key}" for key in missing]

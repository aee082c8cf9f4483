"""Which store keeps the documents: a directory of this machine, or a bucket."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.document_store import LocalDocumentStore
from adapters.s3_document_store import Bucket, S3DocumentStore


def open_store(directory: Path, bucket: Mapping[str, Any] | None) -> LocalDocumentStore | S3DocumentStore:
    """The bucket where one is given, by the fields of `Bucket`; else the directory."""
    return LocalDocumentStore(directory) if bucket is None else S3DocumentStore(Bucket(**bucket))

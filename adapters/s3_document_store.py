"""Documents in a bucket of an S3-compatible object store, by `obstore`."""

from dataclasses import dataclass
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from adapters.document_store import checked, parts_of
from domain.documents import DocumentKind, DocumentRef, digest
from domain.errors import DocumentDiffers, NotFound


class StoreAway(ConnectionError):
    """The object store does not answer, or refuses us: the same call may succeed later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where a bucket is. Without keys the environment's are used (instance profile, web identity, `AWS_*`).

    `endpoint` is the service's URL where it is not Amazon's; one that begins with `http:` is taken in clear.
    """

    name: str
    prefix: str | None = None
    region: str = "us-east-1"
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    timeout: timedelta = timedelta(seconds=20)


class S3DocumentStore:
    """Implements `domain.ports.DocumentStore`.

    A document is written only where nothing is yet (`If-None-Match: *`), so none is ever replaced, whoever writes
    at the same time. The service must honour that header, as Amazon S3, MinIO, Ceph and R2 do.
    """

    def __init__(self, bucket: Bucket) -> None:
        known = {
            "endpoint": bucket.endpoint,
            "access_key_id": bucket.access_key_id,
            "secret_access_key": bucket.secret_access_key,
        }
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix,
            region=bucket.region,
            client_options={"allow_http": (bucket.endpoint or "").startswith("http:"), "timeout": bucket.timeout},
            retry_config={"max_retries": 2, "retry_timeout": bucket.timeout},
            **{name: value for name, value in known.items() if value is not None},  # type: ignore[arg-type]
        )

    async def put(self, kind: DocumentKind, key: str, content: bytes) -> DocumentRef:
        """Store durably, once; the same bytes again change nothing. Raises DocumentDiffers, InvalidKey, StoreAway."""
        parts_of(key)
        ref = DocumentRef(kind=kind, key=key, sha256=digest(content), size=len(content))
        try:
            await obstore.put_async(self._store, key, content, mode="create")
        except AlreadyExistsError:
            if await self._read(key) != content:
                raise DocumentDiffers(f"other bytes are already stored under {key!r}") from None
        except BaseError as error:
            raise StoreAway(f"storing {key!r}: {error}") from error
        return ref

    async def get(self, ref: DocumentRef) -> bytes:
        """The stored bytes. Raises NotFound, InvalidKey, StoreAway, and DocumentDiffers for bytes `ref` is not of."""
        parts_of(ref.key)
        return checked(await self._read(ref.key), ref)

    async def _read(self, key: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise NotFound("document", key) from error
        except BaseError as error:
            raise StoreAway(f"reading {key!r}: {error}") from error

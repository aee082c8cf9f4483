"""The connection to Temporal: one data converter for API, worker, tests and replays.

Payloads can hold personal data (the checkout a shop sent), so everything is encrypted before it leaves the
process, failure messages included. Keys rotate: the first key encrypts, all of them decrypt.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

ENCODING = b"binary/encrypted"
NONCE_BYTES = 12


class EncryptionCodec(PayloadCodec):
    """AES-256-GCM. `keys` maps a key's id to its 32 bytes; the first one encrypts."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("at least one payload key is needed: set QUITTANCE_PAYLOAD_KEYS")
        self._current = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        data = nonce + self._ciphers[self._current].encrypt(nonce, payload.SerializeToString(), None)
        return Payload(metadata={"encoding": ENCODING, "key": self._current.encode()}, data=data)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata["key"].decode()
        if key_id not in self._ciphers:
            raise ValueError(f"payload key {key_id!r} is not configured: add it to QUITTANCE_PAYLOAD_KEYS")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(self._ciphers[key_id].decrypt(nonce, sealed, None))
        except InvalidTag:
            raise ValueError(f"payload was not encrypted with key {key_id!r}, or was altered") from None


def codec(keys: Mapping[str, str]) -> EncryptionCodec:
    """The codec for these keys, each given as base64 of 32 bytes."""
    return EncryptionCodec({key_id: base64.b64decode(key) for key_id, key in keys.items()})


def data_converter(keys: Mapping[str, str]) -> DataConverter:
    """The converter for these keys, each given as base64 of 32 bytes."""
    return replace(
        pydantic_data_converter,
        payload_codec=codec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(
    address: str,
    *,
    namespace: str,
    keys: Mapping[str, str],
    api_key: str | None = None,
    tls: bool = False,
    lazy: bool = False,
) -> Client:
    """A client. A lazy one connects at its first call, so its process can start before Temporal does."""
    return await Client.connect(
        address, namespace=namespace, data_converter=data_converter(keys), api_key=api_key, tls=tls, lazy=lazy
    )

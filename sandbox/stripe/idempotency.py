"""Idempotency keys as Stripe keeps them: the first answer of a request that began to execute, for 24 hours."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.clock import Clock
from sandbox.stripe.errors import StripeError
from sandbox.stripe.store import Json, Store

_KEPT = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """A POST with an idempotency key. Two are the same if account, path and parameters are."""

    account: str
    key: str
    path: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """What the first request with a key was answered."""

    status: int
    body: Json
    request_id: str


def keyed(account: str, key: str, path: str, params: Mapping[str, Any]) -> KeyedRequest:
    """A request under its key; a StripeError if the key is too long."""
    if len(key) > 255:
        raise StripeError(
            400, "Idempotency keys can be at most 255 characters.", type="idempotency_error", param="Idempotency-Key"
        )
    text = json.dumps(params, sort_keys=True)
    return KeyedRequest(account=account, key=key, path=path, fingerprint=hashlib.sha256(text.encode()).hexdigest())


class SavedAnswers:
    """The answers kept, and the keys in use right now."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._in_use: set[tuple[str, str]] = set()

    @contextmanager
    def using(self, request: KeyedRequest | None) -> Iterator[None]:
        """Keep other requests off the key meanwhile: they get a 409."""
        if request is None:
            yield
            return
        place = (request.account, request.key)
        if place in self._in_use:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {request.key}. "
                "Please try again later.",
                type="idempotency_error",
                code="idempotency_key_in_use",
                headers={"Stripe-Should-Retry": "true"},
            )
        self._in_use.add(place)
        try:
            yield
        finally:
            self._in_use.discard(place)

    def find(self, request: KeyedRequest | None) -> SavedAnswer | None:
        """The answer to replay; a StripeError if the key was first used for something else."""
        if request is None:
            return None
        row = self._store.row(
            "SELECT * FROM answers WHERE account = ? AND key = ? AND saved_at > ?",
            request.account, request.key, self._clock.time() - _KEPT,
        )  # fmt: skip
        if row is None:
            return None
        if row["path"] != request.path:
            message = (
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{row['path']}' vs '{request.path}'). Try using a key other than '{request.key}' if you meant to "
                "execute a different request."
            )
            raise StripeError(400, message, type="idempotency_error")
        if row["fingerprint"] != request.fingerprint:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{request.key}' if you meant to execute a different request."
            )
            raise StripeError(400, message, type="idempotency_error")
        return SavedAnswer(row["status"], json.loads(row["body"]), row["request_id"])

    def save(self, request: KeyedRequest | None, answer: SavedAnswer) -> None:
        """Keep an answer under the request's key."""
        if request is not None:
            self._store.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                request.account, request.key, self._clock.time(), request.path, request.fingerprint,
                answer.status, json.dumps(answer.body), answer.request_id,
            )  # fmt: skip

"""Provider messages: signed, verified, and kept once each."""

import hmac
import json
import math
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256

from domain.errors import InvalidWebhook
from domain.payments import ProviderEvent
from domain.views import InboxEntry
from tests.fakes.world import World

TOLERANCE_SECONDS = 300


def sign(secret: str, body: bytes, *, age: int = 0) -> str:
    """The signature a provider puts on its message, by Stripe's scheme, made `age` seconds ago."""
    stamp = math.ceil(time.time()) - age
    return f"t={stamp},v1={_digest(secret, stamp, body)}"


def _digest(secret: str, stamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % stamp + body, sha256).hexdigest()


class FakeWebhooks:
    """Implements `api.ports.Webhooks` for messages of a few plain fields. `secrets` are by merchant id."""

    def __init__(self, secrets: Mapping[str, Sequence[str]]) -> None:
        self.secrets = secrets

    def verify(self, merchant_id: str, body: bytes, signature: str | None) -> ProviderEvent:
        if not any(_signed(secret, body, signature or "") for secret in self.secrets.get(merchant_id, ())):
            raise InvalidWebhook("not signed by the provider")
        try:
            message = json.loads(body.decode("utf-8"))
            event_id, kind = _text(message["id"]), _text(message["type"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidWebhook("not a message of the provider") from error
        if event_id is None or kind is None:
            raise InvalidWebhook("not a message of the provider")
        return ProviderEvent(
            provider="stripe",
            event_id=event_id,
            type=kind,
            relevant=kind.startswith("checkout.session."),
            checkout_id=_text(message.get("checkout")),
            session_id=_text(message.get("session")),
            payment_reference=_text(message.get("payment")),
            raw=body.decode("utf-8"),
        )


def _signed(secret: str, body: bytes, signature: str) -> bool:
    fields = [field.partition("=")[::2] for field in signature.split(",")]
    stamps = [value for name, value in fields if name == "t"]
    if not stamps or not stamps[0].isdecimal() or len(stamps[0]) > 12:
        return False
    if int(stamps[0]) < time.time() - TOLERANCE_SECONDS:
        return False
    wanted = _digest(secret, int(stamps[0]), body).encode()
    return any(hmac.compare_digest(wanted, value.encode()) for name, value in fields if name == "v1")


def _text(value: object) -> str | None:
    """A text that says something and that a database can keep."""
    return value if isinstance(value, str) and value and value.isprintable() else None


class FakeInbox:
    """Implements `api.ports.Inbox`. With `fault` set, nothing can be recorded."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fault: Exception | None = None

    async def record(self, merchant_id: str, event: ProviderEvent) -> InboxEntry:
        if self.fault is not None:
            raise self.fault
        key = (merchant_id, event.provider, event.event_id)
        self.world.events.setdefault(key, event)
        checkout = self.world.checkouts.get(self._checkout_of(event) or "")
        if checkout is None or checkout.merchant_id != merchant_id:
            return InboxEntry(workflow_id=None, checkout_id=None, applied=False)
        return InboxEntry(workflow_id=checkout.workflow_id, checkout_id=checkout.id, applied=key in self.world.applied)

    def _checkout_of(self, event: ProviderEvent) -> str | None:
        """By our own id in the message, else by the session or payment it names."""
        if event.checkout_id is not None:
            return event.checkout_id
        if event.session_id is not None:
            return self.world.sessions.get(event.session_id)
        return self.world.payments.get(event.payment_reference or "")

"""Provider messages: signed, verified, and kept once each."""

import hmac
import json
from hashlib import sha256

from domain.errors import InvalidWebhook
from domain.payments import ProviderEvent
from domain.views import InboxEntry
from tests.fakes.world import World


def sign(secret: str, body: bytes) -> str:
    """The signature a provider puts on its message."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


class FakeWebhooks:
    """Implements `api.ports.Webhooks` with a plain HMAC. `secrets` are by merchant id."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self.secrets = secrets

    def verify(self, merchant_id: str, body: bytes, signature: str | None) -> ProviderEvent:
        secret = self.secrets.get(merchant_id)
        if secret is None or signature is None or not hmac.compare_digest(sign(secret, body), signature):
            raise InvalidWebhook("not signed by the provider")
        try:
            message = json.loads(body.decode("utf-8"))
            return ProviderEvent(
                provider="stripe",
                event_id=message["id"],
                type=message["type"],
                relevant=message["type"].startswith("checkout.session."),
                checkout_id=message.get("checkout"),
                session_id=message.get("session"),
                payment_reference=None,
                raw=body.decode("utf-8"),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidWebhook("not a message of the provider") from error


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
        checkout = self.world.checkouts.get(event.checkout_id or "")
        if checkout is None or checkout.merchant_id != merchant_id:
            return InboxEntry(workflow_id=None, checkout_id=None, applied=False)
        return InboxEntry(workflow_id=checkout.workflow_id, checkout_id=checkout.id, applied=key in self.world.applied)

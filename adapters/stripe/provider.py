"""Stripe as payment provider, by its own SDK."""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import stripe
from stripe.checkout import Session as StripeSession
from stripe.params.checkout import SessionCreateParams

from adapters.stripe.amounts import to_stripe
from adapters.stripe.reports import CHECKOUT_ID, payment_report, session_report
from domain.errors import ProviderRefused, ProviderUnavailable
from domain.payments import OpenedSession, PaymentReport, PaymentStatus, SessionOrder, SessionReport

API_VERSION = "2026-10-28.endive"
ATTEMPT_KEY = "quittance_attempt"
PAYMENT_OF_SESSION = ["payment_intent.latest_charge.balance_transaction"]
LANGUAGES = frozenset({"de", "en", "fr", "es", "it", "nl", "pl", "pt", "sv", "da", "fi", "nb", "cs", "hu", "ja"})
_T = TypeVar("_T")


class StripeProvider:
    """Implements `domain.ports.PaymentProvider`; one Stripe account per merchant.

    The SDK repeats a call up to twice with the same idempotency key when Stripe answers 409, 500 or 503,
    or not at all. What still fails is the caller's to repeat later.
    """

    def __init__(
        self, api_keys: Mapping[str, str], *, api_base: str = "https://api.stripe.com", timeout: float = 20.0
    ) -> None:
        self._http = stripe.HTTPXClient(timeout=timeout, allow_sync_methods=False)
        self._clients = {
            merchant_id: stripe.StripeClient(
                key,
                stripe_version=API_VERSION,
                base_addresses={"api": api_base},
                http_client=self._http,
                max_network_retries=2,
            )
            for merchant_id, key in api_keys.items()
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    def _client(self, merchant_id: str) -> stripe.StripeClient:
        try:
            return self._clients[merchant_id]
        except KeyError:
            raise ProviderRefused(f"no Stripe account is configured for merchant {merchant_id}") from None

    async def open_session(self, order: SessionOrder) -> OpenedSession:
        client = self._client(order.merchant_id)
        key = order.idempotency_key
        try:
            session = await _translated(
                client.v1.checkout.sessions.create_async(_params(order), {"idempotency_key": key})
            )
        except _ReplayedFailure:
            # Stripe keeps a 500 under its key and repeats it, whether or not the session came to be: look,
            # and only if it did not, create it under the next key.
            found = await self._find(client, order)
            session = found or await self._create(client, order, f"{order.idempotency_key}:again")
        if session.url is None:
            raise ProviderRefused(f"session {session.id} is no longer open", code="session_not_open")
        return OpenedSession(
            session_id=session.id, url=session.url, expires_at=datetime.fromtimestamp(session.expires_at, UTC)
        )

    @staticmethod
    async def _create(client: stripe.StripeClient, order: SessionOrder, key: str) -> StripeSession:
        return await _translated(client.v1.checkout.sessions.create_async(_params(order), {"idempotency_key": key}))

    @staticmethod
    async def _find(client: stripe.StripeClient, order: SessionOrder) -> StripeSession | None:
        """The session that was opened for this very attempt, if there is one."""
        since = int((order.expires_at - timedelta(days=2)).timestamp())
        page = await _translated(client.v1.checkout.sessions.list_async({"limit": 100, "created": {"gte": since}}))
        async for session in page.auto_paging_iter():
            if session.metadata and session.metadata.to_dict().get(ATTEMPT_KEY) == order.idempotency_key:
                return session
        return None

    async def read_session(self, merchant_id: str, session_id: str) -> SessionReport:
        sessions = self._client(merchant_id).v1.checkout.sessions
        return session_report(await _translated(sessions.retrieve_async(session_id, {"expand": PAYMENT_OF_SESSION})))

    async def expire_session(self, merchant_id: str, session_id: str) -> SessionReport:
        sessions = self._client(merchant_id).v1.checkout.sessions
        try:
            await _translated(sessions.expire_async(session_id))
        except ProviderRefused as refusal:
            # Stripe refuses to expire a session that is not open: paid meanwhile, or expired before.
            report = await self.read_session(merchant_id, session_id)
            if report.status == "open":
                raise refusal from None
            return report
        return await self.read_session(merchant_id, session_id)

    async def read_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        intents = self._client(merchant_id).v1.payment_intents
        intent = await _translated(intents.retrieve_async(reference, {"expand": ["latest_charge.balance_transaction"]}))
        return payment_report(intent) or _untried(intent)


def _untried(intent: stripe.PaymentIntent) -> PaymentReport:
    return PaymentReport(reference=intent.id, status=PaymentStatus.PENDING, amount=0, currency=intent.currency.upper())


def _params(order: SessionOrder) -> SessionCreateParams:
    # Session metadata is not copied to the payment, so both get it.
    metadata = {CHECKOUT_ID: order.checkout_id, ATTEMPT_KEY: order.idempotency_key}
    return {
        "mode": "payment",
        "client_reference_id": order.checkout_id,
        "success_url": f"{order.return_url}?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": order.cancel_url,
        "customer_email": order.customer_email,
        "expires_at": int(order.expires_at.timestamp()),
        "locale": order.language if order.language in LANGUAGES else "auto",  # type: ignore[typeddict-item, unused-ignore]
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "payment_method_types": ["card"],
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": to_stripe(order.amount, order.currency),
                    "product_data": {"name": order.title},
                },
            }
        ],
    }


class _ReplayedFailure(ProviderUnavailable):
    """Stripe repeats the failure it stored under this idempotency key."""


async def _translated(call: Awaitable[_T]) -> _T:
    """Stripe's errors in the house's words: what may succeed later, and what never will."""
    try:
        return await call
    except (stripe.RateLimitError, stripe.APIConnectionError) as error:
        raise ProviderUnavailable(_said(error)) from error
    except stripe.APIError as error:
        if (error.headers or {}).get("idempotent-replayed") == "true":
            raise _ReplayedFailure(_said(error)) from error
        raise ProviderUnavailable(_said(error)) from error
    except stripe.StripeError as error:
        if error.http_status == 409:  # another call with this key is under way
            raise ProviderUnavailable(_said(error)) from error
        raise ProviderRefused(_said(error), code=error.code) from error


def _said(error: stripe.StripeError) -> str:
    return f"{type(error).__name__} {error.http_status or ''} {error.code or ''}: {error.user_message or ''}".strip()

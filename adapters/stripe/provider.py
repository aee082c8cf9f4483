"""Stripe as payment provider, by its own SDK."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import stripe
from stripe.checkout import Session as StripeSession
from stripe.params.checkout import SessionCreateParams

from adapters.stripe import events
from adapters.stripe.amounts import to_stripe
from adapters.stripe.captures import capture_params, was_captured
from adapters.stripe.disputes import DISPUTED_PAYMENT, dispute_report
from adapters.stripe.methods import methods_for
from adapters.stripe.payouts import SOURCES_OF_ENTRIES, is_itemized, payout_report
from adapters.stripe.refunds import REFUND_ID, refund_params, refund_report
from adapters.stripe.reports import CHECKOUT_ID, payment_report, session_report
from domain.captures import CaptureOrder
from domain.disputes import DisputeReport
from domain.errors import ProviderRefused, ProviderUnavailable
from domain.payments import OpenedSession, PaymentReport, PaymentStatus, SessionOrder, SessionReport
from domain.payouts import PayoutReport
from domain.reconciliation import EventPage
from domain.refunds import RefundOrder, RefundReport

API_VERSION = "2026-10-28.endive"
ATTEMPT_KEY = "quittance_attempt"
MOST_KEYS = 20
CHARGE_OF_PAYMENT = ["latest_charge.balance_transaction"]
PAYMENT_OF_SESSION = [f"payment_intent.{path}" for path in CHARGE_OF_PAYMENT]
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
        session = await _once(
            order.idempotency_key, partial(self._create, client, order), partial(self._find, client, order)
        )
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

    async def refund_payment(self, order: RefundOrder) -> RefundReport:
        client = self._client(order.merchant_id)
        # Stripe forgets keys after a day, but a refund keeps its metadata for ever: look before every call.
        refund = await self._find_refund(client, order)
        if refund is None:
            refund = await _once(
                order.idempotency_key, partial(self._refund, client, order), partial(self._find_refund, client, order)
            )
        return refund_report(refund)

    @staticmethod
    async def _refund(client: stripe.StripeClient, order: RefundOrder, key: str) -> stripe.Refund:
        return await _translated(client.v1.refunds.create_async(refund_params(order), {"idempotency_key": key}))

    @staticmethod
    async def _find_refund(client: stripe.StripeClient, order: RefundOrder) -> stripe.Refund | None:
        """The refund that came of this very order, if there is one."""
        of_payment = {"payment_intent": order.payment_reference, "limit": 100}
        page = await _translated(client.v1.refunds.list_async(of_payment))  # type: ignore[arg-type, unused-ignore]
        async for refund in page.auto_paging_iter():
            if refund.metadata and refund.metadata.to_dict().get(REFUND_ID) == order.refund_id:
                return refund
        return None

    async def read_refund(self, merchant_id: str, reference: str) -> RefundReport:
        return refund_report(await _translated(self._client(merchant_id).v1.refunds.retrieve_async(reference)))

    async def read_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        intent = await self._intent(merchant_id, reference)
        return payment_report(intent) or _untried(intent)

    async def _intent(self, merchant_id: str, reference: str) -> stripe.PaymentIntent:
        intents = self._client(merchant_id).v1.payment_intents
        return await _translated(intents.retrieve_async(reference, {"expand": CHARGE_OF_PAYMENT}))

    async def capture_payment(self, order: CaptureOrder) -> PaymentReport:
        read = partial(self._intent, order.merchant_id, order.payment_reference)
        # Stripe forgets keys after a day, but a payment is captured only once: look before every call.
        if (await read()).status == "requires_capture":
            await _unless_over(
                read, _once(order.idempotency_key, partial(self._capture, order), partial(was_captured, read))
            )
        return await self.read_payment(order.merchant_id, order.payment_reference)

    async def _capture(self, order: CaptureOrder, key: str) -> stripe.PaymentIntent:
        intents = self._client(order.merchant_id).v1.payment_intents
        params = capture_params(order)
        return await _translated(intents.capture_async(order.payment_reference, params, {"idempotency_key": key}))

    async def cancel_payment(self, merchant_id: str, reference: str) -> PaymentReport:
        read = partial(self._intent, merchant_id, reference)
        if (await read()).status == "requires_capture":
            intents = self._client(merchant_id).v1.payment_intents
            await _unless_over(read, _translated(intents.cancel_async(reference)))
        return await self.read_payment(merchant_id, reference)

    async def list_events(self, merchant_id: str, since: datetime, until: datetime, after: str | None) -> EventPage:
        listed = self._client(merchant_id).v1.events
        return events.page(await _translated(listed.list_async(events.params(since, until, after))), after)

    async def read_dispute(self, merchant_id: str, reference: str) -> DisputeReport:
        found = self._client(merchant_id).v1.disputes.retrieve_async(reference, {"expand": DISPUTED_PAYMENT})
        return dispute_report(await _translated(found))

    async def read_payout(self, merchant_id: str, reference: str) -> PayoutReport:
        client = self._client(merchant_id).v1
        payout = await _translated(client.payouts.retrieve_async(reference))
        if not is_itemized(payout):
            return payout_report(payout, ())
        return payout_report(payout, await _translated(_all_entries(client, reference)))


async def _all_entries(client: stripe.V1Services, payout: str) -> list[stripe.BalanceTransaction]:
    """Every balance transaction of a payout, page by page."""
    page = await client.balance_transactions.list_async({"payout": payout, "limit": 100, "expand": SOURCES_OF_ENTRIES})
    return [entry async for entry in page.auto_paging_iter()]


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
        "payment_intent_data": {"metadata": metadata, **({"capture_method": "manual"} if order.manual_capture else {})},
        "payment_method_types": methods_for(order),
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


async def _unless_over(read: Callable[[], Awaitable[stripe.PaymentIntent]], call: Awaitable[object]) -> None:
    """Do it; a refusal counts only while the authorization still stands, for somebody may have been quicker."""
    try:
        await call
    except ProviderRefused as refusal:
        if (await read()).status == "requires_capture":
            raise refusal from None


class _ReplayedFailure(ProviderUnavailable):
    """Stripe repeats the failure it stored under this idempotency key."""


async def _once(key: str, create: Callable[[str], Awaitable[_T]], find: Callable[[], Awaitable[_T | None]]) -> _T:
    """What `create` makes under the key, once.

    Stripe keeps a 500 under its key and repeats it, whether or not the thing came to be: look for it, and only if
    it is not there, create it under the next key.
    """
    for number in range(1, MOST_KEYS + 1):
        try:
            return await create(key if number == 1 else f"{key}:{number}")
        except _ReplayedFailure:
            found = await _translated(find())
            if found is not None:
                return found
    raise ProviderUnavailable(f"Stripe repeats a failure under each of {MOST_KEYS} keys of {key}")


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

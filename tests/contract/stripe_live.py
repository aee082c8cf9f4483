"""Stripe's own sandbox, for the same contract tests: `STRIPE_API_KEY=sk_test_... pytest -m stripe_live`.

Never in CI, and nothing here was run until somebody with a key did. Stripe lets nobody but a person with a browser pay
on its page, so what needs a paid or declined session is skipped; payments for refunds are made by the API, with
Stripe's test cards.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

import pytest
import stripe

from adapters.stripe.amounts import to_stripe
from adapters.stripe.provider import API_VERSION, StripeProvider
from domain.payments import OpenedSession

MERCHANTS = ("nordwerk", "suedwerk", "meridian")
"""Who sells in the tests; here all on one account."""


@dataclass(frozen=True, slots=True)
class LiveSide:
    """Implements `Side` of the session tests, and `Market` of the refund tests."""

    provider: StripeProvider
    client: stripe.StripeClient

    async def pay(self, session: OpenedSession) -> NoReturn:
        """Not by a test."""
        pytest.skip(f"only a person with a browser can pay at {session.url}")

    async def decline(self, session: OpenedSession) -> NoReturn:
        """Not by a test."""
        pytest.skip(f"only a person with a browser can be declined at {session.url}")

    async def order_transfer(self, session: OpenedSession) -> NoReturn:
        """Not by a test."""
        pytest.skip(f"only a person with a browser can order a transfer at {session.url}")

    async def paid(self, amount: int, currency: str) -> str:
        """A captured payment's reference."""
        intent = await self.client.v1.payment_intents.create_async(
            {
                "amount": to_stripe(amount, currency),
                "currency": currency.lower(),
                "payment_method": "pm_card_visa",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "confirm": True,
            }
        )
        return intent.id

    async def bounce(self, reference: str) -> NoReturn:
        """Stripe decides by the card, minutes later."""
        pytest.skip(f"nobody can make the bank send refund {reference} back now")


@asynccontextmanager
async def live_side() -> AsyncIterator[LiveSide]:
    """The adapter on Stripe's sandbox. Skips without a key, and refuses any key that could move real money."""
    key = os.environ.get("STRIPE_API_KEY", "")
    if not key:
        pytest.skip("set STRIPE_API_KEY to a secret key of Stripe's sandbox, sk_test_...")
    if not key.startswith("sk_test_"):
        pytest.fail("STRIPE_API_KEY is not a key of Stripe's sandbox (sk_test_...): nothing was sent", pytrace=False)
    provider = StripeProvider(dict.fromkeys(MERCHANTS, key))
    http = stripe.HTTPXClient(timeout=30, allow_sync_methods=False)
    client = stripe.StripeClient(key, stripe_version=API_VERSION, http_client=http)
    try:
        yield LiveSide(provider, client)
    finally:
        await provider.close()
        await http.close_async()  # type: ignore[no-untyped-call]

"""The result token in the return URL: what the provider said when we read it, for the shop to verify offline.

A JWT (RFC 7519), HS256 with the merchant's result key. It tells where the checkout stood; it authorizes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from api.representations.base import amount
from api.results import Result
from domain.checkout import CheckoutStatus
from domain.views import PaymentPageView

LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTokens:
    """Signs result tokens. `issuer` is our public URL, `keys` the result key of each merchant."""

    issuer: str
    keys: Mapping[str, str]

    def sign(self, page: PaymentPageView, status: CheckoutStatus, result: Result) -> str:
        """A token that says where this checkout stands and what came of the payment, valid for 15 minutes."""
        now = datetime.now(UTC)
        claims = {
            "iss": self.issuer,
            "checkout": page.checkout_id,
            "assignment_key": page.assignment_key,
            "status": status.value,
            "outcome": result.value,
            "amount": amount(page.amount, page.currency),
            "currency": page.currency,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode(claims, self.keys[page.merchant_id], algorithm=ALGORITHM)

"""Who the stand-in knows: merchants' accounts, by key, and where their webhooks go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Gets every event of its account as a signed snapshot. `secret` is the signing secret, `whsec_...`."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """One account. `api_key` is its secret key; objects of one account are invisible to another.

    Endpoints are known by their place: pending deliveries follow an endpoint whose URL changes between two starts.
    """

    api_key: str
    endpoints: tuple[WebhookEndpoint, ...]

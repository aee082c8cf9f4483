"""A stand-in for Stripe: the part of its API, hosted page and webhooks that Quittance lives on, in one process.

It is held to Stripe's official OpenAPI document by tests; what that document does not say (texts, order of events,
timing) follows the public documentation and was never compared with the live service. It never sees a card.

Point the official SDK at it: `stripe.StripeClient(key, base_addresses={"api": url})`. A customer is played by posting
`outcome=succeed|decline|sca_succeed|sca_fail|sca_abandon|delayed_succeed|delayed_fail|cancel` to a session's `url`.

Sandbox-only routes, without authentication:

| route | what it does |
|---|---|
| `POST /_sandbox/faults` | adds faults (below); `GET` lists them, `DELETE` clears them |
| `GET /_sandbox/requests` | what the API was asked: method, path, params, idempotency_key, fault, status, replayed |
| `GET /_sandbox/deliveries` | what was sent: event, type, object, url, attempt, status, error, state, due |
| `POST /_sandbox/deliveries/send` `{"events": [ids]}` | sends events in exactly this order, dropped ones too |
| `POST /_sandbox/clock` `{"advance_seconds": 3600}` | moves the box's clock; `GET` reads it |
| `POST /_sandbox/sessions/{id}/pay` `{"outcome": "succeed"}` | the customer, as JSON |
| `POST /_sandbox/disputes` `{"payment": "pi_... or ch_..."}` | opens a dispute; `/{id}/close` `{"outcome": "won"}` |
| `POST /_sandbox/refunds/{id}/fail` `{"reason": "..."}` | a refund fails after all |
| `POST /_sandbox/payouts` `{"currency": "eur"}` | pays the balance out |

Faults. Every part is optional; orders add up; an unknown field is a 422. `only` narrows an order to one session,
payment intent, charge, refund or client reference id. See `faults.py` for every field.

    {"seed": 7, "webhooks": [{"do": "drop", "probability": 0.1}, {"do": "duplicate", "probability": 0.2},
                             {"do": "reorder", "seconds": 2}]}
    {"webhooks": [{"do": "drop", "types": ["checkout.session.completed"], "times": 1}]}
    {"webhooks": [{"do": "second_event", "types": ["payment_intent.succeeded"]}]}
    {"http": [{"operation": "create", "do": "503"}, {"operation": "create", "do": "timeout_after", "seconds": 30}]}
    {"http": [{"operation": "any", "do": "429", "times": null, "probability": 0.05}], "seed": 7}
    {"only": "cs_test_...", "money": {"capture_difference": -100}}
    {"only": "cs_test_...", "money": {"capture_currency": "usd", "second_capture": true}}
    {"only": "cs_test_...", "money": {"capture_after_expiry": true}}
    {"timing": {"balance_seconds": 5, "delayed_method_seconds": 86400}}
    {"refunds": {"pending_seconds": 10}}  or  {"refunds": {"fail_after_seconds": 60}}
"""

from sandbox.stripe.accounts import StripeAccount, WebhookEndpoint
from sandbox.stripe.app import create_app

__all__ = ["StripeAccount", "WebhookEndpoint", "create_app"]

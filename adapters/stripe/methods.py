"""Which payment methods a session offers: cards, and what the merchant opted in to as far as it takes the currency.

Source: docs.stripe.com/payments/payment-methods/payment-method-support. None of the delayed methods can be captured
manually. A session that offers a method its currency does not go with is refused as a whole.
"""

from typing import Literal

from domain.capture_modes import DelayedMethod
from domain.payments import SessionOrder

Method = Literal[
    "card",
    "sepa_debit",
    "bacs_debit",
    "acss_debit",
    "au_becs_debit",
    "us_bank_account",
    "boleto",
    "konbini",
    "multibanco",
    "oxxo",
]

_DELAYED: dict[DelayedMethod, tuple[Method, frozenset[str]]] = {
    DelayedMethod.SEPA_DEBIT: ("sepa_debit", frozenset({"EUR"})),
    DelayedMethod.BACS_DEBIT: ("bacs_debit", frozenset({"GBP"})),
    DelayedMethod.ACSS_DEBIT: ("acss_debit", frozenset({"CAD", "USD"})),
    DelayedMethod.AU_BECS_DEBIT: ("au_becs_debit", frozenset({"AUD"})),
    DelayedMethod.US_BANK_ACCOUNT: ("us_bank_account", frozenset({"USD"})),
    DelayedMethod.BOLETO: ("boleto", frozenset({"BRL"})),
    DelayedMethod.KONBINI: ("konbini", frozenset({"JPY"})),
    DelayedMethod.MULTIBANCO: ("multibanco", frozenset({"EUR"})),
    DelayedMethod.OXXO: ("oxxo", frozenset({"MXN"})),
}


def methods_for(order: SessionOrder) -> list[Method]:
    """The methods to offer, cards first."""
    if order.manual_capture:
        return ["card"]
    chosen = (_DELAYED[method] for method in order.delayed_methods)
    return ["card", *(name for name, currencies in chosen if order.currency in currencies)]

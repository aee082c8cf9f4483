"""Payment methods as the stand-in plays them: a card that settles at once, and one delayed method per currency."""

from typing import Any

from sandbox.stripe.errors import refuse

DELAYED = {
    "eur": "sepa_debit",
    "usd": "us_bank_account",
    "gbp": "bacs_debit",
    "jpy": "konbini",
    "brl": "boleto",
    "mxn": "oxxo",
    "cad": "acss_debit",
    "aud": "au_becs_debit",
}
"""The delayed method offered per currency; elsewhere there is none, and a bank transfer stands for it if asked."""
_CURRENCIES = {
    "sepa_debit": {"eur"},
    "multibanco": {"eur"},
    "us_bank_account": {"usd"},
    "bacs_debit": {"gbp"},
    "konbini": {"jpy"},
    "boleto": {"brl"},
    "oxxo": {"mxn"},
    "acss_debit": {"cad", "usd"},
    "au_becs_debit": {"aud"},
}
"""The delayed methods the stand-in knows, each with the currencies it takes."""


def offered(currency: str, wanted: list[str] | None, excluded: list[str], *, manual: bool) -> list[str]:
    """The payment methods of a session: those asked for, or the account's usual ones for its currency.

    Refuses one that is asked for and does not go with the currency, or with `manual` capture.
    """
    for method in wanted or []:
        _check(method, currency, manual=manual)
    usual = ["card", DELAYED[currency]] if currency in DELAYED and not manual else ["card"]
    return [method for method in (wanted or usual) if method not in excluded]


def _check(method: str, currency: str, *, manual: bool) -> None:
    if method in _CURRENCIES and currency not in _CURRENCIES[method]:
        refuse(f"The payment method type `{method}` cannot be used with the currency `{currency}`.", "currency")
    if method in _CURRENCIES and manual:
        refuse(
            f"The payment method type `{method}` does not support `capture_method: manual`.",
            "payment_intent_data[capture_method]",
        )


def delayed(currency: str) -> str:
    """The delayed method used for a currency."""
    return DELAYED.get(currency, "customer_balance")


def details(method: str, capture_before: int | None) -> dict[str, Any]:
    """`payment_method_details` of a charge. `capture_before` is set while a card payment is only authorized."""
    if method != "card":
        return {"type": method, method: {"tax_id": "000.000.001-91"} if method == "boleto" else {}}
    card: dict[str, Any] = {
        "amount_authorized": None,
        "authorization_code": None,
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "DE",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": "Xt5EWLLDS7FJjR1c",
        "funding": "credit",
        "installments": None,
        "last4": "4242",
        "mandate": None,
        "network": "visa",
        "network_token": {"used": False},
        "network_transaction_id": None,
        "three_d_secure": None,
        "wallet": None,
    }
    if capture_before:
        card["capture_before"] = capture_before
    return {"type": "card", "card": card}

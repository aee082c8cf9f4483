"""Payment methods as the stand-in plays them: a card that settles at once, and one delayed method per currency."""

from typing import Any

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


def offered(currency: str, wanted: list[str] | None, excluded: list[str]) -> list[str]:
    """The payment methods of a session: those asked for, or the account's usual ones for its currency."""
    usual = ["card", DELAYED[currency]] if currency in DELAYED else ["card"]
    return [method for method in (wanted or usual) if method not in excluded]


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

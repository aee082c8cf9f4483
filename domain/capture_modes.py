"""How a merchant lets its customers pay: when money is captured, and which methods may take days."""

from enum import StrEnum


class CaptureMode(StrEnum):
    """Automatic: the money is captured when the customer pays. Manual: it is authorized, and captured by the shop."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class DelayedMethod(StrEnum):
    """A payment method whose money comes days after the customer ordered it, and may not come at all."""

    SEPA_DEBIT = "sepa_debit"
    BACS_DEBIT = "bacs_debit"
    ACSS_DEBIT = "acss_debit"
    AU_BECS_DEBIT = "au_becs_debit"
    US_BANK_ACCOUNT = "us_bank_account"
    BOLETO = "boleto"
    KONBINI = "konbini"
    MULTIBANCO = "multibanco"
    OXXO = "oxxo"

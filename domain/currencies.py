"""Currencies of ISO 4217 and how many decimals their amounts have.

Source: ISO 4217 list one, as published on 2026-01-01. Codes without a minor unit (gold, test codes,
special drawing rights) are not here: nothing can be priced in them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.errors import InvalidAmount

_CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
        CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
        HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
        MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
        SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
        VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: Mapping[str, int] = MappingProxyType(
    {code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}
)
"""The number of decimals of each active currency: 2 for EUR, 0 for JPY, 3 for KWD."""


def is_currency(code: object) -> bool:
    """Whether this is the code of an active currency with a minor unit, in upper case."""
    return isinstance(code, str) and code in EXPONENTS


def exponent(currency: str) -> int:
    """The number of decimals of amounts in this currency. Raises InvalidAmount for an unknown one."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InvalidAmount(f"{currency!r} is not the code of an active ISO 4217 currency") from None


MOST_DOCUMENT_DECIMALS = 2
"""EN 16931 (BR-DEC-01 and following) has no amount with more; Stripe, too, takes three-decimal currencies that way."""


def document_step(currency: str) -> int:
    """The smallest amount, in minor units, that an electronic invoice can state: 1 for EUR and JPY, 10 for KWD.

    Everything that is priced is a multiple of it. Raises InvalidAmount for an unknown currency.
    """
    return int(10 ** max(0, exponent(currency) - MOST_DOCUMENT_DECIMALS))

"""Where electronic invoices are delivered to: addresses of the EAS code list, and the Leitweg-ID of German authorities.

Each function says what is wrong as the end of a sentence that names the field, or None.
"""

import re
from dataclasses import dataclass

from domain.texts import email_problem

MAIL = "EM"
GLN = "0088"
LEITWEG = "0204"

_CODES = """
    0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177 0183 0184 0188 0190 0191
    0192 0193 0194 0195 0196 0198 0199 0200 0201 0202 0203 0204 0205 0208 0209 0210 0211 0212 0213 0215 0216 0217 0218
    0219 0220 0221 0225 0230 0235 0240 0242 0244 0245 0246 0248 9910 9913 9914 9915 9918 9919 9920 9922 9923 9924 9925
    9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 9941 9942 9943 9944 9945 9946 9947 9948
    9949 9950 9951 9952 9953 9957 9959 AN AQ AS AU EM
"""
SCHEMES = frozenset(_CODES.split())
"""The Electronic Address Scheme list of the European Commission (BT-34-1, BT-49-1), as EN 16931's rules have it."""

_IDENTIFIER = re.compile(r"[!-~]{1,50}")
_LEITWEG_ID = re.compile(
    r"(?:0[1-9]|1[0-6]|99)(?:[0-9](?:[0-9]{2}(?:[0-9]{3}|[0-9]{4}|[0-9]{7})?)?)?(?:-[A-Z0-9]{1,30})?-[0-9]{2}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectronicAddress:
    """An address in a network for electronic invoices: `9930` and `DE123456788` in Peppol (BT-34, BT-49)."""

    scheme: str
    id: str


def scheme_problem(scheme: object) -> str | None:
    """What is wrong with the scheme of an electronic address."""
    if isinstance(scheme, str) and scheme in SCHEMES:
        return None
    return 'must be a code of the Electronic Address Scheme list such as "9930" or "0204"'


def id_problem(scheme: object, identifier: object) -> str | None:
    """What is wrong with the identifier of an electronic address of this scheme. Check digits are verified of
    global location numbers (`0088`) and Leitweg-IDs (`0204`)."""
    if scheme == MAIL:
        return email_problem(identifier)
    if scheme == LEITWEG:
        return leitweg_id_problem(identifier)
    if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
        return "must be 1 to 50 visible ASCII characters without spaces"
    if scheme == GLN and not _is_gln(identifier):
        return "must be a global location number: 13 digits, the last one its check digit"
    return None


def leitweg_id_problem(text: object) -> str | None:
    """What is wrong with a Leitweg-ID. Its form is that of KoSIT's specification 2.0: the authority's place (two
    digits of a state or 99, then up to ten more), what the authority adds, and two check digits of ISO 7064."""
    return None if is_leitweg_id(text) else 'must be a Leitweg-ID with right check digits, such as "04011000-12345-03"'


def is_leitweg_id(text: object) -> bool:
    """Whether this is a Leitweg-ID, by its form and its check digits (ISO 7064, MOD 97-10)."""
    if not isinstance(text, str) or not _LEITWEG_ID.fullmatch(text):
        return False
    digits = "".join(str(int(character, 36)) for character in text.replace("-", ""))
    return int(digits) % 97 == 1


def _is_gln(text: str) -> bool:
    """GS1: from the right, digits count one and three times in turn; the sum ends in zero."""
    if not re.fullmatch("[0-9]{13}", text):
        return False
    return sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(reversed(text))) % 10 == 0

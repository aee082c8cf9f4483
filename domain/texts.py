"""Texts from outside: what may be printed, mailed and stored. Nothing is altered, only taken or refused.

Each function says what is wrong as the end of a sentence that names the field, or None. No message quotes
the text: messages travel into logs and failures, which carry no personal data.
"""

import re

from domain.countries import is_country

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: C0, delete, C1
    "\u2028\u2029"  # line and paragraph separators
    "\u202a-\u202e\u2066-\u2069"  # bidirectional overrides and isolates: text that reads as something else
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # unpaired surrogates, noncharacters: not allowed in XML
)
_VISIBLE = re.compile(
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_MAIL_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|[xX][nN]--[A-Za-z0-9-]{{0,58}}[A-Za-z0-9])")

_DIGIT_GROUPS = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_CARD_NUMBER = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|35[0-9]{14}"  # American Express, Diners, JCB
    r"|6[0-9]{15,18}|5[0678][0-9]{14,17}"  # Discover, UnionPay, Maestro
)
_CARD_LENGTHS = range(13, 20)


def text_problem(text: object, *, most: int) -> str | None:
    """What is wrong with a text that must have 1 to `most` characters, on one line, and say something."""
    if not isinstance(text, str):
        return "must be a string"
    if not text:
        return "must not be empty"
    if len(text) > most:
        return f"must not be longer than {most} characters"
    if UNPRINTABLE.search(text):
        return "must be one line without control characters, direction overrides and unpaired surrogates"
    if not _VISIBLE.search(text):
        return "must have a visible character"
    return None


def email_problem(address: object) -> str | None:
    """What is wrong with a mail address. The form is the plain one of RFC 5321, in ASCII: what every mail
    server takes. An international domain is written in its `xn--` form."""
    if not isinstance(address, str):
        return "must be a string"
    local_part, _, domain = address.rpartition("@")
    sound = (
        len(address) <= 254
        and len(local_part) <= 64
        and _LOCAL_PART.fullmatch(local_part)
        and _MAIL_DOMAIN.fullmatch(domain)
    )
    return None if sound else 'must be a plain mail address such as "jana@example.org"'


def vat_id_problem(vat_id: object) -> str | None:
    """What is wrong with a VAT identifier (BT-48). BR-CO-09 wants a country's prefix; Greece's is `EL`, and
    Northern Ireland's `XI`."""
    sound = (
        isinstance(vat_id, str)
        and re.fullmatch(r"[A-Z]{2}[A-Z0-9+*.-]{2,18}", vat_id)
        and (is_country(vat_id[:2]) or vat_id[:2] in {"EL", "XI"})
    )
    return (
        None if sound else 'must be a VAT identifier with its country prefix and without spaces, such as "DE123456789"'
    )


def card_problem(text: object) -> str | None:
    """Whether a payment card's number is in a text of reasonable length: card data never touches us.

    A card number has 13 to 19 digits, also in groups, is in an issuer's range and has a right check digit
    (Luhn). An article number that is a GTIN by its own check digit is none.
    """
    runs = _DIGIT_GROUPS.findall(text) if isinstance(text, str) else []
    found = any(_is_card_number(digits) for run in runs for digits in _joined_groups(run))
    return "must not hold a payment card number" if found else None


def _joined_groups(run: str) -> list[str]:
    groups = re.split("[ -]", run)
    joined = []
    for start in range(len(groups)):
        digits = ""
        for group in groups[start : start + _CARD_LENGTHS.stop]:
            digits += group
            if len(digits) in _CARD_LENGTHS:
                joined.append(digits)
            if len(digits) >= _CARD_LENGTHS.stop:
                break
    return joined


def _is_card_number(digits: str) -> bool:
    if not _CARD_NUMBER.fullmatch(digits) or _check_sum(digits, luhn=True):
        return False
    return len(digits) > 14 or bool(_check_sum(digits, luhn=False))


def _check_sum(digits: str, *, luhn: bool) -> int:
    """The weighted sum modulo ten, zero if the last digit is right. From the right every second digit counts
    double (Luhn, digits of products added) or three times (GTIN)."""
    plain_digits = sum(map(int, digits[-1::-2]))
    other_digits = map(int, digits[-2::-2])
    return (plain_digits + sum(sum(divmod(2 * digit, 10)) if luhn else 3 * digit for digit in other_digits)) % 10

"""Redirects: to which addresses a customer may be sent back."""

import re
from urllib.parse import SplitResult, urlsplit

LONGEST_URL = 2000

_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:[/?][A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def redirect_problem(url: object, *, origins: tuple[str, ...], allow_local: bool) -> str | None:
    """What is wrong with a redirect address, as the end of a sentence; None if customers may be sent there.

    It must be an absolute https URL whose origin is, exactly, one of `origins`. With `allow_local`, addresses
    of this machine are taken too, also with http. User names, fragments, backslashes, control characters
    and everything that needs percent-encoding are refused: browsers and libraries read them differently.
    """
    parts = _split(url)
    if parts is None:
        return (
            f"must be an absolute https URL of at most {LONGEST_URL} characters, without user name, fragment "
            "and characters that need encoding"
        )
    if allow_local and parts.hostname in _THIS_MACHINE:
        return None
    if parts.scheme != "https":
        return "must be https"
    return None if _origin(parts) in origins else "must have one of the merchant's registered origins"


def _split(url: object) -> SplitResult | None:
    if not isinstance(url, str) or len(url) > LONGEST_URL or not _URL.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port != 0
    except ValueError:
        return None
    sound = parts.hostname and not parts.netloc.endswith(":") and port_is_sound
    return parts if sound else None


def _origin(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"

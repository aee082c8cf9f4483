"""The proof of a finalized document: what chains it to the document before it in its series.

    proof = version ":" SHA-256(proof of the document before, line feed, canonical content)

The canonical content is JSON (RFC 8259) in UTF-8 without white space, members sorted by name, with amounts as integers,
decimals without trailing zeros, times in UTC with microseconds, dates as ISO 8601. Members that are null, false, zero
or empty are left out: so a field that documents get later, empty in those there are, changes no proof. A change of
anything else needs a new version, and the old one stays to check old documents with.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

VERSION = "1"


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one way to write a document's content down. Raises TypeError for values it has no form for."""
    text = json.dumps(_form(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def proof(previous: str | None, content: Mapping[str, Any]) -> str:
    """The proof of a document. `previous` is that of the document before it, None for the first of a series."""
    digest = sha256(f"{previous or ''}\n".encode() + canonical(content)).hexdigest()
    return f"{VERSION}:{digest}"


def holds(claimed: str, previous: str | None, content: Mapping[str, Any]) -> bool:
    """Whether a document still says what it said when its proof was made."""
    return claimed == proof(previous, content)


def _form(value: Any) -> Any:
    match value:
        case Mapping():
            members = {str(name): _form(member) for name, member in value.items()}
            return {name: member for name, member in members.items() if member or member == "0"}
        case str() | bool() | int() | None:
            return str(value) if isinstance(value, str) else value
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case Sequence():
            return [_form(item) for item in value]
        case _:
            raise TypeError(f"documents hold no {type(value).__name__}")

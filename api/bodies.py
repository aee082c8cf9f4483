"""Reads request bodies: never more than a limit, never JSON that could be read in two ways."""

import json
from collections import Counter
from email.message import Message
from typing import Any, NoReturn

from fastapi import Request

from api.problems import malformed, too_large, unsupported_media_type


async def read_limited(request: Request, limit: int) -> bytes:
    """The body, read piece by piece and given up as soon as it exceeds `limit` bytes, whatever it declared."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


async def read_json_object(request: Request, limit: int) -> dict[str, Any]:
    """The body as a JSON object (RFC 8259, and I-JSON's rule that names are unique)."""
    _demand_json(request)
    return parse_object(await read_limited(request, limit))


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Refused: other encodings than UTF-8, NaN and Infinity, repeated names, extreme nesting."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique_names)
    except UnicodeDecodeError as error:
        raise malformed("The body is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise malformed(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise malformed("The body is nested too deeply.") from error
    except _Ambiguous as error:
        raise malformed(str(error)) from error
    except ValueError as error:  # Python's own guard against integers that take seconds to read
        raise malformed("A number in the body has too many digits.") from error
    if not isinstance(value, dict):
        raise malformed("The body must be a JSON object.")
    return value


def _demand_json(request: Request) -> None:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    charset = header.get_content_charset("utf-8")
    encoded = request.headers.get("content-encoding", "identity")
    if header.get_content_type() != "application/json" or charset != "utf-8" or encoded != "identity":
        raise unsupported_media_type("application/json")


class _Ambiguous(ValueError):
    """JSON that two readers could take for two different things."""


def _no_constant(name: str) -> NoReturn:
    raise _Ambiguous(f"The body is not JSON: {name} is not a JSON number.")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _Ambiguous(f"The body names {name!r} twice in one object.")
    return members

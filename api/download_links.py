"""Links under which anybody may fetch one stored document for a time: signed, so that none can be made up.

A JWT (RFC 7519), HS256 with the merchant's result key, for an audience of its own, so that neither can stand in for
the other. Changing the key ends all links.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from domain.errors import NotFound

ALGORITHM = "HS256"
AUDIENCE = "download"
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)
_CLAIMS = ["aud", "exp", "iss", "merchant", "sub"]


class LinkExpired(Exception):
    """The link was good once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLinks:
    """Signs and reads download links. `issuer` is our public URL, `keys` the result key of each merchant."""

    issuer: str
    keys: Mapping[str, str]

    def sign(self, merchant_id: str, invoice_id: str, expires_at: datetime) -> str:
        """The token of a link to the PDF of this document, good until `expires_at` (UTC)."""
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "merchant": merchant_id,
            "sub": invoice_id,
            "iat": datetime.now(UTC),
            "exp": expires_at,
        }
        return jwt.encode(claims, self.keys[merchant_id], algorithm=ALGORITHM)

    def read(self, token: str) -> tuple[str, str]:
        """Merchant and document of a token. Raises NotFound for a token that is not ours, and LinkExpired."""
        try:
            stated = jwt.decode(token, options={"verify_signature": False})
            key = self.keys[str(stated.get("merchant"))]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self.issuer,
                options={"require": _CLAIMS},
            )
        except jwt.ExpiredSignatureError as error:
            raise LinkExpired from error
        except (jwt.InvalidTokenError, KeyError) as error:
            raise NotFound("document", "of this link") from error
        return str(claims["merchant"]), str(claims["sub"])

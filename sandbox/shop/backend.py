"""The shop's side of the integration: all it takes to use Quittance from a shop."""

import secrets
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt

from sandbox.shop import cart


class Refused(RuntimeError):
    """The API did not do what was asked. The message has its status and words."""


class InvalidResult(ValueError):
    """The result in the return URL was not signed by Quittance for this checkout, or is too old."""


class ShopBackend:
    """Talks to the API at `api_url` with the shop's key. `shop_url` is where customers come back to."""

    def __init__(
        self, client: httpx.AsyncClient, *, api_url: str, api_key: str, result_key: str, shop_url: str
    ) -> None:
        self._client = client
        self._api_url = api_url
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._result_key = result_key
        self._shop_url = shop_url

    async def check_out(self) -> dict[str, Any]:
        """Open a checkout for the cart under a fresh order number. Raises Refused."""
        order = f"SO-{datetime.now(UTC):%y%m%d}-{secrets.randbelow(10**6):06}"
        return await self._ask("POST", "/v1/checkouts", json=cart.checkout(order, shop_url=self._shop_url))

    async def look(self, checkout_id: str) -> dict[str, Any]:
        """The checkout as it stands. Raises Refused."""
        return await self._ask("GET", f"/v1/checkouts/{checkout_id}")

    async def download(self, url: str) -> bytes:
        """A document of a checkout. Raises Refused."""
        return (await self._answer("GET", url)).content

    def result(self, token: str, checkout_id: str) -> dict[str, Any]:
        """What a verified result token says about a checkout; no request is needed. Raises InvalidResult."""
        try:
            claims = jwt.decode(
                token, self._result_key, algorithms=["HS256"], options={"require": ["exp", "iat", "checkout", "status"]}
            )
        except jwt.InvalidTokenError as error:
            raise InvalidResult(str(error)) from error
        if claims["checkout"] != checkout_id:
            raise InvalidResult("it belongs to another checkout")
        return claims

    async def _ask(self, method: str, path: str, json: object = None) -> dict[str, Any]:
        answer: dict[str, Any] = (await self._answer(method, self._api_url + path, json=json)).json()
        return answer

    async def _answer(self, method: str, url: str, json: object = None) -> httpx.Response:
        try:
            response = await self._client.request(method, url, headers=self._headers, json=json)
        except httpx.HTTPError as error:
            raise Refused(f"{method} {url}: {type(error).__name__} {error}") from error
        if not response.is_success:
            raise Refused(f"{method} {url}: {response.status_code} {response.text[:1000]}")
        return response

"""Customers of the shared house."""

import secrets
from typing import Any

import pytest

from tests.checkout_bodies import good_body


@pytest.fixture
def body() -> dict[str, Any]:
    """A good checkout with an assignment key and a customer of its own."""
    return fresh_body()


def fresh_body(**changes: Any) -> dict[str, Any]:
    """A good checkout with an assignment key and a customer of its own, changed as told."""
    mark = secrets.token_hex(5)
    body = good_body() | {"assignment_key": f"SO-{mark}"} | changes
    body["customer"] = body["customer"] | {"email": f"jana-{mark}@example.org"}
    return body

"""Customers of the shared house."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.checkout_bodies import good_body
from tests.house import House


@pytest.fixture(autouse=True)
async def no_fault_is_left_over(the_house: House) -> AsyncIterator[None]:
    """What a test let go wrong at the provider, and was not met in it, does not meet the next one."""
    yield
    (await the_house.customer.delete(f"{the_house.stripe_url}/_sandbox/faults")).raise_for_status()


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

"""Fixtures of the tests on a real database."""

from collections.abc import AsyncIterator

import pytest

from tests.clerk import Clerk, at_work


@pytest.fixture
async def clerk(database_url: str) -> AsyncIterator[Clerk]:
    """A clerk with fresh books."""
    async with at_work(database_url) as it:
        yield it

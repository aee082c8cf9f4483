"""An office on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.books.scenes import Office
from tests.clerk import at_work
from tests.conservation import assert_money_is_conserved


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """An office with fresh books; whatever happens in it, they agree with everything else at the end."""
    async with at_work(database_url) as clerk:
        yield Office(clerk=clerk)
        await assert_money_is_conserved(clerk.engine)

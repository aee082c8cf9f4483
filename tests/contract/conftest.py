"""Every test that asks for a `scene` runs twice: on the fakes, and on the adapters with a real database."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.scenes import Scene, in_books, in_memory
from tests.contract.stripe_live import LiveSide, live_side


@pytest.fixture
async def books(database_url: str) -> AsyncIterator[Scene]:
    """A scene in a fresh database."""
    async with in_books(database_url) as it:
        yield it


@pytest.fixture
async def live() -> AsyncIterator[LiveSide]:
    """Stripe's own sandbox; skipped without a key."""
    async with live_side() as side:
        yield side


@pytest.fixture(params=["fake", "postgres"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """A fresh scene of either kind."""
    made: Scene = in_memory() if request.param == "fake" else request.getfixturevalue("books")
    return made

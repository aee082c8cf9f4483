"""Fixtures of the sandbox's own tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.stripe_box import Box, box


@pytest.fixture
async def stripe_box(tmp_path: Path) -> AsyncIterator[Box]:
    """A running Stripe stand-in of one's own."""
    async with box(tmp_path / "stripe.sqlite") as it:
        yield it

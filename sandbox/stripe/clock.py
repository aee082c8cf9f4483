"""The box's clock: the wall clock plus what tests have moved it forward, kept across restarts.

It rules everything the API tells in times: `created`, expiry, settlement, the age of idempotency keys. What travels
(signature stamps, delivery retries, delays of webhooks) follows the wall clock, as receivers compare it with theirs.
"""

import time

from sandbox.stripe.store import Store


class Clock:
    """Seconds since the epoch, movable forward only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        row = store.row("SELECT value FROM settings WHERE name = 'clock_offset'")
        self._offset: float = row["value"] if row else 0.0

    def time(self) -> float:
        """Now, with fractions."""
        return time.time() + self._offset

    def now(self) -> int:
        """Now in whole seconds, as the API writes times."""
        return int(self.time())

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` (>= 0)."""
        self._offset += seconds
        self._store.execute(
            "INSERT INTO settings VALUES ('clock_offset', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            self._offset,
        )

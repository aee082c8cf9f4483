"""The sweep: what it looks at, what it takes and what it tells.

It mends what every other way has missed: messages that nobody acted upon, messages that never came,
sessions that should be over, and runs that are gone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.checkout import CheckoutRequest
from domain.payments import ProviderEvent
from domain.views import InboxEntry

GRACE = timedelta(minutes=1)
"""A message younger than this is on its ordinary way."""
SESSION_OVERDUE = timedelta(minutes=10)
"""How long after its end a session may still be noted as open."""
RUN_OVERDUE = timedelta(hours=1)
"""How long after its link's end a checkout may still wait for its run to close it."""
STEP_OVERDUE = timedelta(minutes=10)
"""How long a paid checkout may stand still before we see whether its run lives."""
STUCK = timedelta(minutes=15)
"""A message that is not applied for this long is an alarm."""
LOOK_BACK = timedelta(days=3)
"""How far back the provider's own list is read at first."""
OLDEST = timedelta(days=30)
"""Stripe's list goes back no further."""
OVERLAP = timedelta(minutes=10)
"""What is read again the next time: a provider's list may be late."""
WINDOW = timedelta(hours=6)
"""How much of the list is read before it is noted how far we are."""
ALL_WITHIN = timedelta(hours=1)
"""In what time each thing is looked at that gives no sign of needing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One round. `now` (UTC) is the same for all that is looked at in it; the next round is `every` so often."""

    now: datetime
    every: timedelta

    @property
    def shares(self) -> int:
        """In how many parts everything is divided, of which each round looks at one."""
        return max(1, ALL_WITHIN // self.every)

    @property
    def share(self) -> int:
        """The part that is this round's."""
        return (self.now - datetime.fromtimestamp(0, UTC)) // self.every % self.shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a step of the round did: how many things it put right, and how many it could not."""

    done: int = 0
    failed: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(done=self.done + other.done, failed=self.failed + other.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEvent:
    """A message in the inbox that nobody has acted upon."""

    merchant_id: str
    entry: InboxEntry
    event: ProviderEvent
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSession:
    """A session that is noted as open though its end has passed."""

    merchant_id: str
    checkout_id: str
    workflow_id: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingCheckout:
    """A checkout that should have a run. `request` is what the shop sent."""

    merchant_id: str
    request: CheckoutRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Messages of a provider, as its own list has them. `next` asks for the page after; None on the last."""

    events: tuple[ProviderEvent, ...]
    next: str | None = None

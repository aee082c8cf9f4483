"""The stand-in as a whole: its accounts, its memory, and the two background tasks that let time pass and tell of it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.stripe.accounts import StripeAccount, WebhookEndpoint
from sandbox.stripe.books import Books, Cause
from sandbox.stripe.clock import Clock
from sandbox.stripe.faults import FaultBook
from sandbox.stripe.store import Store
from sandbox.stripe.timetable import run_next
from sandbox.stripe.webhooks import Sender

_LONGEST_NAP = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """A configured account under the id its objects are kept by, which does not give its key away."""

    id: str
    endpoints: tuple[WebhookEndpoint, ...]


class StandIn:
    """Everything the routes work with."""

    def __init__(self, *, state: Path, accounts: Sequence[StripeAccount], public_url: str) -> None:
        self.store = Store(state)
        self.clock = Clock(self.store)
        self.faults = FaultBook(self.store)
        self.public_url = public_url.rstrip("/")
        self.accounts = {account.api_key: Account(_id_of(account), account.endpoints) for account in accounts}
        self._by_id = {account.id: account for account in self.accounts.values()}
        self.sender = Sender(self.store, {account.id: account.endpoints for account in self._by_id.values()})
        self._time_changed = asyncio.Event()

    def books(self, account_id: str, cause: Cause | None = None) -> Books:
        """The books of one account."""
        account = self._by_id.get(account_id)
        return Books(
            account=account_id,
            endpoints=len(account.endpoints) if account else 0,
            store=self.store,
            clock=self.clock,
            faults=self.faults,
            public_url=self.public_url,
            cause=cause or Cause(),
        )

    def default_account(self) -> Account:
        """The first account configured: what `/_sandbox` means when it is not told."""
        return next(iter(self.accounts.values()))

    @contextmanager
    def step(self) -> Iterator[None]:
        """One atomic change, after which the background tasks look for work."""
        with self.store.transaction():
            yield
        self._time_changed.set()
        self.sender.wake()

    def catch_up(self) -> None:
        """Do everything the box's clock has made due."""
        more = True
        while more:
            with self.step():
                more = run_next(self.store, self.clock, self.books)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Let time pass and webhooks go out while the context is open; closes the store at the end."""
        tasks = [asyncio.create_task(self._keep_time()), asyncio.create_task(self.sender.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            self.store.close()

    async def _keep_time(self) -> None:
        while True:
            self.catch_up()
            self._time_changed.clear()
            row = self.store.row("SELECT min(due) AS due FROM timers")
            nap = _LONGEST_NAP
            if row and row["due"] is not None:
                nap = min(max(row["due"] - self.clock.time(), 0.0) + 0.001, _LONGEST_NAP)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._time_changed.wait(), nap)


def _id_of(account: StripeAccount) -> str:
    return "acct_1" + hashlib.sha256(account.api_key.encode()).hexdigest()[:15]

"""Whatever happens to the money of a checkout, in any order and repetition: the books keep the product's invariants.

Hypothesis makes up the stories; they run on real PostgreSQL, each on a checkout of its own.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Iterator
from typing import Any, TypeVar

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.database import Sessions
from adapters.postgres.merchants import PostgresMerchants
from domain.capture_modes import CaptureMode
from domain.checkout import CheckoutStatus
from domain.payments import PaymentReport, PaymentStatus, SettledBy
from domain.settlements import CreditBalance, ReductionKind
from sandbox.postgres import PostgresServer
from tests.conservation import assert_money_is_conserved
from tests.house import MERIDIAN
from tests.payments.payment_world import PaymentWorld
from tests.proofs import tries

EXAMPLES, STEPS = tries("STORIES", some=80, all_of_them=1_000) // 2, 12
"""In each of the two tests."""
_T = TypeVar("_T")
_WAYS = st.sampled_from(list(SettledBy))
_SHARES = st.sampled_from([1, 50, 100])
_MONEY = {PaymentStatus.COLLECTED, PaymentStatus.FINAL, PaymentStatus.REVERSED}

_STATE = """
    SELECT 'payment' AS kind, id, status, captured, currency FROM payments WHERE checkout_id = :id
    UNION ALL SELECT 'a payment does not add up', id, NULL, NULL, NULL FROM payments
    WHERE checkout_id = :id AND (captured <> assigned + available + refunded + disputed OR assigned <> coalesce(
        (SELECT sum(amount) FROM entry_items WHERE payment_id = payments.id AND kind = 'assigned'), 0))
    UNION ALL SELECT 'the entry and its items differ', id, NULL, NULL, NULL FROM entries
    WHERE (checkout_id = :id OR id IN (SELECT entry_id FROM entry_items JOIN payments ON payments.id = payment_id
                                       WHERE payments.checkout_id = :id))
    AND assigned <> coalesce(
        (SELECT sum(amount) FROM entry_items WHERE entry_id = entries.id AND kind = 'assigned'), 0)
    UNION ALL SELECT 'the entry and what it expects differ', id, NULL, NULL, NULL FROM entries
    WHERE checkout_id = :id AND expected <> coalesce(
        (SELECT sum(amount) FROM entry_items WHERE entry_id = entries.id AND kind = 'expected'), 0)
    UNION ALL SELECT 'money is expected that nobody promised', entry_items.id, NULL, NULL, NULL FROM entry_items
    JOIN payments ON payments.id = payment_id WHERE checkout_id = :id AND kind = 'expected'
    AND (promise IS NULL OR status <> 'pending' OR payments.amount <> entry_items.amount)
    UNION ALL SELECT 'more was captured than authorized', id, NULL, NULL, NULL FROM payments
    WHERE checkout_id = :id AND captured > authorized
    UNION ALL SELECT 'the entry owes less than was told', id, NULL, NULL, NULL FROM entries
    WHERE checkout_id = :id AND -reductions <> coalesce(
        (SELECT sum(amount) FROM refund_items WHERE entry_id = entries.id), 0) + coalesce(
        (SELECT sum(amount) FROM settlements WHERE entry_id = entries.id), 0)
    UNION ALL SELECT 'a canceled entry holds money', id, NULL, NULL, NULL FROM entries
    WHERE checkout_id = :id AND status = 'canceled' AND assigned > 0
    UNION ALL SELECT 'an entry shut for good was opened', id, NULL, NULL, NULL FROM entries
    WHERE checkout_id = :id AND shut_at IS NOT NULL AND status <> 'canceled'
    UNION ALL SELECT 'money is tied across currencies', entry_items.id, NULL, NULL, NULL FROM entry_items
    JOIN entries ON entries.id = entry_id JOIN payments ON payments.id = payment_id
    WHERE entries.checkout_id = :id AND entries.currency <> payments.currency
    UNION ALL SELECT 'two orders', NULL, NULL, NULL, NULL FROM orders WHERE checkout_id = :id HAVING count(*) > 1
    UNION ALL SELECT 'two invoices in force', NULL, NULL, NULL, NULL FROM invoices
    JOIN invoice_orders ON invoice_id = invoices.id JOIN orders ON orders.id = order_id
    WHERE checkout_id = :id AND kind = 'invoice' AND status <> 'canceled' HAVING count(*) > 1
    UNION ALL SELECT 'two payable sessions', NULL, NULL, NULL, NULL FROM provider_sessions
    WHERE checkout_id = :id AND status = 'open' HAVING count(*) > 1
    UNION ALL SELECT 'an order without money', id, NULL, NULL, NULL FROM orders
    WHERE checkout_id = :id AND NOT EXISTS (SELECT FROM payments WHERE checkout_id = :id AND captured > 0)
    UNION ALL SELECT 'the books have other unassigned money', id, NULL, available - booked, currency FROM (
        SELECT id, currency, available,
            -coalesce((SELECT sum(booking_lines.amount) FROM bookings JOIN booking_lines ON booking_id = bookings.id
                       WHERE payment_id = payments.id AND role = 'unassigned'), 0) AS booked
        FROM payments WHERE checkout_id = :id
    ) AS payment WHERE available <> booked
    UNION ALL SELECT 'the books have another balance of the entry', id, NULL, owed - assigned - booked, NULL FROM (
        SELECT id, assigned,
            CASE WHEN EXISTS (SELECT FROM invoices JOIN invoice_entries ON invoice_id = invoices.id
                              WHERE entry_id = entries.id AND kind = 'invoice' AND invoices.status <> 'canceled')
                 THEN initial + reductions ELSE 0 END AS owed,
            coalesce((SELECT sum(amount) FROM booking_lines WHERE entry_id = entries.id), 0) AS booked
        FROM entries WHERE checkout_id = :id
    ) AS entry WHERE owed - assigned <> booked
"""
"""The payments, and what is wrong."""
_UNTOLD = """
    SELECT payments.id FROM payments
    WHERE checkout_id = :id AND available > 0
    AND NOT EXISTS (SELECT FROM cases WHERE payment_id = payments.id AND (decided_at IS NULL OR decision = 'keep'
                                                                         OR decision = 'await_rest'))
"""


_HELD = """
    SELECT payments.id FROM payments JOIN checkouts ON checkouts.id = checkout_id
    WHERE checkout_id = :id AND payments.status = 'pending' AND promise = 'authorized'
    AND checkouts.status NOT IN ('awaiting_payment', 'needs_review')
"""
"""Authorizations that nobody waits for and nobody let go."""


class Desk:
    """Runs steps in the loop the database connection lives in."""

    def __init__(self, runner: asyncio.Runner, sessions: Sessions) -> None:
        self._runner = runner
        self._sessions = sessions
        self.wrote = False

    def do(self, step: Awaitable[_T]) -> _T:
        """Run a step to its end; after it there is something new to judge."""

        self.wrote = True
        return self._runner.get_loop().run_until_complete(step)

    def begin(self, capture: CaptureMode) -> PaymentWorld:
        """A story on a fresh checkout; what others left in the database does not matter to it."""
        return self.do(PaymentWorld.opened(self._sessions, capture))


class PaymentStories(RuleBasedStateMachine):
    """Rules are what can happen; everything they call is what the runs call."""

    desk: Desk
    sessions = Bundle("sessions")
    refunds = Bundle("refunds")
    disputes = Bundle("disputes")

    def __init__(self) -> None:
        super().__init__()
        self.captured: dict[str, tuple[int, str]] = {}

    @initialize(target=sessions, capture=st.sampled_from(list(CaptureMode)))
    def customer_opens_the_page(self, capture: CaptureMode) -> Any:
        self.world = self.desk.begin(capture)
        return self._press()

    @rule(target=sessions)
    def customer_opens_the_page_again(self) -> Any:
        return self._press()

    def _press(self) -> Any:
        before = self.world.current
        self.desk.do(self.world.press_pay())
        opened = self.world.current
        return opened if opened is not None and opened != before else multiple()

    @rule(session=sessions, difference=st.sampled_from([0, 0, 0, -100, 100]), foreign=st.integers(0, 9))
    def customer_pays(self, session: str, difference: int, foreign: int) -> None:
        self.world.customer_pays(session, difference, "USD" if foreign == 9 else None)

    @rule(session=sessions)
    def card_is_declined(self, session: str) -> None:
        self.world.card_is_declined(session)

    @rule(session=sessions)
    def customer_orders_transfer(self, session: str) -> None:
        self.world.customer_orders_transfer(session)

    @rule(session=sessions, well=st.booleans())
    def promise_ends(self, session: str, well: bool) -> None:
        self.world.promise_ends(session, well=well)

    @rule(share=_SHARES)
    def shop_captures(self, share: int) -> None:
        self.desk.do(self.world.shop_captures(share))

    @rule(session=sessions)
    def money_comes_twice(self, session: str) -> None:
        self.world.money_comes_twice(session)

    @rule(session=sessions, way=_WAYS)
    def somebody_looks(self, session: str, way: SettledBy) -> None:
        self.desk.do(self.world.look(session, way))

    @precondition(lambda self: self.world.pictures)
    @rule(which=st.integers(0, 99), way=_WAYS)
    def old_picture_is_applied(self, which: int, way: SettledBy) -> None:
        self.desk.do(self.world.apply(self.world.pictures[which % len(self.world.pictures)], settled_by=way))

    @rule(steps=st.integers(1, 3))
    def run_carries_on(self, steps: int) -> None:
        for _ in range(steps):
            self.desk.do(self.world.carry_on())

    @rule()
    def step_is_repeated(self) -> None:
        self.desk.do(self.world.repeat())

    @rule(status=st.sampled_from([CheckoutStatus.EXPIRED, CheckoutStatus.CANCELED]))
    def link_ends(self, status: CheckoutStatus) -> None:
        self.desk.do(self.world.link_ends(status))

    @precondition(lambda self: self.world.payments)
    @rule(target=refunds, which=st.integers(0, 9), share=_SHARES)
    def somebody_refunds(self, which: int, share: int) -> Any:
        payment: PaymentReport = self.world.payments[which % len(self.world.payments)][1]
        reference = self.desk.do(self.world.refund_in_dashboard(payment, share))
        return reference if reference is not None else multiple()

    @rule(refund=refunds)
    def refund_is_heard_of(self, refund: str) -> None:
        self.desk.do(self.world.hear_refund(refund))

    @rule(target=refunds, refund=consumes(refunds))
    def refund_comes_back(self, refund: str) -> str:
        self.world.refund_comes_back(refund)
        return refund

    @rule(target=disputes, session=sessions, share=_SHARES)
    def bank_takes_money_back(self, session: str, share: int) -> Any:
        reference = self.world.dispute(session, share)
        return reference if reference is not None else multiple()

    @rule(dispute=disputes)
    def dispute_is_heard_of(self, dispute: str) -> None:
        self.desk.do(self.world.hear_dispute(dispute))

    @rule(dispute=disputes, won=st.booleans())
    def bank_decides(self, dispute: str, won: bool) -> None:
        self.world.bank_decides(dispute, won=won)

    @rule(
        amount=st.sampled_from([1, 100, 40_000, 83_900]),
        kind=st.sampled_from(list(ReductionKind)),
        strategy=st.none() | st.sampled_from(list(CreditBalance)),
    )
    def entry_is_reduced(self, amount: int, kind: ReductionKind, strategy: CreditBalance | None) -> None:
        self.desk.do(self.world.reduce(amount, kind, strategy))

    @rule(strategy=st.none() | st.sampled_from(list(CreditBalance)), dice=st.integers(1, 3))
    def entry_is_canceled(self, strategy: CreditBalance | None, dice: int) -> None:
        if dice == 1:  # or every story would end so
            self.desk.do(self.world.cancel(strategy))

    @precondition(lambda self: self.world.payments)
    @rule(which=st.integers(0, 9), amount=st.none() | st.sampled_from([1, 50_000]))
    def money_settles_entries_of_others(self, which: int, amount: int | None) -> None:
        self.desk.do(self.world.settle_neighbours(which, amount))

    @precondition(lambda self: self.world.deeds)
    @rule(approved=st.booleans())
    def freed_money_goes_back(self, approved: bool) -> None:
        self.desk.do(self.world.give_freed_money_back(approved=approved))

    @rule()
    def money_is_sorted_out(self) -> None:
        self.desk.do(self.world.sort_out())

    @rule(choice=st.integers(0, 2))
    def person_decides(self, choice: int) -> None:
        self.desk.do(self.world.decide(choice))

    @rule(days=st.integers(1, 40))
    def days_pass(self, days: int) -> None:
        self.world.days_pass(days)

    @invariant()
    def books_are_right(self) -> None:
        """Money adds up and nothing is there twice. Captured money stays captured: it only moves to another place."""
        if not self.desk.wrote:
            return
        state = self.desk.do(self.world.rows(_STATE))
        self.desk.wrote = False
        assert [row for row in state if row.kind != "payment"] == []
        now = {row.id: row for row in state}
        for payment, (captured, currency) in self.captured.items():
            assert (now[payment].captured, now[payment].currency) == (captured, currency)
            assert PaymentStatus(now[payment].status) in _MONEY
        self.captured |= {row.id: (row.captured, row.currency) for row in state if row.captured}

    def teardown(self) -> None:
        """Everybody finishes what he has to do. Then no captured money is without a place, or a case that names it."""
        self.desk.do(self._finish())
        assert self.desk.do(self.world.rows(_UNTOLD)) == [], "captured money in silence"
        assert self.desk.do(self.world.rows(_HELD)) == [], "a customer's money held for nobody"
        self.books_are_right()

    async def _finish(self) -> None:
        for session in self.world.provider.orders:
            await self.world.look(session, SettledBy.SWEEP)
        await self.world.apply(*self.world.pictures, settled_by=SettledBy.SWEEP)
        for _ in range(3):
            await self.world.carry_on()
        await self.world.link_ends(CheckoutStatus.EXPIRED)
        for reference in self.world.provider.refunds:
            await self.world.hear_refund(reference)
        for reference in self.world.provider.disputes:
            await self.world.hear_dispute(reference)
        while await self.world.sort_out():
            pass


@pytest.fixture
def desk(postgres_server: PostgresServer) -> Iterator[Desk]:
    """A database of one's own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        engine = create_async_engine(
            postgres_server.create_database(f"stories_{secrets.token_hex(4)}", template="template")
        )
        sessions = database.sessions(engine)
        runner.run(PostgresMerchants(sessions).save(load(MERIDIAN)))
        yield Desk(runner, sessions)
        runner.run(assert_money_is_conserved(engine))
        runner.run(engine.dispose())


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", [1, 2])
def test_books_keep_their_invariants_whatever_happens(desk: Desk, part: int) -> None:
    """Two parts, so that two processes share the work; each makes up stories of its own."""

    class Part(PaymentStories):
        pass

    Part.desk = desk
    Part.__qualname__ = f"PaymentStories{part}"
    run_state_machine_as_test(
        Part,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )

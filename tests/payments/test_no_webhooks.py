"""Not one webhook arrives: every payment is found by polling, none later than the schedule says."""

import asyncio
from datetime import timedelta

import pytest

from domain.checkout import CheckoutStatus
from domain.payments import SettledBy
from tests.proofs import tries
from tests.workflows.conftest import Stage
from workflows.payment_watch import POLLS

CHECKOUTS = tries("POLLED", some=10, all_of_them=50)
PAID_AFTER = [timedelta(seconds=seconds) for seconds in (5, 70, 500, 2000, 7000)]
"""How long customers take on the provider's page: one in each gap of the schedule."""
SLACK = timedelta(seconds=20)
"""For the steps after the poll: the clock runs on while the machine works."""


@pytest.mark.proof
@pytest.mark.timeout(300)
async def test_every_payment_is_found_by_polling_and_none_is_late(stage: Stage) -> None:
    opened = [await stage.open() for _ in range(CHECKOUTS)]
    sessions = await asyncio.gather(*[stage.press_pay(run) for run, _ in opened])
    began = await stage.environment.get_current_time()
    paid_after: dict[int, timedelta] = {}

    for turn, pause in enumerate(PAID_AFTER):
        await stage.environment.sleep(began + pause - await stage.environment.get_current_time())
        for place in range(turn, CHECKOUTS, len(PAID_AFTER)):
            stage.provider.pay(sessions[place])
            paid_after[place] = await stage.environment.get_current_time() - began
    results = [await run.result() for run, _ in opened]

    assert {result.status for result in results} == {CheckoutStatus.COMPLETED}
    for place, (run, link) in enumerate(opened):
        due = next(poll for poll in POLLS if poll > paid_after[place])
        closed_at = (await run.describe()).close_time
        assert closed_at is not None
        assert closed_at - began <= due + SLACK, f"paid after {paid_after[place]}, due after {due}"
        [payment] = (await stage.see(link)).payments
        assert payment.settled_by is SettledBy.POLL
    assert len(stage.mailer.sent) == CHECKOUTS

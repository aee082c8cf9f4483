"""Money that does not fit, and the cases that wait for a person: the steps that only write to the books."""

from temporalio import activity

from activities.failures import translated
from domain.cases import DecideCase, Docket, NewCase, OfCase, RecordRefund, SortOut, TracedPayment, TracePayment
from domain.ports import CaseBook, LateMoneyBook


class LateMoneyActivities:
    """Short database steps. Each is one transaction, and finds its own effect when it runs again."""

    def __init__(self, late_money: LateMoneyBook, cases: CaseBook) -> None:
        self._late_money = late_money
        self._cases = cases

    @activity.defn
    @translated
    async def trace_payment(self, step: TracePayment) -> TracedPayment:
        """Find whose payment this is, or write it down as nobody's."""
        return await self._late_money.trace_payment(step)

    @activity.defn
    @translated
    async def sort_out(self, step: SortOut) -> Docket:
        """Find money that does not fit, and what is to be done with it."""
        return await self._late_money.sort_out(step)

    @activity.defn
    @translated
    async def reopen(self, step: OfCase) -> bool:
        """Open the entry of a closed checkout for late money, if it is enough."""
        return await self._late_money.reopen(step)

    @activity.defn
    @translated
    async def record_case_refund(self, step: RecordRefund) -> None:
        """Write down what became of the refund that a case decided."""
        await self._late_money.record_refund(step)

    @activity.defn
    @translated
    async def settle_case(self, step: OfCase) -> None:
        """The decision was carried out."""
        await self._late_money.settle(step)

    @activity.defn
    @translated
    async def open_case(self, step: NewCase) -> str:
        """Put something before a person."""
        return await self._cases.open_case(step)

    @activity.defn
    @translated
    async def decide_case(self, step: DecideCase) -> None:
        """Write a person's decision down."""
        await self._cases.decide(step)

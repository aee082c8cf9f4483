"""A refund, from the request to the money at the customer: prepare, approve, give back, book, and see it arrive.

The run knows nothing that is not in the books, so one that was lost is started again by the next message or
request, and goes on. What the provider says of a refund makes it look; it never carries state itself.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain, repeat

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.messages import (
    LatePayment,
    OpenedRefund,
    RefundDecision,
    RefundFact,
    RefundResult,
    RefundVerdict,
    StartRefund,
    money_run_id,
)

with workflow.unsafe.imports_passed_through():
    from activities.books import BookActivities
    from activities.late_money import LateMoneyActivities
    from activities.provider import ProviderActivities
    from activities.refunds import RefundActivities
    from domain.cases import STEP_FAILED, NewCase, TracePayment
    from domain.errors import BrokenRule
    from domain.payments import SettledBy
    from domain.refund_steps import (
        AdoptRefund,
        ApplyRefund,
        DecideRefund,
        OfRefund,
        PrepareRefund,
        RefundStanding,
        Refusal,
        RefusalKind,
    )
    from domain.refunds import ReadRefund, RefundReport, RefundStatus
    from domain.steps import LookUp, OfInvoice, RecordFindings
    from workflows import search_attributes as attributes
    from workflows.calls import at_provider, in_books, problems, reason
    from workflows.correction_mail import send_correction
    from workflows.late_payment import hand_over

SOON = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 300, 3600))
"""How long to wait for something in the house that is about to happen; the last one again and again."""
PATIENT = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 6 * 60, 24 * 60))
"""How long to wait before asking unasked what became of a refund on its way."""


def _steps(pauses: tuple[timedelta, ...]) -> Iterator[timedelta]:
    """The pauses one after the other, and the last one for ever."""
    return chain(pauses, repeat(pauses[-1]))


@workflow.defn(name="RefundWorkflow")
class RefundWorkflow:
    """One refund, whoever made it."""

    @workflow.init
    def __init__(self, start: StartRefund) -> None:
        self._start = start
        self._refund: RefundStanding | None = None
        self._refusal: Refusal | None = None
        self._reference = start.reference
        self._facts: dict[str, None] = {}
        self._passed_on = False
        self._mailing: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, start: StartRefund) -> RefundResult:
        """The process, top to bottom."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(start.merchant_id)])
        if await self._begin():
            await self._await_approval()
            await self._give_back()
            await self._see_it_arrive()
        return await self._finish()

    async def _begin(self) -> bool:
        """Have the refund in the books: as the shop asks for it, as we left it, or as the provider tells of it."""
        if self._start.request is not None:
            await self._prepare()
        elif self._reference is not None:
            await self._adopt(self._reference)
        else:
            step = OfRefund(merchant_id=self._start.merchant_id, refund_id=self._start.refund_id or "")
            self._refund = await in_books(RefundActivities.find_refund, step, "find the refund")
            if self._refund is None:
                self._refusal = Refusal(kind=RefusalKind.NO_REFUND)
        if self._refund is None:
            self._tell("The refund was refused; nothing was written down.")
        return self._refund is not None

    async def _prepare(self) -> None:
        if self._start.request is None or self._start.refund_id is None:
            raise ValueError("a refund that is asked for has an id")
        prepared = await in_books(
            RefundActivities.prepare_refund,
            PrepareRefund(
                merchant_id=self._start.merchant_id,
                refund_id=self._start.refund_id,
                opened_by=self._start.opened_by,
                request=self._start.request,
            ),
            "prepare the refund",
        )
        self._refund, self._refusal = prepared.standing, prepared.refusal

    async def _adopt(self, reference: str) -> None:
        """Somebody made a refund at the provider, or our own is spoken of again."""
        for pause in _steps(SOON):
            report = await self._ask(reference)
            step = AdoptRefund(merchant_id=self._start.merchant_id, report=report)
            self._refund = await in_books(RefundActivities.adopt_refund, step, "find or adopt the refund")
            if self._refund is not None:
                return
            await self._fetch_payment(report)
            self._tell("The refunded payment was not in the books.")
            await workflow.sleep(pause, summary="wait for the payment")

    async def _fetch_payment(self, report: RefundReport) -> None:
        """A refund of a payment we have not heard of: look at the payment first."""
        question = LookUp(merchant_id=self._start.merchant_id, payment_reference=report.payment_reference)
        findings = await at_provider(ProviderActivities.look_up, question, "ask for the payment")
        trace = TracePayment(
            merchant_id=self._start.merchant_id, findings=findings, event_ids=(), settled_by=SettledBy.WEBHOOK
        )
        traced = await in_books(LateMoneyActivities.trace_payment, trace, "find the payment's checkout")
        if traced.checkout_id is None:
            return
        record = RecordFindings(
            merchant_id=self._start.merchant_id,
            checkout_id=traced.checkout_id,
            findings=(findings,),
            settled_by=SettledBy.WEBHOOK,
        )
        await in_books(BookActivities.record_findings, record, "apply what the provider says")

    async def _await_approval(self) -> None:
        if self._known.status is RefundStatus.PREPARED:
            workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.REVIEW)])
            self._tell("Waiting for somebody to approve or reject the refund.")
            await workflow.wait_condition(lambda: self._known.status is not RefundStatus.PREPARED)
            workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.NOBODY)])

    async def _give_back(self) -> None:
        """Order an approved refund of the provider, once the checkout's run does not need the money any more."""
        for pause in _steps(SOON):
            if self._known.settled or self._known.booked or self._known.provider_reference is not None:
                return
            released = await in_books(RefundActivities.release_refund, self._of_refund, "release the refund")
            self._refund = released.standing
            if released.order is None:
                self._tell("The refund waits until the checkout is invoiced.")
                await workflow.sleep(pause, summary="wait for the invoice")
                continue
            try:
                report = await at_provider(ProviderActivities.refund_payment, released.order, "give the money back")
            except ActivityError as failure:
                if reason(failure) != "ProviderRefused":
                    raise
                await self._apply(None, failure=str(failure.cause))
            else:
                await self._apply(report)

    async def _see_it_arrive(self) -> None:
        """Look whenever the provider speaks of the refund, and from time to time, until it has arrived or failed."""
        pauses, booked = _steps(SOON), False
        while self._facts or not self._known.settled:
            if self._known.booked and not booked:
                pauses, booked = _steps(PATIENT), True
            if not self._facts:
                await self._hear(next(pauses))
            await self._look()

    async def _finish(self) -> RefundResult:
        """Leave nothing undone: the credit note is mailed, facts that came meanwhile are applied, requests answered."""
        while not self._at_rest():
            await workflow.wait_condition(lambda: self._has_news() or self._at_rest())
            if self._has_news():
                await self._see_it_arrive()
        if self._mailing is not None:
            await self._mailing
        return RefundResult(
            refund_id=self._refund.refund_id if self._refund else None,
            status=self._refund.status if self._refund else None,
        )

    def _at_rest(self) -> bool:
        mailed = self._mailing is None or self._mailing.done()
        return mailed and workflow.all_handlers_finished() and not self._has_news()

    def _has_news(self) -> bool:
        return bool(self._facts) and self._refund is not None

    async def _hear(self, patience: timedelta) -> None:
        self._tell("The refund is at the provider." if self._known.booked else "The refund waits to be booked.")
        try:
            await workflow.wait_condition(lambda: bool(self._facts), timeout=patience, timeout_summary="look again")
        except TimeoutError:
            return

    async def _look(self) -> None:
        heard = tuple(self._facts)
        report = await self._ask(self._known.provider_reference or self._reference or "")
        await self._apply(report, event_ids=heard)
        if self._known.booked or self._known.settled:
            for event_id in heard:
                self._facts.pop(event_id, None)
        elif self._facts:
            await workflow.sleep(SOON[1], summary="wait until it can be booked")

    async def _ask(self, reference: str) -> RefundReport:
        question = ReadRefund(merchant_id=self._start.merchant_id, reference=reference)
        return await at_provider(ProviderActivities.read_refund, question, "ask what became of the refund")

    async def _apply(
        self, report: RefundReport | None, *, failure: str | None = None, event_ids: Sequence[str] = ()
    ) -> None:
        before = self._known
        step = ApplyRefund(
            merchant_id=self._start.merchant_id,
            refund_id=before.refund_id,
            money_run=money_run_id(self._money),
            report=report,
            failure=failure,
            event_ids=tuple(event_ids),
        )
        self._refund = await self._booked(step)
        self._tell(f"The refund is {self._refund.status}.")
        self._send_credit_notes(self._refund)
        came_back = self._refund.status is RefundStatus.FAILED and before.status is not RefundStatus.FAILED
        if self._refund.loose and (came_back or not self._passed_on):
            self._passed_on = True
            await hand_over(self._money)

    def _send_credit_notes(self, refund: RefundStanding) -> None:
        """Write and mail the credit notes beside all else: a mail server that is down holds no money up."""
        if self._mailing is None and refund.credit_notes:
            self._mailing = asyncio.create_task(_send_all(refund.credit_notes, refund.checkout_id))

    async def _booked(self, step: ApplyRefund) -> RefundStanding:
        """Book it. A credit note that breaks a rule is put before a person, and tried again until that is mended."""
        for pause in _steps(SOON):
            try:
                return await in_books(RefundActivities.apply_refund, step, "book what the provider says")
            except ActivityError as failure:
                broken = problems(failure)
                if not broken:
                    raise
            await self._put_before_person(step, broken)
            await workflow.sleep(pause, summary="wait until the credit note is mended")
        raise AssertionError("unreachable")

    async def _put_before_person(self, step: ApplyRefund, broken: tuple[BrokenRule, ...]) -> None:
        """One case a refund, however often its credit note is tried."""
        words = "; ".join(["The credit note breaks a rule", *map(str, broken)])
        case = NewCase(
            merchant_id=step.merchant_id,
            checkout_id=self._money.checkout_id,
            fact=f"{STEP_FAILED}:{step.refund_id}",
            kind=STEP_FAILED,
            options=("acknowledge",),
            data={"detail": words},
            opened_at=workflow.now(),
        )
        await in_books(LateMoneyActivities.open_case, case, "open a case: the credit note breaks a rule")
        self._tell(f"{words}. It is tried again, every hour in the end.")

    # Facts and requests from outside

    @workflow.signal
    def refund_reported(self, fact: RefundFact) -> None:
        """The provider said that something happened to this refund: go and look."""
        self._facts.setdefault(fact.event_id)
        self._reference = self._reference or fact.reference

    @workflow.update
    async def opened(self) -> OpenedRefund:
        """The answer to a request: the refund is in the books, or why it is not."""
        await workflow.wait_condition(lambda: self._refund is not None or self._refusal is not None)
        return OpenedRefund(
            refund_id=self._refund.refund_id if self._refund else None,
            opened_by=self._refund.opened_by if self._refund else None,
            refusal=self._refusal,
        )

    @workflow.update
    async def decide(self, decision: RefundDecision) -> RefundVerdict:
        """Somebody approves or rejects the refund; the first decision counts."""
        await workflow.wait_condition(lambda: self._refund is not None or self._refusal is not None)
        if self._refund is None:
            return RefundVerdict(taken=False, refusal=self._refusal)
        step = DecideRefund(
            merchant_id=self._start.merchant_id,
            refund_id=self._refund.refund_id,
            approved=decision.approved,
            by=decision.by,
            reason=decision.reason,
        )
        words = "approve the refund" if decision.approved else "reject the refund"
        try:
            decided = await in_books(RefundActivities.decide_refund, step, words)
        except ActivityError as failure:
            if reason(failure) != "RefundDecided":
                raise
            return RefundVerdict(taken=False, status=self._refund.status)
        if self._refund.status is RefundStatus.PREPARED:
            self._refund = decided
        return RefundVerdict(taken=True, status=decided.status)

    @property
    def _known(self) -> RefundStanding:
        if self._refund is None:
            raise RuntimeError("the refund is not in the books yet")
        return self._refund

    @property
    def _of_refund(self) -> OfRefund:
        return OfRefund(merchant_id=self._start.merchant_id, refund_id=self._known.refund_id)

    @property
    def _money(self) -> LatePayment:
        """Who looks after the money of this refund's payment."""
        checkout_id = self._known.kept_with
        return LatePayment(
            merchant_id=self._start.merchant_id,
            checkout_id=checkout_id,
            payment_reference=None if checkout_id else self._known.payment_reference,
        )

    @staticmethod
    def _tell(words: str) -> None:
        workflow.set_current_details(words)


async def _send_all(documents: Sequence[OfInvoice], checkout_id: str | None) -> None:
    for document in documents:
        await send_correction(document, checkout_id)

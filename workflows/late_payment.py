"""Looks after money that does not fit: too late, too little, too much, in the wrong currency, or unknown to us.

A checkout has at most one such run at a time, and so has a payment that we cannot tie to a checkout. All it
knows is in the books: a run that was lost is started again by the next fact or decision, and goes on.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, WorkflowAlreadyStartedError

from workflows.messages import CaseDecision, LatePayment, PaymentFact, money_run_id

with workflow.unsafe.imports_passed_through():
    from activities.books import BookActivities
    from activities.delivery import DeliveryActivities
    from activities.documents import DocumentActivities
    from activities.late_money import LateMoneyActivities
    from activities.provider import ProviderActivities
    from domain.cases import (
        RETRY,
        STEP_FAILED,
        DecideCase,
        Docket,
        NewCase,
        OfCase,
        RecordRefund,
        SortOut,
        Task,
        TracedPayment,
        TracePayment,
    )
    from domain.errors import BrokenRule
    from domain.late_money import Decision
    from domain.payments import SettledBy
    from domain.refunds import ReadRefund, RefundOrder, RefundReport, RefundStatus
    from domain.steps import Findings, LookUp, OfCheckout, OfInvoice
    from workflows import search_attributes as attributes
    from workflows.calls import at_provider, by_mail, in_books, problems, reason, rendering
    from workflows.correction_mail import send_correction
    from workflows.payment_watch import PaymentWatch

_T = TypeVar("_T")

REFUND_POLL = timedelta(hours=1)
"""How often the provider is asked what became of a refund that is on its way."""
CANCELED = "CheckoutCanceled"
"""The error of a step that is not done, because the checkout was canceled with its entry."""


@workflow.defn(name="LatePaymentWorkflow")
class LatePaymentWorkflow:
    """Finds what does not fit, decides by policy or waits for a person, and carries the decision out."""

    @workflow.init
    def __init__(self, late: LatePayment) -> None:
        self._late = late
        self._watch = PaymentWatch(late.merchant_id)
        if late.checkout_id is not None:
            self._watch.begin(late.checkout_id)
        self._of_unknown: dict[str, PaymentFact] = {}
        self._stirred = False
        self._decided: set[str] = set()

    @workflow.run
    async def run(self, late: LatePayment) -> None:  # noqa: ARG002 - taken in __init__
        """Look at what was reported and sort the money out, until nothing waits any more."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(self._late.merchant_id)])
        while True:
            await self._look()
            docket = await self._sort_out()
            if docket.needless:
                await self._persist(partial(self._watch.release, docket.needless))
            elif docket.task is not None:
                await self._carry_out(docket.task)
            elif docket.waiting or docket.on_their_way:
                await self._wait(docket)
            elif workflow.all_handlers_finished() and not self._news():
                break
            else:
                await workflow.wait_condition(workflow.all_handlers_finished)

    async def _look(self) -> None:
        """Apply what the provider says of everything that was reported."""
        while self._watch.has_news():
            await self._persist(partial(self._watch.look, SettledBy.WEBHOOK))
        if self._of_unknown:
            await self._trace(dict(self._of_unknown))

    async def _trace(self, facts: dict[str, PaymentFact]) -> None:
        """Whose is this payment? If a checkout's after all, its run is told; else the books have it as nobody's."""
        question = LookUp(
            merchant_id=self._late.merchant_id,
            payment_reference=self._late.payment_reference,
            session_id=self._late.session_id,
        )
        findings = await self._persist(lambda: at_provider(ProviderActivities.look_up, question, "ask the provider"))
        if self._late.payment_reference is None and findings.payment is not None:
            known = LatePayment(merchant_id=self._late.merchant_id, payment_reference=findings.payment.reference)
            await hand_over(known, list(facts.values()))
        else:
            await self._trace_payment(findings, facts)
        for event_id in facts:
            del self._of_unknown[event_id]

    async def _trace_payment(self, findings: Findings, facts: dict[str, PaymentFact]) -> None:
        step = TracePayment(
            merchant_id=self._late.merchant_id,
            findings=findings,
            event_ids=tuple(facts),
            settled_by=SettledBy.WEBHOOK,
        )
        traced = await in_books(LateMoneyActivities.trace_payment, step, "find the payment's checkout")
        if traced.checkout_id is not None:
            await _pass_on(self._late.merchant_id, traced, list(facts.values()))

    async def _sort_out(self) -> Docket:
        self._stirred = False
        step = SortOut(
            merchant_id=self._late.merchant_id,
            checkout_id=self._late.checkout_id,
            payment_reference=self._late.payment_reference,
            workflow_id=workflow.info().workflow_id,
            at=workflow.now(),
        )
        return await in_books(LateMoneyActivities.sort_out, step, "find money that does not fit")

    async def _carry_out(self, task: Task) -> None:
        if task.decision is Decision.REFUND:
            await self._refund(task)
        elif await in_books(LateMoneyActivities.reopen, self._of(task.case_id), "accept the money"):
            try:
                await self._fulfil()
            except ActivityError as failure:
                if reason(failure) != CANCELED:  # together with its entry, while it was carried out
                    raise
            await in_books(LateMoneyActivities.settle_case, self._of(task.case_id), "close the case")

    async def _fulfil(self) -> None:
        """The rest of the process, by the very steps of the checkout's run: each finds what was done before.

        Where purchases are invoiced collectively, the next invoice run does the rest.
        """
        checkout = OfCheckout(merchant_id=self._late.merchant_id, checkout_id=self._late.checkout_id or "")
        await self._persist(lambda: in_books(BookActivities.create_sales_order, checkout, "create sales order"))
        while not (balance := await in_books(BookActivities.balance_entry, checkout, "balance entry")).balanced:
            await self._put_before_person("entry_not_balanced")
        if balance.collective:
            return
        invoice = await self._persist(
            lambda: in_books(BookActivities.create_invoice, checkout, "create and finalize invoice")
        )
        numbered = OfInvoice(merchant_id=checkout.merchant_id, invoice_id=invoice.invoice_id)
        await self._persist(lambda: rendering(DocumentActivities.render_invoice, numbered, "write PDF and e-invoice"))
        await self._persist(lambda: by_mail(DeliveryActivities.send_invoice, numbered, "send invoice"))
        for note in invoice.credit_notes:
            of_note = OfInvoice(merchant_id=checkout.merchant_id, invoice_id=note)
            await send_correction(of_note, checkout.checkout_id)

    async def _refund(self, task: Task) -> None:
        """Give the money back; what the provider refuses counts as failed, and becomes a case."""
        order = RefundOrder(
            merchant_id=self._late.merchant_id,
            payment_reference=task.payment_reference,
            amount=task.amount,
            currency=task.currency,
            idempotency_key=f"{task.case_id}:refund",
            refund_id=task.case_id,
        )
        try:
            report = await at_provider(ProviderActivities.refund_payment, order, "give the money back")
        except ActivityError as failure:
            report = RefundReport(
                reference="",
                status=RefundStatus.FAILED,
                amount=task.amount,
                currency=task.currency,
                failure=str(failure.cause),
            )
        await self._record_refund(task, report)

    async def _follow(self, task: Task) -> None:
        """See what became of a refund that was on its way."""
        question = ReadRefund(merchant_id=self._late.merchant_id, reference=task.refund_reference or "")
        report = await self._persist(
            lambda: at_provider(ProviderActivities.read_refund, question, "ask what became of the refund")
        )
        await self._record_refund(task, report)

    async def _record_refund(self, task: Task, report: RefundReport) -> None:
        step = RecordRefund(merchant_id=self._late.merchant_id, case_id=task.case_id, refund=report, at=workflow.now())
        await in_books(LateMoneyActivities.record_case_refund, step, f"the refund is {report.status}")

    async def _wait(self, docket: Docket) -> None:
        """Until a fact or a decision comes, a case is overdue, or a refund on its way is to be asked for."""
        self._tell(docket)
        now = workflow.now()
        ends = [max(docket.remind_at - now, timedelta(0))] if docket.remind_at else []
        ends += [REFUND_POLL] if docket.on_their_way else []
        timeout = min(ends, default=None)
        try:
            await workflow.wait_condition(lambda: self._stirred or self._news(), timeout=timeout)
        except TimeoutError:
            for task in docket.on_their_way:
                await self._follow(task)

    def _news(self) -> bool:
        return self._watch.has_news() or bool(self._of_unknown)

    # Facts and requests from outside

    @workflow.signal
    def payment_reported(self, fact: PaymentFact) -> None:
        """A provider said that something happened to a session or payment of this checkout."""
        if self._late.checkout_id is not None:
            self._watch.report(fact)
        else:
            self._of_unknown[fact.event_id] = fact

    @workflow.signal
    def money_moved(self) -> None:
        """The checkout's run did something that may change what fits."""
        self._stirred = True

    @workflow.update
    async def decide(self, decision: CaseDecision) -> None:
        """A person decided a case."""
        step = DecideCase(
            merchant_id=self._late.merchant_id,
            case_id=decision.case_id,
            decision=decision.decision,
            reason=decision.reason,
            by=decision.by,
            at=workflow.now(),
        )
        try:
            await in_books(LateMoneyActivities.decide_case, step, f"decide {decision.decision}")
        except ActivityError as failure:
            raise ApplicationError(
                str(failure.cause), decision.case_id, type=reason(failure), non_retryable=True
            ) from failure
        self._decided.add(decision.case_id)
        self._stirred = True

    # How steps are kept going, and shown

    async def _persist(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Do the step until it is done. What retries cannot mend is put before a person."""
        while True:
            try:
                return await step()
            except ActivityError as failure:
                if reason(failure) == CANCELED:
                    raise
                await self._put_before_person(reason(failure), problems(failure))

    async def _put_before_person(self, why: str, broken: tuple[BrokenRule, ...] = ()) -> None:
        case = NewCase(
            merchant_id=self._late.merchant_id,
            checkout_id=self._late.checkout_id,
            fact=f"{STEP_FAILED}:{workflow.uuid4()}",
            kind=STEP_FAILED,
            options=(RETRY,),
            data={"detail": "; ".join([why, *map(str, broken)]), "rules": [one.rule for one in broken]},
            workflow_id=workflow.info().workflow_id,
            opened_at=workflow.now(),
        )
        case_id = await in_books(LateMoneyActivities.open_case, case, f"open a case: {why}")
        workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.REVIEW)])
        workflow.set_current_details(f"A person must see to {why} and decide case {case_id}.")
        await workflow.wait_condition(lambda: case_id in self._decided)
        workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.NOBODY)])

    @staticmethod
    def _tell(docket: Docket) -> None:
        blocked_on = attributes.REVIEW if docket.waiting else attributes.NOBODY
        workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(blocked_on)])
        words = [f"{docket.waiting} open case(s) wait for a person."] if docket.waiting else []
        words += [f"{len(docket.on_their_way)} refund(s) are on their way."] if docket.on_their_way else []
        workflow.set_current_details(" ".join(words))

    def _of(self, case_id: str) -> OfCase:
        return OfCase(merchant_id=self._late.merchant_id, case_id=case_id, at=workflow.now())


async def hand_over(late: LatePayment, facts: Sequence[PaymentFact] = ()) -> None:
    """Have the run that looks after this money look again, whether it is running or not. Outlives its caller."""
    name = money_run_id(late)
    running = workflow.get_external_workflow_handle(name)
    while True:
        try:
            for fact in facts:
                await running.signal(LatePaymentWorkflow.payment_reported, fact)
            await running.signal(LatePaymentWorkflow.money_moved)
        except FailureError:  # there is none, or it ended just now
            if await _started(late, name) and not facts:
                return
        else:
            return


async def _started(late: LatePayment, name: str) -> bool:
    """Start the run; False when somebody else was quicker."""
    try:
        await workflow.start_child_workflow(
            LatePaymentWorkflow.run,
            late,
            id=name,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.MERCHANT, late.merchant_id)]),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def _pass_on(merchant_id: str, traced: TracedPayment, facts: Sequence[PaymentFact]) -> None:
    """Tell the checkout's run, or, when it is over, the one that looks after its late money."""
    running = workflow.get_external_workflow_handle(traced.workflow_id or "")
    try:
        for fact in facts:
            await running.signal("payment_reported", fact)
    except FailureError:
        await hand_over(LatePayment(merchant_id=merchant_id, checkout_id=traced.checkout_id), facts)

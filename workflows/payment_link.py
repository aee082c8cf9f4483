"""A payment link for several entries: one session for all that is outstanding on them.

The money that comes is assigned to the entries by the step that writes it down. The runs of their checkouts are told,
and go on as if it had come by their own links.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.messages import (
    CheckoutStanding,
    LatePayment,
    Opened,
    PaymentFact,
    PaymentPage,
    StartPaymentLink,
)

with workflow.unsafe.imports_passed_through():
    from activities.settlements import SettlementActivities
    from domain.checkout import CheckoutStatus
    from domain.payments import SettledBy
    from domain.settlement_steps import CreatedLink, CreateLink, OfLink
    from workflows import search_attributes as attributes
    from workflows.calls import in_books
    from workflows.late_payment import hand_over
    from workflows.payment_watch import PaymentWatch

_T = TypeVar("_T")

PATIENT = timedelta(hours=1)
"""How long to wait before a step is tried again that retries could not mend."""


@workflow.defn(name="PaymentLinkWorkflow")
class PaymentLinkWorkflow:
    """One link, from the request until nobody can pay by it any more."""

    @workflow.init
    def __init__(self, start: StartPaymentLink) -> None:
        self._start = start
        self._watch = PaymentWatch(start.merchant_id, start.link_id)
        self._link: CreatedLink | None = None
        self._ended = False

    @workflow.run
    async def run(self, start: StartPaymentLink) -> None:
        """The process, top to bottom."""
        workflow.upsert_search_attributes([attributes.MERCHANT.value_set(start.merchant_id)])
        if await self._issue():
            await self._await_money()
            await self._end()
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _issue(self) -> bool:
        """Have the link in the books: as the shop asks for it, or as we left it. False if it cannot be."""
        link = await self._create() if self._start.request is not None else await self._find()
        self._watch.begin(link.lead)
        self._link = link
        if link.hindrance is not None:
            return False
        if self._start.request is None or link.opened_by != self._start.opened_by:
            await self._persist(self._watch.recover)
        self._tell(f"Waiting for the customer to pay. The link ends {self._ends_at:%Y-%m-%d %H:%M} UTC.")
        return True

    async def _create(self) -> CreatedLink:
        request = self._start.request
        if request is None:
            raise ValueError("a link that is asked for has a request")
        step = CreateLink(
            merchant_id=self._start.merchant_id,
            link_id=self._start.link_id,
            workflow_id=workflow.info().workflow_id,
            opened_by=self._start.opened_by,
            request=request,
            expires_at=workflow.now() + timedelta(seconds=request.expires_in_seconds),
        )
        return await in_books(SettlementActivities.create_link, step, "issue the link")

    async def _find(self) -> CreatedLink:
        step = OfLink(merchant_id=self._start.merchant_id, link_id=self._start.link_id)
        return await in_books(SettlementActivities.find_link, step, "find the link")

    async def _await_money(self) -> None:
        """Look whenever there is reason to, until nothing is left to pay or the link has ended."""
        while not self._watch.covered() and (workflow.now() < self._ends_at or self._watch.has_news()):
            why = await self._reason_to_look()
            if why is not None:
                await self._look(why)

    async def _reason_to_look(self) -> SettledBy | None:
        poll_at = self._watch.next_poll_at
        wake_at = self._ends_at if poll_at is None else min(poll_at, self._ends_at)
        timeout = max(wake_at - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(
                lambda: self._watch.has_news() or self._watch.covered() or self._watch.next_poll_at != poll_at,
                timeout=timeout,
                timeout_summary="look again",
            )
        except TimeoutError:
            return SettledBy.POLL if wake_at < self._ends_at else None
        return SettledBy.WEBHOOK if self._watch.has_news() else None

    async def _look(self, why: SettledBy) -> None:
        standing = await self._persist(partial(self._watch.look, why))
        if standing is not None and standing.captured:
            await self._sort_out_rest()

    async def _end(self) -> None:
        """Nobody can pay any more. What slipped in, and what is reported until then, is looked at."""
        self._ended = True
        await self._persist(partial(self._watch.end, release=False))
        while self._watch.has_news():
            await self._persist(partial(self._watch.look, SettledBy.WEBHOOK))
        if self._watch.standing is not None and self._watch.standing.captured:
            await self._sort_out_rest()
        self._tell("Nothing can be paid by this link any more.")

    async def _sort_out_rest(self) -> None:
        """Money that no entry had a use for is looked after as money of the checkout that keeps it."""
        if self._link is not None:
            await hand_over(LatePayment(merchant_id=self._start.merchant_id, checkout_id=self._link.lead))

    # Facts and requests from outside

    @workflow.signal
    def payment_reported(self, fact: PaymentFact) -> None:
        """A provider said that something happened to a session or payment of this link."""
        self._watch.report(fact)

    @workflow.signal
    def money_moved(self) -> None:
        """What is owed on an entry of this link was changed by somebody else."""
        self._watch.stir()

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:  # noqa: ARG002 - Temporal's signature
        """A signal this version does not know: alarmed, never dropped in silence."""
        workflow.logger.error("unknown signal %s", name)

    @workflow.update
    async def opened(self) -> Opened:
        """The answer to a request: the link is in the books, or why it is not."""
        link = await self._issued()
        return Opened(opened_by=link.opened_by, hindrance=link.hindrance)

    @workflow.update
    async def open_payment_page(self) -> PaymentPage:
        """The customer wants to pay: the page to send him to."""
        link = await self._issued()
        if link.hindrance is not None or self._ended or workflow.now() >= self._ends_at:
            raise ApplicationError("nobody can pay by this link", self._status, type="NotPayable", non_retryable=True)
        session = await self._watch.open("", self._ends_at)
        return PaymentPage(url=session.url)

    @workflow.update
    async def payer_returned(self) -> CheckoutStanding:
        """The customer came back from the provider: ask now, so that he is told at once."""
        link = await self._issued()
        if link.hindrance is None:
            await self._watch.look(SettledBy.RETURN)
        return CheckoutStanding(status=self._status)

    async def _issued(self) -> CreatedLink:
        await workflow.wait_condition(lambda: self._link is not None)
        return self._link or CreatedLink()

    @property
    def _status(self) -> CheckoutStatus:
        standing = self._watch.standing
        if standing is not None and standing.status is not CheckoutStatus.AWAITING_PAYMENT:
            return standing.status
        return CheckoutStatus.EXPIRED if self._ended else CheckoutStatus.AWAITING_PAYMENT

    @property
    def _ends_at(self) -> datetime:
        if self._link is None or self._link.expires_at is None:
            raise RuntimeError("the link is not in the books yet")
        return self._link.expires_at

    async def _persist(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Do the step until it is done. What retries cannot mend is shown to people, and tried again."""
        while True:
            try:
                return await step()
            except ActivityError as failure:
                workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.REVIEW)])
                self._tell(f"A step fails and is tried again every hour: {failure.cause}")
                await workflow.sleep(PATIENT, summary="try again")
                workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.NOBODY)])

    @staticmethod
    def _tell(words: str) -> None:
        workflow.set_current_details(words)

"""The checkout run: create entry, issue link, await capture, create order, await balance, invoice, send."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.late_payment import CANCELED, hand_over
from workflows.messages import (
    CancelCheckout,
    CaptureCheckout,
    CaptureStanding,
    CheckoutResult,
    CheckoutStanding,
    LatePayment,
    OpenedLink,
    PaymentFact,
    PaymentPage,
    StartCheckout,
)

with workflow.unsafe.imports_passed_through():
    from activities.books import BookActivities
    from activities.delivery import DeliveryActivities
    from activities.documents import DocumentActivities
    from domain.captures import CaptureRequest, Refusal, RefusalKind
    from domain.checkout import ENDED, LONGEST_REASON, CheckoutStatus
    from domain.errors import BrokenRule
    from domain.payments import Promise, SettledBy
    from domain.steps import (
        Balance,
        Close,
        CreateEntry,
        Entry,
        FinalizedInvoice,
        IssueLink,
        OfCheckout,
        OfInvoice,
        Review,
        SentInvoice,
    )
    from workflows import search_attributes as attributes
    from workflows.calls import by_mail, in_books, problems, reason, rendering
    from workflows.correction_mail import send_correction
    from workflows.payment_watch import PaymentWatch

_T = TypeVar("_T")
_AWAITED = {
    None: (attributes.CUSTOMER, "Waiting for the customer to pay."),
    Promise.AUTHORIZED: (attributes.SHOP, "The money is authorized. Waiting for the shop to capture it."),
    Promise.DELAYED: (attributes.PROVIDER, "A payment is on its way, which takes days. Waiting for its result."),
}
"""On whom the run is blocked by the promise of money, if there is one; and how that is said."""
ASK_AGAIN = timedelta(hours=12)
"""How long a checkout waits for the word of an invoice run before it asks the books."""


class _ShutOutError(Exception):
    """The entry was canceled: nothing of the checkout is carried out any more."""


@workflow.defn(name="CheckoutWorkflow")
class CheckoutWorkflow:
    """One purchase, from the checkout to the sent invoice."""

    @workflow.init
    def __init__(self, start: StartCheckout) -> None:
        self._start = start
        self._phase = CheckoutStatus.AWAITING_PAYMENT
        self._entry: Entry | None = None
        self._link_ends_at: datetime | None = None
        self._watch = PaymentWatch(start.merchant_id)
        self._invoice: FinalizedInvoice | None = None
        self._refusal: ApplicationError | None = None
        self._review_reason: str | None = None
        self._cancel: CancelCheckout | None = None
        self._is_shut_out = False
        self._has_late_money = False
        self._promise: Promise | None = None
        self._collective = False
        self._is_told = False
        self._unknown_signals: list[str] = []

    @workflow.run
    async def run(self, start: StartCheckout) -> CheckoutResult:
        """The process, top to bottom."""
        await self._create_entry()
        await self._issue_payment_link()
        if self._opened.status in ENDED:
            return await self._stay_ended()
        try:
            if self._opened.opened_by != start.opened_by:
                await self._recover()
            if not await self._await_capture():
                return await self._close_unpaid()
            await self._create_sales_order()
            await self._await_balance()
            if not await self._await_invoice_run():
                await self._create_invoice()
                await self._send_invoice()
        except _ShutOutError:
            await self._close_shut_out()
        return await self._finish()

    async def _create_entry(self) -> None:
        step = CreateEntry(
            merchant_id=self._start.merchant_id,
            workflow_id=workflow.info().workflow_id,
            opened_by=self._start.opened_by,
            request=self._start.request,
            vat_evidence=self._start.vat_evidence,
        )
        try:
            self._entry = await in_books(BookActivities.create_entry, step, "create entry")
        except ActivityError as failure:
            self._refusal = ApplicationError(str(failure.cause), type=reason(failure), non_retryable=True)
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise self._refusal from failure
        self._watch.begin(self._entry.checkout_id)
        workflow.upsert_search_attributes(
            [
                attributes.MERCHANT.value_set(self._entry.merchant_id),
                attributes.PHASE.value_set(self._phase),
                attributes.BLOCKED_ON.value_set(attributes.CUSTOMER),
                attributes.AMOUNT_MINOR.value_set(self._entry.amount),
                attributes.CURRENCY.value_set(self._entry.currency),
            ]
        )

    async def _issue_payment_link(self) -> None:
        link = await in_books(
            BookActivities.issue_payment_link,
            IssueLink(
                merchant_id=self._start.merchant_id,
                checkout_id=self._checkout.checkout_id,
                entry_id=self._opened.entry_id,
                expires_at=workflow.now() + timedelta(seconds=self._start.request.expires_in_seconds),
            ),
            "issue payment link",
        )
        self._link_ends_at = link.expires_at
        if self._opened.amount == 0:
            self._watch.stir()  # deposits cover all of it: there is no money to wait for
        self._tell(f"Waiting for the customer to pay. The link ends {link.expires_at:%Y-%m-%d %H:%M} UTC.")

    async def _stay_ended(self) -> CheckoutResult:
        """A run of this checkout ended before, and Temporal has forgotten it."""
        self._enter(self._opened.status, f"The checkout was {self._opened.status} before.")
        return await self._finish()

    async def _recover(self) -> None:
        """An earlier run of this checkout was lost: go on from where the books and the provider are.

        Every step that is done again finds its own effect, so what was done is not done twice.
        """
        if self._opened.status is CheckoutStatus.NEEDS_REVIEW:
            await in_books(BookActivities.resume_from_review, self._checkout, "take back from review")
        await self._persist(self._watch.recover)
        await self._hand_over_late_money()

    async def _await_capture(self) -> bool:
        """Wait until the provider holds the money, the link has ended without it, or somebody cancels."""
        while not self._watch.covered():
            why = await self._reason_to_look()
            if self._watch.covered():
                break
            if self._watch.captures_asked() and not self._is_shut_out:
                await self._persist(self._watch.capture)
            elif why is not None:
                await self._persist(partial(self._watch.look, why))
            elif await self._end_unpaid():
                return False
            await self._hand_over_late_money()
        # Covered by other money, it could still be paid.
        await self._persist(partial(self._watch.end, release=False))
        await self._hand_over_late_money()
        self._enter(CheckoutStatus.CAPTURED, "The money is captured.")
        return True

    async def _end_unpaid(self) -> bool:
        """Expire the session and read it back; False when money slipped in, or is on its way.

        A part of it keeps a cancel out. A cancel lets authorized money go; what a bank was ordered to pay it cannot
        call back.
        """
        if self._watch.has_news():
            await self._persist(partial(self._watch.look, SettledBy.WEBHOOK))
        release = self._cancel is not None or self._is_shut_out
        standing = await self._persist(partial(self._watch.end, release=release))
        if self._watch.covered():
            return False
        if self._is_shut_out:
            return True
        if self._watch.promised or (self._cancel is not None and standing and (standing.captured or standing.misfit)):
            self._cancel = None
            self._watch.go_on()
            return False
        return True

    async def _reason_to_look(self) -> SettledBy | None:
        """What makes us act next: a fact, a capture, or the time to poll. None when it is to end.

        The link's end ends nothing while promised money is on its way.
        """
        while not self._has_work():
            if self._cancel is not None or self._is_shut_out:
                return None
            self._show_what_is_awaited()
            poll_at = self._watch.next_poll_at
            ends_at = None if self._watch.promised else self._link_ends_at
            wake_at = min((at for at in (poll_at, ends_at) if at is not None), default=workflow.now())
            timeout = max(wake_at - workflow.now(), timedelta(0))
            try:
                await workflow.wait_condition(
                    partial(self._woken, poll_at), timeout=timeout, timeout_summary="look again"
                )
            except TimeoutError:
                return None if wake_at == ends_at else SettledBy.POLL
        return SettledBy.WEBHOOK

    def _woken(self, poll_at: datetime | None) -> bool:
        moved = self._cancel is not None or self._is_shut_out or self._watch.next_poll_at != poll_at
        return moved or self._has_work()

    def _has_work(self) -> bool:
        capturing = self._watch.captures_asked() and not self._is_shut_out
        return self._watch.has_news() or self._watch.covered() or capturing

    def _show_what_is_awaited(self) -> None:
        promise = next((one.promise for one in self._watch.promised), None)
        if promise is not self._promise:
            self._promise = promise
            blocked_on, words = _AWAITED[promise]
            workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(blocked_on)])
            self._tell(words)

    async def _close_unpaid(self) -> CheckoutResult:
        if self._is_shut_out:
            raise _ShutOutError
        cancel = self._cancel
        status = CheckoutStatus.EXPIRED if cancel is None else CheckoutStatus.CANCELED
        step = Close(
            merchant_id=self._start.merchant_id,
            checkout_id=self._opened.checkout_id,
            status=status,
            reason=cancel.reason if cancel else None,
            by=cancel.by if cancel else None,
        )
        closed = await in_books(BookActivities.close_checkout, step, "close the unpaid checkout")
        for checkout_id in closed.freed_in:
            await hand_over(LatePayment(merchant_id=self._start.merchant_id, checkout_id=checkout_id))
        self._enter(status, "The checkout was canceled." if cancel else "The link ended without a payment.")
        await self._hand_over_late_money()
        return await self._finish()

    async def _close_shut_out(self) -> None:
        """The entry was canceled for good, and the checkout with it: all that is left is that nobody can pay."""
        self._is_shut_out = True
        self._enter(CheckoutStatus.CANCELED, "The entry was canceled.")
        await self._persist(partial(self._watch.end, release=True))
        await self._hand_over_late_money()

    async def _create_sales_order(self) -> None:
        await self._persist(lambda: in_books(BookActivities.create_sales_order, self._checkout, "create sales order"))
        self._phase = CheckoutStatus.ORDERED

    async def _await_balance(self) -> None:
        while not (balance := await self._persist(self._balance_entry)).balanced:
            if balance.unsettled:
                await self._await_settlement(balance.unsettled)
            else:
                await self._review("entry_not_balanced")
        if balance.misfit or self._has_late_money:
            await self._hand_over_late_money(found=True)
        self._phase = CheckoutStatus.BALANCED
        self._collective = balance.collective

    async def _balance_entry(self) -> Balance:
        return await in_books(BookActivities.balance_entry, self._checkout, "balance entry")

    async def _await_settlement(self, payments: tuple[str, ...]) -> None:
        """The merchant balances entries when the provider has said its fee: by message, or asked."""
        workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.PROVIDER)])
        self._tell("The money is captured. Waiting for the provider to say its fee.")
        await self._persist(partial(self._watch.await_fee, payments))

    async def _await_invoice_run(self) -> bool:
        """Wait until an invoice run has invoiced and sent; False at once for a purchase that is invoiced by itself."""
        if not self._collective:
            return False
        workflow.upsert_search_attributes(
            [attributes.PHASE.value_set(self._phase), attributes.BLOCKED_ON.value_set(attributes.INVOICE_RUN)]
        )
        self._tell("The purchase is paid. Waiting for the next invoice run.")
        while (found := await self._persist(self._find_invoice)) is None or not found.sent:
            await self._await_word_of_a_run()
        self._invoice = FinalizedInvoice(invoice_id=found.invoice_id, number=found.number)
        self._enter(CheckoutStatus.INVOICED, f"Invoice {found.number} is finalized.")
        self._enter(CheckoutStatus.COMPLETED, "The invoice is sent.")
        return True

    async def _find_invoice(self) -> SentInvoice | None:
        self._is_told = False
        return await in_books(BookActivities.find_invoice, self._checkout, "find the invoice of a run")

    async def _await_word_of_a_run(self) -> None:
        """A run says when it has sent; should its word be lost, the books are asked now and then."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._is_told or self._watch.has_news(), timeout=ASK_AGAIN, timeout_summary="ask the books"
            )
        if self._watch.has_news():
            await self._persist(partial(self._watch.look, SettledBy.WEBHOOK))
            await self._hand_over_late_money()

    async def _create_invoice(self) -> None:
        self._invoice = await self._persist(
            lambda: in_books(BookActivities.create_invoice, self._checkout, "create and finalize invoice")
        )
        self._enter(CheckoutStatus.INVOICED, f"Invoice {self._invoice.number} is finalized; it is being sent.")
        await self._persist(
            lambda: rendering(DocumentActivities.render_invoice, self._numbered, "write PDF and e-invoice")
        )

    async def _send_invoice(self) -> None:
        await self._persist(lambda: by_mail(DeliveryActivities.send_invoice, self._numbered, "send invoice"))
        for note in self._finalized.credit_notes:
            await send_correction(self._document(note), self._opened.checkout_id)
        self._enter(CheckoutStatus.COMPLETED, "The invoice is sent.")

    async def _finish(self) -> CheckoutResult:
        """Leave nothing unread: facts that came meanwhile are applied, and open requests answered."""
        while self._watch.has_news() or not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)
            await self._persist(partial(self._watch.look, SettledBy.WEBHOOK))
            await self._hand_over_late_money()
        return CheckoutResult(
            checkout_id=self._opened.checkout_id,
            status=self._phase,
            invoice_number=self._invoice.number if self._invoice else None,
        )

    async def _hand_over_late_money(self, *, found: bool = False) -> None:
        """Money that does not fit is looked after by a run of its own, which outlives this one."""
        standing = self._watch.standing
        unfit = standing is not None and (standing.misfit or standing.needless)
        if found or unfit or self._has_late_money:
            self._has_late_money = True
            await hand_over(LatePayment(merchant_id=self._start.merchant_id, checkout_id=self._opened.checkout_id))

    # Facts and requests from outside

    @workflow.signal
    def payment_reported(self, fact: PaymentFact) -> None:
        """A provider said that something happened to a session or payment of this checkout."""
        self._watch.report(fact)

    @workflow.signal
    def money_moved(self) -> None:
        """What is owed, or the money on the entry, was changed by somebody else."""
        self._watch.stir()

    @workflow.signal
    def entry_canceled(self) -> None:
        """The entry was canceled by itself: the run ends, wherever it stands."""
        self._is_shut_out = True

    @workflow.signal
    def invoiced(self) -> None:
        """An invoice run has sent the invoice of this checkout: go and look."""
        self._is_told = True

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:  # noqa: ARG002 - Temporal's signature
        """A signal this version does not know: kept in sight and alarmed, never dropped."""
        self._unknown_signals.append(name)
        workflow.logger.error("unknown signal %s", name)

    @workflow.update
    async def payment_link(self) -> OpenedLink:
        """The answer to a new checkout, once entry and link are durable."""
        await workflow.wait_condition(lambda: self._link_ends_at is not None or self._refusal is not None)
        if self._refusal is not None:
            raise self._refusal
        return OpenedLink(
            checkout_id=self._opened.checkout_id,
            opened_by=self._opened.opened_by,
            expires_at=self._link_ends_at or workflow.now(),
        )

    @workflow.update
    async def open_payment_page(self) -> PaymentPage:
        """The customer wants to pay: the page to send him to."""
        ends_at = self._link_ends_at or workflow.now()
        session = await self._watch.open(self._opened.entry_id, ends_at)
        return PaymentPage(url=session.url)

    @open_payment_page.validator
    def _payable(self) -> None:
        open_link = self._link_ends_at is not None and workflow.now() < self._link_ends_at
        stopped = self._cancel is not None or self._is_shut_out
        awaited = self._phase is CheckoutStatus.AWAITING_PAYMENT and not stopped
        if not awaited or self._watch.covered() or self._watch.promised or not open_link:
            raise ApplicationError(f"the checkout is {self._phase}", self._phase, type="NotPayable", non_retryable=True)

    @workflow.update
    async def cancel(self, wanted: CancelCheckout) -> CheckoutStanding:
        """Nobody is to pay any more. Repeating it answers the same; a capture that comes first wins."""
        self._cancel = self._cancel or wanted
        await workflow.wait_condition(
            lambda: self._phase is not CheckoutStatus.AWAITING_PAYMENT or self._cancel is None
        )
        if self._phase is not CheckoutStatus.CANCELED:
            raise self._too_late()
        return CheckoutStanding(status=self._phase)

    @cancel.validator
    def _cancelable(self, wanted: CancelCheckout) -> None:
        if not 1 <= len(wanted.reason.strip()) <= LONGEST_REASON:
            raise ApplicationError(f"a reason of 1 to {LONGEST_REASON} characters is needed", type="InvalidInput")
        awaited = self._phase is CheckoutStatus.AWAITING_PAYMENT and not self._watch.covered()
        if not awaited and self._phase is not CheckoutStatus.CANCELED:
            raise self._too_late()

    def _too_late(self) -> ApplicationError:
        status = self._status_now
        words = f"too late to cancel: the checkout is {status}"
        return ApplicationError(words, status, type="TooLateToCancel", non_retryable=True)

    @workflow.update
    async def capture(self, wanted: CaptureCheckout) -> CaptureStanding:
        """The shop wants the authorized money, all or a part. Repeating it answers the same."""
        checkout_id = self._opened.checkout_id
        request = CaptureRequest(checkout_id=checkout_id, amount=wanted.amount, payment_id=wanted.payment_id)
        asked = await self._watch.ask_capture(request)
        if asked.refusal is None:
            await workflow.wait_condition(lambda: not self._watch.is_capturing(asked.reference))
            if self._watch.refused_capture(asked.reference):
                refusal = Refusal(kind=RefusalKind.PROVIDER, checkout_id=checkout_id)
                return CaptureStanding(status=self._status_now, refusal=refusal)
        return CaptureStanding(status=self._status_now, refusal=asked.refusal)

    @capture.validator
    def _capturable(self, wanted: CaptureCheckout) -> None:  # noqa: ARG002 - the books judge the amount
        if self._cancel is not None or self._is_shut_out:
            raise ApplicationError("the checkout is being canceled", self._phase, type="NotPayable", non_retryable=True)

    @workflow.update
    async def payer_returned(self) -> CheckoutStanding:
        """The customer came back from the provider: ask now, so that he is told at once."""
        if self._phase is CheckoutStatus.AWAITING_PAYMENT and not self._watch.covered():
            await self._watch.look(SettledBy.RETURN)
            await self._hand_over_late_money()
        return CheckoutStanding(status=self._status_now)

    @workflow.update
    async def resume(self) -> None:
        """Somebody mended what the review named: try the step again."""
        self._review_reason = None

    @resume.validator
    def _under_review(self) -> None:
        if self._review_reason is None:
            raise ApplicationError("the checkout is not under review", type="NotUnderReview", non_retryable=True)

    # How steps are kept going, and shown

    async def _persist(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Do the step until it is done. What retries cannot mend is put before a person, who resumes it."""
        while True:
            try:
                return await step()
            except ActivityError as failure:
                if self._has_to_end() or reason(failure) == CANCELED:
                    raise _ShutOutError from failure
                await self._review(reason(failure), problems(failure))

    def _has_to_end(self) -> bool:
        return self._is_shut_out and self._phase is not CheckoutStatus.CANCELED

    async def _review(self, why: str, broken: tuple[BrokenRule, ...] = ()) -> None:
        self._review_reason = why
        workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.REVIEW)])
        self._tell(
            "\n".join([f"A person must decide: {why}. Send the update `resume` to try again.", *map(str, broken)])
        )
        step = Review(
            merchant_id=self._start.merchant_id,
            checkout_id=self._opened.checkout_id,
            reason=why,
            options=("resume",),
            problems=broken,
        )
        await in_books(BookActivities.put_under_review, step, f"review: {why}")
        await self._await_resume()
        if self._has_to_end():
            raise _ShutOutError
        await in_books(BookActivities.resume_from_review, self._checkout, "resume")
        workflow.upsert_search_attributes([attributes.BLOCKED_ON.value_set(attributes.NOBODY)])

    async def _await_resume(self) -> None:
        """What is reported while a person is awaited is applied all the same, as long as that works."""
        listening = self._phase is not CheckoutStatus.AWAITING_PAYMENT
        while self._review_reason is not None:
            await workflow.wait_condition(partial(self._resumed_or_told, listening=listening))
            if self._has_to_end():
                return
            if self._review_reason is not None:
                try:
                    await self._watch.look(SettledBy.WEBHOOK)
                    await self._hand_over_late_money()
                except ActivityError:
                    listening = False

    def _resumed_or_told(self, *, listening: bool) -> bool:
        return self._review_reason is None or self._has_to_end() or (listening and self._watch.has_news())

    def _enter(self, phase: CheckoutStatus, words: str) -> None:
        self._phase = phase
        changes: list[Any] = [
            attributes.PHASE.value_set(phase),
            attributes.BLOCKED_ON.value_set(attributes.NOBODY),
        ]
        if phase is CheckoutStatus.INVOICED and self._invoice is not None:
            changes.append(attributes.INVOICE_NUMBER.value_set(self._invoice.number))
        workflow.upsert_search_attributes(changes)
        self._tell(words)

    @staticmethod
    def _tell(words: str) -> None:
        workflow.set_current_details(words)

    @property
    def _status_now(self) -> CheckoutStatus:
        captured = self._phase is CheckoutStatus.AWAITING_PAYMENT and self._watch.covered()
        return CheckoutStatus.CAPTURED if captured else self._phase

    @property
    def _opened(self) -> Entry:
        if self._entry is None:
            raise ApplicationError("the checkout is not open yet: ask again", type="NotPayable", non_retryable=True)
        return self._entry

    @property
    def _checkout(self) -> OfCheckout:
        return OfCheckout(merchant_id=self._start.merchant_id, checkout_id=self._opened.checkout_id)

    @property
    def _numbered(self) -> OfInvoice:
        return self._document(self._finalized.invoice_id)

    @property
    def _finalized(self) -> FinalizedInvoice:
        if self._invoice is None:
            raise RuntimeError("no invoice yet")
        return self._invoice

    def _document(self, invoice_id: str) -> OfInvoice:
        return OfInvoice(merchant_id=self._start.merchant_id, invoice_id=invoice_id)

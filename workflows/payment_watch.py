"""The one payable session of a checkout, or of a link for several entries, and finding out what became of it.

A fact from outside never carries state, it only makes us look: whatever the provider says at that moment is
applied, forward only. So it does not matter how often, in which order or by which way we are told.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from workflows.messages import PaymentFact

with workflow.unsafe.imports_passed_through():
    from activities.books import BookActivities
    from activities.provider import ProviderActivities
    from domain.captures import AskCapture, AskedCapture, CaptureOrder, CaptureRequest, DropCapture
    from domain.checkout import CheckoutStatus
    from domain.payments import Promise, SessionStatus, SettledBy
    from domain.steps import (
        Findings,
        FindOpenSessions,
        LookUp,
        OfCheckout,
        OpenSession,
        Promised,
        RecordFindings,
        RecordSession,
        Session,
        Standing,
    )
    from workflows.calls import at_provider, in_books, reason

SESSION_LIFE = timedelta(hours=23)
"""Stripe allows 30 minutes to 24 hours; the margins keep a retried call inside them."""
SHORTEST_SESSION = timedelta(minutes=35)
OPENING_PATIENCE = timedelta(seconds=30)
MOST_RIVALS = 5
"""So often a session is opened anew because another was opened under another link in the same moment."""
POLL_OVERDUE = timedelta(hours=1)
FEE_POLLS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 6 * 3600))
"""How long to wait for a fee before asking; the last one again and again."""
POLLS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 4 * 3600, 12 * 3600))
PROMISE_POLL = timedelta(hours=6)
"""How often promised money is asked after; an authorization also right after its end."""
AFTER_THE_END = timedelta(minutes=1)


class PaymentWatch:
    """Sessions, facts and findings of one checkout, or of one link. One look at a time."""

    def __init__(self, merchant_id: str, link_id: str | None = None) -> None:
        self._merchant_id = merchant_id
        self._link_id = link_id
        self._checkout_id = ""
        self._stirs = self._stirs_seen = 0
        self._facts: dict[str, PaymentFact] = {}
        self._seen: set[str] = set()
        self._attempts = 0
        self._opening: OpenSession | None = None
        self._session: Session | None = None
        self._opened_at: datetime | None = None
        self._polls = 0
        self._fee_polls = 0
        self._looked_at: datetime | None = None
        self._refused: set[str] = set()
        self._shut = False
        self._lock = asyncio.Lock()
        self.standing: Standing | None = None

    def begin(self, checkout_id: str) -> None:
        """From now on it is known which checkout is watched, or which keeps the payments of the link."""
        self._checkout_id = checkout_id

    def report(self, fact: PaymentFact) -> None:
        """Note that there is something to look at; a fact that was looked at is not news."""
        if fact.event_id not in self._seen:
            self._facts.setdefault(fact.event_id, fact)

    def stir(self) -> None:
        """What is owed, or the money for it, was changed by somebody else: look again."""
        self._stirs += 1

    def has_news(self) -> bool:
        """Whether something waits to be looked at."""
        return bool(self._facts) or self._stirs != self._stirs_seen

    def covered(self) -> bool:
        """Whether the captured money is enough."""
        return self.standing is not None and self.standing.covered

    @property
    def _status(self) -> CheckoutStatus:
        return CheckoutStatus.AWAITING_PAYMENT if self.standing is None else self.standing.status

    @property
    def promised(self) -> tuple[Promised, ...]:
        """The money that will come without the customer doing more: nobody else may pay meanwhile."""
        return () if self.standing is None else self.standing.promised

    def captures_asked(self) -> bool:
        """Whether the shop wants money captured that is not captured yet."""
        return any(one.capture is not None for one in self.promised)

    @property
    def next_poll_at(self) -> datetime | None:
        """When to look without being told; None while no session is open and nothing is promised."""
        if self.promised and self._looked_at is not None:
            looked_at = self._looked_at
            ends = [one.capture_before + AFTER_THE_END for one in self.promised if one.capture_before is not None]
            return min([looked_at + PROMISE_POLL, *(end for end in ends if end > looked_at)])
        if self._session is None or self._opened_at is None:
            return None
        if self._polls < len(POLLS):
            return self._opened_at + POLLS[self._polls]
        return self._session.expires_at + (1 + self._polls - len(POLLS)) * POLL_OVERDUE

    async def open(self, entry_id: str, link_ends_at: datetime) -> Session:
        """The one payable session: the open one, or a new one after the old one was expired and read back.

        Raises ApplicationError `NotPayable` when there is nothing left to pay, or nobody may pay any more.
        """
        async with self._lock:
            for _ in range(MOST_RIVALS):
                await self._expire_others(entry_id)
                if self._session is not None and workflow.now() < self._session.expires_at - timedelta(minutes=1):
                    return self._session
                if self._session is not None:
                    await self._record((await self._expire(self._session.session_id),), (), SettledBy.RETURN)
                if self._shut or self.covered() or self.promised:
                    raise ApplicationError("nothing is to be paid", self._status, type="NotPayable", non_retryable=True)
                if await self._opened_next(entry_id, link_ends_at):
                    break
            if self._session is None:
                raise ApplicationError("somebody else is paying", type="BeingPaid", non_retryable=True)
            return self._session

    async def _expire_others(self, entry_id: str) -> None:
        """Whoever opened a session for the same entry under another link can pay in it no more.

        What is owed on the entries of a link changes without its doing, so it is always seen anew.
        """
        question = FindOpenSessions(merchant_id=self._merchant_id, entry_id=entry_id, link_id=self._link_id)
        payable = await in_books(BookActivities.find_open_sessions, question, "find what can be paid")
        mine = None if self._session is None else self._session.session_id
        if mine not in {one.session_id for one in payable}:
            self._session = None
        others = [one for one in payable if one.session_id != mine]
        for other in others:
            finding = await self._expire(other.session_id)
            await self._apply(other.checkout_id, None, (finding,), (), SettledBy.RETURN)
        if others or self._link_id is not None:
            await self._record((), (), SettledBy.RETURN)

    async def _opened_next(self, entry_id: str, link_ends_at: datetime) -> bool:
        """Open the next session; False when somebody else opened one meanwhile. Then nobody ever sees ours."""
        session = await self._open_next(entry_id, link_ends_at)
        noted = await in_books(
            BookActivities.record_session,
            RecordSession(
                merchant_id=self._merchant_id,
                checkout_id=self._checkout_id,
                entry_id=entry_id,
                session=session,
                link_id=self._link_id,
            ),
            f"note session {session.attempt}",
        )
        self._opening = None
        if noted:
            self._session, self._opened_at, self._polls = session, workflow.now(), 0
        else:
            await self._expire(session.session_id)
        return noted

    async def _open_next(self, entry_id: str, link_ends_at: datetime) -> Session:
        """Open the next session, or the one whose outcome we never learned.

        Number and end of an attempt are fixed before the first call: a repeated call must be the same call,
        or the provider refuses its key. Only a refusal tells for sure that no session came to be.
        """
        if self._opening is None:
            self._attempts += 1
            now = workflow.now()
            self._opening = OpenSession(
                merchant_id=self._merchant_id,
                checkout_id=self._checkout_id,
                entry_id=entry_id,
                attempt=self._attempts,
                expires_at=min(now + SESSION_LIFE, max(link_ends_at, now + SHORTEST_SESSION)),
                link_id=self._link_id,
            )
        try:
            return await at_provider(
                ProviderActivities.open_session, self._opening, "open payment session", OPENING_PATIENCE
            )
        except ActivityError as failure:
            if reason(failure) == "ProviderRefused":
                self._opening = None
            raise

    async def recover(self) -> Standing:
        """Take up a checkout whose run was lost: the books know its session, the provider what became of it.

        One attempt's number is left out: the lost run may have used it and not lived to write it down.
        """
        async with self._lock:
            known = await in_books(
                BookActivities.known_sessions,
                OfCheckout(merchant_id=self._merchant_id, checkout_id=self._checkout_id, link_id=self._link_id),
                "find the sessions of the lost run",
            )
            self._attempts = known.attempts + 1
            self._session, self._opened_at = known.open, workflow.now()
            await self._record((), (), SettledBy.SWEEP)
            return await self._record(await self._find_out({}), (), SettledBy.SWEEP)

    async def look(self, settled_by: SettledBy) -> Standing | None:
        """See what the provider says of the session and of all that was reported; None if there is nothing."""
        async with self._lock:
            facts, stirs = dict(self._facts), self._stirs
            if stirs != self._stirs_seen and self._session is not None:
                # What it asks for may be wrong by now; the next one asks for what is owed then.
                await self._record((await self._expire(self._session.session_id),), (), settled_by)
            findings = await self._find_out(facts)
            if settled_by is SettledBy.POLL:
                self._polls += 1
            if findings or facts or stirs != self._stirs_seen:
                await self._record(findings, tuple(facts), _found_by(facts) or settled_by)
            self._stirs_seen = stirs
            self._seen.update(facts)
            self._facts = {event_id: fact for event_id, fact in self._facts.items() if event_id not in facts}
            return self.standing

    async def await_fee(self, payments: tuple[str, ...]) -> None:
        """Wait until the provider speaks, or for a while; then see what it says of these payments."""
        patience = FEE_POLLS[min(self._fee_polls, len(FEE_POLLS) - 1)]
        with suppress(TimeoutError):
            await workflow.wait_condition(self.has_news, timeout=patience, timeout_summary="ask for the fee")
        if self.has_news():
            await self.look(SettledBy.WEBHOOK)
            return
        self._fee_polls += 1
        async with self._lock:
            questions = [LookUp(merchant_id=self._merchant_id, payment_reference=one) for one in payments]
            findings = [await self._ask(question) for question in questions]
            await self._record(tuple(findings), (), SettledBy.POLL)

    async def _find_out(self, facts: dict[str, PaymentFact]) -> tuple[Findings, ...]:
        """Ask once for each thing that was named; a session's answer covers its payment."""
        sessions = {fact.session_id for fact in facts.values() if fact.session_id}
        if self._session is not None:
            sessions.add(self._session.session_id)
        questions = [LookUp(merchant_id=self._merchant_id, session_id=session_id) for session_id in sorted(sessions)]
        findings = [await self._ask(question) for question in questions]
        known = {finding.payment.reference for finding in findings if finding.payment}
        told = {fact.payment_reference for fact in facts.values() if fact.payment_reference}
        payments = told.union(one.reference for one in self.promised) - known
        questions = [LookUp(merchant_id=self._merchant_id, payment_reference=one) for one in sorted(payments)]
        return (*findings, *[await self._ask(question) for question in questions])

    @staticmethod
    async def _ask(question: LookUp) -> Findings:
        return await at_provider(ProviderActivities.look_up, question, "ask the provider")

    async def end(self, *, release: bool) -> Standing | None:
        """Make the session unpayable, and see whether money slipped in before. No other is opened from now on.

        With `release`, money that is authorized is let go unless the shop asked for it, and that is read back too. What
        of it is awaited is asked of the books first: nothing is when the entry was canceled, also what was asked for.
        """
        async with self._lock:
            self._shut = True
            if self._session is not None:
                await self._record((await self._expire(self._session.session_id),), (), SettledBy.POLL)
            if release and self.promised:
                await self._record((), (), SettledBy.POLL)
                unasked = [one for one in self.promised if one.promise is Promise.AUTHORIZED and one.capture is None]
                await self._release([one.reference for one in unasked])
            return self.standing

    async def release(self, references: Sequence[str]) -> None:
        """Let authorizations go that nobody waits for, and apply what became of them."""
        async with self._lock:
            await self._release(references)

    async def _release(self, references: Sequence[str]) -> None:
        for reference in references:
            step = LookUp(merchant_id=self._merchant_id, payment_reference=reference)
            findings = await at_provider(ProviderActivities.cancel_payment, step, "release the authorization")
            await self._record((findings,), (), SettledBy.POLL)

    async def ask_capture(self, request: CaptureRequest) -> AskedCapture:
        """Write down what the shop wants captured; `capture` does it."""
        async with self._lock:
            step = AskCapture(merchant_id=self._merchant_id, request=request)
            asked = await in_books(BookActivities.ask_capture, step, "note what is to be captured")
            if asked.refusal is None:
                self._refused.discard(asked.reference)
                await self._record((), (), SettledBy.POLL)
            return asked

    async def capture(self) -> None:
        """Capture what the shop asked for. What the provider refuses is dropped: the authorization still stands."""
        async with self._lock:
            for one in self.promised:
                if one.capture is not None:
                    await self._capture(one, one.capture)

    async def _capture(self, promised: Promised, amount: int) -> None:
        order = CaptureOrder(
            merchant_id=self._merchant_id,
            payment_reference=promised.reference,
            amount=amount,
            currency=promised.currency,
            idempotency_key=f"{promised.reference}:capture:{amount}",
        )
        findings: tuple[Findings, ...] = ()
        try:
            findings = (await at_provider(ProviderActivities.capture_payment, order, "capture the money"),)
        except ActivityError as failure:
            if reason(failure) != "ProviderRefused":
                raise
            await self._drop_capture(promised.reference)
        await self._record(findings, (), SettledBy.POLL)

    async def _drop_capture(self, reference: str) -> None:
        step = DropCapture(merchant_id=self._merchant_id, checkout_id=self._checkout_id, reference=reference)
        await in_books(BookActivities.drop_capture, step, "forget the refused capture")
        self._refused.add(reference)

    def is_capturing(self, reference: str) -> bool:
        """Whether the capture of this payment is still to be done."""
        return any(one.reference == reference and one.capture is not None for one in self.promised)

    def refused_capture(self, reference: str) -> bool:
        """Whether the provider refused the capture that was asked for last."""
        return reference in self._refused

    def go_on(self) -> None:
        """The end is put off: sessions may be opened again."""
        self._shut = False

    async def _expire(self, session_id: str) -> Findings:
        return await at_provider(
            ProviderActivities.expire_session,
            LookUp(merchant_id=self._merchant_id, session_id=session_id),
            "expire the session and read it back",
        )

    async def _record(
        self, findings: tuple[Findings, ...], event_ids: tuple[str, ...], settled_by: SettledBy
    ) -> Standing:
        self.standing = await self._apply(self._checkout_id, self._link_id, findings, event_ids, settled_by)
        self._looked_at = workflow.now()
        closed = {finding.session_id for finding in findings if finding.session_status is not SessionStatus.OPEN}
        if self._session is not None and self._session.session_id in closed:
            self._session = None
        return self.standing

    async def _apply(
        self,
        checkout_id: str,
        link_id: str | None,
        findings: tuple[Findings, ...],
        event_ids: tuple[str, ...],
        settled_by: SettledBy,
    ) -> Standing:
        """Write findings down, and tell the runs of others whose entries they brought money to."""
        standing = await in_books(
            BookActivities.record_findings,
            RecordFindings(
                merchant_id=self._merchant_id,
                checkout_id=checkout_id,
                findings=findings,
                event_ids=event_ids,
                settled_by=settled_by,
                link_id=link_id,
            ),
            "apply what the provider says",
        )
        for run in standing.stir:
            await stir(run)
        return standing


async def stir(run: str) -> None:
    """Have a run look at its money again. One that is not there reads its books when it is started again."""
    with suppress(FailureError):
        await workflow.get_external_workflow_handle(run).signal("money_moved")


def _found_by(facts: dict[str, PaymentFact]) -> SettledBy | None:
    """The sweep, if nobody else told of it; None when there is nothing to say."""
    swept = bool(facts) and all(fact.found_by is SettledBy.SWEEP for fact in facts.values())
    return SettledBy.SWEEP if swept else None

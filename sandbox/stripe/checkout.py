"""What becomes of a Checkout Session: the customer pays it or not, the merchant or the clock expires it."""

from enum import StrEnum

from sandbox.stripe import payments
from sandbox.stripe.books import Books
from sandbox.stripe.errors import forbid
from sandbox.stripe.faults import MoneyFault
from sandbox.stripe.store import Json


class Outcome(StrEnum):
    """What the customer does on the hosted page."""

    SUCCEED = "succeed"
    DECLINE = "decline"
    SCA_SUCCEED = "sca_succeed"
    SCA_FAIL = "sca_fail"
    SCA_ABANDON = "sca_abandon"
    DELAYED_SUCCEED = "delayed_succeed"
    DELAYED_FAIL = "delayed_fail"
    CANCEL = "cancel"


DELAYED = frozenset({Outcome.DELAYED_SUCCEED, Outcome.DELAYED_FAIL})
PAYING = frozenset({Outcome.SUCCEED, Outcome.SCA_SUCCEED, *DELAYED})
"""Outcomes that complete the session."""


def expire(books: Books, session: Json) -> Json:
    """Close an open session: nobody can pay it any more."""
    if session["status"] != "open":
        forbid(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    session |= {"status": "expired", "url": None}
    books.store.save(session)
    if session["payment_intent"]:
        payments.cancel(books, books.get("payment_intent", session["payment_intent"]), "automatic")
    books.emit("checkout.session.expired", session)
    return session


def expire_in_time(books: Books, session: str) -> None:
    """The session's time is over, unless it was completed or expired before."""
    body = books.get("checkout.session", session)
    if body["status"] == "open":
        expire(books, body)


def act(books: Books, session: Json, outcome: Outcome) -> bool:
    """The customer does `outcome` on the page; False if the session no longer takes it, so nobody pays twice."""
    fault = books.faults.money(books.subjects(session["id"]))
    late = session["status"] == "expired" and session["payment_status"] == "unpaid" and fault.capture_after_expiry
    if session["status"] != "open" and not (late and outcome is Outcome.SUCCEED):
        return False
    if outcome in DELAYED and _is_manual(books, session):
        return False
    if outcome is Outcome.CANCEL:
        return True
    intent = _attempt(books, session, fault)
    match outcome:
        case Outcome.SUCCEED:
            _pay(books, session, intent, fault)
        case Outcome.DECLINE:
            payments.decline(books, intent, _email(session))
        case Outcome.SCA_SUCCEED:
            payments.demand_authentication(books, intent)
            _pay(books, session, intent, fault)
        case Outcome.SCA_FAIL:
            payments.refuse_authentication(books, intent)
        case Outcome.SCA_ABANDON:
            payments.demand_authentication(books, intent)
        case Outcome.DELAYED_SUCCEED | Outcome.DELAYED_FAIL:
            _promise(books, session, intent, paid=outcome is Outcome.DELAYED_SUCCEED)
    return True


def finish_delayed(books: Books, session: str, *, paid: bool) -> None:
    """The bank has answered for a session completed with a delayed method."""
    body = books.get("checkout.session", session)
    intent = books.get("payment_intent", body["payment_intent"])
    if intent["status"] != "processing":
        return
    if paid:
        body["payment_status"] = "paid"
        books.store.save(body)
    payments.finish_delayed(books, intent, paid=paid)
    books.emit(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", body)


def note_capture(books: Books, session: str | None) -> None:
    """Authorized money of a session was captured: the session counts as paid."""
    if session:
        body = books.get("checkout.session", session)
        books.store.save({**body, "payment_status": "paid"})


def _pay(books: Books, session: Json, intent: Json, fault: MoneyFault) -> None:
    payments.pay_by_card(books, intent, _email(session))
    paid = "paid" if intent["status"] == "succeeded" else "unpaid"
    if session["status"] == "open":
        _complete(books, session, paid)
    else:
        books.store.save({**session, "payment_status": paid})
    if fault.second_capture:
        again = _intent(books, session, fault)
        payments.pay_by_card(books, again, _email(session))


def _promise(books: Books, session: Json, intent: Json, *, paid: bool) -> None:
    payments.start_delayed(books, intent, _email(session))
    _complete(books, session, "unpaid")
    wait = books.faults.timing(books.subjects(session["id"])).delayed_method_seconds
    books.later(wait, "finish_delayed", session=session["id"], paid=paid)


def _complete(books: Books, session: Json, payment_status: str) -> None:
    details: Json = {
        "address": None,
        "business_name": None,
        "email": _email(session),
        "individual_name": None,
        "name": "Test Customer",
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    session |= {"status": "complete", "payment_status": payment_status, "url": None, "customer_details": details}
    books.store.save(session)
    books.emit("checkout.session.completed", session)


def _attempt(books: Books, session: Json, fault: MoneyFault) -> Json:
    """The session's payment intent: the one of an earlier attempt, or a new one."""
    earlier = session["payment_intent"] and books.get("payment_intent", session["payment_intent"])
    if earlier and earlier["status"] != "canceled":
        return dict(earlier)
    intent = _intent(books, session, fault)
    session["payment_intent"] = intent["id"]
    books.store.save(session)
    return intent


def _intent(books: Books, session: Json, fault: MoneyFault) -> Json:
    hidden = books.stored("checkout.session", session["id"]).hidden
    return payments.open_intent(
        books,
        session,
        amount=max(1, session["amount_total"] + fault.capture_difference),
        currency=fault.capture_currency or session["currency"],
        data=hidden["payment_intent_data"],
    )


def _is_manual(books: Books, session: Json) -> bool:
    """Whether the session only authorizes, which no delayed method can."""
    data = books.stored("checkout.session", session["id"]).hidden["payment_intent_data"]
    return bool(data["capture_method"] == "manual")


def _email(session: Json) -> str:
    return session["customer_email"] or "customer@example.com"

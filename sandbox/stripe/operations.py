"""Every operation of the API the stand-in plays: where it is, what it takes, what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import checkout, disputes, payments, refunds, sessions
from sandbox.stripe import parameters as p
from sandbox.stripe.books import Books
from sandbox.stripe.errors import refuse
from sandbox.stripe.listing import Query
from sandbox.stripe.store import Json

Run = Callable[[Books, str, Any], Json]


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` may hold one `{id}`. `name` is the word `/_sandbox/faults` knows the operation by."""

    method: str
    path: str
    name: str
    params: type[p.Params]
    run: Run


def include(books: Books, owner: Json, name: str) -> Json:
    """A list that an object shows only when asked to expand it."""
    page = p.Page()
    if name == "line_items":
        return _lines(books, owner["id"], page)
    url = f"/v1/charges/{owner['id']}/refunds"
    return Query("refund", url).fields(charge=owner["id"]).page(books, page)


def _create_session(books: Books, _: str, params: p.CreateSession) -> Json:
    return sessions.create(books, params)


def _expire_session(books: Books, session: str, _: p.Expand) -> Json:
    return checkout.expire(books, books.get("checkout.session", session, "session"))


def _list_sessions(books: Books, _: str, params: p.ListSessions) -> Json:
    query = Query("checkout.session", "/v1/checkout/sessions")
    return query.fields(payment_intent=params.payment_intent, status=params.status).page(books, params)


def _session_lines(books: Books, session: str, params: p.Page) -> Json:
    return _lines(books, books.get("checkout.session", session, "session")["id"], params)


def _lines(books: Books, session: str, page: p.Page) -> Json:
    url = f"/v1/checkout/sessions/{session}/line_items"
    return Query("item", url, oldest_first=True).where("session = ?", session).page(books, page)


def _capture(books: Books, intent: str, params: p.CapturePayment) -> Json:
    captured = payments.capture(books, books.get("payment_intent", intent, "intent"), params)
    checkout.note_capture(books, books.session_of(intent))
    return captured


def _cancel(books: Books, intent: str, params: p.CancelPayment) -> Json:
    return payments.cancel_on_request(books, books.get("payment_intent", intent, "intent"), params)


def _list_payments(books: Books, _: str, params: p.ListPayments) -> Json:
    return Query("payment_intent", "/v1/payment_intents").page(books, params)


def _list_charges(books: Books, _: str, params: p.ListCharges) -> Json:
    return Query("charge", "/v1/charges").fields(payment_intent=params.payment_intent).page(books, params)


def _create_refund(books: Books, _: str, params: p.CreateRefund) -> Json:
    return refunds.create(books, params)


def _list_refunds(books: Books, _: str, params: p.ListRefunds) -> Json:
    query = Query("refund", "/v1/refunds").fields(charge=params.charge, payment_intent=params.payment_intent)
    return query.page(books, params)


def _list_disputes(books: Books, _: str, params: p.ListDisputes) -> Json:
    query = Query("dispute", "/v1/disputes").fields(charge=params.charge, payment_intent=params.payment_intent)
    return query.page(books, params)


def _close_dispute(books: Books, dispute: str, _: p.Expand) -> Json:
    return disputes.accept(books, books.get("dispute", dispute, "dispute"))


def _list_balance(books: Books, _: str, params: p.ListBalanceTransactions) -> Json:
    query = Query("balance_transaction", "/v1/balance_transactions")
    query.fields(currency=params.currency, source=params.source, type=params.type)
    if params.payout:
        query.where("json_extract(hidden, '$.payout') = ?", params.payout)
    return query.page(books, params)


def _list_payouts(books: Books, _: str, params: p.ListPayouts) -> Json:
    return Query("payout", "/v1/payouts").fields(status=params.status).page(books, params)


def _list_events(books: Books, _: str, params: p.ListEvents) -> Json:
    if params.type and params.types:
        refuse("You may only specify one of these parameters: type, types.")
    query = Query("event", "/v1/events")
    wanted = params.types or ([params.type] if params.type else [])
    if wanted:
        one = "json_extract(body, '$.type') GLOB ?"
        query.where(f"({' OR '.join([one] * len(wanted))})", *wanted)
    if params.delivery_success is not None:
        sql = "EXISTS (SELECT 1 FROM deliveries WHERE event = objects.id AND state <> 'delivered') = ?"
        query.where(sql, not params.delivery_success)
    page = query.page(books, params)
    return {**page, "data": [_with_pending(books, event) for event in page["data"]]}


def _read_event(books: Books, event: str, _: p.Expand) -> Json:
    return _with_pending(books, books.get("event", event))


def _with_pending(books: Books, event: Json) -> Json:
    sql = "SELECT count(DISTINCT endpoint) AS number FROM deliveries WHERE event = ? AND state = 'pending'"
    row = books.store.row(sql, event["id"])
    return {**event, "pending_webhooks": row["number"] if row else 0}


def _reader(kind: str, param: str) -> Run:
    def read(books: Books, object_id: str, _: p.Expand) -> Json:
        return books.get(kind, object_id, param)

    return read


OPERATIONS = (
    Operation("POST", "/v1/checkout/sessions", "create", p.CreateSession, _create_session),
    Operation("GET", "/v1/checkout/sessions", "read", p.ListSessions, _list_sessions),
    Operation("GET", "/v1/checkout/sessions/{id}", "read", p.Expand, _reader("checkout.session", "session")),
    Operation("POST", "/v1/checkout/sessions/{id}/expire", "expire", p.Expand, _expire_session),
    Operation("GET", "/v1/checkout/sessions/{id}/line_items", "read", p.Page, _session_lines),
    Operation("GET", "/v1/payment_intents", "read", p.ListPayments, _list_payments),
    Operation("GET", "/v1/payment_intents/{id}", "read", p.ReadPayment, _reader("payment_intent", "intent")),
    Operation("POST", "/v1/payment_intents/{id}/capture", "capture", p.CapturePayment, _capture),
    Operation("POST", "/v1/payment_intents/{id}/cancel", "cancel", p.CancelPayment, _cancel),
    Operation("GET", "/v1/charges", "read", p.ListCharges, _list_charges),
    Operation("GET", "/v1/charges/{id}", "read", p.Expand, _reader("charge", "charge")),
    Operation("POST", "/v1/refunds", "refund", p.CreateRefund, _create_refund),
    Operation("GET", "/v1/refunds", "read", p.ListRefunds, _list_refunds),
    Operation("GET", "/v1/refunds/{id}", "read", p.Expand, _reader("refund", "refund")),
    Operation("GET", "/v1/balance_transactions", "read", p.ListBalanceTransactions, _list_balance),
    Operation("GET", "/v1/balance_transactions/{id}", "read", p.Expand, _reader("balance_transaction", "id")),
    Operation("GET", "/v1/disputes", "read", p.ListDisputes, _list_disputes),
    Operation("GET", "/v1/disputes/{id}", "read", p.Expand, _reader("dispute", "dispute")),
    Operation("POST", "/v1/disputes/{id}/close", "close_dispute", p.Expand, _close_dispute),
    Operation("GET", "/v1/payouts", "read", p.ListPayouts, _list_payouts),
    Operation("GET", "/v1/payouts/{id}", "read", p.Expand, _reader("payout", "payout")),
    Operation("GET", "/v1/events", "read", p.ListEvents, _list_events),
    Operation("GET", "/v1/events/{id}", "read", p.Expand, _read_event),
)

"""Stripe's own list of events: what it told, or tried to."""

import json
from datetime import datetime

import stripe
from stripe.params import EventListParams

from adapters.stripe.webhooks import RELEVANT, read_event
from domain.reconciliation import EventPage

PAGE = 100
MOST_TYPES = 20
"""Stripe takes no more types in one question."""


def params(since: datetime, until: datetime, after: str | None) -> EventListParams:
    """The question for a page; `after` is the `next` of the page before."""
    group, _, last = (after or "0:").partition(":")
    types = sorted(RELEVANT)[int(group) * MOST_TYPES :][:MOST_TYPES]
    asked: EventListParams = {
        "types": types,
        "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
        "limit": PAGE,
    }
    return {**asked, "starting_after": last} if last else asked


def page(answer: "stripe.ListObject[stripe.Event]", after: str | None) -> EventPage:
    """Stripe's answer in the house's words."""
    events = [event.to_dict() for event in answer.data]
    return EventPage(
        events=tuple(read_event(event, json.dumps(event)) for event in events),
        next=_next(answer, int((after or "0:").partition(":")[0])),
    )


def _next(answer: "stripe.ListObject[stripe.Event]", group: int) -> str | None:
    """First the rest of this group of types, then the next group."""
    if answer.has_more and answer.data:
        return f"{group}:{answer.data[-1].id}"
    return f"{group + 1}:" if (group + 1) * MOST_TYPES < len(RELEVANT) else None

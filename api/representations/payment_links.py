"""Payment links: of a checkout, and of several entries."""

from pydantic import ConfigDict

from api.representations.base import Amount, Moment, Representation, amount
from api.services import Site
from domain.checkout import CheckoutStatus
from domain.ledger_views import LinkView
from domain.views import PaymentLinkView


class PaymentLinkOut(Representation):
    """The link to send the customer to."""

    url: str
    expires_at: Moment


class LinkEntryOut(Representation):
    """An entry of the link; `outstanding_amount` is what can be paid of it there."""

    entry: str
    checkout: str
    assignment_key: str
    checkout_status: CheckoutStatus
    outstanding_amount: Amount


class LinkOut(Representation):
    """A payment link for several entries. `amount` is what is outstanding on them together."""

    model_config = ConfigDict(title="CombinedPaymentLink")

    id: str
    key: str | None
    url: str
    currency: str
    amount: Amount
    entries: list[LinkEntryOut]
    expires_at: Moment
    created_at: Moment


def payment_link(view: PaymentLinkView, site: Site) -> PaymentLinkOut:
    """The link of a checkout."""
    return PaymentLinkOut(url=site.payment_url(view.token), expires_at=view.expires_at)


def link(view: LinkView, site: Site) -> LinkOut:
    """A payment link for several entries."""
    return LinkOut(
        id=view.id,
        key=view.request.key,
        url=site.payment_url(view.token),
        currency=view.currency,
        amount=amount(view.payable, view.currency),
        entries=[
            LinkEntryOut(
                entry=member.entry_id,
                checkout=member.checkout_id,
                assignment_key=member.assignment_key,
                checkout_status=member.checkout_status,
                outstanding_amount=amount(member.outstanding, view.currency),
            )
            for member in view.entries
        ],
        expires_at=view.expires_at,
        created_at=view.created_at,
    )

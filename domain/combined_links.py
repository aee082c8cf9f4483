"""A payment link for several entries: which entries go together, and how the link is named."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from domain.checkout import CheckoutStatus, Redirects
from domain.errors import Difference, InvalidInput
from domain.particulars import check_expiry, check_redirects
from domain.settlement_steps import LinkRequest
from domain.settlements import KEY, check_entries
from domain.violations import Violations

LINK_ID_PREFIX = "lnk_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An entry that a link is to pay: where its checkout stands, and what it owes (minor units of `currency`).

    `promised` says that money for it is on its way, `captured_by_hand` that its money is authorized first.
    """

    currency: str
    status: CheckoutStatus
    owed: int
    promised: bool = False
    captured_by_hand: bool = False


def link_id(merchant_id: str, key: str) -> str:
    """Our id of the link with this key: the same whoever asks, so two requests meet in one link."""
    return f"{LINK_ID_PREFIX}{sha256(f'{merchant_id}/{key}'.encode()).hexdigest()[:24]}"


def check(
    request: LinkRequest, members: Sequence[Member | None], *, origins: tuple[str, ...], allow_local: bool
) -> None:
    """Raise InvalidInput with all that keeps these entries from being paid by one link.

    `members` are the entries in the order in which they are named, None for what is no entry of this merchant.
    """
    violations = Violations()
    if request.key is not None and not KEY.fullmatch(request.key):
        violations.add("/key", "must be 1 to 100 letters, digits or . _ : -")
    check_entries(violations, request.entries, least=2)
    check_expiry(violations, request.expires_in_seconds)
    check_redirects(violations, request.redirects, origins=origins, allow_local=allow_local)
    currency = next((member.currency for member in members if member is not None), "")
    for place, member in enumerate(members):
        violations.add(f"/entries/{place}", _problem(member, currency))
    if violations.found:
        raise InvalidInput(violations.found)


def link_differences(accepted: LinkRequest, received: LinkRequest) -> tuple[Difference, ...]:
    """The fields in which two requests under one key mean different things."""
    return tuple(
        Difference(pointer=f"/{name}", accepted=ours, received=theirs)
        for name in ("entries", "expires_in_seconds", "redirects")
        for ours, theirs in [(_plain(getattr(accepted, name)), _plain(getattr(received, name)))]
        if ours != theirs
    )


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, Redirects):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value


def _problem(member: Member | None, currency: str) -> str | None:
    if member is None:
        return "is no entry of yours"
    if member.currency != currency:
        return f"is in {member.currency}, the first entry in {currency}: one link is paid in one currency"
    if member.status is not CheckoutStatus.AWAITING_PAYMENT:
        return f"cannot be paid: its checkout is {member.status}"
    if member.captured_by_hand:
        return "is captured by hand: a link for several entries captures at once"
    if member.promised:
        return "waits for money that is on its way"
    return None if member.owed > 0 else "has nothing left to pay"

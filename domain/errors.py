"""Everything that can go wrong, as one tree.

    QuittanceError
    ├── InvalidInput                what was sent breaks a rule; carries one violation per rule
    ├── AssignmentKeyConflict       the key is taken by a different checkout; carries the differences
    ├── NotFound                    no such thing for this merchant
    ├── IllegalTransition           a state was asked to go where it cannot go
    ├── CaseDecided                 a case was decided otherwise before
    ├── RefundKeyConflict           the key is taken by a different refund; carries the differences
    ├── DeliveryKeyConflict         the key is taken by a mail to somebody else
    ├── NothingToRefund             the checkout has brought no money yet
    ├── RefundDecided               the refund was approved or rejected otherwise before
    ├── NothingToCapture            no authorized payment of the checkout waits for a capture
    ├── CapturedOtherwise           the authorization was captured with another amount before
    ├── CaptureRefused              the provider will not capture it; the authorization still stands
    ├── CorrectionKeyConflict       the key is taken by a different correction; carries the differences
    ├── NotCorrectable              the document cannot be canceled or credited so; says why
    ├── MoneyError
    │   ├── CurrencyMismatch        two currencies in one sum
    │   └── InvalidAmount           not an amount of this currency
    ├── ProviderError
    │   ├── ProviderUnavailable     may succeed later: retry
    │   ├── ProviderRefused         will never succeed as asked: do not retry
    │   └── InvalidWebhook          forged, too old, or not what the provider sends
    ├── VatRegisterUnavailable      the register of VAT ids gave no answer
    ├── InvalidDraft                a document that breaks a rule; it takes no number
    ├── DocumentError
    │   ├── MissingGlyphs           the bundled fonts cannot draw this text
    │   └── DocumentDiffers         other bytes are already stored under this name
    └── MailError
        ├── MailDeferred            4xx or no connection: retry
        ├── MailRefused             5xx: this message will never be accepted
        └── InvalidReport           not a report of a mail server on a message

Nothing here knows about HTTP or Temporal: `api/problems.py` and `activities/failures.py` translate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from domain.scripts import missing_fonts


class QuittanceError(Exception):
    """Base of every expected failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule. `pointer` is an RFC 6901 JSON Pointer into what was sent, `/lines/0/tax_rate`."""

    pointer: str
    message: str


class InvalidInput(QuittanceError):
    """What was sent breaks one or more rules; nothing was done."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.pointer}: {v.message}" for v in self.violations))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field in which a repeated request differs from the one that was accepted first."""

    pointer: str
    accepted: object
    received: object


class AssignmentKeyConflict(QuittanceError):
    """The assignment key already names a different checkout of this merchant."""

    def __init__(self, assignment_key: str, differences: Sequence[Difference]) -> None:
        self.assignment_key = assignment_key
        self.differences = tuple(differences)
        super().__init__(f"assignment key {assignment_key!r} is taken by a different checkout")


class NotFound(QuittanceError):
    """No such thing for this merchant. Says the kind and the id, never whether another merchant has it."""

    def __init__(self, kind: str, reference: str) -> None:
        self.kind = kind
        self.reference = reference
        super().__init__(f"no {kind} {reference!r}")


class IllegalTransition(QuittanceError):
    """A state was asked to go where the rules do not let it go."""

    def __init__(self, kind: str, current: str, wanted: str) -> None:
        self.kind = kind
        self.current = current
        self.wanted = wanted
        super().__init__(f"{kind} cannot go from {current} to {wanted}")


class CheckoutCanceled(QuittanceError):
    """The checkout was canceled together with its entry: nothing of it is carried out any more."""

    def __init__(self, checkout_id: str) -> None:
        self.checkout_id = checkout_id
        super().__init__(f"checkout {checkout_id} is canceled")


class EntryCanceled(QuittanceError):
    """The entry is canceled: it is shut out of everything."""

    def __init__(self, entry_id: str) -> None:
        self.entry_id = entry_id
        super().__init__(f"entry {entry_id} is canceled")


class MoneyNeeded(QuittanceError):
    """The money is about to balance the entry of the checkout that brought it."""

    def __init__(self, payment_id: str) -> None:
        self.payment_id = payment_id
        super().__init__(f"payment {payment_id} is needed by its own checkout")


class SettlementKeyConflict(QuittanceError):
    """The key already names something else that was done with entries of this merchant."""

    def __init__(self, key: str, differences: Sequence[Difference]) -> None:
        self.key = key
        self.differences = tuple(differences)
        super().__init__(f"key {key!r} is taken by a different settlement")


class CaseDecided(QuittanceError):
    """The case was decided before, in another way. A decision is never changed."""

    def __init__(self, case_id: str, decision: str) -> None:
        self.case_id = case_id
        self.decision = decision
        super().__init__(f"case {case_id} was decided: {decision}")


class RefundKeyConflict(QuittanceError):
    """The key already names a different refund of this merchant."""

    def __init__(self, key: str, differences: Sequence[Difference]) -> None:
        self.key = key
        self.differences = tuple(differences)
        super().__init__(f"key {key!r} is taken by a different refund")


class DeliveryKeyConflict(QuittanceError):
    """The key already names a mail with this document to another address."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"key {key!r} is taken by a mail to another address")


class InvoiceRunKeyConflict(QuittanceError):
    """The key already names a different invoice run of this merchant."""

    def __init__(self, key: str, differences: Sequence[Difference]) -> None:
        self.key = key
        self.differences = tuple(differences)
        super().__init__(f"key {key!r} is taken by a different invoice run")


class NothingToRefund(QuittanceError):
    """The checkout has brought no money yet, so there is none to give back."""

    def __init__(self, checkout_id: str) -> None:
        self.checkout_id = checkout_id
        super().__init__(f"checkout {checkout_id} has no captured money")


class RefundDecided(QuittanceError):
    """The refund does not wait for a decision any more. `status` is where it stands."""

    def __init__(self, refund_id: str, status: str) -> None:
        self.refund_id = refund_id
        self.status = status
        super().__init__(f"refund {refund_id} is {status}")


class NothingToCapture(QuittanceError):
    """No authorized payment of the checkout waits for a capture: none was made, or it has ended."""

    def __init__(self, checkout_id: str) -> None:
        self.checkout_id = checkout_id
        super().__init__(f"checkout {checkout_id} has no authorized payment")


class CapturedOtherwise(QuittanceError):
    """The authorization was captured before, or is being captured; `amount` (minor units of `currency`) of it."""

    def __init__(self, amount: int, currency: str) -> None:
        self.amount = amount
        self.currency = currency
        super().__init__(f"{amount} minor units of {currency} were captured")


class CaptureRefused(QuittanceError):
    """The provider refused the capture for good as it was asked for. The authorization still stands."""


class CorrectionKeyConflict(QuittanceError):
    """The key already names a different correction of this merchant."""

    def __init__(self, key: str, differences: Sequence[Difference]) -> None:
        self.key = key
        self.differences = tuple(differences)
        super().__init__(f"key {key!r} is taken by a different correction")


class NotCorrectable(QuittanceError):
    """The document cannot be canceled, or not credited. The message says why, and what can be done instead."""


class MoneyError(QuittanceError):
    """Base of errors about amounts."""


class CurrencyMismatch(MoneyError):
    """Two currencies met in one sum or comparison."""

    def __init__(self, left: str, right: str) -> None:
        self.left = left
        self.right = right
        super().__init__(f"cannot combine {left} with {right}")


class InvalidAmount(MoneyError):
    """The text is not an amount of the currency. The message says the expected form."""


class ProviderError(QuittanceError):
    """Base of a payment provider's failures."""


class ProviderUnavailable(ProviderError):
    """The provider did not answer, was overloaded or failed: the same call may succeed later."""


class ProviderRefused(ProviderError):
    """The provider understood and said no: repeating the same call cannot succeed."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        self.code = code
        super().__init__(message)


class InvalidWebhook(ProviderError):
    """The message is forged, too old, or not what the provider sends. Nothing of it was kept."""


class VatRegisterUnavailable(QuittanceError):
    """The register of VAT ids gave no answer, or none that is clear. The message is its own word for why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """A rule that a draft breaks: its name (`BR-CO-15`, or one of ours), and the field, an RFC 6901 JSON Pointer into
    `domain.invoices.Draft`. The message says what is wrong; it repeats no personal data."""

    rule: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule} {self.field}: {self.message}"


class InvalidDraft(QuittanceError):
    """The draft of a document breaks rules, and took no number. A mere sentence is about the draft as a whole."""

    def __init__(self, broken: Sequence[BrokenRule | str]) -> None:
        self.broken = tuple(
            BrokenRule(rule="draft", field="", message=one) if isinstance(one, str) else one for one in broken
        )
        super().__init__("; ".join(map(str, broken)))


class DocumentError(QuittanceError):
    """Base of errors while writing or storing a document."""


class MissingGlyphs(DocumentError):
    """No font we have can draw these characters; a PDF made anyway would not be valid PDF/A."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        shown = ", ".join(f"U+{ord(c):04X} {c}" for c in characters[:10])
        super().__init__(f"no font has a glyph for {shown}; {missing_fonts(characters)}")

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        """Errors of a renderer process travel to its parent pickled."""
        return type(self), (self.characters,)


class DocumentDiffers(DocumentError):
    """A document is stored once; other bytes under the same name are a bug, never an update."""


class MailError(QuittanceError):
    """Base of errors while handing a message to the mail server. `answer` is what the server said."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        super().__init__(answer)


class MailDeferred(MailError):
    """The mail server could not be reached or answered 4xx: try again later."""


class MailRefused(MailError):
    """The mail server answered 5xx: this message will never be accepted as it is."""


class InvalidReport(MailError):
    """What was sent as a mail server's report is none."""

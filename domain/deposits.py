"""Deposits: a checkout whose invoice asks for money before the goods, and a later one that deducts it.

The final invoice shows the whole price and what each deposit invoice had of it; its entry is about the rest. If there
is none, nothing waits for money: the checkout goes on at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.cart import TaxSubtotal
from domain.checkout import CheckoutRequest
from domain.errors import Violation
from domain.invoices import DocumentReference, InvoiceKind
from domain.money import Money
from domain.violations import Violations

MOST_DEDUCTED = 20
DOCUMENTS = (InvoiceKind.INVOICE, InvoiceKind.DEPOSIT)
"""What a checkout may be invoiced by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit invoice in force, with what is left of it after credit notes. `rounding`, in minor units, is what of
    the customer's money is in no rate: strict rounding leaves it over (BT-114).

    `deducted_by` is the assignment key of the checkout that deducts it already.
    """

    checkout_id: str
    document: DocumentReference
    currency: str
    subtotals: tuple[TaxSubtotal, ...]
    rounding: int = 0
    paid: bool
    deducted_by: str | None = None

    @property
    def amount(self) -> int:
        """What the customer paid of it and did not get back, in minor units: so much is deducted (BT-113)."""
        return sum(one.basis + one.tax for one in self.subtotals) + self.rounding


def check_deposits(violations: Violations, request: CheckoutRequest) -> None:
    """What can be said of a deposit, or of deposits to deduct, without the books."""
    if request.document not in DOCUMENTS:
        violations.add("/document", 'must be "invoice" or "deposit"')
    deducts: object = request.deducts
    if not isinstance(deducts, tuple | list) or len(deducts) > MOST_DEDUCTED:
        violations.add("/deducts", f"must be a list of at most {MOST_DEDUCTED} assignment keys")
        return
    if deducts and request.document == InvoiceKind.DEPOSIT:
        violations.add("/deducts", "must be empty for a deposit: a final invoice deducts deposits")
    for index, key in enumerate(deducts):
        if not isinstance(key, str) or not 1 <= len(key) <= 100 or not key.isprintable():
            violations.add(f"/deducts/{index}", "must be the assignment key of a deposit")
        elif key in deducts[:index]:
            violations.add(f"/deducts/{index}", "must not be named twice")


def deduction_problems(request: CheckoutRequest, total: int, deposits: Mapping[str, Deposit]) -> tuple[Violation, ...]:
    """Why the deposits, by their assignment keys, cannot be deducted of a cart of `total` minor units."""
    return tuple(_problems(request, total, deposits))


def _problems(request: CheckoutRequest, total: int, deposits: Mapping[str, Deposit]) -> Iterator[Violation]:
    known = [deposits[key] for key in request.deducts if key in deposits]
    for index, key in enumerate(request.deducts):
        if problem := _problem(deposits.get(key), request.currency):
            yield Violation(pointer=f"/deducts/{index}", message=problem)
    deducted = sum(deposit.amount for deposit in known if deposit.currency == request.currency)
    if deducted > total:
        come_to, most = Money(deducted, request.currency), Money(total, request.currency)
        message = f"come to {come_to}: must not be more than the total, {most}"
        yield Violation(pointer="/deducts", message=message)


def _problem(deposit: Deposit | None, currency: str) -> str | None:
    if deposit is None:
        return "must be the assignment key of a checkout with a deposit invoice in force"
    if deposit.currency != currency:
        return f"must be a deposit in {currency}, not {deposit.currency}"
    if not deposit.paid:
        return f"must be a paid deposit: {deposit.document.number} is open"
    if deposit.amount <= 0:
        return f"must have something left: {deposit.document.number} is credited in full"
    if deposit.deducted_by is not None:
        return f"must not be deducted already: {deposit.deducted_by} deducts {deposit.document.number}"
    return None


def left_of(invoiced: Sequence[TaxSubtotal], credited: Sequence[TaxSubtotal]) -> tuple[TaxSubtotal, ...]:
    """What of a deposit's taxes is left after its credit notes; rates of which nothing is left are gone."""
    rest = []
    for one in invoiced:
        same = [other for other in credited if _rate(other) == _rate(one)]
        basis = one.basis - sum(other.basis for other in same)
        tax = one.tax - sum(other.tax for other in same)
        if basis or tax:
            rest.append(replace(one, basis=basis, tax=tax))
    return tuple(rest)


def _rate(subtotal: TaxSubtotal) -> tuple[object, object]:
    return subtotal.tax_category, subtotal.tax_rate

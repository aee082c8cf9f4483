"""Until when an invoice is to be paid."""

from dataclasses import replace
from datetime import date

from domain.invoices import Draft


def with_terms(draft: Draft, on: date) -> Draft:
    """The draft with a due date (BT-9) if something is due and none was agreed: payable on receipt, `on` that day."""
    paid = sum(payment.amount for payment in draft.payments)
    paid += sum(deduction.amount for deduction in draft.particulars.deductions)
    if draft.particulars.due_on is not None or draft.cart.totals.payable <= paid:
        return draft
    return replace(draft, particulars=replace(draft.particulars, due_on=on))

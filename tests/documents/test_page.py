"""The invoice as a page, before it is typeset: words for what a provider reports."""

from dataclasses import replace
from datetime import date

import pytest

from adapters.documents import page
from domain.invoices import PaymentMade
from tests.documents.invoices import an_invoice


@pytest.mark.parametrize(
    ("method", "detail", "words"),
    [
        ("card", "Visa •••• 4242", "by card (Visa\N{NO-BREAK SPACE}••••\N{NO-BREAK SPACE}4242)."),
        ("sepa_debit", None, "by SEPA direct debit."),
        ("pay_by_bank", None, "by Pay By Bank."),
    ],
)
def test_a_payment_names_its_method_also_one_nobody_has_words_for(method: str, detail: str | None, words: str) -> None:
    invoice = an_invoice(language="en")
    total = invoice.cart.totals.grand_total
    paid = PaymentMade(amount=total, method=method, detail=detail, paid_on=date(2026, 11, 3))
    assert words in page.write(replace(invoice, payments=(paid,)))

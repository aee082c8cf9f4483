"""Whatever a document says: both syntaxes fit their schemas and say the same, and the official rules are met.

A run of the rules is dear, and they are the same in both syntaxes, so each document is judged in one of them, by turns.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adapters.documents import cii, ubl
from domain.checkout import PriceMode
from domain.invoices import Invoice, InvoiceKind
from domain.money import major_from_minor
from tests.documents.business_terms import Terms, agreed, read
from tests.documents.generated import invoices
from tests.documents.validation import problems, schema_problems
from tests.proofs import tries

CARTS = tries("CARTS", some=200, all_of_them=2_000)
"""So many documents are made up; a quarter of each group."""
_WITH_FACTUR_X = 10
"""At every so many turns the rules of Factur-X are asked too: they repeat EN 16931 and take four times as long."""

GROUPS = {
    "invoices with net prices": invoices(InvoiceKind.INVOICE),
    "invoices with gross prices": invoices(InvoiceKind.INVOICE, prices=PriceMode.GROSS),
    "credit notes and cancelations": invoices(InvoiceKind.CREDIT_NOTE, InvoiceKind.CANCELATION),
    "deposit invoices": invoices(InvoiceKind.DEPOSIT),
}
_AMOUNTS = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?")
_MONEY_TERMS = {
    *("BT-92", "BT-99", "BT-106", "BT-107", "BT-108", "BT-109", "BT-110", "BT-112", "BT-113", "BT-114", "BT-115"),
    *("BT-116", "BT-117", "BT-131", "BT-136", "BT-141"),
}
_KNOWN = {InvoiceKind.DEPOSIT: {"BR-DE-TMP-32"}}
"""A deposit is paid before delivery, so XRechnung's warning that a day of delivery should be there is no fault."""


@pytest.mark.proof
@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.timeout(600)
def test_whatever_a_document_says_the_rules_are_met_and_both_syntaxes_agree(
    group: st.SearchStrategy[Invoice],
) -> None:
    @settings(
        max_examples=CARTS // len(GROUPS),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(group)
    def check(invoice: Invoice) -> None:
        of_cii, of_ubl = cii.write(invoice), ubl.write(invoice)
        turn = crc32(of_cii)
        found = problems(of_cii if turn % 2 else of_ubl, factur_x=turn % _WITH_FACTUR_X == 1)
        assert schema_problems(of_ubl if turn % 2 else of_cii) == []
        assert [one for one in found if one.split()[0] not in _KNOWN.get(invoice.kind, ())] == []
        said = read(of_cii)
        assert agreed(said, read(of_ubl))
        _agrees(said, invoice)

    check()


def _agrees(said: Terms, invoice: Invoice) -> None:
    """The reckoning of the model is what was written, and no amount has more than two decimals."""
    totals, currency = invoice.cart.totals, invoice.cart.currency
    for term, minor in (
        ("BT-106", totals.line_total),
        ("BT-109", totals.basis_total),
        ("BT-110", totals.tax_total),
        ("BT-112", totals.grand_total),
        ("BT-113", invoice.paid_total),
        ("BT-115", invoice.due),
    ):
        assert Decimal(said[term]) == major_from_minor(minor, currency), term
    assert len(said["BG-25"]) == len(invoice.cart.lines)
    assert len(said["BG-23"]) == len(invoice.cart.subtotals)
    assert all(_AMOUNTS.fullmatch(amount) for amount in _amounts(said))


def _amounts(said: Any, term: str = "") -> Iterator[str]:
    if isinstance(said, dict):
        for name, value in said.items():
            yield from _amounts(value, name)
    elif isinstance(said, list):
        for value in said:
            yield from _amounts(value, term)
    elif term in _MONEY_TERMS:
        yield said

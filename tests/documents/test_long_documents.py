"""Long documents: what is carried over, what stays together, what they cost."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.documents.typesetter import Typesetter
from domain.documents import RenderedInvoice
from domain.invoices import Particulars
from tests.documents.invoices import a_line, an_invoice, many_lines
from tests.documents.kinds import a_collective_invoice
from tests.documents.reading import pages, places
from tests.proofs import tries
from wording import DOCUMENTS, Wording

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")

_ROOT = Path(__file__).parents[2]
_LINES = tries("LINES", some=250, all_of_them=1_000)
_MEMORY, _MEMORY_PER_LINE = 150, 0.25
"""MiB at the peak; 88 and 0.17 when this was written, which is 260 for a thousand lines. Workers have 1 GiB."""


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.fixture(scope="module")
def rendered(typesetter: Typesetter) -> RenderedInvoice:
    return typesetter.render(an_invoice(lines=many_lines(40)))


def test_what_a_page_carries_forward_is_what_the_next_one_brings_and_the_sum_of_its_lines(
    rendered: RenderedInvoice,
) -> None:
    words, lines = Wording(DOCUMENTS, "de"), an_invoice(lines=many_lines(40)).cart.lines
    *all_but_last, last = pages(rendered)
    assert len(all_but_last) > 1
    shown = 0
    for text in all_but_last:
        shown = max(shown, *(int(n) for n in re.findall(r"Regalboden Nr\. (\d+)", text)))
        carried = words.say("table.carried", amount=words.money(sum(line.amount for line in lines[:shown]), "EUR"))
        assert " ".join(carried.split()) in text
        assert text.count("Übertrag") == (1 if text is all_but_last[0] else 2)
    assert last.count("Übertrag") == 1
    assert " ".join(carried.split()) in last


def test_a_document_of_one_page_carries_nothing_over(typesetter: Typesetter) -> None:
    assert "Übertrag" not in "".join(pages(typesetter.render(an_invoice())))


@pytest.mark.parametrize("per_order", [2, 3])
def test_the_heading_of_an_order_is_never_the_last_line_of_a_page(typesetter: Typesetter, per_order: int) -> None:
    texts = pages(typesetter.render(a_collective_invoice(26, per_order=per_order)))
    assert len(texts) > 2
    for text in texts[:-1]:
        last_line, last_heading = text.rfind("Regalboden"), text.rfind("Bestellung SO-")
        assert last_heading < last_line


def test_long_notes_run_over_and_leave_the_totals_with_the_last_line(typesetter: Typesetter) -> None:
    notes = tuple(f"Hinweis {n}: " + "die Ware bleibt bis zur Zahlung unser Eigentum. " * 6 for n in range(1, 12))
    first, second = pages(typesetter.render(an_invoice(lines=many_lines(3), particulars=Particulars(notes=notes))))
    assert "Gesamtbetrag" in first
    assert "Regalboden Nr. 3" in first
    assert "Hinweis 11" in second
    assert "Übertrag" not in second


@pytest.mark.parametrize(
    ("price", "quantity", "currency"),
    [("9999999999.99", "1", "EUR"), ("0.0375", "1250000.125", "EUR"), ("98765432.109", "12", "KWD")],
)
def test_wide_amounts_stay_in_their_columns(typesetter: Typesetter, price: str, quantity: str, currency: str) -> None:
    line = a_line("Maschine", price, quantity=quantity, unit="HUR")
    found = places(typesetter.render(an_invoice(lines=(line,), currency=currency)))
    words = Wording(DOCUMENTS, "de")
    cells = [words.quantity(line.quantity, line.unit), words.price(line.unit_price, currency)]
    quantity_at, price_at = (min(x for text, x, _ in found if text == cell) for cell in cells)
    assert 34 / 25.4 * 72 < quantity_at < price_at < 190 / 25.4 * 72


@pytest.mark.proof
def test_memory_grows_by_a_quarter_of_a_megabyte_a_line_at_most() -> None:
    """In a process of its own, since a peak cannot be taken back (and one's own, unlike `ru_maxrss`, which begins with
    the parent's)."""
    program = (
        "from pathlib import Path; from adapters.documents.typesetter import Typesetter;"
        "from tests.documents.invoices import an_invoice, many_lines;"
        f"Typesetter().render(an_invoice(lines=many_lines({_LINES})));"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert int(done.stdout) / 1024 < _MEMORY + _MEMORY_PER_LINE * _LINES

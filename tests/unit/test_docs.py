"""The documentation says what the code says."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from temporalio.common import SearchAttributeKey

from adapters.stripe import webhooks
from api.schemas import CheckoutBody
from domain.pricing import CheckoutRules, price_checkout
from settings import Settings
from workflows import search_attributes

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
OPERATIONS = (DOCS / "operations.md").read_text()
README = (ROOT / "README.md").read_text()


def settings(group: type[BaseModel], path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every variable with its default; `...` where there is none."""
    found: dict[str, Any] = {}
    for name, field in group.model_fields.items():
        here = (*path, name)
        optional = type(None) in get_args(field.annotation)
        kinds = get_args(field.annotation) if optional else (field.annotation,)
        groups = [kind for kind in kinds if _is_group(kind)]
        if groups:
            found |= settings(groups[0], here)
        else:
            found["QUITTANCE_" + "__".join(here).upper()] = field.get_default(call_default_factory=True)
    return found


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_the_table_of_settings_has_every_setting_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `(QUITTANCE_\w+)` \| ([^|]*) \|", OPERATIONS, re.MULTILINE))

    expected = settings(Settings)

    assert set(rows) == set(expected)
    assert {name: said for name, said in rows.items() if said.strip("`") != _as_said(expected[name], said)} == {}


def _as_said(default: Any, said: str) -> str:
    if default in (None, {}) or repr(default) == "PydanticUndefined":
        return said.strip("`") if said.startswith("none") else "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_the_events_to_subscribe_to_are_those_we_act_upon() -> None:
    section = OPERATIONS.partition("## Stripe's webhooks")[2].partition("\n## ")[0]

    assert set(re.findall(r"^- `([\w.]+)`$", section, re.MULTILINE)) == webhooks.RELEVANT


def test_every_search_attribute_is_named_and_no_other() -> None:
    known = {key.name for key in vars(search_attributes).values() if isinstance(key, SearchAttributeKey)}

    assert known
    assert set(re.findall(r"Quittance[A-Z]\w+", OPERATIONS)) == known


def test_the_example_of_the_readme_is_a_good_checkout() -> None:
    body = json.loads(README.partition("<<'EOT'\n")[2].partition("\nEOT\n")[0])

    request = CheckoutBody.model_validate(body).to_request()
    rules = CheckoutRules(redirect_origins=("https://shop.example",), allow_local_redirects=False)

    assert price_checkout(request, rules).totals.grand_total == 83900


def test_every_make_target_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {target for page in PAGES for target in re.findall(r"(?:^|[`\n] ?)make ([a-z]+)", page.read_text())}

    assert shown
    assert shown <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        assert (page.parent / path).exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", (page.parent / path).read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^a-z0-9 -]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_test_the_table_of_invariants_names_exists() -> None:
    table = (DOCS / "architecture.md").read_text().partition("## The invariants")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", table))
    written = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }

    assert len(re.findall(r"^\| \d ", table, re.MULTILINE)) == 9
    assert named
    assert named - written == set()


def test_decisions_are_numbered_without_gap_and_all_are_listed() -> None:
    files = sorted((DOCS / "adr").glob("*.md"))
    index = files[0].read_text()

    assert [file.name[:4] for file in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [file.name for file in files[1:] if f"({file.name})" not in index] == []
    for number, file in enumerate(files, start=1):
        text = file.read_text()
        assert text.startswith(f"# {number}. ")
        sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert sections[:4] == ["Context", "Decision", "Consequences", "Alternatives"], file.name


def test_nothing_is_said_of_a_room_that_does_not_exist() -> None:
    for page in PAGES:
        for path in re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|toml))?)`", page.read_text()):
            assert (ROOT / path).exists(), f"{page.name}: {path}"

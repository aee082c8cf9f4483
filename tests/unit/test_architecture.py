"""Conventions that a linter cannot see."""

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest

import activities
import domain
import worker

ROOT = Path(__file__).parent.parent.parent
DOMAIN = sorted(Path(str(domain.__file__)).parent.glob("*.py"))


@pytest.mark.parametrize("file", DOMAIN, ids=lambda file: file.stem)
def test_domain_imports_the_standard_library_only(file: Path) -> None:
    allowed = sys.stdlib_module_names | {"domain"}

    strangers = {name for name in _imported(file) if name.partition(".")[0] not in allowed}

    assert strangers == set()


def test_every_activity_of_the_house_is_registered_with_the_worker() -> None:
    source = inspect.getsource(worker)
    folder = Path(str(activities.__file__)).parent

    defined = {name for file in folder.glob("*.py") for name in _activities(file)}

    assert defined
    assert {name for name in defined if not re.search(rf"\.{name}\b", source)} == set()


def test_no_page_and_no_schema_has_a_field_for_card_data() -> None:
    words = ("card_number", "cardnumber", "cvc", "cvv", 'name="pan"', "expiry_month", "exp_month")
    pages = [*ROOT.glob("api/**/*.html"), ROOT / "api" / "schemas.py", *ROOT.glob("sandbox/**/*.html")]

    found = {page.name: word for page in pages for word in words if word in page.read_text().lower()}

    assert len(pages) > 3
    assert found == {}


def _imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def _activities(file: Path) -> set[str]:
    """The functions that carry `@activity.defn`."""
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        and any(ast.unparse(decorator).startswith("activity.defn") for decorator in node.decorator_list)
    }

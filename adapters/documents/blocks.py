"""A merchant's own blocks: short templates for the free places of a document.

A block is text with a few tags (`<p>`, `<b>`, ...), values in braces (`{{ number }}`) and `{% if %}`. The language is
so small that a block that was let through can neither fail nor load anything nor run long when a document is
rendered: no loops, no calls, no attributes of values, no attributes of tags.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NoReturn

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from domain.errors import DocumentError

PLACES = {"header_note": 2000, "closing_text": 4000, "footer_text": 300}
"""Below the title, below the totals, in the foot of every page: with the most characters each may have."""

VALUES = frozenset(
    {"kind", "number", "date", "order", "customer_number", "buyer", "company", "total", "due", "due_date", "corrects"}
)
"""What a block may name; all are texts in the document's language, empty where the document has none."""

_TAGS = {"p", "b", "small", "ul", "ol", "li"}
_TAG = re.compile(r"<(/?)([a-z]+)>")
_BREAK = "<br>"
_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|nbsp);)")
_DEEPEST = 12
_ALLOWED = (
    nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.And, nodes.Or, nodes.Not,
    nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Concat,
)  # fmt: skip
_COMPARISONS = {"eq", "ne"}
_ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)


class UnsafeBlock(DocumentError, ValueError):
    """A block is more than text with a few tags and values. The message says what must go."""


def checked(place: str, source: str) -> str:
    """The same block, if it may stand in this place. Raises UnsafeBlock."""
    if place not in PLACES:
        raise UnsafeBlock(f"there is no such place: only {', '.join(PLACES)}")
    if len(source) > PLACES[place]:
        raise UnsafeBlock(f"longer than {PLACES[place]} characters")
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise UnsafeBlock(f"line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise UnsafeBlock("nested too deeply") from error
    for node in tree.body:
        _check_node(node, depth=1)
    _check_tags(tree.body)
    return source


def printed(source: str) -> str:
    """All text a checked block can print by itself, whatever its values are."""
    tree = _ENVIRONMENT.parse(source)
    texts = [node.data for node in tree.find_all(nodes.TemplateData)]
    return "".join([*texts, *(str(node.value) for node in tree.find_all(nodes.Const))])


def filled(
    blocks: Mapping[str, Mapping[str, str]], languages: Sequence[str], values: Mapping[str, str | Markup]
) -> dict[str, Markup]:
    """Every place with its block in the first of these languages that has one; empty where none has."""
    return {place: _fill(_first(blocks, languages, place), values) for place in PLACES}


def _first(blocks: Mapping[str, Mapping[str, str]], languages: Sequence[str], place: str) -> str:
    return next((blocks[language][place] for language in languages if place in blocks.get(language, {})), "")


def _fill(source: str, values: Mapping[str, str | Markup]) -> Markup:
    return Markup(_template(source).render(values).strip())  # noqa: S704  checked tags; values are escaped


@cache
def _template(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def _check_node(node: nodes.Node, *, depth: int) -> None:
    if depth > _DEEPEST:
        _refuse(node, "nested too deeply")
    if not isinstance(node, _ALLOWED):
        _refuse(node, f"{type(node).__name__.lower()} is not allowed: only values, texts and conditions")
    if isinstance(node, nodes.Name) and (node.ctx != "load" or node.name not in VALUES):
        _refuse(node, f"{node.name!r} is not known: only {', '.join(sorted(VALUES))}")
    if isinstance(node, nodes.Operand) and node.op not in _COMPARISONS:
        _refuse(node, "texts are compared by == and != only")
    for child in node.iter_child_nodes():
        _check_node(child, depth=depth + 1)


def _check_tags(body: Sequence[nodes.Node]) -> None:
    """Tags are balanced within the text itself and within each branch, so no value or condition can unbalance them."""
    open_tags: list[str] = []
    for node in _flat(body):
        if isinstance(node, nodes.If):
            for branch in (node.body, *(other.body for other in node.elif_), node.else_):
                _check_tags(branch)
        elif isinstance(node, nodes.TemplateData):
            _follow(node, open_tags)
    if open_tags:
        raise UnsafeBlock(f"<{open_tags[-1]}> is not closed where it was opened")


def _flat(body: Sequence[nodes.Node]) -> Iterator[nodes.Node]:
    """The parts of a body in their order, with outputs taken apart."""
    for node in body:
        yield from node.nodes if isinstance(node, nodes.Output) else (node,)


def _follow(node: nodes.TemplateData, open_tags: list[str]) -> None:
    text = node.data.replace(_BREAK, "")
    if "<" in _TAG.sub("", text):
        _refuse(node, "a < that is no allowed tag must be written as &lt;")
    for closing, tag in _TAG.findall(text):
        if tag not in _TAGS:
            _refuse(node, f"<{tag}> is not allowed: only {', '.join(sorted(_TAGS))} and br, without attributes")
        if not closing:
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag:
            _refuse(node, f"</{tag}> closes what is not open")
    if _REFERENCE.search(text):
        _refuse(node, "a & must be written as &amp;; the only other references are &lt;, &gt; and &nbsp;")


def _refuse(node: nodes.Node, problem: str) -> NoReturn:
    raise UnsafeBlock(f"line {node.lineno}: {problem}")

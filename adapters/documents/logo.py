"""Logos: SVG from a merchant, let through only if it is a plain drawing.

A logo is shown on pages and embedded in documents, so it may hold shapes with flat fills and nothing that
runs, loads or refers: no scripts, styles, text, images, links, gradients, entities.
"""

import base64
import re

from lxml import etree
from lxml.etree import _Element

from domain.errors import DocumentError

MAX_BYTES = 64 * 1024
_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = {
    f"{{{_SVG}}}{name}"
    for name in ("svg", "title", "desc", "g", "path", "rect", "circle", "ellipse", "line", "polygon", "polyline")
}
_ATTRIBUTES = {
    *("viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "rx", "ry", "cx", "cy", "r", "d", "points"),
    *("transform", "fill", "fill-rule", "fill-opacity", "clip-rule", "opacity", "id", "version"),
    *("stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity"),
}
_REFERENCE = re.compile(r"url\s*\(|:", re.IGNORECASE)


class UnsafeLogo(DocumentError, ValueError):
    """The SVG is not a plain drawing. The message says what must go."""


def checked(svg: str) -> str:
    """The same SVG, if it is a plain drawing. Raises UnsafeLogo."""
    content = svg.encode()
    if len(content) > MAX_BYTES:
        raise UnsafeLogo(f"larger than {MAX_BYTES} bytes")
    if "<!DOCTYPE" in svg:
        raise UnsafeLogo("a document type declaration is not allowed")
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnsafeLogo(f"not well-formed XML: {error}") from error
    if root.xpath("/processing-instruction()"):
        raise UnsafeLogo("processing instructions are not allowed")
    if root.tag != f"{{{_SVG}}}svg" or "viewBox" not in root.attrib:
        raise UnsafeLogo("the root must be an <svg> with a viewBox")
    for element in root.iter():
        _check(element)
    return svg


def data_uri(svg: str) -> str:
    """A checked logo as the source of an image. Raises UnsafeLogo."""
    return "data:image/svg+xml;base64," + base64.b64encode(checked(svg).encode()).decode()


def _check(element: _Element) -> None:
    if element.tag not in _ELEMENTS:
        raise UnsafeLogo(f"<{_local(element.tag)}> is not allowed, only shapes with flat fills")
    for name, value in element.attrib.items():
        if name not in _ATTRIBUTES:
            raise UnsafeLogo(f"attribute {_local(name)!r} is not allowed")
        if _REFERENCE.search(str(value)):
            raise UnsafeLogo(f"attribute {_local(name)!r} refers to something else; use flat colours")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]

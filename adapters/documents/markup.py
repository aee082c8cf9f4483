"""XML, element by element, as both syntaxes of electronic invoices are written."""

from collections.abc import Mapping

from lxml import etree
from lxml.etree import _Element

Content = _Element | str | None


class Vocabulary:
    """The namespaces of a syntax, by prefix. Elements are named `prefix:Name`."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = dict(namespaces)

    def root(self, name: str, *content: Content) -> _Element:
        """The outermost element, which declares all namespaces."""
        return _filled(etree.Element(self._qualified(name), nsmap=self._namespaces), content)

    def element(self, name: str, /, *content: Content, **attributes: str) -> _Element:
        """An element. Children that say nothing are left out, as both syntaxes forbid empty elements."""
        return _filled(etree.Element(self._qualified(name), attributes, nsmap=self._namespaces), content)

    def _qualified(self, name: str) -> str:
        prefix, tag = name.split(":")
        return f"{{{self._namespaces[prefix]}}}{tag}"


def written(root: _Element) -> bytes:
    """The document as UTF-8. The same elements give the same bytes."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _filled(element: _Element, content: tuple[Content, ...]) -> _Element:
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None and (part.text or len(part)):
            element.append(part)
    return element

"""Reads rendered documents back as a person or a machine would."""

import io
from typing import Any

import pikepdf
from pypdf import PdfReader

from domain.documents import RenderedInvoice


def pages(rendered: RenderedInvoice) -> list[str]:
    """The text of every page, spaces of all kinds made one."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(rendered.pdf)).pages]


def opened(rendered: RenderedInvoice) -> pikepdf.Pdf:
    """The file by its objects; to be closed."""
    return pikepdf.open(io.BytesIO(rendered.pdf))


def used_fonts(pdf: pikepdf.Pdf) -> list[Any]:
    """Every font a page names."""
    found = {
        name: font
        for page in pdf.pages
        for name, font in page.obj["/Resources"].get("/Font", pikepdf.Dictionary()).items()
    }
    return list(found.values())


def places(rendered: RenderedInvoice) -> list[tuple[str, float, float]]:
    """Where each piece of text begins, in points from the lower left corner of its page."""
    found: list[tuple[str, float, float]] = []

    def visit(text: str, matrix: list[float], at: list[float], _font: Any, _size: float) -> None:
        x, y = (at[4] * matrix[0] + matrix[4], at[5] * matrix[3] + matrix[5])
        found.append((text.strip(), x, y))

    for page in PdfReader(io.BytesIO(rendered.pdf)).pages:
        page.extract_text(visitor_text=visit)
    return [place for place in found if place[0]]

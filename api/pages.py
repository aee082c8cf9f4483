"""Writes the customer's pages: HTML without script, under a policy that lets nothing else in or out."""

import base64
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.accent import FALLBACK, AccentStyle
from api.services import Site
from api.words import words, words_of
from domain.views import PaymentPageView
from wording import Wording

STATIC = Path(__file__).parent / "static"
MOST_LINES = 6
"""A longer cart is folded away."""

_STYLESHEET = f"/static/page.css?{sha256((STATIC / 'page.css').read_bytes()).hexdigest()[:12]}"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The one thing to do next: `label` names a text of the section `page`."""

    href: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Where the page goes by itself, and after how many seconds."""

    seconds: int
    path: str


def payment(view: PaymentPageView, path: str, site: Site) -> HTMLResponse:
    """The page of a checkout that can be paid; `path` is its own."""
    context = {"view": view, "path": path, "most_lines": MOST_LINES}
    template = "payment.html" if view.cart is not None else "payment_link.html"
    return _page(template, words_of(view), site, context)


def of_checkout(
    notice: str,
    view: PaymentPageView,
    site: Site,
    *,
    status_code: int = 200,
    link: Link | None = None,
    refresh: Refresh | None = None,
) -> HTMLResponse:
    """A notice in the merchant's colours; `notice` names a section of the texts."""
    wording = words_of(view)
    values = {"amount": wording.money(view.amount, view.currency)}
    context = {"view": view, "notice": notice, "values": values, "link": link, "refresh": refresh}
    return _page("notice.html", wording, site, context, status_code=status_code)


def bare(notice: str, language: str, site: Site, *, status_code: int, link: Link | None = None) -> HTMLResponse:
    """A notice where we do not know whose page it is."""
    context: dict[str, Any] = {"view": None, "notice": notice, "values": {}, "link": link}
    return _page("notice.html", words(language), site, context, status_code=status_code)


def _page(
    template: str, wording: Wording, site: Site, context: dict[str, Any], *, status_code: int = 200
) -> HTMLResponse:
    view: PaymentPageView | None = context["view"]
    style = AccentStyle.of(view.branding.accent if view else FALLBACK)
    frame = {
        "words": wording,
        "sandbox": site.sandbox,
        "stylesheet": _STYLESHEET,
        "style": style,
        "logo": _data_uri(view.branding.logo) if view else None,
        "refresh": None,
    }
    html = _TEMPLATES.get_template(template).render(frame | context)
    return HTMLResponse(html, status_code=status_code, headers=_headers(style, wording, site))


def _headers(style: AccentStyle, wording: Wording, site: Site) -> dict[str, str]:
    policy = (
        "default-src 'none'",
        f"style-src 'self' {style.source}",
        "img-src 'self' data:",
        "form-action " + " ".join(("'self'", *site.provider_origins)),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Content-Language": wording.language,
        "Cache-Control": "no-store",
    }


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"

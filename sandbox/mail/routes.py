"""The inbox over HTTP: pages for people, JSON for programs, faults for tests."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sandbox.mail.faults import Fault, Faults
from sandbox.mail.message import Mail
from sandbox.mail.store import MailStore, Summary

_TEMPLATES = Path(__file__).with_name("templates")
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_BODY_HEADERS = {
    # What a stranger wrote: no scripts, no forms, nothing from elsewhere.
    "Content-Security-Policy": "sandbox allow-popups; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}


def router(store: MailStore, faults: Faults) -> APIRouter:
    """Everything below `/mail`."""
    routes = APIRouter(prefix="/mail")
    mail_of = _finder(store)
    _add_pages(routes, store, mail_of)
    _add_messages(routes, store, mail_of)
    _add_faults(routes, faults)
    return routes


def _finder(store: MailStore) -> Callable[[str], Mail]:
    def mail_of(mail_id: str) -> Mail:
        mail = store.mail(mail_id)
        if mail is None:
            raise HTTPException(404, "no such mail")
        return mail

    return mail_of


def _add_pages(routes: APIRouter, store: MailStore, mail_of: Callable[[str], Mail]) -> None:
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    templates.filters["size"] = _size

    @routes.get("")
    def inbox() -> HTMLResponse:
        page = templates.get_template("inbox.html").render(mails=store.summaries())
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    @routes.get("/read/{mail_id}")
    def reader(mail_id: str, mail: Annotated[Mail, Depends(mail_of)]) -> HTMLResponse:
        page = templates.get_template("mail.html").render(id=mail_id, mail=mail)
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    @routes.get("/mail.css")
    def style() -> Response:
        return Response((_TEMPLATES / "mail.css").read_text(), media_type="text/css")

    @routes.get("/messages/{mail_id}/html")
    def body(mail: Annotated[Mail, Depends(mail_of)]) -> HTMLResponse:
        return HTMLResponse(mail.html or "", headers=_BODY_HEADERS)


def _add_messages(routes: APIRouter, store: MailStore, mail_of: Callable[[str], Mail]) -> None:
    @routes.get("/messages")
    def messages() -> list[dict[str, Any]]:
        return [_listed(summary) for summary in store.summaries()]

    @routes.get("/messages/{mail_id}")
    def message(mail_id: str, mail: Annotated[Mail, Depends(mail_of)]) -> dict[str, Any]:
        return {
            **asdict(mail),
            "id": mail_id,
            "attachments": [
                {
                    "name": a.name,
                    "type": a.type,
                    "size": a.size,
                    "url": f"/mail/messages/{mail_id}/attachments/{number}",
                }
                for number, a in enumerate(mail.attachments)
            ],
        }

    @routes.get("/messages/{mail_id}/raw")
    def raw(mail_id: str, _mail: Annotated[Mail, Depends(mail_of)]) -> Response:
        return Response(store.raw(mail_id), media_type="message/rfc822", headers=_as_file(f"{mail_id}.eml"))

    @routes.get("/messages/{mail_id}/attachments/{number}")
    def attachment(number: int, mail: Annotated[Mail, Depends(mail_of)]) -> Response:
        if not 0 <= number < len(mail.attachments):
            raise HTTPException(404, "no such attachment")
        part = mail.attachments[number]
        return Response(part.content, media_type=part.type, headers=_as_file(part.name, inline=_is_shown(part.type)))


def _add_faults(routes: APIRouter, faults: Faults) -> None:
    @routes.get("/faults")
    def pending() -> list[Fault]:
        return faults.pending

    @routes.post("/faults", status_code=201)
    def add(fault: Fault) -> Fault:
        faults.add(fault)
        return fault

    @routes.delete("/faults", status_code=204)
    def clear() -> None:
        faults.clear()


def _listed(summary: Summary) -> dict[str, Any]:
    attachments = [{"name": name, "type": kind, "size": size} for name, kind, size in summary.attachments]
    return {**asdict(summary), "attachments": attachments}


def _is_shown(media_type: str) -> bool:
    return media_type == "application/pdf"


def _as_file(name: str, *, inline: bool = False) -> dict[str, str]:
    disposition = "inline" if inline else "attachment"
    return {
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }


def _size(size: int) -> str:
    return f"{size / 1024:.0f} KB" if size >= 1024 else f"{size} bytes"

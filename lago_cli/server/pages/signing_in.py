"""Showing the key, where the server asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lago_cli.server.failures import ApiError
from lago_cli.server.pages.page import Page
from lago_cli.server.pages.writing import write
from lago_cli.server.routes import Answer, Endpoint, Request, reads

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

_PATH = "/login"


def endpoints() -> Iterator[Endpoint]:
    yield reads("GET", _PATH, _ask)
    yield reads("POST", _PATH, _sign_in)


def _ask(_store: SqliteStore, request: Request) -> Answer:
    ticket = request.get("ticket")
    if ticket is not None and request.service.sessions.use_ticket(ticket):
        return _welcome(request, "/")
    return _form(_inside(request.get("next")), request.token)


def _sign_in(_store: SqliteStore, request: Request) -> Answer:
    form = dict(request.form)
    sessions = request.service.sessions
    if request.visitor is None or not sessions.is_token(request.visitor, form.get("token", "")):
        raise ApiError(403, "invalid_token", message="The form is too old: load the page again.")
    wanted = _inside(form.get("next"))
    if not sessions.knows(form.get("key", "")):
        return _form(wanted, request.token, "This is not the key that the server was given.")
    return _welcome(request, wanted)


def _form(wanted: str, token: str, fault: str = "") -> Answer:
    page = Page("login.html", "Sign in", {"next": wanted, "fault": fault}, 403 if fault else 200)
    page.values["form_token"] = token
    return write(page, None)


def _welcome(request: Request, wanted: str) -> Answer:
    sessions = request.service.sessions
    origin = next((value for name, value in request.headers if name == b"origin"), b"")
    cookie = sessions.cookie(sessions.signed_in(), secure=origin.startswith(b"https:"))
    headers = (("Location", wanted), ("Set-Cookie", cookie))
    return Answer(b"", "text/plain; charset=utf-8", 303, headers)


def _inside(wanted: str | None) -> str:
    """An address of ours, or the first page."""
    is_ours = wanted and wanted.startswith("/") and wanted[1:2] not in ("/", "\\")
    return wanted if wanted and is_ours and wanted.isprintable() else "/"

"""`/login` and `/logout`: showing the key once, and taking it back."""

from __future__ import annotations

from urllib.parse import quote

from lago_cli.server import pages
from lago_cli.server.failures import ApiError
from lago_cli.server.routes import Answer, Request, takes

PATH = "/login"
_IN_ADDRESSES = "/%?&=+:,;@!$'()*~-._[]"


async def _ask(request: Request) -> Answer:
    wanted = inside(request.get("next"))
    ticket = request.get("ticket")
    if ticket is not None and request.service.sessions.use_ticket(ticket):
        return _welcome(request, wanted)
    if request.visitor is not None and request.visitor.is_signed_in:
        return _elsewhere(wanted)
    return pages.sign_in(request, wanted)


async def _sign_in(request: Request) -> Answer:
    check_token(request)
    form = dict(request.form)
    wanted = inside(form.get("next"))
    if not request.service.sessions.knows(form.get("key", "").strip()):
        fault = "This is not the key that the server was given."
        return pages.sign_in(request, wanted, fault)._replace(status=403)
    return _welcome(request, wanted)


async def _sign_out(request: Request) -> Answer:
    check_token(request)
    assert request.visitor is not None  # whose token it is
    cookie = request.service.sessions.end(request.visitor, secure=request.is_secure)
    return _elsewhere(PATH, ("Set-Cookie", cookie))


ENDPOINTS = (
    takes("GET", PATH, _ask),
    takes("POST", PATH, _sign_in),
    takes("POST", "/logout", _sign_out),
)


def inside(wanted: str | None) -> str:
    """An address of ours, as it can stand in a header; or the first page."""
    is_ours = wanted and wanted.startswith("/") and wanted[1:2] not in ("/", "\\")
    if not wanted or not is_ours or not wanted.isprintable():
        return "/"
    return quote(wanted, safe=_IN_ADDRESSES)


def check_token(request: Request) -> None:
    """Raises `ApiError` (403) where a form was not made for this visitor."""
    token = next((value for name, value in request.form if name == "token"), "")
    if request.visitor is None or not request.service.sessions.is_token(request.visitor, token):
        message = "The form is too old: load the page again."
        raise ApiError(403, "invalid_token", message=message)


def _welcome(request: Request, wanted: str) -> Answer:
    sessions = request.service.sessions
    cookie = sessions.cookie(sessions.signed_in(), secure=request.is_secure)
    return _elsewhere(wanted, ("Set-Cookie", cookie))


def _elsewhere(address: str, *headers: tuple[str, str]) -> Answer:
    return Answer(b"", "text/plain; charset=utf-8", 303, (("Location", address), *headers))

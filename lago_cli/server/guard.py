"""
What every request passes first, and every answer last.

Whose name the server is called by (against DNS rebinding), who may ask, what may be sent and how
much; headers that let a browser do nothing but show the page; no traceback, no customer data.
"""

from __future__ import annotations

import secrets
from base64 import b64decode
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware

from lago_cli.server.exchange import respond_with_error
from lago_cli.server.failures import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lago_cli.server.service import Service
    from lago_cli.server.sessions import Visitor

API = "/api/"
OPEN = frozenset({"/health", "/ready", "/metrics"})
"""What may be asked without a key: it tells nothing about anybody."""

BEFORE_SIGNING_IN = ("/login", "/static/")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _CONTENT_POLICY,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
_FORM = "application/x-www-form-urlencoded"


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        options = service.options
        self._service = service
        self._app = app
        self._api: ASGIApp = self._admitted
        if options.cors_origins:
            self._api = CORSMiddleware(
                self._admitted,
                allow_origins=list(options.cors_origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["authorization", "content-type"],
                expose_headers=["x-request-id", "retry-after", "x-ratelimit-reset"],
            )
        self._hosts = {options.host.strip("[]").lower(), *map(str.lower, options.allowed_hosts)}
        self._is_local = options.host.strip("[]") in LOOPBACK
        if self._is_local:
            self._hosts |= LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        request_id = secrets.token_hex(16)
        started = False

        async def headed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(raw=message["headers"])
                headers["x-request-id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
                self._service.gauges.requests[scope["method"], message["status"]] += 1
            await send(message)

        try:
            if path.startswith(API):
                await self._api(scope, receive, headed)
            else:
                await self._admitted(scope, receive, headed)
        except ApiError as error:
            await respond_with_error(scope, headed, error)
        except Exception as error:  # a bug: what it says may be a customer's
            self._service.gauges.failed(error)
            if started:
                raise
            await respond_with_error(scope, headed, ApiError(HTTPStatus.INTERNAL_SERVER_ERROR))

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._check_host(headers)
        if int(headers.get("content-length", "0") or 0) > self._service.options.body_limit:
            raise too_large()
        if scope["path"].startswith(API):
            self._check_key(headers)
            if scope["method"] in _WITH_BODY:
                _check_type(headers)
        elif scope["method"] not in ("GET", "HEAD") and scope["path"] not in OPEN:
            self._check_form(headers)
        if not scope["path"].startswith(API) and scope["path"] not in OPEN:
            visitor = self._visitor(headers)
            if not visitor.is_signed_in and not scope["path"].startswith(BEFORE_SIGNING_IN):
                _send_to_sign_in(scope, headers)
            scope = {**scope, "visitor": visitor}
            send = self._introduced(visitor, scope, send)
        await self._app(scope, receive, send)

    def _visitor(self, headers: Headers) -> Visitor:
        """Known by the cookie; a program may show the key instead, as with the API."""
        sessions = self._service.sessions
        visitor = sessions.visitor(headers.get("cookie", ""))
        if not visitor.is_signed_in and sessions.knows(_key_in(headers)):
            return visitor._replace(is_signed_in=True, is_new=False)
        return visitor

    def _introduced(self, visitor: Visitor, scope: Scope, send: Send) -> Send:
        """Where a visitor is new, a page gives them their cookie."""

        async def introduced(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                is_page = headers.get("content-type", "").startswith("text/html")
                if visitor.is_new and is_page and "set-cookie" not in headers:
                    secure = scope.get("scheme") == "https"
                    headers["set-cookie"] = self._service.sessions.cookie(visitor, secure=secure)
            await send(message)

        return introduced

    def _check_host(self, headers: Headers) -> None:
        """Where a key is asked for on a public address, any name will do."""
        if not self._is_local and self._service.options.key is not None:
            return
        name = _host_of(headers.get("host", ""))
        if name not in self._hosts:
            message = "This server is not called so."
            hint = "Add the name with: lago serve --allowed-host NAME"
            raise ApiError(403, "unknown_host", message=message, hint=hint)

    def _check_key(self, headers: Headers) -> None:
        if not self._service.sessions.knows(_key_in(headers)):
            raise ApiError(401)

    def _check_form(self, headers: Headers) -> None:
        """Forms come from our own pages; their token is checked where they are read."""
        origin = headers.get("origin")
        is_foreign = (
            origin is not None
            and origin != "null"
            and (urlsplit(origin).netloc != headers.get("host"))
        )
        if is_foreign or headers.get("sec-fetch-site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            raise ApiError(403, "foreign_origin", message="The form comes from another site.")
        if headers.get("content-type", _FORM).partition(";")[0].strip().lower() != _FORM:
            raise ApiError(415)


def _key_in(headers: Headers) -> str | None:
    """The key that a request shows: `Bearer KEY`, or the password of `curl -u :KEY`."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            return b64decode(given, validate=True).decode().partition(":")[2]
    return None


def _send_to_sign_in(scope: Scope, headers: Headers) -> None:
    """Raises `ApiError`: to people a redirect, to programs 401."""
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
        raise ApiError(401, headers={"WWW-Authenticate": "Bearer"})
    wanted = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        wanted += "?" + scope["query_string"].decode("latin-1")
    raise ApiError(303, headers={"Location": f"/login?next={quote(wanted, safe='')}"})


def _check_type(headers: Headers) -> None:
    """A page of another site cannot send JSON without asking first, but it can send text."""
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_empty = headers.get("content-length") == "0" or (
        "content-length" not in headers and "transfer-encoding" not in headers
    )
    if given != "application/json" and not (is_empty and not given):
        message = "Send the body as application/json."
        raise ApiError(415, "unsupported_media_type", message=message)


def too_large() -> ApiError:
    return ApiError(413, "content_too_large", message="The body is too large.")


def _host_of(header: str) -> str:
    """The name in a `Host` header, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""

"""
What every request passes first, and every answer last.

Whose name the server is called by (against DNS rebinding), who may ask, what may be sent and how
much; headers that let a browser do nothing but show the page; no traceback, no customer data.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from lago_cli.server import pages
from lago_cli.server.connections import SAFE_HEADERS
from lago_cli.server.exchange import as_json, respond
from lago_cli.server.failures import ApiError, bad_request, too_large

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lago_cli.server.service import Service
    from lago_cli.server.sessions import Visitor

Headers = Mapping[str, str]

OPEN = frozenset({"/health", "/ready", "/metrics"})
"""What may be asked without a key: it tells nothing about anybody."""

BEFORE_SIGNING_IN = ("/static/",)
SIGN_IN = "/login"

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::[0-9]{1,5})?")
_CORS = [
    (b"access-control-allow-headers", b"*, authorization"),
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (b"access-control-expose-headers", b"x-request-id, retry-after, x-ratelimit-reset"),
    (b"access-control-max-age", b"600"),
]
_SAFE = [(name.encode(), value.encode()) for name, value in SAFE_HEADERS.items()]


def is_api(path: str) -> bool:
    """Whether what is at a path speaks JSON to programs that show the key."""
    return path == "/api" or path.startswith("/api/")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


@lru_cache(maxsize=256)  # nearly all requests name the same
def host_of(header: str) -> str | None:
    """The name in a `Host` header, without its port; None where it is no name."""
    found = _HOST.fullmatch(header.lower())
    if found is None:
        return None
    with suppress(ValueError):
        return str(ip_address(found[1].strip("[]")))
    return found[1]


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        options = service.options
        self._service = service
        self._app = app
        self._origins = frozenset(options.cors_origins)
        self._proxies = {host_of(name) for name in options.allowed_hosts}
        self._is_local = is_loopback(options.host)
        host = options.host if ":" not in options.host else f"[{options.host.strip('[]')}]"
        self._hosts = {host_of(host), *self._proxies} - {None}
        if self._is_local:
            self._hosts |= LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Paths are matched as they were sent, here and where they are looked up, so that both
        # agree; their segments are decoded after that: a plan called `a/b` is `/plans/a%2Fb`.
        raw: bytes | None = scope.get("raw_path")
        path = quote(scope["path"]) if raw is None else raw.decode("latin-1")
        scope = {**scope, "path": path}
        headers = _headers(scope)
        always = _SAFE + self._cors(path, headers)
        request_id = secrets.token_hex(16).encode()
        method = scope["method"] if scope["method"] in METHODS else "other"
        started = False

        async def headed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = message["headers"]
                own = {name for name, _ in given}
                safe = (header for header in always if header[0] not in own)
                message["headers"] = [*given, (b"x-request-id", request_id), *safe]
                self._service.gauges.answered(method, message["status"])
            await send(message)

        try:
            await self._admitted(scope, headers, receive, headed)
        except ApiError as error:
            await self._tell(scope, headed, error)
        except Exception as error:  # a bug: what it says may be a customer's
            self._service.gauges.failed(error)
            if not started:
                await self._tell(scope, headed, ApiError(HTTPStatus.INTERNAL_SERVER_ERROR))

    async def _admitted(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        self._check_host(headers)
        if _length(headers) > self._service.options.body_limit:
            raise too_large()
        if method not in _READING:
            self._check_origin(path, headers)
        if is_api(path):
            if method == "OPTIONS" and headers.get("origin") in self._origins:
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            self._check_key(headers)
            if method in _WITH_BODY:
                _check_type(headers)
        elif path not in OPEN:
            if method in _WITH_BODY:
                _check_form(headers)
            visitor = self._visitor(headers)
            if not visitor.is_signed_in and not _is_before_signing_in(path):
                _send_to_sign_in(scope, headers)
            scope = {**scope, "visitor": visitor}
            send = self._introduced(visitor, scope, send)
        await self._app(scope, receive, send)

    async def _tell(self, scope: Scope, send: Send, error: ApiError) -> None:
        """An error: to programs as JSON, to people as a page."""
        answer = as_json(error)
        if not is_api(scope["path"]) and scope["path"] not in OPEN:
            try:
                answer = pages.failure(self._service, error)
            except Exception as bug:  # then without a page
                self._service.gauges.failed(bug)
        await respond(scope, send, answer)

    def _cors(self, path: str, headers: Headers) -> list[tuple[bytes, bytes]]:
        """What lets a page of an origin that was named read the answers of the API."""
        if not self._origins or not is_api(path):
            return []
        vary = (b"vary", b"Origin")
        origin = headers.get("origin")
        if origin not in self._origins:
            return [vary]
        return [*_CORS, (b"access-control-allow-origin", origin.encode("latin-1")), vary]

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
                sent = dict(message["headers"])
                is_page = sent[b"content-type"].startswith(b"text/html")
                if visitor.is_new and is_page and b"set-cookie" not in sent:
                    secure = scope.get("scheme") == "https"
                    cookie = self._service.sessions.cookie(visitor, secure=secure)
                    message["headers"].append((b"set-cookie", cookie.encode()))
            await send(message)

        return introduced

    def _check_host(self, headers: Headers) -> None:
        """Where a key is asked for on a public address, any name will do."""
        if not self._is_local and self._service.options.key is not None:
            return
        if host_of(headers.get("host", "")) not in self._hosts:
            message = "This server does not answer to that name."
            hint = "Add the name with: lago serve --allowed-host NAME"
            raise ApiError(403, "unknown_host", message=message, hint=hint)

    def _check_key(self, headers: Headers) -> None:
        if not self._service.sessions.knows(_key_in(headers)):
            raise ApiError(401, headers={"WWW-Authenticate": "Bearer"})

    def _check_origin(self, path: str, headers: Headers) -> None:
        """A page of another site changes nothing, unless its origin was named, for the API."""
        origin = headers.get("origin")
        if is_api(path) and origin in self._origins:
            return
        site = headers.get("sec-fetch-site", "same-origin")
        if not self._is_ours(origin, headers) or site not in ("same-origin", "none"):
            message = "This was sent by a page of another site."
            raise ApiError(403, "foreign_origin", message=message)

    def _is_ours(self, origin: str | None, headers: Headers) -> bool:
        """A proxy may call the server by another name than browsers call the proxy by."""
        if origin is None:
            return True
        with suppress(ValueError):
            place = urlsplit(origin).netloc.lower()
            return bool(place) and (
                place == headers.get("host", "").lower() or host_of(place) in self._proxies
            )
        return False


def _headers(scope: Scope) -> Headers:
    """By name; what came several times is a list with commas, and so no host, length or key."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _is_before_signing_in(path: str) -> bool:
    return path == SIGN_IN or path.startswith(BEFORE_SIGNING_IN)


def _length(headers: Headers) -> int:
    """Raises `ApiError` (400) where it is no number."""
    given = headers.get("content-length", "0")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise bad_request("the length of the body is no number")
    return int(given)


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
    wanted = scope["path"]
    if scope["query_string"]:
        wanted += "?" + scope["query_string"].decode("latin-1")
    raise ApiError(303, headers={"Location": f"{SIGN_IN}?next={quote(wanted, safe='')}"})


def _type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_type(headers: Headers) -> None:
    """A page of another site cannot send JSON without asking first, but it can send text."""
    is_empty = "transfer-encoding" not in headers and _length(headers) == 0
    if _type(headers) != "application/json" and not is_empty:
        message = "Send the body as application/json."
        raise ApiError(415, "unsupported_media_type", message=message)


def _check_form(headers: Headers) -> None:
    """Forms come from our own pages; their token is checked where they are read."""
    if _type(headers) not in ("", _FORM):
        raise ApiError(415, "unsupported_media_type")

"""
One connection of a client: how much of a request may come, and how slowly.

The server under it reads HTTP; it waits for ever, takes headers of any length, and answers what
it cannot read in plain text. This one does not.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lago_cli.server import bodies
from lago_cli.server.failures import ApiError, unavailable

LONGEST_URL = 16 * 1024  # bytes
LONGEST_HEAD = 64 * 1024  # bytes of a URL and headers
HEAD_SECONDS = 30  # in which the headers have to come
BODY_SECONDS = 30  # in which some of a body has to come, or some of an answer be taken
LEAST_BYTES = 16 * 1024  # that are some
MOST_CONNECTIONS = 4_000
_DROPPED = 64 * 1024 * 1024  # bytes of a body that come after its request was refused

SAFE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""What every answer has: a browser does nothing with it but show the page."""


class Connection(HttpToolsProtocol):
    """Whoever is too long or too slow is told so, and let go."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._since = self.loop.time()  # when what is waited for began
        self._in_head = True
        self._in_body = False
        self._head_size = 0
        self._body_size = 0
        self._seen = 0  # bytes of the body, when it was last looked at
        self._unsent: int | None = None  # bytes of an answer, when they were last looked at
        self._is_deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS and not self._make_room():
            self._refuse(unavailable("too_many_connections"))

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        if self._in_head:
            self._head_size += len(data)
        if self._in_head and self._head_size > LONGEST_HEAD + len(data):
            self._refuse(ApiError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
            return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        self._refuse(ApiError(400, error="BadRequest: this is no HTTP request"))

    # Of the parser ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._since = self.loop.time()
        self._in_head = True
        self._head_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # and not after the body, where nobody looks at them
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._is_deaf:
            return
        if len(self.url) > LONGEST_URL:
            self._refuse(ApiError(HTTPStatus.REQUEST_URI_TOO_LONG))
        elif size > LONGEST_HEAD:
            self._refuse(ApiError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        else:
            super().on_headers_complete()
            self._in_body = True
            self._body_size = self._seen = 0
            if self.parser.should_upgrade():  # to nothing: what follows would not be read
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if self._is_deaf:
            return
        self._body_size += len(body)
        if self.cycle.response_complete and self._body_size > _DROPPED:
            self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        if not self._is_deaf:
            super().on_message_complete()

    # Patience -----------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """End what takes too long; called now and then, with the time of the loop."""
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            return
        if self._takes_no_answer(now):
            self.transport.abort()
        elif self._is_idle:
            pass  # kept alive for the next request; the server under this one looks after it
        elif self._in_head:
            if now - self._since > HEAD_SECONDS:
                self._refuse(ApiError(HTTPStatus.REQUEST_TIMEOUT))
        elif self._in_body and now - self._since > BODY_SECONDS:
            came, self._seen, self._since = self._body_size - self._seen, self._body_size, now
            if came < LEAST_BYTES and not self.flow.read_paused:
                self._refuse(ApiError(HTTPStatus.REQUEST_TIMEOUT))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._unsent_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent = None

    def _takes_no_answer(self, now: float) -> bool:
        if self._unsent is None or now - self._unsent_since <= BODY_SECONDS:
            return False
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        self._unsent_since = now
        return before - self._unsent < LEAST_BYTES

    @property
    def _is_idle(self) -> bool:
        return self.timeout_keep_alive_task is not None

    def _make_room(self) -> bool:
        """Close the connection that was idle for longest, if there is one."""
        idle = [each for each in self.connections if isinstance(each, Connection) and each._is_idle]
        if idle:
            min(idle, key=lambda each: each._since).transport.close()
        return bool(idle)

    def _refuse(self, error: ApiError) -> None:
        """
        Answer with an error and read no more.

        A request before it, which is being answered, gets its answer first.
        """
        self._is_deaf = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body and not self._in_body:
                cycle.keep_alive = False
                self.pipeline.clear()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_written(error))
        self.transport.close()


def _written(error: ApiError) -> bytes:
    body = bodies.write(error.body)
    headers = {
        **SAFE_HEADERS,
        **error.headers,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {int(error.status)} {error.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

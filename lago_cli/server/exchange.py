"""Bytes in and out: the body of a request, the messages of an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lago_cli.server import bodies
from lago_cli.server.failures import ApiError, overloaded, too_large
from lago_cli.server.routes import Answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from lago_cli.server.pieces import Pieces


SHORT = 64 * 1024  # bytes


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away before its request was whole."""


class Room:
    """
    What long bodies that are held at once may take, whoever sends them.

    Short ones are not counted: there are no more of them than connections.
    """

    def __init__(self, size: int) -> None:
        self._left = size

    async def body(self, receive: Receive, limit: int) -> bytes:
        """
        The whole body of a request; `leave` says that it was answered.

        Raises:
            ApiError: 413, where it is longer than `limit`; 429, where there is no room for it.
            Disconnected: it does not come.
        """
        pieces: list[bytes] = []
        size = 0
        more = True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                piece = message.get("body", b"")
                pieces.append(piece)
                self._left -= _counted(size + len(piece)) - _counted(size)
                size += len(piece)
                if size > limit:
                    raise too_large()
                if self._left < 0 < _counted(size):
                    raise overloaded()
                more = message.get("more_body", False)
        except BaseException:
            self.leave(size)
            raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def leave(self, size: int) -> None:
        """A body of so many bytes is not held any more."""
        self._left += _counted(size)


def _counted(size: int) -> int:
    return max(size - SHORT, 0)


async def respond(scope: Scope, send: Send, answer: Answer, receive: Receive | None = None) -> None:
    """Send an answer; of one to HEAD only the headers."""
    body = answer.body
    length = [(b"content-length", b"%d" % len(body))] if isinstance(body, bytes) else []
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        *length,
        *(
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers
        ),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    is_head = scope["method"] == "HEAD"
    if isinstance(body, bytes):
        body = b"" if is_head else body
    else:
        try:
            if not is_head:
                await _send_pieces(receive, send, body)
        finally:
            await body.aclose()
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _send_pieces(receive: Receive | None, send: Send, pieces: Pieces) -> None:
    """As long as somebody is there."""
    leaving = asyncio.ensure_future(receive() if receive else asyncio.Event().wait())
    try:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if leaving.done():
                return
    finally:
        leaving.cancel()


def as_json(error: ApiError) -> Answer:
    headers = tuple(error.headers.items())
    return Answer(bodies.write(error.body), status=int(error.status), headers=headers)

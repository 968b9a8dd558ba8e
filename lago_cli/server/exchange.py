"""Bytes in and out: the body of a request, the messages of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.server import bodies
from lago_cli.server.failures import ApiError, overloaded, too_large
from lago_cli.server.routes import Answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


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


async def respond(scope: Scope, send: Send, answer: Answer) -> None:
    """Send an answer; of one to HEAD only the headers."""
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(answer.body)),
        *(
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers
        ),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})


def as_json(error: ApiError) -> Answer:
    headers = tuple(error.headers.items())
    return Answer(bodies.write(error.body), status=int(error.status), headers=headers)

"""Bytes in and out: the body of a request, the messages of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.server import bodies
from lago_cli.server.failures import ApiError, too_large
from lago_cli.server.routes import Answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away before its request was whole."""


async def body_of(receive: Receive, limit: int) -> bytes:
    """
    The whole body.

    Raises:
        ApiError: 413, where it is longer than `limit`.
        Disconnected: it does not come.
    """
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large()
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


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

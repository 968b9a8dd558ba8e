"""`/health`, `/ready` and `/metrics`: how the server is, for who watches over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.server.failures import unavailable
from lago_cli.server.routes import Answer, Request, takes

if TYPE_CHECKING:
    from collections.abc import Mapping


async def _health(request: Request) -> Mapping[str, str]:
    """Whether the file can be asked, and is the one at its path. 503 where not."""
    service = request.service
    if not service.options.read_only and not service.writer.is_alive:
        raise unavailable("writer_stopped", "Nothing can be stored any more: start it again.")
    await service.look()
    return {"status": "ok"}


async def _ready(request: Request) -> Mapping[str, str]:
    """Whether it takes requests."""
    if not request.service.ready:
        raise unavailable("not_ready", "The server starts or stops.")
    return await _health(request)


async def _metrics(request: Request) -> Answer:
    text = request.service.gauges.text()
    return Answer(text.encode(), "text/plain; version=0.0.4; charset=utf-8")


HEALTH = (
    takes("GET", "/health", _health),
    takes("GET", "/ready", _ready),
    takes("GET", "/metrics", _metrics),
)

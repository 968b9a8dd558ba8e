"""The page: the same reports as on the command line, for people who would rather look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lago_cli.server.exchange import as_json

if TYPE_CHECKING:
    from lago_cli.server.failures import ApiError
    from lago_cli.server.routes import Answer, Endpoint
    from lago_cli.server.service import Service


def endpoints() -> Iterator[Endpoint]:
    """All of them; where two paths fit a request, the first is meant."""
    yield from ()


def failure(service: Service, error: ApiError) -> Answer:  # noqa: ARG001
    """A page that says what went wrong."""
    return as_json(error)

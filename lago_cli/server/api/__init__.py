"""Lago's API under `/api/v1`, one module per noun; each has its `ENDPOINTS`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lago_cli.server.routes import Endpoint

NOUNS = (
    "organizations",
    "billable_metrics",
    "plans",
    "customers",
    "subscriptions",
    "events",
    "estimates",
    "usage",
    "invoices",
)


def endpoints() -> Iterator[Endpoint]:
    """All of them; where two paths fit a request, the first is meant."""
    for noun in NOUNS:
        yield from import_module(f"lago_cli.server.api.{noun}").ENDPOINTS

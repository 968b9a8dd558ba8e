"""The page: the same reports as on the command line, for people who would rather look."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from lago_cli.server.exchange import as_json
from lago_cli.server.routes import Answer

if TYPE_CHECKING:
    from lago_cli.server.failures import ApiError
    from lago_cli.server.routes import Endpoint, Request
    from lago_cli.server.service import Service


def endpoints() -> Iterator[Endpoint]:
    """All of them; where two paths fit a request, the first is meant."""
    yield from ()


def failure(service: Service, error: ApiError) -> Answer:  # noqa: ARG001
    """A page that says what went wrong."""
    return as_json(error)


def sign_in(request: Request, wanted: str, fault: str = "") -> Answer:
    """The form that asks for the key; `wanted` is where it leads."""
    text = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sign in</title>
<form method="post" action="/login">
<p>{escape(fault)}</p>
<label>Key <input type="password" name="key" autocomplete="current-password" autofocus></label>
<input type="hidden" name="token" value="{escape(request.token)}">
<input type="hidden" name="next" value="{escape(wanted)}">
<button>Sign in</button>
</form></html>
"""
    return Answer(text.encode(), "text/html; charset=utf-8")

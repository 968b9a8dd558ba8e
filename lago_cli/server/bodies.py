"""JSON bodies: read with every digit of their numbers, written as Lago writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from lago_cli.domain.objects import Written
from lago_cli.server.failures import bad_request, missing_root

DEEPEST = 100


def read(data: bytes) -> Any:
    """
    A body as the readers of definitions take it: numbers are `Written`, as they were written.

    Raises:
        ApiError: 400, where it is no JSON, or nested too deeply.
    """
    try:
        found = json.loads(
            data.decode(), parse_int=Written, parse_float=Written, parse_constant=_refuse
        )
        if b"\\u" in data:  # half of a surrogate pair is no text
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except (ValueError, RecursionError):
        raise bad_request("the body is no JSON") from None


def _refuse(_: str) -> NoReturn:
    raise ValueError


def root_of(body: Any, name: str) -> Mapping[str, Any]:
    """
    The object under the root of a body: `{"plan": {…}}`.

    Raises:
        ApiError: 400, where it is missing or empty.
    """
    found = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping) or not found:
        raise missing_root(name)
    return found


def write(body: Any) -> bytes:
    """JSON; a `msgspec.Raw` stands in it as it is."""
    return msgspec.json.encode(body)

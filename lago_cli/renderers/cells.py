"""
Typed cells as text and as JSON.

Floats and fractions have no place here: an exact number arrives as decimal text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring

from lago_cli.renderers.escapes import in_json
from lago_cli.renderers.report import RawJson

_STRING_OR_SPACE = re.compile(r'"(?:[^"\\]|\\.)*"|\s+')


def as_text(value: object) -> str:
    """One cell as plain text; None is no text at all."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, datetime):
        return as_instant(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return as_json(value, comma=",", colon=":")


def as_instant(value: datetime) -> str:
    """UTC, `2026-11-22T00:00:00Z`, with fractional digits only where there are any."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def as_json(value: object, *, comma: str = ", ", colon: str = ": ") -> str:
    """One value as JSON on one line; a Decimal and an instant are strings."""
    kind = type(value)  # most are one of these, and abstract classes are slow to ask
    if kind is dict:
        return _as_object(value, comma, colon)  # type: ignore[arg-type]
    if kind is list:
        return "[" + comma.join([as_json(each, comma=comma, colon=colon) for each in value]) + "]"  # type: ignore[attr-defined]
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, (bool, int)):
        return as_text(value)
    if isinstance(value, (Decimal, datetime)):
        return quoted(as_text(value))
    if isinstance(value, RawJson):
        return on_one_line(value)
    if isinstance(value, Mapping):
        return _as_object(value, comma, colon)
    if isinstance(value, tuple):
        return as_json(list(value), comma=comma, colon=colon)
    raise TypeError(f"a cell cannot hold {type(value).__name__}: {value!r}")


def _as_object(value: Mapping[str, object], comma: str, colon: str) -> str:
    pairs = [
        _key(key) + colon + as_json(item, comma=comma, colon=colon) for key, item in value.items()
    ]
    return "{" + comma.join(pairs) + "}"


def as_pretty_json(value: object, margin: str = "") -> str:
    """One value as JSON over several lines, two spaces a level."""
    inner = margin + "  "
    if isinstance(value, Mapping) and value:
        lines = [f"{quoted(k)}: {as_pretty_json(item, inner)}" for k, item in value.items()]
        opening, closing = "{", "}"
    elif isinstance(value, (list, tuple)) and value:
        lines = [as_pretty_json(item, inner) for item in value]
        opening, closing = "[", "]"
    else:
        return as_json(value)
    body = ",\n".join(inner + line for line in lines)
    return f"{opening}\n{body}\n{margin}{closing}"


def quoted(text: str) -> str:
    """A text as JSON."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return in_json(encode_basestring(text))


_key = lru_cache(maxsize=1024)(quoted)  # most objects have the keys of others


def on_one_line(raw: RawJson) -> str:
    """Received JSON without its line ends and tabs, which are outside strings by its grammar."""
    text = raw.text
    if "\n" in text or "\r" in text or "\t" in text:
        text = _STRING_OR_SPACE.sub(lambda m: m[0] if m[0][0] == '"' else "", text)
    return in_json(text)

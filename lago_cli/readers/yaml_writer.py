"""
YAML in block style that reads back as the same data, here and in stricter or older readers.

A text stands without quotes only where no version of YAML could take it for anything else.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from lago_cli.readers.document_builder import Number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Writable: TypeAlias = (
    "bool | str | Number | int | Decimal | Sequence[Writable] | Mapping[str, Writable] | None"
)

LONGEST_PLAIN_KEY = 1000  # YAML finds the colon after a key within 1024 characters only

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./()+*%$=<>;'-]*[\w.()%$+*])?")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_JOINER = "\u200d"  # unprintable alone, but what holds many emoji together


def write_yaml(value: Writable) -> str:
    """One document, without `---`; `read_documents` gives an equal one back."""
    lines: list[str] = []
    # What is still to be written: what its first line begins with, how its others do, itself.
    waiting: list[tuple[str, str, Writable]] = [("", "", value)]
    while waiting:
        start, indent, value = waiting.pop()
        if not _is_nested(value):
            lines.append(start + _scalar(value))
            continue
        if start.endswith(": "):
            lines.append(start.rstrip())
            start = indent
        waiting.extend(reversed(_entries(start, indent, value)))
    return "\n".join(lines) + "\n"


def _entries(start: str, indent: str, value: Writable) -> list[tuple[str, str, Writable]]:
    inner = indent + "  "
    if isinstance(value, dict):
        entries = [(_key(key, indent), item) for key, item in value.items()]
    else:
        assert isinstance(value, list | tuple)
        entries = [("- ", item) for item in value]
    return [
        ((indent if number else start) + head, inner, item)
        for number, (head, item) in enumerate(entries)
    ]


def _is_nested(value: Writable) -> bool:
    return isinstance(value, dict | list | tuple) and len(value) > 0


def _key(key: str, indent: str) -> str:
    text = _text(key)
    if len(text) > LONGEST_PLAIN_KEY:
        return f"? {text}\n{indent}: "
    return f"{text}: "


def _scalar(value: Writable) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if isinstance(value, Number | int):
        return str(value)
    if isinstance(value, Decimal):
        assert value.is_finite()
        return str(value)
    assert isinstance(value, str)
    return _text(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable() or character == _JOINER:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

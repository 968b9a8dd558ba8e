"""
YAML in block style that reads back as the same data, here and in stricter or older readers.

A text stands without quotes only where no version of YAML could take it for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from lago_cli.readers.document import Number

Writable: TypeAlias = (
    "bool | str | Number | int | Decimal | Sequence[Writable] | Mapping[str, Writable] | None"
)

LONGEST_PLAIN_KEY = 1000  # YAML finds the colon after a key within 1024 characters only

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./()+*%$=<>;'-]*[\w.()%$+*])?")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_WORDS = {None: "null", True: "true", False: "false"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_JOINER = "\u200d"  # unprintable alone, but what holds many emoji together


def write_yaml(value: Writable) -> str:
    """One document, without `---`; `read_documents` gives an equal one back."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Writable) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            head = _text(key)
            if len(head) > LONGEST_PLAIN_KEY:
                yield f"? {head}"
                head = ""
            if isinstance(item, dict | list | tuple) and item:
                yield f"{head}:"
                yield from _indented(_lines(item))
            else:
                yield f"{head}: {_scalar(item)}"
    elif isinstance(value, list | tuple) and value:
        for item in value:
            lines = _indented(_lines(item))
            yield f"- {next(lines)[2:]}"
            yield from lines
    else:
        yield _scalar(value)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _scalar(value: Writable) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if isinstance(value, Number | int | Decimal):
        return str(value)
    return _text(str(value))


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

"""
YAML in block style: the values of JSON, read back as the same data by newer and older readers.

A text stands without quotes only where no version of YAML could take it for anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import HIDDEN
from lago_cli.renderers.report import RawJson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from lago_cli.renderers.report import Report, Terminal

LONGEST_PLAIN_KEY = 1000  # YAML finds the colon after a key within 1024 characters only

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./()+*%$=<>;'-]*[\w.()%$+*])?")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_JOINER = "\u200d"  # unprintable alone, but what holds many emoji together
_NUMBER = re.compile(r"(-?\d+)(\.\d+)?(?:[eE]([+-]?)(\d+))?")


class _Number(str):
    """A number of received JSON, as it was written."""

    __slots__ = ()


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    keys = [column.key for column in report.data_columns]
    is_empty = True
    for row in report.rows:
        item = {key: row[key] for key in keys}
        _write(item if report.single else [item], stream)
        is_empty = False
    if is_empty and not report.single:
        stream.write("[]\n")


def _write(value: object, stream: TextIO) -> None:
    try:
        stream.write(write_yaml(value))
    except UnicodeEncodeError:
        stream.write(write_yaml(value, only_ascii=True))


def write_yaml(value: object, *, only_ascii: bool = False) -> str:
    """
    One document, without `---`; what reads it gets an equal one back.

    It may hold what a cell may: a Decimal is a text, `RawJson` is whatever it says.
    """
    return "\n".join(_Writer(only_ascii=only_ascii).lines(value)) + "\n"


class _Writer:
    def __init__(self, *, only_ascii: bool) -> None:
        self._only_ascii = only_ascii

    def lines(self, value: object) -> Iterator[str]:
        if isinstance(value, RawJson):
            value = _parsed(value)
        if isinstance(value, Mapping) and value:
            for key, item in value.items():
                yield from self._member(self._text(key), item)
        elif isinstance(value, list | tuple) and value:
            for item in value:
                lines = _indented(self.lines(item))
                yield f"- {next(lines)[2:]}"
                yield from lines
        else:
            yield self._scalar(value)

    def _member(self, head: str, item: object) -> Iterator[str]:
        if isinstance(item, RawJson):
            item = _parsed(item)
        if len(head) > LONGEST_PLAIN_KEY:
            yield f"? {head}"
            head = ""
        if isinstance(item, Mapping | list | tuple) and item:
            yield f"{head}:"
            yield from _indented(self.lines(item))
        else:
            yield f"{head}: {self._scalar(item)}"

    def _scalar(self, value: object) -> str:
        if isinstance(value, _Number):
            return _as_number(value)
        if isinstance(value, str):
            return self._text(value)
        if value is None:
            return "null"
        if isinstance(value, bool | int):
            return as_text(value)
        if isinstance(value, Decimal | datetime):
            return self._text(as_text(value))
        if isinstance(value, Mapping):
            return "{}"
        if isinstance(value, list | tuple):
            return "[]"
        raise TypeError(f"a cell cannot hold {type(value).__name__}: {value!r}")

    def _text(self, text: str) -> str:
        if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED and self._is_harmless(text):
            return text
        return '"' + HIDDEN.sub(_escaped_match, "".join(map(self._escaped, text))) + '"'

    def _is_harmless(self, text: str) -> bool:
        return text.isascii() or not (self._only_ascii or HIDDEN.search(text))

    def _escaped(self, character: str) -> str:
        if character in _ESCAPES:
            return _ESCAPES[character]
        is_shown = character.isprintable() or character == _JOINER
        if is_shown and (character.isascii() or not self._only_ascii):
            return character
        return _by_number(character)


def _escaped_match(match: re.Match[str]) -> str:
    return _by_number(match[0])


def _by_number(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _parsed(raw: RawJson) -> object:
    return json.loads(raw.text, parse_float=_Number, parse_int=_Number)


def _as_number(written: str) -> str:
    """Every digit; with an exponent also what older readers ask for: a point and a sign."""
    match = _NUMBER.fullmatch(written)
    if match is None or match[4] is None:
        return written
    whole, fraction, sign, exponent = match.groups()
    return f"{whole}{fraction or '.0'}e{sign or '+'}{exponent}"

"""
What stands in a JSON object or array, and where, without reading what it says.

The scans want no valid JSON: a faulty value is passed by, so that the good ones around it
are found. Where they cannot go on, or the text ends, the last thing has the end `LOST`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lago_cli.readers.structure import ARRAY, OBJECT, SPACE, STRING, Balance, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST = -1

_OBJECT = re.compile(OBJECT)
_ARRAY = re.compile(ARRAY)
_STRING = re.compile(STRING)
_WORD = re.compile(rb'[^"{}\[\],]*[^"{}\[\], \t\r\n]')
_FIRST = re.compile(SPACE + rb"([}\]])?")
_KEY = re.compile(SPACE + rb"(" + STRING + rb")" + SPACE + rb":" + SPACE)
_NEXT = re.compile(SPACE + rb"([,}\]])" + SPACE)


def members(text: bytes, at: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Of the object at `at`: each key in its quotes, where it, its value and its end are."""
    at = _behind(text, at)
    while at >= 0:
        found = _KEY.match(text, at)
        if not found:
            yield b"", at, at, LOST
            return
        start = found.end()
        end = end_of(text, start)
        yield found[1], found.start(1), start, end
        at = _next(text, end, b"}")
        if at == LOST and end != LOST:
            yield b"", end, end, LOST


def elements(text: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Of the array at `at`: where each element starts and ends."""
    at = _behind(text, at)
    while at >= 0:
        end = end_of(text, at)
        yield at, end
        at = _next(text, end, b"]")
        if at == LOST and end != LOST:
            yield end, LOST


def end_of(text: bytes, at: int) -> int:
    """Where the value at `at` ends."""
    byte = text[at : at + 1]
    if byte in (b"{", b"["):
        found = (_OBJECT if byte == b"{" else _ARRAY).match(text, at)
        if found:
            return found.end()
        outcome, end = Balance().advance(text, at)
        return end if outcome is Outcome.CLOSED else LOST
    found = (_STRING if byte == b'"' else _WORD).match(text, at)
    return found.end() if found else LOST


_DONE = -2


def _behind(text: bytes, at: int) -> int:
    """Where the first thing is behind an opening bracket."""
    found = _FIRST.match(text, at + 1)
    if not found or found[1]:
        return _DONE
    return found.end()


def _next(text: bytes, end: int, closer: bytes) -> int:
    if end == LOST:
        return LOST
    found = _NEXT.match(text, end)
    if not found or found[1] not in (b",", closer):
        return LOST
    return found.end() if found[1] == b"," else _DONE

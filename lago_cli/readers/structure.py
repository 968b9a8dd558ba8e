"""
Where a JSON object ends, without reading what it says.

An object ends with its last bracket. On the way there it is *broken* where no valid JSON
could be: a string that runs over the end of its line, a closing bracket of the other
sort, an opening bracket that follows neither a colon nor (in an array) a comma. Words and
commas are not looked at, so `{bad}` is whole, and can be refused alone.

`OBJECT` finds nearly every end in one go; `Balance` finds each of them, over as many
blocks as it takes. They never disagree.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SPACE = rb"[ \t\r\n]*+"
STRING = rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"'
WHITE = b" \t\r\n"
_BARE = rb'[^"{}\[\]]*+'

_QUOTE, _OPEN = b'"{'
_CLOSER = {b"{"[0]: b"}"[0], b"["[0]: b"]"[0]}
_OPENS_AFTER = {b"}"[0]: b":", b"]"[0]: b"[,"}  # by the bracket that closes the container


def _nested(levels: int) -> tuple[bytes, bytes]:
    """Patterns of an object and of an array that hold up to `levels` levels of others."""
    inner = b"|".join(_nested(levels - 1)) if levels else rb"(?!)"

    def inside(before: bytes) -> bytes:
        held = STRING + rb"|" + before + rb"(?:" + inner + rb")"
        return _BARE + rb"(?:(?:" + held + rb")" + _BARE + rb")*+"

    members = inside(rb"(?:(?<=:)|(?<=: ))")
    elements = inside(rb"(?:(?<=[\[,])|(?<=, ))")
    return rb"\{" + members + rb"\}", rb"\[" + elements + rb"\]"


OBJECT, _ = _nested(2)
_WHOLE = re.compile(OBJECT)
_ELEMENTS = re.compile(OBJECT + rb"(?:" + SPACE + rb"," + SPACE + OBJECT + rb")*+")
_PLAIN = re.compile(_BARE + rb"(?:" + STRING + _BARE + rb")*+")
_SPACE = re.compile(SPACE)
_KEY = re.compile(SPACE + rb"(" + STRING + rb")" + SPACE + rb":" + SPACE)
_SIMPLE = re.compile(STRING + rb'|[^"{}\[\],:]++')
_COMMA = re.compile(SPACE + rb",")
_QUOTED = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')


def array_start(text: bytes, key: bytes, others: Callable[[bytes], bool]) -> int | None:
    """
    Behind the bracket of the array that is the member `key` (in quotes) of an object.

    None where there is none in `text`, the beginning of the object, or where the key of a
    member before it is not one of `others`.
    """
    at = 1 if key in text else len(text)
    while found := _KEY.match(text, at):
        at = found.end()
        if found[1] == key:
            return at + 1 if text.startswith(b"[", at) else None
        if not others(found[1]):
            return None
        if text.startswith((b"{", b"["), at):
            outcome, at = Balance().advance(text, at)
            if outcome is not Outcome.CLOSED:
                return None
        else:
            at = _end(_SIMPLE, text, at)
        comma = _COMMA.match(text, at)
        if comma is None:
            return None
        at = comma.end()
    return None


class Outcome(Enum):
    OPEN = "open"  # it ends in a later block
    CLOSED = "closed"
    BROKEN = "broken"


class Balance:
    """The brackets that are still open in one object or array; `entered` are before it."""

    __slots__ = ("_closers", "_last", "_quoted")

    def __init__(self, entered: bytes = b"") -> None:
        self._closers = bytearray(_CLOSER[bracket] for bracket in entered)
        self._quoted = False
        self._last = 0  # the last byte that was no white space

    def advance(self, data: bytes, at: int) -> tuple[Outcome, int]:
        """Go on at `at`; returns where it stopped. OPEN: go on there with more data."""
        while at < len(data):
            if self._quoted:
                at = _end(_QUOTED, data, at)
                if at >= len(data) - 1 and data[at:] in (b"", b"\\"):
                    break
                if data[at] != _QUOTE:
                    return Outcome.BROKEN, at
                self._quoted, self._last = False, _QUOTE
                at += 1
                continue
            start, at = at, _end(_PLAIN, data, at)
            significant = data[start:at].rstrip(WHITE)
            if significant:
                self._last = significant[-1]
            if at == len(data):
                break
            byte = data[at]
            if not self._bracket(byte):
                return Outcome.BROKEN, at
            whole = _ELEMENTS if self._closers[-2:-1] == b"]" else _WHOLE
            if byte == _OPEN and (found := whole.match(data, at)):
                at, self._last = found.end(), self._closers.pop()
            else:
                at += 1
            if not self._closers:
                return Outcome.CLOSED, at
        return Outcome.OPEN, at

    def _bracket(self, byte: int) -> bool:
        """Take a bracket or the start of a string; whether it may stand here."""
        if byte == _QUOTE:
            self._quoted = True
            return True
        if byte in _CLOSER:
            if self._closers and self._last not in _OPENS_AFTER[self._closers[-1]]:
                return False
            self._closers.append(_CLOSER[byte])
        elif self._closers.pop() != byte:
            return False
        self._last = byte
        return True


def objects_in(text: bytes) -> list[tuple[int, int]] | None:
    """The spans of the objects that `text` is made of; None where anything else is in it."""
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        if text[at] != _OPEN:
            return None
        outcome, end = Balance().advance(text, at)
        if outcome is not Outcome.CLOSED:
            return None
        spans.append((at, end))
        at = _end(_SPACE, text, end)
    return spans


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Where a pattern that matches anything, even nothing, stops matching."""
    found = pattern.match(data, at)
    return found.end() if found else at

"""
JSON as one document, with the line of everything in it.

A fault is first a doubt, `NotJson`: the text may still be YAML. Where no other reading
would help (a repeated key, too many levels, NaN) it is a refusal at once.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING

from lago_cli.errors import refused
from lago_cli.readers.document_builder import Builder, Document, Number, Part, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.errors import LagoError
    from lago_cli.readers.document_builder import Value


class NotJson(Exception):  # noqa: N818 - it is a state of the input, not a fault of ours
    """The text is no JSON. `refusal` says why, should it be meant as such."""

    def __init__(self, refusal: LagoError) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Expect(Enum):
    """What may come next, and what is said where it does not."""

    VALUE = "a value is missing"
    FIRST_VALUE = 'a value or "]" is missing'
    KEY = "a key in double quotes is missing"
    FIRST_KEY = 'a key in double quotes or "}" is missing'
    COLON = 'a ":" is missing after the key'
    COMMA = 'a "," or a closing bracket is missing'
    END = "there is more after its end"


_VALUES = (Expect.VALUE, Expect.FIRST_VALUE)
_KEYS = (Expect.KEY, Expect.FIRST_KEY)
_CLOSABLE = (Expect.COMMA, Expect.FIRST_VALUE, Expect.FIRST_KEY)
_WORDS: dict[str, Value] = {"null": None, "true": True, "false": False}

_SPACE = re.compile(r"[ \t\r\n]*+")
_INSIDE = r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+'
_TOKEN = re.compile(
    r"(?P<bracket>[{}\[\],:])"
    rf'|(?P<text>"{_INSIDE}")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>null|true|false)"
)
_BEGUN_TEXT = re.compile(f'"{_INSIDE}')
_NO_NUMBER = re.compile(r"([+-]?(?:NaN|Infinity))[ \t\r\n]*[,\]}]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def read(text: str) -> list[Document]:
    """The one document. Raises `NotJson`, or a `LagoError` that is final."""
    return _Parser(text).read()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._builder = Builder()
        self._expect = Expect.VALUE
        self._closers: list[str] = []

    def read(self) -> list[Document]:
        for kind, token, place in self._tokens():
            if kind == "bracket":
                self._take_bracket(token, place)
            elif kind == "text":
                self._take_text(_decoded(token, place), place)
            elif self._expect in _VALUES:
                value = _WORDS[token] if kind == "word" else Number(token)
                self._take_value(value, token, place)
            else:
                raise _fault(self._expect.value, place)
        return self._builder.documents

    def _tokens(self) -> Iterator[tuple[str | None, str, Place]]:
        at, line, line_start = 0, 1, 0
        while True:
            before, at = at, _end(_SPACE, self._text, at)
            if breaks := self._text.count("\n", before, at):
                line += breaks
                line_start = self._text.rindex("\n", before, at) + 1
            place = Place(line, at - line_start + 1)
            found = _TOKEN.match(self._text, at)
            if not found:
                break
            yield found.lastgroup, found[0], place
            at = found.end()
        self._stop(at, place)

    def _stop(self, at: int, place: Place) -> None:
        """Judge the place where there is no further token."""
        number = _NO_NUMBER.match(self._text, at)
        if at == len(self._text):
            if self._expect is not Expect.END:
                raise _fault(f"it ends too early: {self._expect.value}", place)
        elif number and self._closers and self._expect in _VALUES:
            hint = f'If it is meant as text, write "{number[1]}".'
            raise _invalid(f"{number[1]} is no JSON number", place, hint)
        elif self._text[at] == '"':
            stop = _end(_BEGUN_TEXT, self._text, at)
            place = Place(place.line, place.column + stop - at)
            raise _fault(_text_fault(self._text[stop : stop + 1]), place)
        else:
            raise _fault(self._expect.value, place)

    def _take_bracket(self, bracket: str, place: Place) -> None:
        expect = self._expect
        if bracket in "{[" and expect in _VALUES:
            is_mapping = bracket == "{"
            self._builder.begin({} if is_mapping else [], place)
            self._closers.append("}" if is_mapping else "]")
            self._expect = Expect.FIRST_KEY if is_mapping else Expect.FIRST_VALUE
        elif bracket == ":" and expect is Expect.COLON:
            self._expect = Expect.VALUE
        elif bracket == "," and expect is Expect.COMMA:
            self._expect = Expect.KEY if self._closers[-1] == "}" else Expect.VALUE
        elif self._closers[-1:] == [bracket] and expect in _CLOSABLE:
            self._closers.pop()
            self._builder.end()
            self._expect = Expect.COMMA if self._closers else Expect.END
        else:
            raise _fault(expect.value, place)

    def _take_text(self, text: str, place: Place) -> None:
        if self._expect in _KEYS:
            self._builder.add(Part(text, text), place)
            self._expect = Expect.COLON
        else:
            self._take_value(text, text, place)

    def _take_value(self, value: Value, text: str, place: Place) -> None:
        if self._expect not in _VALUES:
            raise _fault(self._expect.value, place)
        self._builder.add(Part(value, text), place)
        self._expect = Expect.COMMA if self._closers else Expect.END


def _decoded(token: str, place: Place) -> str:
    """The text that a token in quotes stands for."""
    if "\\" not in token:
        return token[1:-1]
    text = str(json.loads(token, parse_float=Number))
    if lone := _SURROGATE.search(text):
        reason = f"the lone surrogate \\u{ord(lone[0]):04x} cannot be stored as text"
        raise _invalid(reason, place)
    return text


def _text_fault(character: str) -> str:
    if character == "\\":
        return "the escape after the backslash is none that JSON knows"
    if character in ("", "\n", "\r"):
        return "a closing quote is missing"
    return f"the control character U+{ord(character):04X} has to be escaped in a text"


def _invalid(reason: str, place: Place, hint: str | None = None) -> LagoError:
    return refused("invalid_json", f"not valid JSON: {reason} ({place})", hint)


def _fault(reason: str, place: Place) -> NotJson:
    return NotJson(_invalid(reason, place))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where a pattern that matches anything, even nothing, stops matching."""
    found = pattern.match(text, at)
    return found.end() if found else at

"""
JSON that is not one object a line: arrays, objects one after the other, pretty-printed.

Objects are found by their structure and judged one by one, so that a bad one is refused
alone, and an array or Lago's `{"events": […]}` of any length passes through in bounded
memory. After an object without an end, reading goes on where the next one seems to start.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from lago_cli.readers import base
from lago_cli.readers.base import Problem, Record
from lago_cli.readers.objects import is_body, members_of, records_of, start_of_events
from lago_cli.readers.structure import (
    OBJECT,
    SPACE,
    STRING,
    WHITE,
    Balance,
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.readers.base import Blocks


class Inside(Enum):
    """What the next value is part of."""

    NOTHING = "nothing"
    ARRAY = "array"
    EVENTS = "events"  # the array in `{"events": […]}`
    WRAPPER = "wrapper"  # behind that array, before the last brace


class Expect(Enum):
    """What may come next in an array."""

    FIRST = "a value or the end"
    VALUE = "a value, after a comma"
    COMMA = "a comma or the end"
    ANYTHING = "whatever, after a fault"


_OBJECT = re.compile(SPACE + rb"(" + OBJECT + rb")")
_NEXT_IN_ARRAY = re.compile(SPACE + rb"," + SPACE + rb"(" + OBJECT + rb")")
_SPACE = re.compile(SPACE)
_LINE = re.compile(rb"(?:" + STRING + rb'|[^"{\n]++|")++')
_WORD = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"?|[^",{}\[\]\n]++|[^\n]')
_NEXT_OBJECT = re.compile(rb"(?<=\n)\{|\}[ \t\r\n]*+\{")
_NEXT_ELEMENT = re.compile(rb"(?<=\n)\{|\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_PERHAPS_NEXT = re.compile(rb"\}[ \t\r\n]*+,?[ \t\r\n]*+\Z")


def read(blocks: Blocks) -> Iterator[Record]:
    """The objects of the input, each with the line on which it starts."""
    return _Values(blocks).records()


class _Values:
    """One pass over the input: a window on its bytes, and what has been entered."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._data = b""
        self._at = 0
        self._line = 1
        self._inside = Inside.NOTHING
        self._entered_on = 1
        self._expect = Expect.FIRST

    def records(self) -> Iterator[Record]:
        while True:
            yield from self._plain_objects()
            self._skip_space()
            if self._at == len(self._data):
                if self._more():
                    continue
                break
            if self._inside is Inside.NOTHING:
                yield from self._top_level()
            elif self._inside is Inside.WRAPPER:
                yield from self._end_of_wrapper()
            else:
                yield from self._element()
        if self._inside is not Inside.NOTHING and not self._blocks.fault:
            yield self._fault(
                f"the input ends inside the array that starts at line {self._entered_on}"
            )

    def _plain_objects(self) -> Iterator[Record]:
        """The fast way, for as long as good objects that need no second look follow."""
        in_array = self._inside is not Inside.NOTHING
        if in_array and self._expect is not Expect.COMMA:
            return
        match = (_NEXT_IN_ARRAY if in_array else _OBJECT).match
        data, at, line = self._data, self._at, self._line
        while found := match(data, at):
            start, end = found.span(1)
            text = data[start:end]
            members = members_of(text)
            is_plain = isinstance(members, dict) and not is_body(members)
            if not is_plain or end - start > base.MAX_RECORD_BYTES:
                break
            line += data.count(b"\n", at, start)
            yield Record(line, text)
            line += data.count(b"\n", start, end)
            at = end
        self._at, self._line = at, line

    def _top_level(self) -> Iterator[Record]:
        byte = self._data[self._at : self._at + 1]
        if byte == b"[":
            self._enter(Inside.ARRAY, 1)
        elif byte == b"{":
            yield from self._nested()
        else:
            yield from self._no_json()

    def _element(self) -> Iterator[Record]:
        """One value, comma or closing bracket inside of an array."""
        byte = self._data[self._at : self._at + 1]
        if byte == b",":
            if self._expect in (Expect.FIRST, Expect.VALUE):
                yield self._fault("a comma with no value before it")
            self._advance(1)
            self._expect = Expect.VALUE
        elif byte == b"]":
            if self._expect is Expect.VALUE:
                yield self._fault("a comma with no value after it")
            self._advance(1)
            is_array = self._inside is Inside.ARRAY
            self._inside = Inside.NOTHING if is_array else Inside.WRAPPER
            self._expect = Expect.ANYTHING
        else:
            if self._expect is Expect.COMMA:
                yield self._fault("a comma is missing between two values of an array")
            self._expect = Expect.COMMA
            yield from self._nested() if byte in b"{[" else self._word()

    def _end_of_wrapper(self) -> Iterator[Record]:
        """What else the object says; its events are on their way already."""
        self._inside = Inside.NOTHING
        if self._data[self._at] not in b",}":
            yield self._fault('a comma or brace is missing behind the array "events"')
            return
        balance = Balance(b"{")
        outcome, text = self._hold(balance)
        if len(text) > base.MAX_RECORD_BYTES:
            self._advance(len(text))
            self._skip_rest(balance, outcome)
        elif outcome is not Outcome.CLOSED:
            yield from self._unclosed(text, outcome)
        else:
            rest = members_of(b'{"":0' + text)
            if isinstance(rest, Problem) and rest.code.startswith("invalid"):
                yield self._fault('what follows the array "events" is faulty', text)
            self._advance(len(text))

    def _nested(self) -> Iterator[Record]:
        """An object, or an array inside of an array."""
        balance = Balance()
        outcome, text = self._hold(balance)
        is_whole = outcome is Outcome.CLOSED and len(text) <= base.MAX_RECORD_BYTES
        events = self._start_of_events(text)
        if events and not (is_whole and isinstance(members_of(text), dict)):
            self._enter(Inside.EVENTS, events)
        elif is_whole:
            yield from records_of(text, self._line, wrapped=self._inside is not Inside.EVENTS)
            self._advance(len(text))
        elif len(text) > base.MAX_RECORD_BYTES:
            yield base.too_large(self._line, text)
            self._advance(len(text))
            self._skip_rest(balance, outcome)
        else:
            yield from self._unclosed(text, outcome)

    def _hold(self, balance: Balance) -> tuple[Outcome, bytes]:
        """The text up to where the balance ends, or to where it is too large."""
        outcome, seen = Outcome.OPEN, 0
        while outcome is Outcome.OPEN and seen <= base.MAX_RECORD_BYTES:
            outcome, stop = balance.advance(self._data, self._at + seen)
            seen = stop - self._at
            if outcome is Outcome.OPEN and not self._more():
                break
        return outcome, self._data[self._at : self._at + seen]

    def _start_of_events(self, text: bytes) -> int | None:
        """Behind the bracket of the array in a body `{…, "events": […]}`."""
        if self._inside is not Inside.NOTHING:
            return None
        return start_of_events(text[: base.MAX_RECORD_BYTES])

    def _unclosed(self, text: bytes, outcome: Outcome) -> Iterator[Record]:
        if outcome is Outcome.BROKEN:
            yield self._fault("the object is broken off, or a quote or bracket is missing", text)
        elif not self._blocks.fault:
            where = f"an object that starts at line {self._line}"
            yield self._fault(f"the input ends in the middle of {where}", text)
        self._advance(1)
        self._find_next()

    def _skip_rest(self, balance: Balance, outcome: Outcome) -> None:
        """Leave a value that is too large behind without holding it."""
        while outcome is Outcome.OPEN:
            outcome, stop = balance.advance(self._data, self._at)
            self._advance(stop - self._at)
            if outcome is Outcome.OPEN and not self._more():
                self._inside = Inside.NOTHING
                return
        if outcome is Outcome.BROKEN:
            self._find_next()

    def _find_next(self) -> None:
        """Go to where the next object seems to start, or to the end of the input."""
        in_array = self._inside is not Inside.NOTHING
        pattern = _NEXT_ELEMENT if in_array else _NEXT_OBJECT
        self._expect = Expect.ANYTHING
        while True:
            if found := pattern.search(self._data, self._at):
                self._advance(found.end() - 1 - self._at)
                return
            tail = _PERHAPS_NEXT.search(self._data, self._at)
            self._advance((tail.start() if tail else len(self._data)) - self._at)
            if not self._more():
                self._advance(len(self._data) - self._at)
                self._inside = Inside.NOTHING  # what is missing has been reported
                return

    def _no_json(self) -> Iterator[Record]:
        """Up to the end of the line, or to an object on it."""
        while self._data.find(b"\n", self._at) < 0 and self._is_short() and self._more():
            pass
        found = _LINE.match(self._data, self._at)
        yield from self._refused(found.end() - self._at if found else 1)

    def _word(self) -> Iterator[Record]:
        """A value in an array that is neither object nor array."""
        while True:
            found = _WORD.match(self._data, self._at)
            end = found.end() if found else self._at + 1
            if end < len(self._data) - 1 or not self._is_short() or not self._more():
                break
        self._expect = Expect.ANYTHING
        yield from self._refused(end - self._at)

    def _refused(self, count: int) -> Iterator[Record]:
        count = min(count, base.MAX_RECORD_BYTES)
        text = self._data[self._at : self._at + count].rstrip(WHITE)
        problem = members_of(text, self._line)
        if isinstance(problem, Problem):
            yield Record(self._line, text, problem)
        self._advance(count)

    def _fault(self, message: str, text: bytes = b"") -> Record:
        return Record(self._line, text, Problem("invalid_json", f"not valid JSON: {message}"))

    def _enter(self, inside: Inside, count: int) -> None:
        self._inside, self._entered_on, self._expect = inside, self._line, Expect.FIRST
        self._advance(count)

    def _is_short(self) -> bool:
        return len(self._data) - self._at <= base.MAX_RECORD_BYTES

    def _skip_space(self) -> None:
        found = _SPACE.match(self._data, self._at)
        self._advance(found.end() - self._at if found else 0)

    def _advance(self, count: int) -> None:
        self._line += self._data.count(b"\n", self._at, self._at + count)
        self._at += count

    def _more(self) -> bool:
        """Get the next block; the last byte before the window stays, as a look behind."""
        block = next(self._blocks, b"")
        if not block:
            return False
        kept = max(self._at - 1, 0)
        self._data = self._data[kept:] + block
        self._at -= kept
        return True

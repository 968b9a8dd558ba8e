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
from lago_cli.readers.arrays import records_hint
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
from lago_cli.readers.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.readers.base import Blocks


class Inside(Enum):
    """What the next value is part of."""

    NOTHING = "nothing"
    ARRAY = "array"
    EVENTS = "events"  # the array in `{"events": […]}`
    RECORDS = "records"  # an array of which it is known that its elements are the records


class Expect(Enum):
    """What may come next in an array."""

    FIRST = "a value or the end"
    VALUE = "a value, after a comma"
    COMMA = "a comma or the end"
    ANYTHING = "anything, after a fault"


_OBJECT = re.compile(SPACE + rb"(" + OBJECT + rb")")
_NEXT_IN_ARRAY = re.compile(SPACE + rb"," + SPACE + rb"(" + OBJECT + rb")")
_LINE = re.compile(rb"(?:" + STRING + rb'|[^"{\n]++|")++')
_WORD = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"?|[^",{}\[\]\n]++|[^\n]')
_NEXT_OBJECT = re.compile(rb"(?<=\n)\{|\}[ \t\r\n]*+\{")
_NEXT_ELEMENT = re.compile(rb"(?<=\n)\{|\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_NEXT_RECORD = re.compile(
    rb",[ \t\r\n]*+(?<=\n)\{|\}[ \t\r\n]*+,[ \t\r\n]*+\{|(?<=\n)(?P<document>\{)"
)
_PERHAPS_NEXT = re.compile(rb"[},][ \t\r\n]*+,?[ \t\r\n]*+\Z")


def read(blocks: Blocks) -> Iterator[Record]:
    """The objects of the input, each with the line on which it starts."""
    return Values(Window(blocks)).records()


class Values:
    """
    One pass over the input: a window on its bytes, and the array being read.

    `is_closed` says whether the end of the last array was found.
    """

    def __init__(self, window: Window, around: bytes | None = None) -> None:
        self.window = window
        self.is_closed = False
        self._around = around
        self._inside = Inside.NOTHING
        self._expect = Expect.FIRST
        self._is_lost = False  # the end of the array will not be found, and this has been said

    def records(self) -> Iterator[Record]:
        """All there is up to the end of the input."""
        while True:
            yield from self._plain_objects(_OBJECT)
            byte = self.window.byte()
            if not byte:
                return
            if byte == b"[":
                yield from self.array(Inside.ARRAY)
            elif byte == b"{":
                yield from self._nested()
            else:
                yield from self._no_json()

    def array(self, inside: Inside = Inside.RECORDS, opening: int = 1) -> Iterator[Record]:
        """The elements of the array that starts here; `opening` is the length of its beginning."""
        _ = self.window.byte()
        line = self.window.line
        self._inside, self._expect, self.is_closed = inside, Expect.FIRST, False
        self.window.advance(opening)
        while not (self.is_closed or self._is_lost):
            if self._expect is Expect.COMMA:
                yield from self._plain_objects(_NEXT_IN_ARRAY)
            if byte := self.window.byte():
                yield from self._element(byte)
                continue
            if not (self.window.blocks.fault or self.window.blocks.skip_partial):
                yield self._fault(f"the input ends inside the array that starts at line {line}")
            break
        self._inside = Inside.NOTHING

    def _plain_objects(self, pattern: re.Pattern[bytes]) -> Iterator[Record]:
        """The fast way, for as long as good objects that need no second look follow."""
        data, at, line = self.window.data, self.window.at, self.window.line
        around = self._around
        while found := pattern.match(data, at):
            start, end = found.span(1)
            text = data[start:end]
            members = members_of(text)
            is_plain = isinstance(members, dict) and not is_body(members)
            if not is_plain or end - start > base.MAX_RECORD_BYTES:
                break
            line += data.count(b"\n", at, start)
            yield Record(line, text, None, None, None, around)
            line += data.count(b"\n", start, end)
            at = end
        self.window.at, self.window.line = at, line

    def _element(self, byte: bytes) -> Iterator[Record]:
        """One value, comma or closing bracket inside of an array."""
        if byte == b",":
            if self._expect in (Expect.FIRST, Expect.VALUE):
                yield self._fault("a comma with no value before it")
            self.window.advance(1)
            self._expect = Expect.VALUE
        elif byte == b"]":
            if self._expect is Expect.VALUE:
                yield self._fault("a comma with no value after it")
            self.window.advance(1)
            self.is_closed = True
        else:
            if self._expect is Expect.COMMA:
                yield self._fault("a comma is missing between two values of an array")
            self._expect = Expect.COMMA
            yield from self._nested() if byte in b"{[" else self._word()

    def _body(self, opening: int) -> Iterator[Record]:
        """The events of a request body, and the end of what is around them."""
        yield from self.array(Inside.EVENTS, opening)
        if not self.is_closed:
            return
        if self.window.byte() not in (b",", b"}", b""):
            yield self._fault('a comma or brace is missing behind the array "events"')
            return
        balance = Balance(b"{")
        outcome, text = self.window.hold(balance)
        if len(text) > base.MAX_RECORD_BYTES:
            self.window.advance(len(text))
            self._leave(self.window.skip(balance, outcome))
        elif outcome is not Outcome.CLOSED:
            yield from self._unclosed(text, outcome)
        else:
            rest = members_of(b'{"":0' + text)
            if isinstance(rest, Problem) and rest.code.startswith("invalid"):
                yield self._fault('what follows the array "events" is faulty', text)
            self.window.advance(len(text))

    def _nested(self) -> Iterator[Record]:
        """An object, or an array inside of an array."""
        balance = Balance()
        outcome, text = self.window.hold(balance)
        is_whole = outcome is Outcome.CLOSED and len(text) <= base.MAX_RECORD_BYTES
        events = self._inside is Inside.NOTHING and start_of_events(text[: base.MAX_RECORD_BYTES])
        if events and not (is_whole and isinstance(members_of(text), dict)):
            yield from self._body(events)
        elif is_whole:
            wrapped = self._inside not in (Inside.EVENTS, Inside.RECORDS)
            for record in records_of(text, self.window.line, wrapped=wrapped):
                yield record._replace(around=self._around) if self._around else record
            self.window.advance(len(text))
        elif len(text) > base.MAX_RECORD_BYTES:
            hint = records_hint(text) if self._inside is Inside.NOTHING else ""
            yield base.too_large(self.window.line, text, hint)
            self.window.advance(len(text))
            self._leave(self.window.skip(balance, outcome))
        else:
            yield from self._unclosed(text, outcome)

    def _unclosed(self, text: bytes, outcome: Outcome) -> Iterator[Record]:
        line = self.window.line
        if outcome is Outcome.BROKEN:
            yield self._fault("the object is broken off, or a quote or bracket is missing", text)
        self.window.advance(1)
        self._find_next()
        if outcome is Outcome.BROKEN or self.window.blocks.fault:
            return
        if self.window.blocks.skip_partial and not self.window.byte():
            yield base.partial(line, text)
        else:
            reason = f"the input ends in the middle of an object that starts at line {line}"
            yield self._fault(reason, text)._replace(line=line)

    def _leave(self, outcome: Outcome) -> None:
        """Go on behind a value that was not held."""
        if outcome is Outcome.OPEN:
            self._is_lost = True
        elif outcome is Outcome.BROKEN:
            self._find_next()

    def _find_next(self) -> None:
        """Go to where the next object seems to start, or to the end of the input."""
        window = self.window
        patterns = {Inside.NOTHING: _NEXT_OBJECT, Inside.RECORDS: _NEXT_RECORD}
        pattern = patterns.get(self._inside, _NEXT_ELEMENT)
        self._expect = Expect.ANYTHING
        while True:
            if found := pattern.search(window.data, window.at):
                window.advance(found.end() - 1 - window.at)
                self._is_lost = found.lastgroup == "document"
                return
            tail = _PERHAPS_NEXT.search(window.data, window.at)
            window.advance((tail.start() if tail else len(window.data)) - window.at)
            if not window.more():
                window.advance(len(window.data) - window.at)
                self._is_lost = True
                return

    def _no_json(self) -> Iterator[Record]:
        """Up to the end of the line, or to an object on it."""
        window = self.window
        while window.data.find(b"\n", window.at) < 0 and window.is_short() and window.more():
            pass
        found = _LINE.match(window.data, window.at)
        yield from self._refused(found.end() - window.at if found else 1)

    def _word(self) -> Iterator[Record]:
        """A value in an array that is neither object nor array."""
        window = self.window
        while True:
            found = _WORD.match(window.data, window.at)
            end = found.end() if found else window.at + 1
            if end < len(window.data) - 1 or not window.is_short() or not window.more():
                break
        self._expect = Expect.ANYTHING
        yield from self._refused(end - window.at)

    def _refused(self, count: int) -> Iterator[Record]:
        window = self.window
        count = min(count, base.MAX_RECORD_BYTES)
        text = window.data[window.at : window.at + count].rstrip(WHITE)
        problem = members_of(text, window.line)
        if isinstance(problem, Problem):
            yield Record(window.line, text, problem)
        window.advance(count)

    def _fault(self, message: str, text: bytes = b"") -> Record:
        return Record(self.window.line, text, Problem("invalid_json", f"not valid JSON: {message}"))

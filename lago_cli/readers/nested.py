"""
`--records PATH`: the records are the objects in arrays at a path of each document.

A document is an object, alone, in an array, or one of many. Arrays on the way are spread;
where the path ends at an object, this is a record, and at an array each of its elements.
`*` is every member of an object. In an array it is every element, and where the path does
not go on from those, every member of each of them; at the end of the path it is the
elements, but of an element that has nothing but objects, these. So for `{"data":[{"web-1":
{…},"web-2":{…}}]}` and for `{"data":{"a":{…},"b":{…}}}` the records are at `data.*`.

A document of up to `MAX_RECORD_BYTES` is held, so that what stands around a record is known
whole. Of a longer one, or one that has no end, what has been read before a record is known.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from lago_cli.domain.paths import chosen_elements
from lago_cli.readers import base
from lago_cli.readers.arrays import arrays_of_objects
from lago_cli.readers.base import Blocks, Problem, Record
from lago_cli.readers.json_values import Inside, Values
from lago_cli.readers.objects import is_valid, members_of
from lago_cli.readers.structure import WHITE, Balance, Outcome
from lago_cli.readers.walk import KEY, LED, MAX_LEVELS, NOTHING_AROUND, SCALAR, RecordPath, Walk
from lago_cli.readers.window import Window

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from lago_cli.readers.objects import Members
    from lago_cli.readers.walk import Around, Led

_HEAD_BYTES = 64 * 1024
_TEXT = msgspec.json.Decoder(str)


def read(blocks: Blocks, path: str) -> Iterator[Record]:
    """The records of JSON documents, each with the line on which it starts."""
    return _Documents(Window(blocks), RecordPath(path)).records()


def within(records: Iterable[Record], path: str) -> Iterator[Record]:
    """The records in records, as in CSV with JSON in a column."""
    parsed = RecordPath(path)
    for record in records:
        if record.problem:
            yield record
            continue
        walk = Walk(parsed, on_one_line=True)
        found = walk.value(0, record.raw, record.line, NOTHING_AROUND, 0)
        is_nowhere = yield from _found(found)
        if is_nowhere:
            yield _no_records(record.line, record.raw, path)


def _found(found: Iterator[Led]) -> Generator[Record, None, bool]:
    """The records in a document; returns whether the path leads nowhere in it."""
    is_nowhere = True
    for record in found:
        is_nowhere = False
        if record is not LED:
            yield record
    return is_nowhere


def _no_records(line: int, text: bytes, path: str) -> Record:
    paths = ", ".join(arrays_of_objects(text))
    known = f"; it has arrays of objects at: {paths}" if paths else ""
    message = f"--records {path} leads to no records in this object{known}"
    return Record(line, text, Problem("no_records", message))


class _Lost(Exception):  # noqa: N818 - it is a state of the input, not a fault of ours
    """
    The way through a document has been lost, and this has been reported.

    With `is_found`, the window is where the next object seems to start.
    """

    def __init__(self, *, is_found: bool = False) -> None:
        super().__init__()
        self.is_found = is_found


class _Documents(Values):
    """Documents, as values of which each holds records."""

    def __init__(self, window: Window, path: RecordPath, *, is_held: bool = False) -> None:
        super().__init__(window)
        self._path = path
        self._is_held = is_held  # all of it is in the window, and has been found faulty
        self._shown = b""  # the document, or the beginning of a long one

    def _plain_objects(self, _pattern: re.Pattern[bytes]) -> Iterator[Record]:
        return iter(())

    def _nested(self) -> Iterator[Record]:
        """One document, or an array inside of an array."""
        line = self.window.line
        found = self._value(0, self._inside is Inside.ARRAY, NOTHING_AROUND, 0)
        try:
            if (yield from _found(found)):
                yield _no_records(line, self._shown, self._path.text)
        except _Lost as lost:
            if not lost.is_found:
                self._find_next()

    def _value(self, at: int, is_element: bool, around: Around, level: int) -> Iterator[Led]:
        """
        What the steps from `at` on find in the value that starts here, of any length.

        It may be the element of an array; else it is that of a member.
        """
        window = self.window
        byte = window.byte()
        ends_here = at == self._path.length
        if byte == b"[" and ends_here:
            yield from self._records(around)
            return
        if byte not in (b"{", b"["):
            text = yield from self._scalar()
            is_whole = True
        else:
            outcome, text = window.hold(Balance())
            is_whole = outcome is Outcome.CLOSED and len(text) <= base.MAX_RECORD_BYTES
        if level == 0:
            self._shown = text if is_whole else text[: min(_HEAD_BYTES, base.MAX_RECORD_BYTES)]
        if is_whole and (ends_here or is_valid(text)):
            by_star = is_element and self._path.steps[at].every
            walk = Walk(self._path)
            find = walk.element if by_star else walk.value
            yield from find(at, text, window.line, around, level)
            window.advance(len(text))
        elif is_whole and not self._is_held:
            held = _Documents(Window(Blocks([text]), window.line), self._path, is_held=True)
            with suppress(_Lost):
                yield from held._value(at, is_element, around, level)
            window.advance(len(text))
        elif level > MAX_LEVELS:
            yield self._fault("the path leads through too many levels")
            raise _Lost
        elif byte == b"[":
            yield from self._elements(at + is_element, around, level)
        elif byte == b"{" and ends_here:
            yield from self._not_whole()
        elif byte == b"{":
            yield from self._object(self._starts(at, is_element), around, level)
        else:
            window.advance(len(text))

    def _starts(self, at: int, is_element: bool) -> tuple[int, ...]:
        """The steps that may come next in an object that is no record itself."""
        by_star = is_element and self._path.steps[at].every and at + 1 < self._path.length
        return (at + 1, at) if by_star else (at,)

    def _records(self, around: Around) -> Iterator[Led]:
        """The array at which the path ends."""
        yield LED
        values = Values(self.window, around.text)
        yield from values.array()
        if not values.is_closed:
            raise _Lost(is_found=True)

    def _not_whole(self) -> Iterator[Record]:
        """An object that should be a record, but is too large or has no end."""
        balance = Balance()
        outcome, text = self.window.hold(balance)
        if len(text) <= base.MAX_RECORD_BYTES:
            yield from self._unclosed(text, outcome)
            raise _Lost(is_found=True)
        yield base.too_large(self.window.line, text)
        self.window.advance(len(text))
        if self.window.skip(balance, outcome) is not Outcome.CLOSED:
            raise _Lost

    def _object(self, starts: tuple[int, ...], around: Around, level: int) -> Iterator[Led]:
        """An object too large or faulty to decode; a held one is scanned for `beside` first."""
        window = self.window
        window.advance(1)
        beside: Members = {}
        if self._is_held:
            place = window.at, window.line
            with suppress(_Lost):
                for _ in self._members(starts, beside, None, level):
                    pass  # faults are reported by the second scan
            window.at, window.line = place
        yield from self._members(starts, beside, around, level)

    def _members(
        self, starts: tuple[int, ...], beside: Members, around: Around | None, level: int
    ) -> Iterator[Led]:
        """The members of an object as they come; without `around`, only those beside the path."""
        window = self.window
        inner: Around | None = None
        size = 0
        while True:
            _ = window.byte()
            found = window.match(KEY)
            if not found:
                yield from self._broken(is_end=self._ends_in_text())
                return
            key = found[1]
            window.advance(found.end() - window.at)
            step = self._step(starts, key, window.byte())
            if around and step is not None:
                inner = inner or around.within(beside)
                yield from self._value(step, False, inner, level + 1)
            else:
                value = (yield from self._passed()) or b""
                size += len(key) + len(value)
                members = members_of(b"{" + key + b":" + value + b"}") if value else {}
                if isinstance(members, Problem):
                    yield Record(window.line, key + b":" + value, members)
                elif step is None and size <= base.MAX_RECORD_BYTES:
                    inner = inner if members.items() <= beside.items() else None
                    beside |= members
            if (yield from self._ends_with(b"}")):
                return

    def _step(self, starts: tuple[int, ...], key: bytes, byte: bytes) -> int | None:
        """Where a member leads to, if to anything."""
        try:
            name = _TEXT.decode(key)
        except (msgspec.DecodeError, UnicodeError):
            return None
        for at in starts:
            if name in self._path.keys[at]:
                return self._path.keys[at][name]
        for at in starts:
            if self._path.steps[at].every and byte in (b"{", b"["):
                return at + 1
        return None

    def _elements(self, at: int, around: Around, level: int) -> Iterator[Led]:
        """The elements of an array that is not whole, as they come."""
        if at == self._path.length:
            yield from self._records(around)
            return
        step = self._path.steps[at]
        self.window.advance(1)
        if self.window.byte() == b"]":
            self.window.advance(1)
            yield LED
            return
        place, is_over = 0, False
        while not is_over:
            if step.key is not None:
                line = self.window.line
                text = yield from self._passed()
                if text and is_valid(text) and chosen_elements(step, [msgspec.Raw(text)]):
                    yield from Walk(self._path).value(at + 1, text, line, around, level + 1)
                    step = step._replace(key=None, place=-1)
            elif step.place is None:
                yield from self._value(at, True, around, level + 1)
            elif place == step.place:
                yield from self._value(at + 1, False, around, level + 1)
            else:
                yield from self._passed()
            place += 1
            is_over = yield from self._ends_with(b"]")

    def _passed(self) -> Generator[Led, None, bytes | None]:
        """Go behind a value; returns its text if that is not too large."""
        window = self.window
        if window.byte() not in (b"{", b"["):
            text = yield from self._scalar()
            window.advance(len(text))
            return text
        balance = Balance()
        outcome, text = window.hold(balance)
        if outcome is not Outcome.CLOSED and len(text) <= base.MAX_RECORD_BYTES:
            yield from self._broken(is_end=outcome is Outcome.OPEN)
        window.advance(len(text))
        outcome = window.skip(balance, outcome)
        if outcome is not Outcome.CLOSED:
            yield from self._broken(is_end=outcome is Outcome.OPEN)
        return text if len(text) <= base.MAX_RECORD_BYTES else None

    def _scalar(self) -> Generator[Led, None, bytes]:
        """The text of a value without brackets."""
        found = self.window.match(SCALAR)
        text = found[0].rstrip(WHITE) if found else b""
        if not text or len(text) > base.MAX_RECORD_BYTES:
            yield from self._broken(is_end=self._ends_in_text())
        return text

    def _ends_with(self, closer: bytes) -> Generator[Led, None, bool]:
        """Go behind the comma or bracket that follows; whether it was the bracket."""
        byte = self.window.byte()
        if byte not in (b",", closer):
            yield from self._broken(is_end=not byte)
        self.window.advance(1)
        return byte == closer

    def _ends_in_text(self) -> bool:
        """Whether the input ends where a text has begun."""
        window = self.window
        return window.is_short() and b"\n" not in window.data[window.at :]

    def _broken(self, *, is_end: bool) -> Iterator[Record]:
        """Say that the document cannot be followed from here on."""
        blocks = self.window.blocks
        if is_end and blocks.skip_partial:
            yield base.partial(self.window.line, b"")
        elif not (is_end and blocks.fault):
            reason = "the input ends in the middle of a document"
            yield self._fault(reason if is_end else "the document is broken off here")
        raise _Lost

"""
The records that a path finds in one JSON text that is held whole.

Every method yields `LED` where the path came to its end, or to an empty array, without a
record: where nothing at all is yielded, the path leads nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lago_cli.readers.base import Blocks, Problem, Record
from lago_cli.readers.json_values import Values
from lago_cli.readers.members import LOST, elements, members
from lago_cli.readers.objects import members_of
from lago_cli.readers.record_paths import RecordPath, is_chosen, token_of
from lago_cli.readers.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lago_cli.readers.objects import Members

LED = None
Led: TypeAlias = "Record | None"

MAX_LEVELS = 40  # of what a path leads through
_TOO_DEEP = Problem("nested_too_deeply", f"the path leads through more than {MAX_LEVELS} levels")
_AROUND = Problem("invalid_json", "not valid JSON: what stands around the records is faulty")
_NOTHING = Record(0, b"")
_TEXT = msgspec.json.Decoder(str)
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)


class Around:
    """The members of the objects around a record, the inner ones first of all."""

    __slots__ = ("_members", "_text")

    def __init__(self, members: Members) -> None:
        self._members = members
        self._text: bytes | None = None

    def within(self, members: Members) -> Around:
        return Around({**self._members, **members}) if members else self

    @property
    def text(self) -> bytes | None:
        """As one object, the same bytes for all who ask; None where there is nothing."""
        if self._text is None and self._members:
            self._text = msgspec.json.encode(self._members)
        return self._text


NOTHING_AROUND = Around({})


def first_that_leads(candidates: Iterable[Iterator[Led]]) -> Iterator[Led]:
    """All of the first of them that yields anything."""
    for candidate in candidates:
        first = next(candidate, _NOTHING)
        if first is not _NOTHING:
            yield first
            yield from candidate
            return


class Walk:
    """A walk through a text that starts at `line`; if `on_one_line`, all of it is there."""

    def __init__(self, path: RecordPath, text: bytes, line: int, *, on_one_line: bool) -> None:
        self._path = path
        self._text = text
        self._line, self._counted = line, 0
        self._on_one_line = on_one_line or b"\n" not in text

    def value(self, at: int, start: int, end: int, around: Around, level: int) -> Iterator[Led]:
        """What the steps from `at` on find in the value from `start` to `end`."""
        text, is_last = self._text, at == self._path.length
        byte = text[start : start + 1]
        if level > MAX_LEVELS:
            yield self._problem(start, end, _TOO_DEEP)
        elif byte == b"{":
            if is_last:
                yield self._record(start, end, around)
            else:
                yield from self.object(at, start, end, around, level)
        elif byte == b"[":
            found = (
                self._records(start, end, around)
                if is_last
                else self._array(at, start, end, around, level)
            )
            yield from found
        elif byte == b'"' and (inner := inner_json(text[start:end])) is not None:
            walk = Walk(self._path, inner, self._line_at(start), on_one_line=True)
            yield from walk.value(at, 0, len(inner), around, level + 1)
        elif text[start:end] == b"null":
            yield LED  # what is empty is `null` to some writers
        elif is_last:
            yield self._record(start, end, around)

    def element(self, at: int, start: int, end: int, around: Around, level: int) -> Iterator[Led]:
        """
        What a `*` at step `at` finds in an element of an array.

        It stands for the elements, and where that leads nowhere, for the members of each of
        them. As the last step it stands for the members of an element that has only objects.
        """
        if self._text[start : start + 1] != b"{":
            yield from self.value(at + 1, start, end, around, level)
            return
        ways = [
            self.value(at + 1, start, end, around, level),
            self.object(at, start, end, around, level),
        ]
        if at + 1 == self._path.length:
            yield from ways[self._has_only_objects(start)]
        else:
            yield from first_that_leads(ways)

    def object(self, at: int, start: int, end: int, around: Around, level: int) -> Iterator[Led]:
        """What the steps from `at` on find in an object."""
        text, keys, every = self._text, self._path.keys[at], self._path.steps[at].every
        ahead: dict[int, tuple[int, int]] = {}
        beside: list[bytes] = []
        is_empty = True
        for key, key_start, value_start, value_end in members(text, start):
            is_empty = False
            if value_end == LOST:
                yield self._problem(start, end, self._fault_in(start, end))
            elif (step := keys.get(token_of(key))) is not None:
                ahead[step] = value_start, value_end
            elif not every or not self._leads(at + 1, value_start, value_end, level):
                beside.append(text[key_start:value_end])
        if is_empty and every:
            yield LED
        if beside and (ahead or every):
            found = members_of(b"{" + b",".join(beside) + b"}")
            if isinstance(found, Problem):
                yield self._problem(start, end, self._fault_in(start, end))
            else:
                around = around.within(found)
        ways = [self.value(step, *ahead[step], around, level + 1) for step in sorted(ahead)[::-1]]
        if every:
            ways.append(self._members(at, start, around, level))
        yield from first_that_leads(ways)

    def _members(self, at: int, start: int, around: Around, level: int) -> Iterator[Led]:
        """Each member that a `*` leads into."""
        for _, _, value_start, value_end in members(self._text, start):
            if value_end != LOST and self._is_container(value_start, value_end):
                yield from self.value(at + 1, value_start, value_end, around, level + 1)

    def _array(self, at: int, start: int, end: int, around: Around, level: int) -> Iterator[Led]:
        step = self._path.steps[at]
        is_empty = True
        for place, (first, last) in enumerate(elements(self._text, start)):
            is_empty = False
            if last == LOST:
                yield self._problem(start, end, self._fault_in(start, end))
            elif step.every:
                yield from self.element(at, first, last, around, level + 1)
            elif step.place is not None or step.key is not None:
                if place == step.place or (step.key and is_chosen(step, self._text, first)):
                    yield from self.value(at + 1, first, last, around, level + 1)
                    return
            else:
                yield from self.value(at, first, last, around, level + 1)
        if is_empty:
            yield LED

    def _records(self, start: int, end: int, around: Around) -> Iterator[Led]:
        """The elements of an array at which the path ends."""
        yield LED
        line = self._line_at(start)
        window = Window(Blocks([self._text[start:end]]), line)
        for record in Values(window, around.text).array():
            yield record._replace(line=line) if self._on_one_line else record

    def _leads(self, at: int, start: int, end: int, level: int) -> bool:
        """Whether a member that a `*` stands for has to do with records."""
        if not self._is_container(start, end) or at == self._path.length:
            return self._is_container(start, end)
        found = self.value(at, start, end, NOTHING_AROUND, level + 1)
        return any(record is not LED for record in found)

    def _is_container(self, start: int, end: int) -> bool:
        byte = self._text[start : start + 1]
        return byte in (b"{", b"[") or (
            byte == b'"' and inner_json(self._text[start:end]) is not None
        )

    def _has_only_objects(self, start: int) -> bool:
        values = (self._text[at : at + 4] for _, _, at, _ in members(self._text, start))
        return all(value.startswith(b"{") or value == b"null" for value in values)

    def _record(self, start: int, end: int, around: Around) -> Record:
        raw, line = self._text[start:end], self._line_at(start)
        found = members_of(raw, line)
        if isinstance(found, Problem):
            return Record(line, raw, found)
        return Record(line, raw, around=around.text)

    def _problem(self, start: int, end: int, problem: Problem) -> Record:
        return Record(self._line_at(start), self._text[start:end], problem)

    def _fault_in(self, start: int, end: int) -> Problem:
        found = members_of(self._text[start:end], self._line_at(start))
        return found if isinstance(found, Problem) else _AROUND

    def _line_at(self, place: int) -> int:
        if not self._on_one_line:
            first, last = sorted((self._counted, place))
            lines = self._text.count(b"\n", first, last)
            self._line += lines if place > self._counted else -lines
            self._counted = place
        return self._line


def inner_json(token: bytes) -> bytes | None:
    """The object or array that a text holds as JSON; None where it holds none."""
    if b"{" not in token and b"[" not in token:
        return None
    try:
        text = _TEXT.decode(token).strip().encode()
        if text[:1] not in (b"{", b"["):
            return None
        _ = _ANYTHING.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return text

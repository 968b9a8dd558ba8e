"""
The records that a path finds in valid JSON that is held whole.

Every method yields `LED` where the path came to its end, or to an empty array, without a
record: where nothing at all is yielded, the path leads nowhere.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lago_cli.domain.json_text import kind_of
from lago_cli.domain.paths import chosen_elements, elements_in, inner_json, members_in, parse_path
from lago_cli.readers import base
from lago_cli.readers.base import Blocks, Problem, Record
from lago_cli.readers.json_values import Values
from lago_cli.readers.objects import TOO_MANY_KEYS, members_of, placed
from lago_cli.readers.structure import SPACE, STRING, WHITE, Balance
from lago_cli.readers.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lago_cli.readers.objects import Members

LED = None
Led: TypeAlias = "Record | None"

MAX_LEVELS = 40  # of what a path leads through
_FEW_BYTES = 1024 * 1024  # small enough to decode all members or elements at once
_TOO_DEEP = Problem("nested_too_deeply", f"the path leads through more than {MAX_LEVELS} levels")
_NOTHING = Record(0, b"")
_TEXT = msgspec.json.Decoder(str)

KEY = re.compile(rb"(" + STRING + rb")" + SPACE + rb":" + SPACE)
SCALAR = re.compile(STRING + rb'|[^"{}\[\],]++')


class RecordPath:
    """A path to records, read once for many documents."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = parse_path(text).steps
        self.length = len(self.steps)

    @cached_property
    def keys(self) -> list[dict[str, int]]:
        """By step: the keys that lead on, and to which step; the longest first."""
        starts = [step.start for step in self.steps]
        ends = [step.end for step in self.steps]
        return [
            {self.text[start : ends[to - 1]]: to for to in range(self.length, at, -1)}
            for at, start in enumerate(starts)
        ]


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
        """As one JSON object, encoded once; None if there are no members."""
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
    """A walk through values, each given as its text and the line on which it starts."""

    def __init__(self, path: RecordPath, *, on_one_line: bool = False) -> None:
        self._path = path
        self._on_one_line = on_one_line

    def value(self, at: int, text: bytes, line: int, around: Around, level: int) -> Iterator[Led]:
        """What the steps from `at` on find in a value."""
        kind, is_last = kind_of(msgspec.Raw(text)), at == self._path.length
        if level > MAX_LEVELS:
            yield Record(line, text, _TOO_DEEP)
        elif kind == "array":
            yield from (
                self._records(text, line, around)
                if is_last
                else self._array(at, text, line, around, level)
            )
        elif kind == "object" and not is_last:
            yield from self.object(at, text, line, around, level)
        elif kind == "text" and (inner := inner_json(msgspec.Raw(text))) is not None:
            walk = Walk(self._path, on_one_line=True)
            yield from walk.value(at, bytes(inner), line, around, level + 1)
        elif kind == "null":
            yield LED  # what is empty is `null` to some writers
        elif is_last:
            yield _record(text, line, around)

    def element(self, at: int, text: bytes, line: int, around: Around, level: int) -> Iterator[Led]:
        """
        What a `*` at step `at` finds in an element of an array.

        It stands for the elements, and where that leads nowhere, for the members of each of
        them. As the last step it stands for the members of an element that has only objects.
        """
        ways = [self.value(at + 1, text, line, around, level)]
        if text.startswith(b"{"):
            ways.append(self.object(at, text, line, around, level))
            if at + 1 == self._path.length:
                kinds = {kind_of(token) for token in members_in(msgspec.Raw(text)).values()}
                ways = [ways[kinds <= {"object", "null"}]]
        yield from first_that_leads(ways)

    def object(self, at: int, text: bytes, line: int, around: Around, level: int) -> Iterator[Led]:
        """What the steps from `at` on find in an object."""
        keys, every = self._path.keys[at], self._path.steps[at].every
        ahead: dict[int, tuple[bytes, int]] = {}
        beside: dict[str, msgspec.Raw] = {}
        is_empty = True
        for key, value, on_line in self._parts(text, line):
            is_empty = False
            if key in keys:
                ahead[keys[key]] = value, on_line
            elif len(beside) <= base.MAX_KEYS and not (every and self._leads(at + 1, value, level)):
                beside[key] = msgspec.Raw(value)
        if every and is_empty:
            yield LED
        if len(beside) > base.MAX_KEYS:
            yield Record(line, text[: base.KEPT_BYTES], TOO_MANY_KEYS)
        elif ahead or every:
            around = around.within(beside)
        ways = [self.value(step, *ahead[step], around, level + 1) for step in sorted(ahead)[::-1]]
        if every:
            ways.append(self._members(at, text, line, around, level))
        yield from first_that_leads(ways)

    def _members(
        self, at: int, text: bytes, line: int, around: Around, level: int
    ) -> Iterator[Led]:
        """Each member that a `*` leads into."""
        for key, value, on_line in self._parts(text, line):
            if key not in self._path.keys[at] and _is_container(value):
                yield from self.value(at + 1, value, on_line, around, level + 1)

    def _array(self, at: int, text: bytes, line: int, around: Around, level: int) -> Iterator[Led]:
        step = self._path.steps[at]
        is_empty = True
        for place, (_, value, on_line) in enumerate(self._parts(text, line)):
            is_empty = False
            if step.every:
                yield from self.element(at, value, on_line, around, level + 1)
            elif step.place is None and step.key is None:
                yield from self.value(at, value, on_line, around, level + 1)
            elif place == step.place or (step.key and chosen_elements(step, [msgspec.Raw(value)])):
                yield from self.value(at + 1, value, on_line, around, level + 1)
                return
        if is_empty:
            yield LED

    def _records(self, text: bytes, line: int, around: Around) -> Iterator[Led]:
        """The elements of an array at which the path ends."""
        yield LED
        if len(text) < _FEW_BYTES:
            for _, raw, on_line in self._parts(text, line):
                yield _record(raw, on_line, around)
            return
        for record in Values(Window(Blocks([text]), line), around.text).array():
            yield record._replace(line=line) if self._on_one_line else record

    def _leads(self, at: int, value: bytes, level: int) -> bool:
        """Whether a member that a `*` stands for has to do with records."""
        if not _is_container(value) or at == self._path.length:
            return _is_container(value)
        found = self.value(at, value, 0, NOTHING_AROUND, level + 1)
        return any(record is not LED for record in found)

    def _parts(self, text: bytes, line: int) -> Iterator[tuple[str, bytes, int]]:
        """The members or elements of a value, each with its key, if any, and its line."""
        if len(text) >= _FEW_BYTES:
            parts = _parts_of_long(text, line)
        elif text.startswith(b"{"):
            members = members_in(msgspec.Raw(text))
            lines = placed(text, members.values(), line)
            parts = ((key, *each) for key, each in zip(members, lines, strict=True))
        else:
            parts = (("", *each) for each in placed(text, elements_in(msgspec.Raw(text)), line))
        if self._on_one_line:
            parts = ((key, value, line) for key, value, _ in parts)
        return parts


def _parts_of_long(text: bytes, line: int) -> Iterator[tuple[str, bytes, int]]:
    """The same, one at a time: a list of millions of them would not fit in memory."""
    window = Window(Blocks([text]), line)
    byte, key = window.byte(), ""
    is_object = byte == b"{"
    while byte not in (b"]", b"}"):
        window.advance(1)  # the opening bracket or a comma
        byte = window.byte()
        if byte in (b"]", b"}"):
            return
        if is_object and (found := window.match(KEY)):
            key = _TEXT.decode(found[1])
            window.advance(found.end() - window.at)
            byte = window.byte()
        if byte in (b"{", b"["):
            _, value = window.hold(Balance())
        else:
            scalar = window.match(SCALAR)
            value = scalar[0].rstrip(WHITE) if scalar else b""
        yield key, value, window.line
        window.advance(len(value))
        byte = window.byte()


def _record(text: bytes, line: int, around: Around) -> Record:
    found = members_of(text, line)
    if isinstance(found, Problem):
        return Record(line, text, found)
    return Record(line, text, around=around.text)


def _is_container(value: bytes) -> bool:
    kind = kind_of(msgspec.Raw(value))
    return kind in ("object", "array") or (
        kind == "text" and inner_json(msgspec.Raw(value)) is not None
    )

"""
The records that a path finds in valid JSON that is held whole.

Every method yields `LED` where the path came to its end, or to an empty array, without a
record: where nothing at all is yielded, the path leads nowhere.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lago_cli.domain.json_text import kind_of
from lago_cli.domain.paths import chosen_elements, elements_in, inner_json, members_in, parse_path
from lago_cli.readers.base import Blocks, Problem, Record
from lago_cli.readers.json_values import Values
from lago_cli.readers.objects import members_of, placed
from lago_cli.readers.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lago_cli.readers.objects import Members

LED = None
Led: TypeAlias = "Record | None"

MAX_LEVELS = 40  # of what a path leads through
_FEW_BYTES = 1024 * 1024  # so few that their elements can be held at once
_TOO_DEEP = Problem("nested_too_deeply", f"the path leads through more than {MAX_LEVELS} levels")
_NOTHING = Record(0, b"")


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
        others: list[tuple[bytes, int]] = []
        beside: dict[str, msgspec.Raw] = {}
        members = members_in(msgspec.Raw(text))
        lines = self._placed(text, members.values(), line)
        for (key, token), (value, on_line) in zip(members.items(), lines, strict=True):
            if key in keys:
                ahead[keys[key]] = value, on_line
                continue
            if every and _is_container(token):
                others.append((value, on_line))
            if not every or not self._leads(at + 1, token, level):
                beside[key] = token
        if every and not members:
            yield LED
        if ahead or every:
            around = around.within(beside)
        ways = [self.value(step, *ahead[step], around, level + 1) for step in sorted(ahead)[::-1]]
        ways.append(
            found for each in others for found in self.value(at + 1, *each, around, level + 1)
        )
        yield from first_that_leads(ways)

    def _array(self, at: int, text: bytes, line: int, around: Around, level: int) -> Iterator[Led]:
        step = self._path.steps[at]
        elements = elements_in(msgspec.Raw(text))
        if not elements:
            yield LED
        is_choice = step.place is not None or step.key is not None
        chosen = {place for place, _ in chosen_elements(step, elements)} if is_choice else ()
        for place, each in enumerate(self._placed(text, elements, line)):
            if step.every:
                yield from self.element(at, *each, around, level + 1)
            elif not is_choice:
                yield from self.value(at, *each, around, level + 1)
            elif place in chosen:
                yield from self.value(at + 1, *each, around, level + 1)

    def _records(self, text: bytes, line: int, around: Around) -> Iterator[Led]:
        """The elements of an array at which the path ends."""
        yield LED
        if len(text) < _FEW_BYTES:
            for raw, on_line in self._placed(text, elements_in(msgspec.Raw(text)), line):
                yield _record(raw, on_line, around)
            return
        for record in Values(Window(Blocks([text]), line), around.text).array():
            yield record._replace(line=line) if self._on_one_line else record

    def _leads(self, at: int, token: msgspec.Raw, level: int) -> bool:
        """Whether a member that a `*` stands for has to do with records."""
        if not _is_container(token) or at == self._path.length:
            return _is_container(token)
        found = self.value(at, bytes(token), 0, NOTHING_AROUND, level + 1)
        return any(record is not LED for record in found)

    def _placed(
        self, text: bytes, tokens: Iterable[msgspec.Raw], line: int
    ) -> Iterator[tuple[bytes, int]]:
        if self._on_one_line:
            return ((bytes(token), line) for token in tokens)
        return placed(text, tokens, line)


def _record(text: bytes, line: int, around: Around) -> Record:
    found = members_of(text, line)
    if isinstance(found, Problem):
        return Record(line, text, found)
    return Record(line, text, around=around.text)


def _is_container(token: msgspec.Raw) -> bool:
    kind = kind_of(token)
    return kind in ("object", "array") or (kind == "text" and inner_json(token) is not None)

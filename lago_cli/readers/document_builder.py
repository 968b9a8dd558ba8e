"""
Nested plain data, put together piece by piece, whatever language it is written in.

Nothing here recurses, and what a hostile document can ask for is bounded: its levels,
and the number of its values with every alias written out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lago_cli.errors import refused
from lago_cli.readers import base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lago_cli.errors import LagoError

MAX_VALUES = 1_000_000
"""More values are refused: a few lines of aliases can stand for thousands of millions."""

PLACED_LEVELS = 16
"""Below this level no lines are kept: they would take more memory than the values."""

SHOWN_CHARACTERS = 60

_WORD = re.compile(r"[^\W\d][\w-]*")


class Number(str):
    """A number as it was written: every digit stays."""

    __slots__ = ()


Value: TypeAlias = "bool | str | Number | list[Value] | dict[str, Value] | None"
Path: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True)
class Document:
    """
    One document: plain data, and where in the file each part of it stands.

    What an alias repeats is the same object in every place.
    """

    value: Value
    lines: Mapping[Path, int]  # the 1-based line of each key and item, of the first levels

    def place(self, file: str, path: Path) -> str:
        """`plans.yml:12: billable_metrics[2].code`; the line is that of the nearest known part."""
        ways = (path[:count] for count in range(len(path), -1, -1))
        line = next((f":{self.lines[way]}" for way in ways if way in self.lines), "")
        steps = "".join(map(_step, path)).removeprefix(".")
        return f"{file}{line}: {steps}" if steps else f"{file}{line}"


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _WORD.fullmatch(step) else f"[{shown(step)}]"


def shown(text: str) -> str:
    """A text in quotes, cut to what fits into a message."""
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
    return json.dumps(cut, ensure_ascii=False)


class Place(NamedTuple):
    line: int  # both 1-based
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(slots=True, eq=False)
class Part:
    """A value with what has to be known of it to repeat it somewhere else."""

    value: Value
    text: str | None = None  # of a scalar, as it was written: what it is called as a key
    values: int = 1  # how many values it is made of
    levels: int = 0  # of lists and mappings in it, itself included
    is_open: bool = False  # its end is still to come


@dataclass(slots=True, eq=False)
class _Level:
    """A list or mapping that is open."""

    part: Part
    path: Path
    key: str | None = None  # of a mapping: whose value is to come
    is_merging: bool = False  # the value to come is merged into the mapping
    merged: list[tuple[Place, Part]] = field(default_factory=list)

    def put(self, part: Part) -> Path:
        """Put a value into it; returns the path of the value."""
        container = self.part.value
        if isinstance(container, list):
            container.append(part.value)
            return (*self.path, len(container) - 1)
        key, self.key = self.key or "", None
        if isinstance(container, dict) and not self.is_merging:
            container[key] = part.value
        self.is_merging = False
        return (*self.path, key)

    def absorb(self, part: Part) -> None:
        self.part.values += part.values
        self.part.levels = max(self.part.levels, part.levels + 1)


class Builder:
    """
    Takes the pieces of documents in their order; finished ones are in `documents`.

    Raises `duplicate_key`, `invalid_key`, `invalid_merge`, `nested_too_deeply` and
    `too_many_values`.
    """

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self._levels: list[_Level] = []
        self._lines: dict[Path, int] = {}
        self._values = 0

    @property
    def awaits_key(self) -> bool:
        level = self._levels[-1] if self._levels else None
        return level is not None and isinstance(level.part.value, dict) and level.key is None

    def add(self, part: Part, place: Place) -> Part:
        """Add a finished value, or where one is awaited, a key."""
        if self.awaits_key:
            self._add_key(part, place)
            return part
        self._put(part, place)
        if self._levels:
            self._levels[-1].absorb(part)
        else:
            self._finish(part)
        return part

    def begin(self, value: Value, place: Place) -> Part:
        """Open a list or mapping, which has to be empty."""
        part = Part(value, levels=1, is_open=True)
        if self.awaits_key:
            self._add_key(part, place)
        path = self._put(part, place)
        self._levels.append(_Level(part, path))
        return part

    def begin_merge(self, place: Place) -> None:
        """Take the next value as one whose keys the open mapping has by default."""
        level = self._levels[-1]
        if level.merged:
            raise _twice("<<", place, level.merged[0][0].line)
        level.key, level.is_merging = "<<", True

    def end(self) -> None:
        """Close the list or mapping that was opened last."""
        level = self._levels.pop()
        for place, source in level.merged:
            self._merge(level, source, place)
        level.part.is_open = False
        if self._levels:
            self._levels[-1].absorb(level.part)
        else:
            self._finish(level.part)

    def _put(self, part: Part, place: Place) -> Path:
        self._values += part.values
        if self._values > MAX_VALUES:
            message = f"the file holds more than {MAX_VALUES:,} values ({place})"
            raise refused("too_many_values", message, "Split it into several files.")
        if len(self._levels) + part.levels > base.MAX_DEPTH:
            message = f"lists and mappings are nested more than {base.MAX_DEPTH} levels deep"
            raise refused("nested_too_deeply", f"{message} ({place})")
        if not self._levels:
            self._lines[()] = place.line
            return ()
        level = self._levels[-1]
        if level.is_merging:
            level.merged.append((place, part))
        path = level.put(part)
        self._note(path, place)
        return path

    def _add_key(self, part: Part, place: Place) -> None:
        level = self._levels[-1]
        if part.text is None:
            raise refused("invalid_key", f"a list or mapping cannot be a key ({place})")
        path = (*level.path, part.text)
        if isinstance(level.part.value, dict) and part.text in level.part.value:
            raise _twice(part.text, place, self._lines.get(path))
        level.key = part.text
        self._note(path, place)

    def _note(self, path: Path, place: Place) -> None:
        """Keep the line, unless that of the key is known."""
        if len(path) <= PLACED_LEVELS:
            self._lines.setdefault(path, place.line)

    def _merge(self, level: _Level, source: Part, place: Place) -> None:
        target = level.part.value
        given = source.value if isinstance(source.value, list) else [source.value]
        for mapping in given:
            if not isinstance(target, dict) or not isinstance(mapping, dict):
                raise refused("invalid_merge", f"<< takes a mapping or a list of them ({place})")
            for key, value in mapping.items():
                if key not in target:
                    target[key] = value
                    self._note((*level.path, key), place)

    def _finish(self, part: Part) -> None:
        self.documents.append(Document(part.value, self._lines))
        self._lines = {}


def _twice(key: str, place: Place, first: int | None) -> LagoError:
    where = f"{place}; first on line {first}" if first else str(place)
    return refused("duplicate_key", f"the key {shown(key)} stands twice in one mapping ({where})")

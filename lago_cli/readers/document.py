"""
Definition documents: nested plain data, and the line of the file each part is on.

Limits on depth and on the number of values, aliases included, protect against hostile files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from lago_cli.errors import refused
from lago_cli.readers import base

MAX_VALUES = 1_000_000
"""More values are refused: a few lines of aliases can stand for billions."""

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
    """One document as plain data. What an alias repeats is the same object in every place."""

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


def place_behind(text: str) -> Place:
    """Where the next character would stand."""
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


Kind: TypeAlias = Literal["scalar", "merge", "alias", "list", "mapping", "end"]


class Piece(NamedTuple):
    """A token of either syntax; in a mapping, each key comes right before its value."""

    kind: Kind
    place: Place
    text: str = ""  # of a scalar as it was written; of an alias, what it repeats
    value: Value = None  # of a scalar
    anchor: str | None = None


@dataclass(slots=True, eq=False)
class _Part:
    """A value, and what is needed to repeat it elsewhere through an alias."""

    value: Value
    text: str | None = None  # what a scalar is called as a key
    values: int = 1  # how many values it is made of
    levels: int = 0  # of lists and mappings in it, itself included
    is_open: bool = False  # its end is still to come


def documents(pieces: Iterator[Piece]) -> Iterator[Document]:
    """
    Each value at the top, with all that is in it.

    Raises `duplicate_key`, `invalid_key`, `invalid_merge`, `nested_too_deeply`,
    `too_many_values`, and `invalid_yaml` for an alias that repeats nothing.
    """
    builder = _Builder(pieces)
    for piece in pieces:
        builder.lines, builder.anchors = {}, {}
        yield Document(builder.part(piece, (), 0).value, builder.lines)


class _Builder:
    def __init__(self, pieces: Iterator[Piece]) -> None:
        self.lines: dict[Path, int] = {}
        self.anchors: dict[str, _Part] = {}
        self._pieces = pieces
        self._values = 0

    def part(self, piece: Piece, path: Path, level: int) -> _Part:
        """The value that begins with `piece`; recurses once per level, up to `MAX_DEPTH`."""
        self._note(path, piece.place)
        part = self._begun(piece, level)
        if piece.kind not in ("list", "mapping"):
            return part
        merged: list[tuple[Place, _Part]] = []
        for inner in self._pieces:
            if inner.kind == "end":
                break
            if isinstance(part.value, list):
                item = self.part(inner, (*path, len(part.value)), level + 1)
                part.value.append(item.value)
            elif isinstance(part.value, dict):
                key = self._key(inner, path, part.value, merged)
                value = next(self._pieces)
                item = self.part(value, (*path, key), level + 1)
                if inner.kind == "merge":
                    merged.append((value.place, item))
                else:
                    part.value[key] = item.value
            part.values += item.values
            part.levels = max(part.levels, item.levels + 1)
        for place, item in merged:
            self._merge(part.value, item.value, path, place)
        part.is_open = False
        return part

    def _begun(self, piece: Piece, level: int) -> _Part:
        """A scalar, or a container still to be filled, once the limits have been checked."""
        if piece.kind == "alias":
            part = self._repeated(piece)
        elif piece.kind in ("list", "mapping"):
            part = _Part([] if piece.kind == "list" else {}, levels=1, is_open=True)
        else:
            part = _Part(piece.value, piece.text)
        self._values += part.values
        if self._values > MAX_VALUES:
            message = f"the file holds more than {MAX_VALUES:,} values ({piece.place})"
            raise refused("too_many_values", message, "Split it into several files.")
        if level + part.levels > base.MAX_DEPTH:
            message = f"lists and mappings are nested more than {base.MAX_DEPTH} levels deep"
            raise refused("nested_too_deeply", f"{message} ({piece.place})")
        if piece.anchor:
            self.anchors[piece.anchor] = part
        return part

    def _repeated(self, alias: Piece) -> _Part:
        part = self.anchors.get(alias.text)
        if part is None or part.is_open:
            fault = "stands inside of what it repeats" if part else "names no anchor above it"
            message = f"not valid YAML: the alias *{alias.text} {fault} ({alias.place})"
            raise refused("invalid_yaml", message)
        return part

    def _key(self, piece: Piece, path: Path, mapping: Mapping[str, Value], merged: Sized) -> str:
        text: str | None = piece.text
        if piece.kind == "alias":
            text = self._repeated(piece).text
        elif piece.anchor:
            self.anchors[piece.anchor] = _Part(piece.value, text)
        if text is None or piece.kind in ("list", "mapping"):
            raise refused("invalid_key", f"a list or mapping cannot be a key ({piece.place})")
        if merged if piece.kind == "merge" else text in mapping:
            first = self.lines.get((*path, text))
            where = f"{piece.place}; first on line {first}" if first else str(piece.place)
            message = f"the key {shown(text)} stands twice in one mapping ({where})"
            raise refused("duplicate_key", message)
        self._note((*path, text), piece.place)
        return text

    def _note(self, path: Path, place: Place) -> None:
        """Keep the line, unless that of the key is known."""
        if len(path) <= PLACED_LEVELS:
            self.lines.setdefault(path, place.line)

    def _merge(self, target: Value, source: Value, path: Path, place: Place) -> None:
        for mapping in source if isinstance(source, list) else [source]:
            if not isinstance(target, dict) or not isinstance(mapping, dict):
                raise refused("invalid_merge", f"<< takes a mapping or a list of them ({place})")
            for key in mapping.keys() - target.keys():
                target[key] = mapping[key]
                self._note((*path, key), place)

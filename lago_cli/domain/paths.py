"""
Paths into records and properties: one notation, wherever a value is named.

Members are joined by dots. `[N]` is an element of an array, `[key=value]` the first
element that has it, `*` every member or element. A path goes on into text that is JSON.
A key that itself looks like a path (`a.b`, `cost [EUR]`) comes first, the longest one
first of all; what is no selector is part of a name, so that every text is a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from lago_cli.domain.json_text import as_written, encode, kind_of, text_of

Members = Mapping[str, Raw]

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(
    rf"\[(?:(?P<index>[0-9]{{1,9}})|(?P<key>{_QUOTED}|[^=\[\]\"]+)=(?P<value>{_QUOTED}|[^\]]*))\]"
)
_APART = re.compile(r"[\s_.\-@$#/:]")
_LOOKED_AT = 2_000  # members, in the search for a name that stands elsewhere
_NAMED = 3


class Step(NamedTuple):
    """One part of a path, and where it stands in its text."""

    start: int
    end: int
    place: int | None = None  # `[N]`
    key: str | None = None  # `[key=value]`
    value: str = ""
    every: bool = False  # `*`


@dataclass(frozen=True, slots=True)
class Path:
    """A path that was read once, for many records. Build it with `parse_path`."""

    text: str
    steps: tuple[Step, ...]
    is_key: bool = field(init=False)  # of one member and nothing more

    def __post_init__(self) -> None:
        plain = len(self.steps) == 1 and not self.steps[0].every
        object.__setattr__(self, "is_key", plain and self.steps[0].place is None)

    @property
    def is_many(self) -> bool:
        """Whether it may find several values."""
        return any(step.every for step in self.steps)

    def find(self, members: Members) -> Raw | None:
        """The value in an object; the array of all that were found where there is a `*`."""
        if self.text in members:
            return members[self.text]
        if self.is_key:
            return None
        found = self._in_object(members, 0)
        if found and self.is_many:
            return Raw(encode(found))
        return found[0] if found else None

    def find_all(self, members: Members) -> list[Raw]:
        """Every value that is found."""
        if self.text in members:
            return [members[self.text]]
        return [] if self.is_key else self._in_object(members, 0)

    def texts(self, members: Members) -> list[str | None]:
        """What is found as the texts that filters compare; `[None]` where there is nothing."""
        return [text_of(token) for token in self.find_all(members)] or [None]

    def _in_object(self, members: Members, at: int) -> list[Raw]:
        last = len(self.steps)
        for end in range(last, at, -1):
            token = members.get(self._joined(at, end))
            if token is not None:
                found = [token] if end == last else self._within(token, end)
                if found:
                    return found
        if self.steps[at].every:
            return self._from_each(members.values(), at + 1)
        return []

    def _within(self, token: Raw, at: int) -> list[Raw]:
        """What the steps from `at` on find in a value."""
        kind = kind_of(token)
        if kind == "text":
            inner = inner_json(token)
            return [] if inner is None else self._within(inner, at)
        if kind == "object":
            return self._in_object(members_in(token), at)
        if kind != "array":
            return []
        chosen = chosen_elements(self.steps[at], elements_in(token))
        return self._from_each((element for _, element in chosen), at + 1)

    def _from_each(self, tokens: Iterable[Raw], at: int) -> list[Raw]:
        if at == len(self.steps):
            return list(tokens)
        return [found for token in tokens for found in self._within(token, at)]

    def _joined(self, start: int, end: int) -> str:
        return self.text[self.steps[start].start : self.steps[end - 1].end]


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Path:
    """Read a path; there is no text that is none."""
    return Path(text, tuple(_steps(text)))


def _steps(text: str) -> Iterator[Step]:
    at = 0
    while True:
        found = _selector(text, at)
        if found is not None:
            yield _selecting(found)
            at = found.end()
        else:
            end = at
            while end < len(text) and text[end] != "." and (end == at or not _selector(text, end)):
                end += 1
            yield Step(at, end, every=text[at:end] == "*")
            at = end
        if at == len(text):
            return
        at += text[at] == "."


def _selector(text: str, at: int) -> re.Match[str] | None:
    """A selector that starts at `at`, and behind which a path can go on."""
    found = _SELECTOR.match(text, at) if text[at : at + 1] == "[" else None
    return found if found and text[found.end() : found.end() + 1] in ("", ".", "[") else None


def _selecting(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return Step(*found.span(), place=int(found["index"]))
    return Step(*found.span(), key=_unquoted(found["key"]), value=_unquoted(found["value"]))


def _unquoted(text: str) -> str:
    try:
        return _TEXT.decode(text) if text.startswith('"') else text
    except msgspec.DecodeError:
        return text


def chosen_elements(step: Step, elements: list[Raw]) -> list[tuple[int, Raw]]:
    """Which elements of an array a step means, with their places."""
    if step.every:
        return list(enumerate(elements))
    if step.place is not None:
        return [(step.place, elements[step.place])] if step.place < len(elements) else []
    if step.key is None:
        return []
    path = parse_path(step.key)
    for place, element in enumerate(elements):
        if kind_of(element) == "object" and step.value in path.texts(members_in(element)):
            return [(place, element)]
    return []


def members_in(token: Raw) -> dict[str, Raw]:
    """The members of an object value."""
    return _OBJECT.decode(token)


def elements_in(token: Raw) -> list[Raw]:
    """The elements of an array value."""
    return _ARRAY.decode(token)


def inner_json(token: Raw) -> Raw | None:
    """The object or array that a text holds as JSON; None where it holds none."""
    text = _TEXT.decode(token).strip()
    if text[:1] not in ("{", "["):
        return None
    try:
        _ = _OBJECT.decode(text) if text[0] == "{" else _ARRAY.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    return Raw(text.encode())


def without(members: Members, paths: Iterable[Path], *, from_arrays: bool) -> dict[str, Raw]:
    """
    An object without what the paths find; an object that this empties goes too.

    With `from_arrays` also elements are taken out, and members of elements and of JSON in
    text; else an array stays whole.
    """
    left = dict(members)
    for path in paths:
        if path.text in left:
            del left[path.text]
        elif not path.is_key:
            left = _Removal(path, from_arrays).from_object(left, 0)
    return left


class _Removal:
    """Takes what one path finds out of values; each method returns what is left."""

    def __init__(self, path: Path, from_arrays: bool) -> None:
        self._path = path
        self._from_arrays = from_arrays
        self._last = len(path.steps)

    def from_object(self, members: Members, at: int) -> dict[str, Raw]:
        left = dict(members)
        for end in range(self._last, at, -1):
            key = self._path._joined(at, end)
            if key in left and self._is_found(left[key], end):
                self._take(left, key, end)
                return left
        if self._path.steps[at].every:
            for key in list(left):
                self._take(left, key, at + 1)
        return left

    def _is_found(self, token: Raw, at: int) -> bool:
        return at == self._last or bool(self._path._within(token, at))

    def _take(self, left: dict[str, Raw], key: str, at: int) -> None:
        rest = self._from_value(left[key], at)
        if rest is None:
            del left[key]
        else:
            left[key] = rest

    def _from_value(self, token: Raw, at: int) -> Raw | None:
        """What is left of a value, None where that is nothing."""
        if at == self._last:
            return None
        kind = kind_of(token)
        if kind == "object":
            members = members_in(token)
            rest = self.from_object(members, at)
            if rest == members:
                return token
            return Raw(encode(rest)) if rest else None
        if kind == "array" and self._from_arrays:
            return self._from_array(token, at)
        if kind == "text" and self._from_arrays and (inner := inner_json(token)) is not None:
            left = self._from_value(inner, at)
            if left is None or bytes(left) == bytes(inner):
                return left and token
            return Raw(encode(as_written(left)))
        return token

    def _from_array(self, token: Raw, at: int) -> Raw:
        elements: list[Raw | None] = list(elements_in(token))
        for place, element in chosen_elements(self._path.steps[at], elements_in(token)):
            elements[place] = self._from_value(element, at + 1)
        return Raw(encode([element for element in elements if element is not None]))


def similar_paths(members: Members, name: str) -> list[str]:
    """
    Where something of that name stands in a record, however it is spelled.

    At most three paths, the nearest first; upper case, `_`, `-`, blanks and the like aside.
    """
    wanted = _folded(parse_path(name).text.rpartition(".")[2])
    found: list[str] = []
    waiting: list[tuple[str, Members]] = [("", members)]
    seen = 0
    while waiting and seen < _LOOKED_AT and wanted:
        prefix, inside = waiting.pop(0)
        for key, token in inside.items():
            seen += 1
            path = f"{prefix}{key}"
            if _folded(key) == wanted and path != name:
                found.append(path)
            kind = kind_of(token)
            inner = inner_json(token) if kind == "text" else token
            if inner is not None and kind_of(inner) == "object":
                waiting.append((f"{path}.", members_in(inner)))
    return found[:_NAMED]


def _folded(name: str) -> str:
    return _APART.sub("", name).casefold()


def map_texts(token: Raw, change: Callable[[Raw], Raw]) -> Raw:
    """A value with `change` applied to every text in it that is no key."""
    kind = kind_of(token)
    if kind == "text":
        return change(token)
    if kind == "object":
        members = members_in(token)
        changed = {key: map_texts(each, change) for key, each in members.items()}
        return token if changed == members else Raw(encode(changed))
    if kind == "array":
        elements = elements_in(token)
        replaced = [map_texts(each, change) for each in elements]
        return token if replaced == elements else Raw(encode(replaced))
    return token

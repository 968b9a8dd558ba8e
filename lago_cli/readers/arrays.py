"""Where an object has arrays of objects: what `--records` could be given."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import msgspec

from lago_cli.readers.members import LOST, elements, members

_SHOWN = 3
_MEMBERS = 200  # looked at in one object
_OBJECTS = 50  # looked at in all
_LEVELS = 6
_START_BYTES = 64 * 1024

_TEXT = msgspec.json.Decoder(str)


class Found(NamedTuple):
    level: int
    length: int  # bytes, as far as it is there
    path: str


def arrays_of_objects(text: bytes) -> list[str]:
    """
    The paths at which an object has arrays of objects, at most three of them.

    The nearest and of these the longest is first. `*` stands for keys that vary: where all
    members of an object are objects, or an array holds such (`data.*`). `text` may be no
    more than the beginning of the object; only the first 64 KiB are looked at.
    """
    found = sorted(_search(text[:_START_BYTES]), key=lambda each: (each.level, -each.length))
    return list(dict.fromkeys(each.path for each in found))[:_SHOWN]


def records_hint(text: bytes) -> str:
    """What to say of an object that is too large to be one record; may be empty."""
    paths = arrays_of_objects(text)
    return f"; to read the objects in its array as records: --records {paths[0]}" if paths else ""


def _search(text: bytes) -> list[Found]:
    found: list[Found] = []
    waiting = [("", 0, 1)]  # path, place and level of the objects to be looked into
    looked_into = 0
    while waiting and looked_into < _OBJECTS:
        prefix, at, level = waiting.pop(0)
        looked_into += 1
        for key, _, start, end in islice(members(text, at), _MEMBERS):
            name = _name(key)
            if not name:
                continue
            path, place = prefix + name, _object_in(text, start)
            if place == LOST:
                continue
            in_array = place != start
            if _varies(text, place) and (in_array or _alike(text, place)):
                path = f"{path}.*"
            if in_array or path.endswith(".*"):
                found.append(Found(level, (len(text) if end == LOST else end) - start, path))
            if path.endswith(".*"):
                place = next(start for _, _, start, _ in members(text, place))
            if level < _LEVELS:
                waiting.append((f"{path}.", place, level + 1))
    return found


def _object_in(text: bytes, at: int) -> int:
    """Where an object is: the value at `at`, or the first element of the array there."""
    if text[at : at + 1] == b"[":
        at = next((start for start, _ in elements(text, at)), LOST)
    return at if at != LOST and text[at : at + 1] == b"{" else LOST


def _name(key: bytes) -> str:
    """A key as a step of a path; "" where it is none that can be written as one."""
    try:
        return _TEXT.decode(key) if key else ""
    except (msgspec.DecodeError, UnicodeError):
        return ""


def _varies(text: bytes, at: int) -> bool:
    """Whether the first members of an object are all objects."""
    first = list(islice(members(text, at), _SHOWN))
    return bool(first) and all(text[start : start + 1] == b"{" for _, _, start, _ in first)


def _alike(text: bytes, at: int) -> bool:
    """Whether the first two members of an object are objects with the same keys."""
    first = [_keys(text, start) for _, _, start, end in islice(members(text, at), 2) if end != LOST]
    return len(first) > 1 and first[0] == first[1] != []


def _keys(text: bytes, at: int) -> list[bytes]:
    return [key for key, *_ in islice(members(text, at), _MEMBERS)]

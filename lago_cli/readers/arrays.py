"""Where an object has arrays of objects: what `--records` could be given."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any, NamedTuple

_SHOWN = 3
_MEMBERS = 200  # looked at in one object
_OBJECTS = 50  # looked at in all
_LEVELS = 6
_START_BYTES = 64 * 1024

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]},]', re.DOTALL)
_CLOSERS = {"[": "]", "{": "}"}


class Found(NamedTuple):
    level: int
    length: int  # as far as it is there
    path: str


def arrays_of_objects(text: bytes) -> list[str]:
    """
    The paths at which an object has arrays of objects, at most three of them.

    The nearest and of these the longest is first. `*` stands for keys that vary: where all
    members of an object are objects, or an array holds such (`data.*`). `text` may be no
    more than the beginning of the object; only the first 64 KiB are looked at.
    """
    beginning = text[:_START_BYTES].decode("utf-8", "surrogateescape")
    try:
        value = json.loads(_closed(beginning), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return []
    found = sorted(_search(value), key=lambda each: (each.level, -each.length))
    return list(dict.fromkeys(each.path for each in found))[:_SHOWN]


def records_hint(text: bytes) -> str:
    """What to say of an object that is too large to be one record; may be empty."""
    paths = arrays_of_objects(text)
    return f"; to read the objects in its array as records: --records {paths[0]}" if paths else ""


def _closed(text: str) -> str:
    """JSON that may break off anywhere, as if it ended with the last value that is whole."""
    end = 0
    closers: list[str] = []
    for found in _TOKEN.finditer(text):
        mark = found[0]
        if mark in _CLOSERS:
            closers.append(_CLOSERS[mark])
        elif mark in closers[-1:]:
            closers.pop()
        elif mark != ",":
            continue
        end = found.start() if mark == "," else found.end()
    return text[:end] + "".join(reversed(closers))


def _search(value: Any) -> list[Found]:
    found: list[Found] = []
    waiting = [("", value, 1)] if isinstance(value, dict) else []
    for prefix, inside, level in islice(waiting, _OBJECTS):  # which grows on the way
        for key, member in islice(inside.items(), _MEMBERS):
            in_array = isinstance(member, list)
            inner = next(iter(member), None) if in_array else member
            if not isinstance(inner, dict) or not key.isprintable() or not key:
                continue
            path = prefix + key
            varies = _varies(inner) and (in_array or _alike(inner))
            if varies:
                path, inner = f"{path}.*", next(iter(inner.values()))
            if in_array or varies:
                found.append(Found(level, len(str(member)), path))
            if level < _LEVELS:
                waiting.append((f"{path}.", inner, level + 1))
    return found


def _varies(inside: dict[str, Any]) -> bool:
    """Whether the first members of an object are all objects."""
    first = list(islice(inside.values(), _SHOWN))
    return bool(first) and all(isinstance(each, dict) for each in first)


def _alike(inside: dict[str, Any]) -> bool:
    """Whether the first two members of an object are objects with the same keys."""
    first = [list(each) for each in islice(inside.values(), 2)]
    return len(first) > 1 and first[0] == first[1] != []

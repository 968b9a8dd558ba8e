"""In what two versions of an event differ, member by member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Raw, json

from lago_cli.domain.events import FIELDS
from lago_cli.domain.instants import format_instant
from lago_cli.domain.json_text import as_written, decode_object, encode, kind_of, members, same_json

_ELEMENTS = json.Decoder(list[Raw])


class Difference(NamedTuple):
    """A field, or a path into the properties, with both values as JSON; None: there is none."""

    path: str
    stored: str | None
    sent: str | None


def differences(stored: Sequence[Any], sent: Sequence[Any]) -> Iterator[Difference]:
    """Both in the order of `events.FIELDS`; an event that says no time does not differ by it."""
    for name, one, other in zip(FIELDS, stored, sent, strict=True):
        if one == other or (name == "timestamp" and other is None):
            continue
        if name == "properties":
            yield from _of_members(name, *(decode_object(text.encode()) for text in (one, other)))
        elif name == "timestamp":
            yield Difference(name, format_instant(one), format_instant(other))
        else:
            yield Difference(name, _text(one), _text(other))


def _text(value: str | None) -> str | None:
    return None if value is None else encode(value).decode()


def _written(value: Raw | None) -> str | None:
    return None if value is None else as_written(value)


def _of_members(
    path: str, stored: Mapping[str, Raw], sent: Mapping[str, Raw]
) -> Iterator[Difference]:
    for key in {**stored, **sent}:
        yield from _of_values(f"{path}.{key}", stored.get(key), sent.get(key))


def _of_values(path: str, stored: Raw | None, sent: Raw | None) -> Iterator[Difference]:
    if stored is None or sent is None:
        yield Difference(path, _written(stored), _written(sent))
        return
    if same_json(as_written(stored), as_written(sent)):
        return
    kinds = kind_of(stored), kind_of(sent)
    if kinds == ("object", "object"):
        yield from _of_members(path, members(stored), members(sent))
        return
    if kinds == ("array", "array"):
        ours, theirs = _ELEMENTS.decode(stored), _ELEMENTS.decode(sent)
        if len(ours) == len(theirs):
            for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from _of_values(f"{path}[{number}]", one, other)
            return
    yield Difference(path, as_written(stored), as_written(sent))

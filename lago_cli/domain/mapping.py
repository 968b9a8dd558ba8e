"""
Reading foreign records: which part of a record is which field of an event.

`--map TARGET=PATH` takes a value from a path, `--set TARGET=TEXT` gives a constant in
which `{PATH}` stands for the record's value. A field nobody maps is taken from the member
of its own name. All that is left becomes the properties, also beside a mapped member of a
nested object, unless `--drop PATH` takes it away. A path that the record does not have is
looked for in the objects around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from msgspec import Raw

from lago_cli.domain.conditions import Wanted, holds
from lago_cli.domain.events import FIELDS
from lago_cli.domain.json_text import as_written, encode, kind_of, members, text_of
from lago_cli.domain.paths import Path, parse_path, without
from lago_cli.errors import LagoError, refused, wrong_usage

PROPERTY = "properties."
_IDENTIFIERS = ("transaction_id", "code", "external_customer_id", "external_subscription_id")
_NULL = Raw(b"null")
_NONE: Mapping[str, Raw] = {}
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")

Fields = Mapping[str, Raw]


@dataclass(slots=True)
class Mapped:
    """What an event became of: its fields, and what of the record is in none of them."""

    fields: dict[str, Raw]
    lost: Sequence[str]  # names of members that are not in it; what events have aside
    by: EventMapping


@dataclass(frozen=True, slots=True)
class EventMapping:
    """One event of a record: where its fields stand, and what is constant."""

    paths: Mapping[str, Path]  # target -> path into the record
    texts: Mapping[str, str]  # target -> constant with {PATH} placeholders
    where: Wanted  # only records that match give this event
    drop: Sequence[Path] = ()  # what becomes no property
    own_id: bool = True  # whether the transaction id is this event's, and not just its record's

    def is_said(self, target: str) -> bool:
        """Whether it is mapped or constant; a record without a time that is said is refused."""
        return target in self.paths or target in self.texts

    def apply(self, record: Fields, around: Fields = _NONE) -> Mapped:
        """
        The members of an event.

        Raises:
            LagoError: refused `missing_path`, where a placeholder finds nothing.
        """
        source = _Source(record, around, self.drop)
        values = {
            target: token
            for target, path in self.paths.items()
            if (token := source.find(path, whole=not target.startswith("properties"))) is not None
        }
        values |= {target: Raw(encode(source.filled(text))) for target, text in self.texts.items()}
        own = {name: record[name] for name in FIELDS if name in record and not self.is_said(name)}
        event = own | {
            target: _as_text(token) if target in _IDENTIFIERS else token
            for target, token in values.items()
            if target in FIELDS
        }
        added = {
            target.removeprefix(PROPERTY): token
            for target, token in values.items()
            if target.startswith(PROPERTY)
        }
        base = event.get("properties", _NULL)
        if "properties" in own and self.drop:
            base = source.kept.get("properties", _NULL)
        rest = self._rest(source.kept, own)
        event["properties"], lost = _joined(rest, base, added)
        return Mapped(event, lost, self)

    def _rest(self, kept: Fields, own: Fields) -> dict[str, Raw]:
        """The members that are in no field."""
        rest = {name: token for name, token in kept.items() if name not in own}
        return without(rest, self.paths.values(), from_arrays=False) if rest else rest


class _Source:
    """A record and what is around it, with and without what is to be dropped."""

    def __init__(self, record: Fields, around: Fields, drop: Sequence[Path]) -> None:
        self._whole = (record, around)
        self.kept: Fields = record
        self._left = self._whole
        if drop:
            self.kept = without(record, drop, from_arrays=True)
            self._left = (self.kept, without(around, drop, from_arrays=True) if around else around)

    def find(self, path: Path, *, whole: bool) -> Raw | None:
        """A value; with `whole` also one that becomes no property."""
        for members_ in self._whole if whole else (*self._left, *self._whole):
            token = path.find(members_)
            if token is not None:
                return token
        return None

    def filled(self, text: str) -> str:
        if "{" not in text and "}" not in text:
            return text

        def value(found: re.Match[str]) -> str:
            if found[0] in ("{{", "}}"):
                return found[0][0]
            filled = text_of(self.find(parse_path(found[1]), whole=True))
            if filled is None:
                raise refused("missing_path", f"{found[0]} in --set finds nothing in the record")
            return filled

        return _PLACEHOLDER.sub(value, text)


def _joined(rest: Fields, base: Raw, added: Fields) -> tuple[Raw, list[str]]:
    """
    The properties, and the names of what is overwritten in them.

    Whatever should be an object and is none stays as it is, to be refused.
    """
    kind = kind_of(base)
    if kind not in ("object", "null") or (kind == "object" and not rest and not added):
        return base, []
    own = members(base) if kind == "object" else _NONE
    lost = [name for name in rest if name in own or name in added]
    return Raw(encode({**rest, **own, **added})), lost


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """All events that a record gives."""

    events: Sequence[EventMapping]

    @property
    def paths(self) -> set[tuple[str, str]]:
        """Every target with the path that is looked for."""
        return {(target, path.text) for each in self.events for target, path in each.paths.items()}

    def apply(
        self, record: Fields, body: Fields | None = None, around: Fields = _NONE
    ) -> list[Mapped]:
        """
        The events of a record, none where it matches the `where` of none.

        Of a record inside of a request body that says more, the body is read as it stands,
        unless the record itself also tells its id, its code or whose it is: then the record
        is read, and paths reach what is around it too.
        """
        if body is None:
            return self._events(record, around)
        whole, inner = None, None
        with suppress(LagoError):
            whole = self._events(body, around)
        with suppress(LagoError):
            inner = self._events(record, {**around, **body})
        if whole is not None and (inner is None or _told(inner) <= _told(whole)):
            return whole
        return inner if inner is not None else self._events(record, {**around, **body})

    def _events(self, record: Fields, around: Fields) -> list[Mapped]:
        return [
            each.apply(record, around)
            for each in self.events
            if not each.where or holds(each.where, {**around, **record})
        ]


def _told(events: Sequence[Mapped]) -> set[str]:
    """Which of those members an event has that none can be without."""
    event = events[0].fields if events else _NONE
    told = {name for name in _IDENTIFIERS if kind_of(event.get(name, _NULL)) != "null"}
    return {"party" if name.startswith("external") else name for name in told}


def check_target(target: str, said: str, what: str, value: str) -> None:
    """
    See that `said` (an option, or a place in a file) has a target that events have.

    Raises:
        LagoError: wrong usage.
    """
    is_property = target.startswith(PROPERTY) and target != PROPERTY
    if (target not in FIELDS and not is_property) or (what == "PATH" and not value):
        raise wrong_usage(
            "invalid_mapping",
            f"{said}: expected TARGET={what}.",
            f"TARGET is one of: {', '.join(FIELDS)}, properties.NAME",
        )


def event_mapping(
    maps: Mapping[str, str],
    sets: Mapping[str, str],
    *,
    where: Wanted = {},  # noqa: B006 - nobody changes it
    drop: Iterable[str] = (),
    own_id: bool = True,
) -> EventMapping:
    """A mapping out of its texts, whose targets are checked."""
    paths = {target: parse_path(path) for target, path in maps.items()}
    return EventMapping(paths, sets, where, tuple(map(parse_path, drop)), own_id)


def _as_text(token: Raw) -> Raw:
    """Names may be numbers in foreign records."""
    return Raw(encode(as_written(token))) if kind_of(token) == "number" else token

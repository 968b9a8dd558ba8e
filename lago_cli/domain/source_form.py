"""
How a source writes its records, and what is made of them: all of it in one value.

It is said by the options of `lago ingest`, by a mapping file, or by both: then the
options go first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from lago_cli.domain.conditions import Wanted
from lago_cli.domain.mapping import EventMapping, RecordMapping, check_target, event_mapping
from lago_cli.domain.paths import Path, parse_path
from lago_cli.domain.source_ids import IdSource, id_of_fields, parse_id_source
from lago_cli.domain.timestamps import ORDINARY, TimeForm
from lago_cli.errors import LagoError, wrong_usage


@dataclass(frozen=True, slots=True)
class SourceForm:
    """How records become events; the default one is that of Lago's own events."""

    mapping: RecordMapping | None = None
    id_from: IdSource | None = None
    where: Wanted = field(default_factory=dict)  # other records are skipped
    drop: Sequence[Path] = ()
    times: TimeForm = ORDINARY
    nulls: frozenset[str] = frozenset()
    decimal_comma: bool = False

    @property
    def is_ordinary(self) -> bool:
        """Whether an event is taken as it stands, so that whole blocks can be decoded."""
        return self == _ORDINARY_FORM


_ORDINARY_FORM = SourceForm()


@dataclass(slots=True)
class EventTold:
    """What is said of one of several events that each record gives."""

    code: str
    maps: dict[str, str] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    where: dict[str, list[str]] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Told:
    """What options or a mapping file say of a source; None and empty: nothing."""

    maps: dict[str, str] = field(default_factory=dict)  # target -> path
    sets: dict[str, str] = field(default_factory=dict)  # target -> text
    events: list[EventTold] = field(default_factory=list)
    where: dict[str, list[str]] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    id_from: str | Sequence[str] | None = None
    time_unit: str | None = None
    time_format: str | None = None
    timezone: str | None = None
    nulls: list[str] = field(default_factory=list)
    decimal_comma: bool | None = None
    format: str | None = None  # these three are for the reader
    records: str | None = None
    encoding: str | None = None

    def over(self, other: Told) -> Told:
        """
        Both together; where they say the same thing this one counts.

        Raises:
            LagoError: wrong usage, where one says the code that the other's events have.
        """
        if other.events and (self.events or self.says("code")):
            raise wrong_usage(
                "invalid_mapping",
                "The mapping says which codes a record gives, and so does --set or --map code=….",
                "Leave one of them out.",
            )
        others = {name: value for name, value in other.maps.items() if not self.says(name)}
        constants = {name: value for name, value in other.sets.items() if not self.says(name)}
        id_from = other.id_from if self.id_from is None else self.id_from
        return Told(
            {**others, **self.maps},
            {**constants, **self.sets},
            self.events or other.events,
            {**other.where, **self.where},
            [*other.drop, *self.drop],
            None if self.id_from is None and self.says("transaction_id") else id_from,
            self.time_unit or other.time_unit,
            self.time_format or other.time_format,
            self.timezone or other.timezone,
            [*other.nulls, *self.nulls],
            other.decimal_comma if self.decimal_comma is None else self.decimal_comma,
            self.format or other.format,
            self.records or other.records,
            self.encoding or other.encoding,
        )

    def says(self, target: str) -> bool:
        return target in self.maps or target in self.sets

    def form(self) -> SourceForm:
        """
        What all of it means.

        Raises:
            LagoError: wrong usage, for the first thing that makes no sense.
        """
        both = self.maps.keys() & self.sets.keys()
        if both:
            raise wrong_usage("invalid_mapping", f"{min(both)} is given by both --map and --set.")
        _check_targets(self.maps, self.sets)
        id_from = _id_source(self.id_from)
        if id_from is not None and id_from.kind == "fields" and self.says("transaction_id"):
            raise wrong_usage(
                "invalid_id_source",
                "transaction_id is said twice: by --id-from FIELD,… and by --map or --set.",
            )
        return SourceForm(
            RecordMapping(self._events()) if self.maps or self.sets or self.events else None,
            id_from,
            self.where,
            tuple(map(parse_path, self.drop)),
            self._times(),
            frozenset(self.nulls),
            bool(self.decimal_comma),
        )

    def _events(self) -> tuple[EventMapping, ...]:
        if not self.events:
            return (event_mapping(self.maps, self.sets, drop=self.drop),)
        return tuple(map(self._event, range(len(self.events))))

    def _event(self, number: int) -> EventMapping:
        """The first event has the id of the record; others have one of their own."""
        told = self.events[number]
        own = Told(told.maps, {"code": told.code, **told.sets})
        _check_targets(own.maps, own.sets)
        maps = {name: path for name, path in self.maps.items() if not own.says(name)}
        sets = {name: text for name, text in self.sets.items() if not own.says(name)}
        return event_mapping(
            {**maps, **own.maps},
            {**sets, **own.sets},
            where=told.where,
            drop=(*self.drop, *told.drop),
            own_id=number == 0 or own.says("transaction_id"),
        )

    def _times(self) -> TimeForm:
        zone = UTC
        if self.timezone is not None:
            from lago_cli.domain.zones import zone_for

            try:
                zone = zone_for(self.timezone)  # type: ignore[assignment]
            except LagoError as error:
                raise wrong_usage(error.code, f"--timezone: {error.message}", error.hint) from None
        return TimeForm(self.time_unit, self.time_format, zone)


def _id_source(told: str | Sequence[str] | None) -> IdSource | None:
    if told is None:
        return None
    if isinstance(told, str):
        return parse_id_source(told)
    return id_of_fields(told)


def _check_targets(maps: Mapping[str, str], sets: Mapping[str, str]) -> None:
    for target, path in maps.items():
        check_target(target, f"--map {target}={path}", "PATH", path)
    for target, text in sets.items():
        check_target(target, f"--set {target}={text}", "TEXT", text)

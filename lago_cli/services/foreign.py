"""
From a record of a source to its events, by what is said of the source.

What of a record goes into no event is counted by its name: nothing is lost without a word.
"""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Raw

from lago_cli.domain.conditions import holds
from lago_cli.domain.events import (
    FIELDS,
    KEPT_ELSEWHERE,
    Event,
    looks_like_time,
    parse_event,
)
from lago_cli.domain.json_text import decode_object, encode, text_of
from lago_cli.domain.mapping import EventMapping, Fields, Mapped, RecordMapping
from lago_cli.domain.paths import parse_path, similar_paths, without
from lago_cli.domain.source_form import SourceForm
from lago_cli.domain.source_ids import Repetitions, content_id, fields_id
from lago_cli.domain.written_values import with_decimal_points, with_nulls
from lago_cli.errors import LagoError, refused
from lago_cli.readers.arrays import arrays_of_objects
from lago_cli.readers.base import Record

_NAMES = 1_000  # of keys that are told of
_KNOWN = frozenset((*FIELDS, *KEPT_ELSEWHERE))
_NULL = Raw(b"null")


class Interpreter:
    """Makes events of records, and keeps in mind what was not understood of them."""

    def __init__(self, form: SourceForm) -> None:
        self._form = form
        self._by_names = EventMapping({}, {}, {}, form.drop)
        self._file = ""
        self._line = (0, 0)  # and how many records of it there were
        self._repetitions = Repetitions()
        self._around: tuple[bytes, Fields] = (b"", {})
        paths = sorted(form.mapping.paths) if form.mapping else ()
        self._unfound: dict[tuple[str, str], list[str]] = {each: [] for each in paths}
        self._is_mapped = False
        self.not_kept: Counter[str] = Counter()
        self.time_like: dict[str, None] = {}  # names that may be meant as the time, in their order

    def begin(self, file: str) -> None:
        """Another input begins."""
        self._file = file
        self._line = (0, 0)
        self._repetitions = Repetitions()

    def events_of(self, record: Record) -> list[Event]:
        """
        The events of a record; none where it is to be skipped.

        Raises:
            LagoError: refused, for the first reason why one of them is no good event.
        """
        line, before = self._line
        self._line = (record.line, before + 1 if line == record.line else 1)
        said = decode_object(record.raw)
        around = self._what_is_around(record.around)
        body = decode_object(record.body) if record.body else None
        if self._form.where and not holds(self._form.where, {**around, **(body or {}), **said}):
            return []
        meant = self._with_nulls(said)
        mapped = self._mapped(record, meant, body and self._with_nulls(body), around)
        name = _Name(self, said, around)
        try:
            events = [self._event(each, name, meant) for each in mapped]
        except LagoError as error:
            raise _with_records(error, record) from None
        for each in mapped:
            self._count(dict.fromkeys(each.lost, 1))
        return events

    def _what_is_around(self, text: bytes | None) -> Fields:
        """Decoded once for all records that share it."""
        if text is None:
            return {}
        if text is not self._around[0]:
            self._around = (text, decode_object(text))
        return self._around[1]

    def look_at(self, batch_keys: Mapping[str, int], undated: Iterable[str]) -> None:
        """Take in what a decoded block had besides: keys, and properties of undated events."""
        self._count(batch_keys)
        for properties in undated:
            self._see_times((*batch_keys, *decode_object(properties)))

    def unfound(self) -> list[tuple[str, str, list[str]]]:
        """Targets and paths that no record has, and where such a name stands instead."""
        if not self._is_mapped:
            return []
        return [(*missing, elsewhere) for missing, elsewhere in self._unfound.items()]

    def _with_nulls(self, record: Fields) -> Fields:
        record = dict(record)
        return with_nulls(record, self._form.nulls) if self._form.nulls else record

    def _mapped(
        self, record: Record, said: Fields, body: Fields | None, around: Fields
    ) -> list[Mapped]:
        if self._form.mapping is not None:
            if self._unfound or not self._is_mapped:
                self._look_for_paths({**around, **(body or {}), **said})
            mapped = self._form.mapping.apply(said, body, around)
        elif record.text is not None:  # of CSV every column that is no field is a property
            mapped = RecordMapping((self._by_names,)).apply(said, None, around)
        else:
            lost = (*said, *(name for name in body or () if name != "event"))
            said = without(said, self._form.drop, from_arrays=True) if self._form.drop else said
            mapped = [Mapped(dict(said), lost, self._by_names)]
        return mapped

    def _event(self, mapped: Mapped, name: _Name, record: Fields) -> Event:
        fields = mapped.fields
        if self._form.decimal_comma:
            for key in ("properties", "precise_total_amount_cents"):
                if key in fields:
                    fields[key] = with_decimal_points(fields[key])
        try:
            _check_time(mapped)
            name.give(fields, mapped.by)
            event = parse_event(fields, self._form.times)
        except LagoError as error:
            raise _with_place(error, mapped, record) from None
        if event.at is None:
            self._see_times((*record, *decode_object(event.properties)))
        return event

    def id_of(self, record: Fields, around: Fields) -> str:
        """The id that is made of a record."""
        id_from = self._form.id_from
        assert id_from is not None
        if id_from.kind == "fields":
            return fields_id(record, id_from.fields, around)
        if id_from.kind == "position":
            line, number = self._line
            more = f"#{number}" if number > 1 else ""
            return f"{os.path.normpath(self._file)}:{line}{more}"
        name = content_id(record)
        count = self._repetitions.count(name)
        return name if count == 1 else f"{name}:{count}"

    def takes_id(self, own: str | None) -> bool:
        """Whether an id is made, where the record says `own`."""
        id_from = self._form.id_from
        return id_from is not None and (id_from.kind == "fields" or not (own or "").strip())

    def _look_for_paths(self, record: Fields) -> None:
        """Cross off the paths that this record has; most often nothing is left to look for."""
        if not self._is_mapped:
            self._is_mapped = True
            for target, path in self._unfound:
                self._unfound[target, path] = similar_paths(record, path)
        for target, path in list(self._unfound):
            if parse_path(path).find(record) is not None:
                del self._unfound[target, path]

    def _count(self, names: Mapping[str, int]) -> None:
        for name, count in names.items():
            if name not in _KNOWN and (name in self.not_kept or len(self.not_kept) < _NAMES):
                self.not_kept[name] += count

    def _see_times(self, names: Iterable[str]) -> None:
        if len(self.time_like) < _NAMES:
            found = (name for name in names if name != "timestamp" and looks_like_time(name))
            self.time_like.update(dict.fromkeys(found))


class _Name:
    """The id that is made of one record, once for all of its events."""

    def __init__(self, interpreter: Interpreter, record: Fields, around: Fields) -> None:
        self._interpreter = interpreter
        self._record = record
        self._around = around
        self._made: str | None = None

    def give(self, fields: dict[str, Raw], by: EventMapping) -> None:
        """Write the id into an event; one of several beside the first says its code too."""
        own = text_of(fields.get("transaction_id"))
        if self._interpreter.takes_id(own):
            if self._made is None:
                self._made = self._interpreter.id_of(self._record, self._around)
            own = self._made
            fields["transaction_id"] = Raw(encode(own))
        if not by.own_id and own is not None and own.strip():
            fields["transaction_id"] = Raw(encode(f"{own}:{text_of(fields.get('code')) or ''}"))


def _check_time(mapped: Mapped) -> None:
    """A time that somebody has said where to find is never the present."""
    token = mapped.fields.get("timestamp", _NULL)
    if mapped.by.is_said("timestamp") and not (text_of(token) or "").strip():
        raise refused("missing_field", "timestamp is missing", field="timestamp")


def _with_records(error: LagoError, record: Record) -> LagoError:
    """The same with where the records may be that this one holds."""
    if error.code != "missing_field" or not (found := arrays_of_objects(record.raw)):
        return error
    hint = f"{error.hint.rstrip('.')}. " if error.hint else ""
    hint += f"It holds arrays of objects: --records {' or '.join(found)}"
    return refused(error.code, error.message, hint, field=error.field)


def _with_place(error: LagoError, mapped: Mapped, record: Fields) -> LagoError:
    """The same with where what is missing stands, if there is something of its name."""
    field = error.field
    if error.code != "missing_field" or field is None:
        return error
    path = mapped.by.paths.get(field)
    elsewhere = similar_paths(record, path.text if path else field)
    if path is not None:
        hint = f"--map {field}={path.text} finds nothing in it"
        hint += f"; there is {', '.join(elsewhere)}." if elsewhere else "."
    elif elsewhere:
        hint = f"There is {elsewhere[0]}: --map {field}={elsewhere[0]}"
    else:
        return error
    return refused(error.code, error.message, hint, field=field)

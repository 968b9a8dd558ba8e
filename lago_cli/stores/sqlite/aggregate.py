"""
Usage out of the file.

Counts, sums and maxima of ordinary numbers are added up by SQLite as integers, apart for
each scale, in two halves that cannot overflow. Everything else is read in the order of
time and goes through the folds of `domain.aggregations`, which say what is right.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from msgspec import json

from lago_cli.domain.aggregations import Reading, Units, Window, add
from lago_cli.domain.batches import Party
from lago_cli.domain.conditions import holds
from lago_cli.domain.json_text import decode_object, encode
from lago_cli.domain.labels import Label, label_reader
from lago_cli.domain.numbers import ZERO, exact, from_scaled
from lago_cli.domain.paths import parse_path
from lago_cli.domain.readings import number_kept
from lago_cli.domain.usage import PropertyFilter, Share, UsageQuery
from lago_cli.stores.sqlite.scope import EVER, Scope
from lago_cli.stores.sqlite.summarized import Summarized

_LOW_BITS = (1 << 32) - 1
_PARTIALS = f"""
SELECT {{keys}}, r.scale, count(*), sum(r.value >> 32), sum(r.value & {_LOW_BITS}), max(r.value)
{{source}} AND typeof(r.value) = 'integer'
 GROUP BY {{numbers}}, r.scale
"""
_TEXTS = "SELECT {keys}, r.value {source} AND typeof(r.value) = 'text'"
_READINGS = """
SELECT {keys}, r.at, r.value, r.scale, r.step
{source}
 ORDER BY {numbers}, r.at, r.event_id
"""
_SOURCE = """
  FROM {readings} AS r
 CROSS JOIN temp.members AS m ON m.party_id = r.party_id  -- CROSS: readings first, by time
  {events}
 WHERE r.code_id = (SELECT id FROM codes WHERE code = :metric)
   AND r.value IS NOT NULL
   AND r.at >= :start AND r.at < :end
   AND r.at >= m.start AND r.at < m.end
"""
_WINDOW = """
(SELECT max(w.start) FROM temp.windows AS w WHERE w.calendar = m.calendar AND w.start <= r.at)
"""
_COUNT = """
SELECT count(*)
  FROM {readings} AS r
 CROSS JOIN temp.members AS m ON m.party_id = r.party_id
  {events}
 WHERE r.code_id = :code
   AND (r.value IS NOT NULL) = :usable
   AND r.at >= :start AND r.at < :end
   AND r.at >= m.start AND r.at < m.end
"""

_CODES = """
SELECT id, code,  -- and whether every event is usable
       code IN (SELECT code FROM metrics WHERE aggregation_type = 'count_agg')
  FROM codes
"""


class _Partial(NamedTuple):
    events: int
    total: Units
    largest: Units


_NATIVE: dict[str, Callable[[_Partial], Units]] = {
    "count_agg": lambda partial: Decimal(partial.events),
    "sum_agg": lambda partial: partial.total,
    "max_agg": lambda partial: partial.largest,
}


class Aggregator:
    """Answers one `UsageQuery` after the other over one connection."""

    def __init__(
        self, connection: sqlite3.Connection, scope: Scope, summarized: Summarized
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._summarized = summarized
        connection.create_function("property_text", 2, _property_text, deterministic=True)
        connection.create_function("property_is_among", 3, _is_among, deterministic=True)

    def aggregate(self, query: UsageQuery) -> Iterator[Share]:
        """A share for each owner, window and group that has a usable event."""
        if not any(query.windows):
            return
        quick = self._summarized.aggregate(query)
        if quick is not None:
            yield from quick
            return
        self._scope.lay_out(query)
        if query.metric.recurring:
            yield from self._carried(query)
        elif query.metric.aggregation_type in _NATIVE:
            yield from self._native(query)
        else:
            yield from self._folded(query)

    def count(
        self, spans: Iterable[tuple[Party, Window]], as_of: int | None, *, usable: bool
    ) -> Iterator[tuple[str, int]]:
        """(code, how many events) of the parties within their spans."""
        spans = list(spans)
        quick = None if as_of is not None else self._summarized.count(spans, usable=usable)
        if quick is not None:
            names = dict(self._connection.execute("SELECT id, code FROM codes"))
            yield from ((names[code], count) for code, count in quick.items() if count)
            return
        bounds = self._scope.lay_out_spans(spans, as_of)
        if bounds is None:
            return
        known = f"{self._scope.of_event} AND e.received_at <= :as_of" if as_of is not None else ""
        query = _COUNT.format(readings=self._scope.readings, events=known)
        for code_id, code, counts_all in self._connection.execute(_CODES).fetchall():
            if usable or not counts_all:
                values = {**bounds, "code": code_id, "usable": int(usable)}
                found = self._connection.execute(query, values).fetchone()[0]
                if found:
                    yield code, found

    def _native(self, query: UsageQuery) -> Iterator[Share]:
        partials: dict[tuple[Any, ...], list[_Partial]] = defaultdict(list)
        for *key, scale, events, high, low, largest in self._rows(_PARTIALS, query):
            total = from_scaled((high << 32) + low, scale)
            partials[tuple(key)].append(_Partial(events, total, from_scaled(largest, scale)))
        for *key, value in self._rows(_TEXTS, query):
            number = number_kept(value, None)
            partials[tuple(key)].append(_Partial(1, number, number))
        window_of = _windows_by_start(query)
        units = _NATIVE[query.metric.aggregation_type]
        for (owner, start, *group), parts in partials.items():
            with exact():
                whole = _merged(parts)
            window = window_of(owner, start)
            yield Share(owner, window, tuple(group), units(whole), whole.events)

    def _folded(self, query: UsageQuery) -> Iterator[Share]:
        """Every window by itself, in the memory of one reading."""
        window_of = _windows_by_start(query)
        fold = query.aggregation.fold
        for (owner, start, *group), rows in self._grouped(query, 2):
            window = window_of(owner, start)
            readings = _Counted(_readings(query, rows))
            with exact():
                units = fold(readings, window)
            yield Share(owner, window, tuple(group), units, readings.count)

    def _carried(self, query: UsageQuery) -> Iterator[Share]:
        """A recurring metric: all that came before the end of a window counts in it."""
        row = query.aggregation
        fold = row.daily if query.daily else row.fold
        assert row.carry is not None
        assert fold is not None
        for (owner, _, *group), rows in self._grouped(query, 2):
            coming = _Coming(_readings(query, rows))
            windows = query.windows[owner]
            with exact():
                carried = row.carry(coming.until(windows[0].start))
            for window in windows:
                inside = list(coming.until(window.end))
                if not coming.have_begun:
                    continue
                with exact():
                    units = fold([*carried, *inside], window)
                    carried = row.carry([*carried, *inside])
                yield Share(owner, window, tuple(group), units, len(inside))

    def _grouped(
        self, query: UsageQuery, fixed: int
    ) -> Iterator[tuple[tuple[Any, ...], Iterator[tuple[Any, ...]]]]:
        width = fixed + len(query.group_by)
        return groupby(self._rows(_READINGS, query), key=lambda row: row[:width])

    def _rows(self, template: str, query: UsageQuery) -> sqlite3.Cursor:
        has_windows = any(len(windows) > 1 for windows in query.windows)
        keys = ["m.owner", _WINDOW if has_windows and not query.metric.recurring else "m.first"]
        values = {}
        for number, name in enumerate(query.group_by):
            keys.append(f"nullif(property_text(e.properties, :group{number}), '')")
            values[f"group{number}"] = name
        source, more_values = _source(query, self._scope)
        sql = template.format(
            keys=", ".join(keys),
            numbers=", ".join(str(number + 1) for number in range(len(keys))),
            source=source,
        )
        return self._connection.execute(sql, values | more_values)


class _Coming:
    """Readings in the order of time, taken as far as they are asked for."""

    def __init__(self, readings: Iterator[Reading]) -> None:
        self._readings = readings
        self._next = next(readings, None)
        self.have_begun = False

    def until(self, end: int) -> Iterator[Reading]:
        while self._next is not None and self._next.at < end:
            self.have_begun = True
            yield self._next
            self._next = next(self._readings, None)


class _Counted:
    """Readings, counted as they pass."""

    def __init__(self, readings: Iterator[Reading]) -> None:
        self._readings = readings
        self.count = 0

    def __iter__(self) -> Iterator[Reading]:
        for reading in self._readings:
            self.count += 1
            yield reading


def _readings(query: UsageQuery, rows: Iterator[tuple[Any, ...]]) -> Iterator[Reading]:
    if query.aggregation.reads == "item":
        return (Reading(at, value, step) for *_, at, value, _, step in rows)
    return (Reading(at, number_kept(value, scale)) for *_, at, value, scale, _ in rows)


def _source(query: UsageQuery, scope: Scope) -> tuple[str, dict[str, object]]:
    """FROM and WHERE of a query; text of users stands in the parameters only."""
    spans = [windows for windows in query.windows if windows]
    values: dict[str, object] = {
        "metric": query.metric.code,
        "start": EVER if query.metric.recurring else min(span[0].start for span in spans),
        "end": max(span[-1].end for span in spans),
    }
    wants_event = bool(query.group_by or query.filters or query.excluded or query.as_of is not None)
    sql = _SOURCE.format(readings=scope.readings, events=scope.of_event if wants_event else "")
    if query.as_of is not None:
        sql += " AND e.received_at <= :as_of"
        values["as_of"] = query.as_of
    if query.filters:
        sql += f" AND {_matches(query.filters, 'filter', values)}"
    for number, excluded in enumerate(query.excluded):
        sql += f" AND NOT ({_matches(excluded, f'excluded{number}_', values)})"
    return sql, values


def _matches(filters: PropertyFilter, name: str, values: dict[str, object]) -> str:
    """A condition, whose texts are put into `values` under names that begin with `name`."""
    conditions = []
    for number, (key, texts) in enumerate(filters.items()):
        if parse_path(key).is_many:
            values[f"{name}{number}"] = key
            values[f"{name}{number}_texts"] = encode(texts).decode()
            conditions.append(
                f"property_is_among(e.properties, :{name}{number}, :{name}{number}_texts)"
            )
            continue
        names = [f"{name}{number}_{position}" for position in range(len(texts))]
        values[f"{name}{number}"] = key
        values.update(zip(names, texts, strict=True))
        conditions.append(
            f"ifnull(property_text(e.properties, :{name}{number}), '')"
            f" IN ({', '.join(':' + name for name in names)})"
        )
    return " AND ".join(conditions)


def _merged(partials: list[_Partial]) -> _Partial:
    total: Units = ZERO
    for partial in partials:
        total = add(total, partial.total)
    return _Partial(
        sum(partial.events for partial in partials),
        total,
        max(partial.largest for partial in partials),
    )


def _windows_by_start(query: UsageQuery) -> Callable[[int, int], Window]:
    calendars = {
        id(windows): {window.start: window for window in windows} for windows in query.windows
    }
    return lambda owner, start: calendars[id(query.windows[owner])][start]


def _property_text(properties: str, key: str) -> str | None:
    return _text_reader(key)(properties)[0]


def _is_among(properties: str, path: str, texts: str) -> bool:
    return holds({path: json.decode(texts)}, decode_object(properties.encode()))


@cache
def _text_reader(key: str) -> Callable[[str], Label]:
    return label_reader([key])

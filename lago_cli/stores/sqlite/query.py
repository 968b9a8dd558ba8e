"""
Usage out of the file: parts are folded by column, rows beyond the watermark one by one.

Where there are parts, the rows beyond them become one more of them in memory, so a question takes
one way or the other. A small file has no parts, and its questions load nothing that reads them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lago_cli.domain.aggregations import Aggregation, Latest, UniqueCount
from lago_cli.domain.dimensions import Dimensions, Place
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import Units, exact
from lago_cli.domain.ordered import Ordered
from lago_cli.domain.steps import Steps
from lago_cli.domain.usage import Scope, Share, UsageQuery
from lago_cli.stores.sqlite.parties import Parties
from lago_cli.stores.sqlite.parts import EventRow, Parts, how_of
from lago_cli.stores.sqlite.pieces import HISTORY, Pieces, pieces_of, pieces_of_spans
from lago_cli.stores.sqlite.versions import (
    History,
    deleted,
    deleted_then,
    history,
    put_aside_later,
    replaced_later,
    span_of_put_aside,
)

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.columns import Columns
    from lago_cli.stores.sqlite.packed import Ints

Figures = dict[tuple[int, Place], Aggregation]
"""States by (number of a key, bucket and group)."""

_OF_FIGURES = {
    "nothing": [],
    "number": ["measurements"],
    "item": ["measurements"],
    "amount": ["measurements", "amounts"],
}
_FEW = 20  # parties
_IN_ORDER = (Latest, Ordered, UniqueCount)


class Snapshot:
    """Answers questions about the file as it is at one moment."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        parties: Parties,
        metrics: Mapping[str, Metric],
    ) -> None:
        self._connection = connection
        self.parties = parties
        self._metrics = metrics
        self.parts = Parts(connection)
        self._codes: dict[str, int] = dict(connection.execute("SELECT code, id FROM codes"))
        self._pieces: dict[tuple[int, bool], tuple[Scope, Pieces]] = {}

    @cached_property
    def _beyond(self) -> Mapping[int, list[EventRow]]:
        """By code, the rows that are in no part."""
        found: dict[int, list[EventRow]] = {}
        for row in self.parts.rows_beyond():
            found.setdefault(row.code, []).append(row)
        return found

    @cached_property
    def unusable_beyond(self) -> Collection[int]:
        """The ids of those among them that their metric cannot use."""
        return self.parts.unusable_beyond()

    @cached_property
    def _in_parts(self) -> Mapping[int, tuple[int, int]]:
        return self.parts.spans()

    @cached_property
    def history(self) -> History:
        """By event, its deletions."""
        return history(self._connection)

    def spans(self, *, put_aside: bool = False) -> Iterator[tuple[int, int]]:
        """The instants of first and last events that together are those of all."""
        if put_aside:
            yield from span_of_put_aside(self._connection)
        yield from self._in_parts.values()
        for rows in self._beyond.values():
            times = [row.at for row in rows]
            yield min(times), max(times)

    def code(self, name: str) -> int | None:
        """The id of a code; None where no event has it."""
        return self._codes.get(name)

    def rows_to_explain(self, code: int, as_of: int | None) -> list[EventRow]:
        """Events of a code that are in no part: deleted ones too, and versions known then."""
        rows = [*self._beyond.get(code, ()), *deleted(self._connection, code)]
        return rows if as_of is None else [*rows, *replaced_later(self._connection, code, as_of)]

    def rows(self, code: int, as_of: int | None) -> list[EventRow]:
        """Events of a code that are in no part, as they were known then."""
        rows = self._beyond.get(code, [])
        if as_of is None:
            return rows
        gone = self._gone(as_of)
        known = [row for row in rows if row.received_at <= as_of and row.id not in gone]
        return [*known, *put_aside_later(self._connection, code, as_of, gone)]

    def _gone(self, as_of: int | None) -> Collection[int]:
        """Events that were deleted then, also if they are back; all others are out of sight."""
        return () if as_of is None else deleted_then(self._connection, as_of)

    def aggregate(self, query: UsageQuery) -> Iterator[Share]:
        """A share for each owner, window, group and bucket that has a usable event."""
        code = self._codes.get(query.metric.code)
        if code is None:
            return
        rows = self.rows(code, query.as_of)
        pieces = self._pieces_of(query)
        if not pieces.keys or not (rows or code in self._in_parts):
            return
        with exact():
            if code in self._in_parts:
                figures = self._by_column(code, query, pieces, rows)
            else:
                figures = self._by_row(query, pieces, rows)
            shares = list(_shares(query, pieces, figures))
        yield from shares

    def _pieces_of(self, query: UsageQuery) -> Pieces:
        key = id(query.scope), query.metric.recurring
        if key not in self._pieces:  # with the scope, so that no other one gets its id
            found = pieces_of(query.scope, self.parties, recurring=query.metric.recurring)
            self._pieces[key] = query.scope, found
        return self._pieces[key][1]

    def _by_row(self, query: UsageQuery, pieces: Pieces, rows: Iterable[EventRow]) -> Figures:
        figures: Figures = {}
        read = how_of(query.metric).read
        dimensions = Dimensions(query)
        for row in rows:
            keys = list(pieces.at(row.party, row.at))
            if not keys:
                continue
            measurement = read(row.properties, row.at)
            place = dimensions.of_properties(row.properties) if measurement[0] is not None else None
            if place is None:
                continue
            for key in keys:
                state = figures.get((key, place))
                if state is None:
                    state = figures[key, place] = query.aggregation()
                state.take(row.at, row.rank, row.price if query.of_amounts else measurement)
        return figures

    def _by_column(
        self, code: int, query: UsageQuery, pieces: Pieces, rows: list[EventRow]
    ) -> Figures:
        from lago_cli.stores.sqlite.placing import Placing, Sorting
        from lago_cli.stores.sqlite.step_folds import fold_of

        settled = not query.metric.recurring and not query.daily
        fold = fold_of(query, settled=settled)
        placing = Placing(pieces)
        sorting = Sorting(Dimensions(query), len(pieces.keys))
        wanted = ["parties", "times", *_OF_FIGURES[query.reads]]
        if query.aggregation in _IN_ORDER:
            wanted.append("ids")
        if sorting.matters:
            wanted.append("labels" if sorting.by_label else "properties")
        if query.as_of is not None:
            wanted.append("received")
        gone = self._gone(query.as_of)
        if len(pieces.of) <= _FEW:  # most parts have none of their events
            wanted = wanted[:1]
        for columns in self._all_columns(code, query.metric, pieces.span, wanted, rows):
            places, keys = placing.of(columns)
            places, keys = _known(columns, places, keys, query.as_of, gone, usable=True)
            places, numbers = sorting.of(columns, places, keys)
            if len(places):
                fold.add(columns, places, numbers, sorting.size)
        return {sorting.figures[number]: state for number, state in fold.states()}

    def _all_columns(
        self,
        code: int,
        metric: Metric | None,
        span: Window,
        wanted: list[str],
        rows: list[EventRow],
        *,
        unusable: bool = False,
    ) -> Iterator[Columns]:
        from lago_cli.stores.sqlite.columns import pack, rows_of, unpacked

        yield from self.parts.overlapping(code, span, wanted, unusable=unusable)
        if rows:
            how = how_of(metric)
            yield unpacked(pack(rows_of(rows, how.read), how.label))

    def count(
        self, spans: Iterable[tuple[Subject, Window]], as_of: int | None, *, usable: bool
    ) -> Iterator[tuple[str, int]]:
        """(code, how many events) of the parties within their spans."""
        pieces = pieces_of_spans(spans, self.parties)
        if not pieces.keys:
            return
        for name, code in self._codes.items():
            metric = self._metrics.get(name)
            counts_all = metric is not None and metric.aggregation_type == "count_agg"
            if (counts_all and not usable) or (metric is None and usable):
                continue
            found = self._count(code, metric, pieces, as_of, usable=usable)
            if found:
                yield name, found

    def _count(
        self,
        code: int,
        metric: Metric | None,
        pieces: Pieces,
        as_of: int | None,
        *,
        usable: bool,
    ) -> int:
        rows = self.rows(code, as_of)
        if code not in self._in_parts:
            read = how_of(metric).read
            return sum(
                len(list(pieces.at(row.party, row.at)))
                for row in rows
                if (read(row.properties, row.at)[0] is not None) == usable
            )
        from lago_cli.stores.sqlite.placing import Placing

        placing = Placing(pieces)
        wanted = ["parties", "times", "measurements", *(["received"] if as_of is not None else [])]
        everything = self._all_columns(code, metric, pieces.span, wanted, rows, unusable=not usable)
        gone = self._gone(as_of)
        return sum(
            len(_known(columns, *placing.of(columns), as_of, gone, usable=usable)[0])
            for columns in everything
        )


def _known(
    columns: Columns,
    places: Ints,
    keys: Ints,
    as_of: int | None,
    gone: Collection[int],
    *,
    usable: bool,
) -> tuple[Ints, Ints]:
    """Without what was received later or deleted then, and what is not as usable as is wanted."""
    if columns.usable is not None or not usable:
        keep = columns.are_usable[places] == usable
        places, keys = places[keep], keys[keep]
    if as_of is not None:
        keep = columns.received[places] <= as_of
        places, keys = places[keep], keys[keep]
    if gone:
        from lago_cli.stores.sqlite.placing import are_among

        keep = ~are_among(columns.ids[places], gone)
        places, keys = places[keep], keys[keep]
    return places, keys


def _shares(query: UsageQuery, pieces: Pieces, figures: Figures) -> Iterator[Share]:
    found: dict[tuple[int, Place], dict[int, Aggregation]] = {}
    for (key, place), state in figures.items():
        owner, number = pieces.keys[key]
        found.setdefault((owner, place), {})[number] = state
    figures.clear()
    for (owner, (bucket, group)), by_window in found.items():
        for when, events, before, units, steps in _figures(
            query, query.scope.windows[owner], by_window
        ):
            yield Share(owner, when, group, units, events, bucket, before, steps)


def _figures(
    query: UsageQuery, windows: Sequence[Window], by_window: dict[int, Aggregation]
) -> Iterator[tuple[Window, int, int, Units, Steps | None]]:
    """(window, events in it and before it, units, steps) of each in which there is something."""
    if not query.metric.recurring:
        for number in sorted(by_window):
            state = by_window.pop(number)
            yield windows[number], state.events, 0, state.units(windows[number]), state.steps()
        return
    running = by_window.pop(HISTORY, None)
    before = running.events if running else 0
    for number, window in enumerate(windows):
        inside = by_window.pop(number, None)
        events = inside.events if inside else 0
        if running is not None:
            running = running.carried(window.start)
            if inside is not None:
                running.merge(inside)
        else:
            running = inside
        if running is not None and running.events:
            figure = running.units_of_day if query.daily else running.units
            yield window, events, before, figure(window), running.steps()
        before += events

"""
Summaries of every day, maintained with the events they sum up.

A row of `daily_usage` has, for one code and one UTC day, what a commit added: a summary
of each party (and label, where the metric has filters), packed. Rows of a day are merged
where they are read, and as they become many (see `_write`). What is not a mere addition
(a replaced or reverted event, a changed metric) makes its days anew from their readings,
in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import json

from lago_cli.domain.days import (
    DAY,
    DayKey,
    Days,
    Part,
    Summaries,
    Summing,
    SummingLost,
    Unpacked,
    Way,
    Who,
    packed,
    unpacker,
    way_of,
)
from lago_cli.domain.numbers import exact
from lago_cli.domain.readings import Kept
from lago_cli.domain.summary import Summary
from lago_cli.stores.sqlite.damage import UNREADABLE, damaged, intact
from lago_cli.stores.sqlite.ranks import EVENT_ID

_MOST_PENDING = 100_000  # summaries
_MOST_DELEGATED = 250_000  # events

_METRIC = """
SELECT m.aggregation_type, m.filters
  FROM codes AS c JOIN metrics AS m ON m.code = c.code
 WHERE c.id = ?
"""
_READINGS = """
SELECT r.at, r.event_id, r.party_id, {properties}, r.value, r.scale, r.step
  FROM readings AS r {events}
 WHERE r.code_id = :code AND r.at >= :start AND r.at < :end
 ORDER BY r.at, r.event_id
"""
_SIZES = """
SELECT id, length(figures) FROM daily_usage WHERE code_id = ? AND day = ? ORDER BY id DESC
"""
_FIGURES = """
SELECT day, figures FROM daily_usage
 WHERE code_id = ? AND day >= ? AND day < ?
 ORDER BY day
"""
_EVER = 2**62

Spans = dict[int, tuple[int, int]]
"""By code id, the first and the last instant."""


class Rollups:
    """Collects what a transaction adds, and writes it down before it is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending = Days()
        self._delegated: dict[Summing, Spans] = {}
        self._delegated_events = 0
        self._broken: set[DayKey] = set()
        self._lost: Spans = {}
        self._ways: dict[int, Way] = {}

    def begin(self) -> None:
        """In a new transaction: metrics may have changed."""
        self.forget()

    def forget(self) -> None:
        """After a rollback."""
        self._pending.clear()
        for summing in self._delegated:
            summing.forget()
        self._delegated.clear()
        self._delegated_events = 0
        self._broken.clear()
        self._lost.clear()
        self._ways.clear()

    def add(
        self,
        codes: Sequence[int],
        at: Sequence[int],
        ranks: Iterable[int],
        parties: Sequence[int],
        readings: Iterable[Kept],
        properties: Sequence[str],
    ) -> None:
        """Events that were appended, by column."""
        ways = {code: self.way(code) for code in set(codes)}
        self._pending.add(codes, at, ranks, parties, readings, properties, ways)
        if len(self._pending) > _MOST_PENDING:
            self._write_pending()

    def delegate(
        self,
        parts: Iterable[Part],
        codes: Sequence[int],
        at: Sequence[int],
        first_id: int,
        parties: Sequence[int],
    ) -> bool:
        """
        The same of a whole batch, whose days others sum up; False where nobody can.

        Their summaries are asked for before the commit. If they are lost by then, their days
        are made anew.
        """
        start = 0
        for summing, number, events in parts:
            end = start + events
            spans = self._delegated.setdefault(summing, {})
            for code in set(codes):
                _widen(spans, code, min(at), max(at))
            try:
                summing.add(number, codes[start:end], first_id + start, parties[start:end])
            except SummingLost:
                self._lose(summing)
                return False
            start = end
        self._delegated_events += start
        if self._delegated_events > _MOST_DELEGATED:
            self._write_delegated()
        return True

    def mark(self, code: int, at: int) -> None:
        """An event of that instant was changed or removed: its day is made anew."""
        self._broken.add((code, at // DAY))

    def flush(self) -> None:
        """Write down what the transaction did so far."""
        self._write_delegated()
        self._write_pending()
        for code, day in sorted(self._broken):
            self.rebuild(code, day * DAY, (day + 1) * DAY)
        for code, (first, last) in self._lost.items():
            self.rebuild(code, first // DAY * DAY, (last // DAY + 1) * DAY)
        self._broken.clear()
        self._lost.clear()

    def rebuild(self, code: int, start: int = -_EVER, end: int = _EVER) -> None:
        """Make whole days of a code anew."""
        self._connection.execute(
            "DELETE FROM daily_usage WHERE code_id = ? AND day >= ? AND day < ?",
            (code, start // DAY, end // DAY),
        )
        for day, summaries in self.recomputed(code, start, end):
            self._write(code, day, packed(summaries))

    def recomputed(
        self, code: int, start: int = -_EVER, end: int = _EVER
    ) -> Iterator[tuple[int, Summaries]]:
        """(day, summaries) out of the readings."""
        today, summaries = 0, Summaries()
        for at, rank, who, reading in self.readings(code, start, end):
            if summaries and at // DAY != today:
                yield today, summaries
                summaries = {}
            today = at // DAY
            with exact():
                self.summary_in(summaries, code, who).take(at, rank, reading)
        if summaries:
            yield today, summaries

    def readings(self, code: int, start: int, end: int) -> Iterator[tuple[int, int, Who, Kept]]:
        """(instant, rank, whose, reading) in the order of time."""
        label_of = self.way(code).label
        sql = _READINGS.format(
            properties="e.properties" if label_of else "''",
            events=f"JOIN events AS e ON e.id = {EVENT_ID}" if label_of else "",
        )
        bounds = {"code": code, "start": start, "end": end}
        for at, rank, party, text, *reading in self._connection.execute(sql, bounds):
            label = label_of(text) if label_of else None
            yield at, rank, (party, label), tuple(reading)

    def stored(
        self, code: int, start: int = -_EVER, end: int = _EVER, form: Any = Summary.form
    ) -> Iterator[tuple[int, list[Unpacked]]]:
        """
        (day, its rows) from day `start` up to day `end`, day after day.

        A day may come several times, and so a party and label on it.
        """
        unpack = unpacker(form)
        for day, figures in self._connection.execute(_FIGURES, (code, start, end)):
            try:
                rows = unpack(figures)
            except UNREADABLE:
                raise damaged(f"the summary of code {code} and day {day}") from None
            yield day, rows

    def _write_pending(self) -> None:
        for (code, day), summaries in self._pending.take():
            if (code, day) not in self._broken:
                self._write(code, day, packed(summaries))

    def _write_delegated(self) -> None:
        for summing in list(self._delegated):
            try:
                collected = list(summing.collect())
            except SummingLost:
                self._lose(summing)
                continue
            del self._delegated[summing]
            for code, day, figures in collected:
                self._write(code, day, figures)
        self._delegated_events = 0

    def _lose(self, summing: Summing) -> None:
        """Whatever it was to sum up is made anew."""
        for code, span in self._delegated.pop(summing).items():
            _widen(self._lost, code, *span)

    def _write(self, code: int, day: int, figures: bytes) -> None:
        """
        One row more, together with those before it that are not much larger.

        So the rows of a day are few, and what is written anew is in proportion to what is new.
        """
        size, replaced = len(figures), []
        for row, length in self._connection.execute(_SIZES, (code, day)).fetchall():
            if length > 2 * size:
                break
            replaced.append(row)
            size += length
        if replaced:
            figures = packed(self._joined(code, [figures, *map(self._taken_out, replaced)]))
        self._connection.execute(
            "INSERT INTO daily_usage (code_id, day, figures) VALUES (?, ?, ?)",
            (code, day, figures),
        )

    def _taken_out(self, row: int) -> bytes:
        query = "DELETE FROM daily_usage WHERE id = ? RETURNING figures"
        ((figures,),) = self._connection.execute(query, (row,)).fetchall()
        return bytes(figures)

    def _joined(self, code: int, rows: Iterable[bytes]) -> Summaries:
        summaries, unpack = Summaries(), unpacker()
        with exact(), intact(f"a summary of code {code}"):
            for figures in rows:
                for party, label, row in unpack(figures):
                    self.summary_in(summaries, code, (party, label)).absorb(row)
        return summaries

    def summary_in(self, summaries: Summaries, code: int, who: Who) -> Summary:
        """Theirs, or a new one."""
        summary = summaries.get(who)
        if summary is None:
            summary = summaries[who] = self.way(code).kind()
        return summary

    def way(self, code: int) -> Way:
        """How the events of a code are summed up, by its metric if it has one."""
        if code not in self._ways:
            found = self._connection.execute(_METRIC, (code,)).fetchone()
            if found is None:
                self._ways[code] = Way()
            else:
                kind, filters = found
                self._ways[code] = way_of(kind, [row["key"] for row in json.decode(filters)])
        return self._ways[code]


def _widen(spans: Spans, code: int, first: int, last: int) -> None:
    before = spans.get(code, (first, last))
    spans[code] = min(first, before[0]), max(last, before[1])


def days_that_differ(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """(code id, day) of every summary that is not what its readings say together."""
    rollups = Rollups(connection)
    for (code,) in connection.execute("SELECT id FROM codes").fetchall():
        kept: dict[int, Summaries] = {}
        with exact(), intact(f"a summary of code {code}"):
            for day, rows in rollups.stored(code):
                of_day = kept.setdefault(day, {})
                for party, label, row in rows:
                    rollups.summary_in(of_day, code, (party, label)).absorb(row)
        for day, summaries in rollups.recomputed(code):
            if _said(kept.pop(day, {})) != _said(summaries):
                yield code, day
        yield from ((code, day) for day in kept)


def _said(summaries: Summaries) -> dict[Who, object]:
    return {who: each.said() for who, each in summaries.items()}

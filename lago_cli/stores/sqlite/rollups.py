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
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec import json, msgpack

from lago_cli.domain.labels import Label, label_reader
from lago_cli.domain.numbers import exact
from lago_cli.domain.readings import Kept
from lago_cli.domain.summaries import SUMMARIES
from lago_cli.domain.summary import Summary

DAY = 86_400_000_000  # microseconds
_MOST_PENDING = 100_000  # summaries

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

DayKey = tuple[int, int]
"""(code id, UTC days since 1970)."""

Who = tuple[int, Label | None]
"""Whose events: a party's, of a label; None where the metric has no filters."""

Unpacked = tuple[int, Label | None, Any]
"""(party, label, row of a summary)."""


class Reads(NamedTuple):
    """How the events of a code are summed up."""

    kind: type[Summary]
    label: Callable[[str], Label] | None


class Rollups:
    """Collects what a transaction adds, and writes it down before it is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending: dict[tuple[int, int, int, Label | None], Summary] = {}
        self._broken: set[DayKey] = set()
        self._reads: dict[int, Reads] = {}

    def begin(self) -> None:
        """In a new transaction: metrics may have changed."""
        self.forget()

    def forget(self) -> None:
        """After a rollback."""
        self._pending.clear()
        self._broken.clear()
        self._reads.clear()

    def add(
        self,
        codes: Sequence[int],
        at: Sequence[int],
        ids: Iterable[int],
        parties: Sequence[int],
        readings: Iterable[Kept],
        properties: Sequence[str],
    ) -> None:
        """Events that were appended, by column."""
        pending = self._pending
        reads_of = {code: self.reads(code) for code in set(codes)}
        with exact():
            for code, moment, event_id, party, reading, text in zip(
                codes, at, ids, parties, readings, properties, strict=True
            ):
                kind, label_of = reads_of[code]
                key = code, moment // DAY, party, label_of(text) if label_of else None
                summary = pending.get(key)
                if summary is None:
                    summary = pending[key] = kind()
                summary.take(moment, event_id, reading)
        if len(pending) > _MOST_PENDING:
            self._write_pending()

    def mark(self, code: int, at: int) -> None:
        """An event of that instant was changed or removed: its day is made anew."""
        self._broken.add((code, at // DAY))

    def flush(self) -> None:
        """Write down what the transaction did so far."""
        self._write_pending()
        for code, day in sorted(self._broken):
            self.rebuild(code, day * DAY, (day + 1) * DAY)
        self._broken.clear()

    def rebuild(self, code: int, start: int = -_EVER, end: int = _EVER) -> None:
        """Make whole days of a code anew."""
        self._connection.execute(
            "DELETE FROM daily_usage WHERE code_id = ? AND day >= ? AND day < ?",
            (code, start // DAY, end // DAY),
        )
        for day, summaries in self.recomputed(code, start, end):
            self._write(code, day, summaries)

    def recomputed(
        self, code: int, start: int = -_EVER, end: int = _EVER
    ) -> Iterator[tuple[int, dict[Who, Summary]]]:
        """(day, summaries) out of the readings."""
        today, summaries = 0, dict[Who, Summary]()
        for at, event_id, who, reading in self.readings(code, start, end):
            if summaries and at // DAY != today:
                yield today, summaries
                summaries = {}
            today = at // DAY
            with exact():
                self.summary_in(summaries, code, who).take(at, event_id, reading)
        if summaries:
            yield today, summaries

    def readings(self, code: int, start: int, end: int) -> Iterator[tuple[int, int, Who, Kept]]:
        """(instant, event id, whose, reading) in the order of time."""
        label_of = self.reads(code).label
        sql = _READINGS.format(
            properties="e.properties" if label_of else "''",
            events="JOIN events AS e ON e.id = r.event_id" if label_of else "",
        )
        bounds = {"code": code, "start": start, "end": end}
        for at, event_id, party, text, *reading in self._connection.execute(sql, bounds):
            label = label_of(text) if label_of else None
            yield at, event_id, (party, label), tuple(reading)

    def stored(
        self, code: int, start: int = -_EVER, end: int = _EVER, form: Any = Summary.form
    ) -> Iterator[tuple[int, list[Unpacked]]]:
        """
        (day, its rows) from day `start` up to day `end`, day after day.

        A day may come several times, and so a party and label on it.
        """
        unpack = _unpacker(form)
        for day, figures in self._connection.execute(_FIGURES, (code, start, end)):
            yield day, unpack(figures)

    def _write_pending(self) -> None:
        by_day: dict[DayKey, dict[Who, Summary]] = {}
        for (code, day, *who), summary in self._pending.items():
            if (code, day) not in self._broken:
                by_day.setdefault((code, day), {})[tuple(who)] = summary  # type: ignore[index]
        self._pending.clear()
        for (code, day), summaries in by_day.items():
            self._write(code, day, summaries)

    def _write(self, code: int, day: int, summaries: dict[Who, Summary]) -> None:
        """
        One row more, together with those before it that are not much larger.

        So the rows of a day are few, and what is written anew is in proportion to what is new.
        """
        figures = _packed(summaries)
        size, replaced = len(figures), []
        for row, length in self._connection.execute(_SIZES, (code, day)).fetchall():
            if length > 2 * size:
                break
            replaced.append(row)
            size += length
        if replaced:
            with exact():
                for row in replaced:
                    self._absorb(code, row, summaries)
            figures = _packed(summaries)
        self._connection.execute(
            "INSERT INTO daily_usage (code_id, day, figures) VALUES (?, ?, ?)",
            (code, day, figures),
        )

    def _absorb(self, code: int, number: int, summaries: dict[Who, Summary]) -> None:
        """Take the row of that number out, and what it says in."""
        query, unpack = "DELETE FROM daily_usage WHERE id = ? RETURNING figures", _unpacker()
        for (figures,) in self._connection.execute(query, (number,)).fetchall():
            for party, label, row in unpack(figures):
                self.summary_in(summaries, code, (party, label)).absorb(row)

    def summary_in(self, summaries: dict[Who, Summary], code: int, who: Who) -> Summary:
        """Theirs, or a new one."""
        summary = summaries.get(who)
        if summary is None:
            summary = summaries[who] = self.reads(code).kind()
        return summary

    def reads(self, code: int) -> Reads:
        """How the events of a code are summed up, by its metric if it has one."""
        if code not in self._reads:
            found = self._connection.execute(_METRIC, (code,)).fetchone()
            kind, filters = found or ("", "[]")
            keys = [row["key"] for row in json.decode(filters)]
            self._reads[code] = Reads(
                SUMMARIES.get(kind, Summary), label_reader(keys) if keys else None
            )
        return self._reads[code]


def _packed(summaries: dict[Who, Summary]) -> bytes:
    return msgpack.encode([(*who, summary.row()) for who, summary in summaries.items()])


@cache
def _unpacker(form: Any = Summary.form) -> Callable[[bytes], list[Unpacked]]:
    return msgpack.Decoder(list[tuple[int, Label | None, form]]).decode


def days_that_differ(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """(code id, day) of every summary that is not what its readings say together."""
    rollups = Rollups(connection)
    for (code,) in connection.execute("SELECT id FROM codes").fetchall():
        kept: dict[int, dict[Who, Summary]] = {}
        with exact():
            for day, rows in rollups.stored(code):
                of_day = kept.setdefault(day, {})
                for party, label, row in rows:
                    rollups.summary_in(of_day, code, (party, label)).absorb(row)
        for day, summaries in rollups.recomputed(code):
            if _said(kept.pop(day, {})) != _said(summaries):
                yield code, day
        yield from ((code, day) for day in kept)


def _said(summaries: dict[Who, Summary]) -> dict[Who, object]:
    return {who: each.said() for who, each in summaries.items()}

"""
Summaries of every day, maintained with the events they sum up.

A row of `daily_usage` has, for one code and one UTC day, what a commit added: a summary
of each party, packed. Rows of a day are merged where they are read, and as they become many
(see `_write`). What is not a mere addition (a replaced or reverted event, a changed
metric) makes its days anew from their readings, in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import msgpack

from lago_cli.domain.numbers import exact
from lago_cli.domain.readings import Kept
from lago_cli.domain.summaries import SUMMARIES, Summary

DAY = 86_400_000_000  # microseconds
_MOST_PENDING = 200_000  # summaries

_KIND = """
SELECT m.aggregation_type FROM codes AS c LEFT JOIN metrics AS m ON m.code = c.code WHERE c.id = ?
"""
_READINGS = """
SELECT at, event_id, party_id, value, scale, step FROM readings
 WHERE code_id = :code AND at >= :start AND at < :end
 ORDER BY at, event_id
"""
_SIZES = """
SELECT id, length(figures) FROM daily_usage WHERE code_id = ? AND day = ? ORDER BY id DESC
"""
_EVER = 2**62

DayKey = tuple[int, int]
"""(code id, UTC days since 1970)."""


class Rollups:
    """Collects what a transaction adds, and writes it down before it is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending: dict[tuple[int, int, int], Summary] = {}
        self._broken: set[DayKey] = set()
        self._kinds: dict[int, type[Summary]] = {}

    def begin(self) -> None:
        """In a new transaction: metrics may have changed."""
        self.forget()

    def forget(self) -> None:
        """After a rollback."""
        self._pending.clear()
        self._broken.clear()
        self._kinds.clear()

    def add(
        self,
        codes: Sequence[int],
        at: Sequence[int],
        ids: Iterable[int],
        parties: Sequence[int],
        readings: Iterable[Kept],
    ) -> None:
        """Events that were appended, by column."""
        pending = self._pending
        with exact():
            for code, moment, event_id, party, reading in zip(
                codes, at, ids, parties, readings, strict=True
            ):
                key = code, moment // DAY, party
                summary = pending.get(key)
                if summary is None:
                    summary = pending[key] = self._kind(code)()
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
    ) -> Iterator[tuple[int, dict[int, Summary]]]:
        """(day, summaries by party) out of the readings."""
        kind = self._kind(code)
        today, summaries = 0, dict[int, Summary]()
        bounds = {"code": code, "start": start, "end": end}
        for at, event_id, party, *reading in self._connection.execute(_READINGS, bounds):
            if summaries and at // DAY != today:
                yield today, summaries
                summaries = {}
            today = at // DAY
            if party not in summaries:
                summaries[party] = kind()
            with exact():
                summaries[party].take(at, event_id, tuple(reading))
        if summaries:
            yield today, summaries

    def stored(
        self, code: int, start: int = -_EVER, end: int = _EVER
    ) -> Iterator[tuple[int, int, list[Any]]]:
        """
        (day, party, row of a summary) from day `start` up to day `end`.

        A party may come several times a day.
        """
        rows = self._connection.execute(
            "SELECT day, figures FROM daily_usage WHERE code_id = ? AND day >= ? AND day < ?",
            (code, start, end),
        )
        for day, figures in rows:
            for party, row in msgpack.decode(figures):
                yield day, party, row

    def _write_pending(self) -> None:
        by_day: dict[DayKey, dict[int, Summary]] = {}
        for (code, day, party), summary in self._pending.items():
            if (code, day) not in self._broken:
                by_day.setdefault((code, day), {})[party] = summary
        self._pending.clear()
        for (code, day), summaries in by_day.items():
            self._write(code, day, summaries)

    def _write(self, code: int, day: int, summaries: dict[int, Summary]) -> None:
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

    def _absorb(self, code: int, row: int, summaries: dict[int, Summary]) -> None:
        """Take the row out, and what it says in."""
        query = "DELETE FROM daily_usage WHERE id = ? RETURNING figures"
        for (figures,) in self._connection.execute(query, (row,)).fetchall():
            for party, cells in msgpack.decode(figures):
                self.summary_in(summaries, code, party).absorb(cells)

    def summary_in(self, summaries: dict[int, Summary], code: int, party: int) -> Summary:
        """The party's, or a new one."""
        summary = summaries.get(party)
        if summary is None:
            summary = summaries[party] = self._kind(code)()
        return summary

    def _kind(self, code: int) -> type[Summary]:
        if code not in self._kinds:
            found = self._connection.execute(_KIND, (code,)).fetchone()
            self._kinds[code] = SUMMARIES.get(found[0] if found else "", Summary)
        return self._kinds[code]


def _packed(summaries: dict[int, Summary]) -> bytes:
    return msgpack.encode([(party, summary.row()) for party, summary in summaries.items()])


def days_that_differ(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """(code id, day) of every summary that is not what its readings say together."""
    rollups = Rollups(connection)
    for (code,) in connection.execute("SELECT id FROM codes").fetchall():
        kept: dict[int, dict[int, Summary]] = {}
        with exact():
            for day, party, row in rollups.stored(code):
                rollups.summary_in(kept.setdefault(day, {}), code, party).absorb(row)
        for day, summaries in rollups.recomputed(code):
            if _said(kept.pop(day, {})) != _said(summaries):
                yield code, day
        yield from ((code, day) for day in kept)


def _said(summaries: dict[int, Summary]) -> dict[int, object]:
    return {party: each.said() for party, each in summaries.items()}

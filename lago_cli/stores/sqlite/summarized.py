"""
Usage out of the summaries of days, and out of readings only where a day is cut.

What it costs follows the number of parties and days, not that of the events. It gives what
the other ways of `aggregate` give, or None where they are quicker.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from msgspec import Struct, msgpack

from lago_cli.domain.aggregations import Window
from lago_cli.domain.batches import Party
from lago_cli.domain.days import DAY
from lago_cli.domain.labels import Choice, Label
from lago_cli.domain.numbers import exact
from lago_cli.domain.summaries import OVER_DAYS, SUMMARIES, Level
from lago_cli.domain.summary import Summary
from lago_cli.domain.usage import Group, Share, UsageQuery
from lago_cli.stores.sqlite.damage import intact
from lago_cli.stores.sqlite.rollups import Rollups

_EVER = 2**62
HISTORY = -1  # the window before the first, of a recurring metric

Key = tuple[int, int]
"""(owner, number of the window)."""

Row = tuple[Key, Label | None, int, Any]
"""(key, label, UTC day, row of a summary)."""

Found = dict[tuple[int, Group], dict[int, Summary]]
"""By (owner, group), a summary by number of the window."""


class Piece(NamedTuple):
    """Of one party, from `start` up to `end`, what counts under `key`."""

    start: int
    end: int
    key: Key

    @property
    def days(self) -> tuple[int, int]:
        """Whole days in it, from the first up to and without the last; maybe none."""
        return -(-self.start // DAY), max(self.end // DAY, -(-self.start // DAY))


Pieces = dict[int, list[Piece]]
"""By party id."""


class Summarized:
    """Answers out of `daily_usage`."""

    def __init__(self, connection: sqlite3.Connection, party_ids: Mapping[Party, int]) -> None:
        self._connection = connection
        self._party_ids = party_ids
        self._rollups = Rollups(connection)

    def aggregate(self, query: UsageQuery) -> list[Share] | None:
        """A share for each owner and window that has any, None where this is no good way."""
        choice = Choice(query)
        if query.as_of is not None or query.daily or not choice.is_possible:
            return None
        pieces = self._pieces(query)
        edges = _edges(pieces)
        if pieces is None or edges is None:
            return None
        code = self._code_id(query.metric.code)
        if code is None:
            return []
        kind = SUMMARIES[query.metric.aggregation_type]
        over_days = OVER_DAYS[query.metric.aggregation_type]
        with exact(), intact(f'what is kept of "{query.metric.code}"'):
            rows = self._found(code, pieces, edges, kind, over_days.form)
            return list(_shares(query, over_days, _gathered(rows, choice, over_days)))

    def count(
        self, spans: Iterable[tuple[Party, Window]], *, usable: bool
    ) -> dict[int, int] | None:
        """By code id, how many events the parties have within their spans."""
        pieces: Pieces = {}
        for party, span in spans:
            party_id = self._party_ids.get(party)
            if party_id is not None:
                pieces.setdefault(party_id, []).append(Piece(*span, (0, 0)))
        edges = _edges(pieces)
        if edges is None:
            return None
        found = {}
        for (code,) in self._connection.execute("SELECT id FROM codes").fetchall():
            rows = self._found(code, pieces, edges, Summary, _Counts)
            found[code] = sum(row.usable if usable else row.unusable for _, _, _, row in rows)
        return found

    def _pieces(self, query: UsageQuery) -> Pieces | None:
        """None where windows are too short to hold a day."""
        if any(w.end - w.start < DAY for windows in query.windows for w in windows[:2]):
            return None
        pieces: Pieces = {}
        for party, owner, span in query.members:
            windows = query.windows[owner]
            party_id = self._party_ids.get(party)
            if not windows or party_id is None:
                continue
            mine = pieces.setdefault(party_id, [])
            if query.metric.recurring:
                mine.append(Piece(span.start, min(span.end, windows[0].start), (owner, HISTORY)))
            mine += (
                Piece(max(span.start, window.start), min(span.end, window.end), (owner, number))
                for number, window in enumerate(windows)
            )
        return {
            party: [piece for piece in mine if piece.start < piece.end]
            for party, mine in pieces.items()
        }

    def _found(
        self, code: int, pieces: Pieces, edges: list[Window], kind: type[Summary], form: Any
    ) -> Iterator[Row]:
        """Whole days, and then what of cut ones counts."""
        days = {
            party: [(*piece.days, piece.key) for piece in mine] for party, mine in pieces.items()
        }
        bounds = [
            bound for mine in days.values() for first, last, _ in mine for bound in (first, last)
        ]
        if bounds:
            for day, rows in self._rollups.stored(code, min(bounds), max(bounds), form):
                for party, label, row in rows:
                    for first, last, key in days.get(party, ()):
                        if first <= day < last:
                            yield key, label, day, row
        as_stored = msgpack.Decoder(form).decode
        for start, end in edges:
            readings = self._rollups.readings(code, start, end)
            for day, of_day in groupby(readings, lambda reading: reading[0] // DAY):
                cut: dict[tuple[Key, Label | None], Summary] = {}
                for at, rank, (party, label), reading in of_day:
                    for piece in pieces.get(party, ()):
                        if piece.start <= at < piece.end and not _is_whole(piece, at):
                            who = piece.key, label
                            if who not in cut:
                                cut[who] = kind()
                            cut[who].take(at, rank, reading)
                for (key, label), summary in cut.items():
                    yield key, label, day, as_stored(msgpack.encode(summary.row()))

    def _code_id(self, code: str) -> int | None:
        row = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,)).fetchone()
        return None if row is None else int(row[0])


class _Counts(Struct, array_like=True, gc=False):
    """How the row of any summary begins."""

    unusable: int
    usable: int


def _is_whole(piece: Piece, at: int) -> bool:
    """Whether a summary of the whole day counts the event already."""
    first, last = piece.days
    return first * DAY <= at < last * DAY


def _edges(pieces: Pieces | None) -> list[Window] | None:
    """The times outside whole days, joined; None where that is most of the time."""
    found: set[Window] = set()
    for mine in (pieces or {}).values():
        for piece in mine:
            first, last = piece.days
            if first == last:
                found.add(Window(piece.start, piece.end))
                continue
            found.add(Window(piece.start, first * DAY))
            found.add(Window(last * DAY, piece.end))
    joined: list[Window] = []
    for start, end in sorted(found):
        if start >= end:
            continue
        if joined and start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(end, joined[-1].end))
        else:
            joined.append(Window(start, end))
    asked = [piece for mine in (pieces or {}).values() for piece in mine if piece.key[1] >= 0]
    if joined and asked:
        span = max(piece.end for piece in asked) - min(piece.start for piece in asked)
        if sum(end - start for start, end in joined) * 2 > span:
            return None
    return joined


def _gathered(rows: Iterable[Row], choice: Choice, kind: type[Summary]) -> Found:
    found: Found = {}
    known: dict[tuple[Key, Label | None], Summary | None] = {}  # None: nobody asks for it
    for key, label, day, row in rows:
        who = key, label
        if who not in known:
            owner, number = key
            group = choice.group_of(label)
            if group is None:
                known[who] = None
            else:
                windows = found.setdefault((owner, group), {})
                known[who] = windows.setdefault(number, kind())
        summary = known[who]
        if summary is not None:
            summary.absorb_day(day, row)
    return found


def _shares(query: UsageQuery, kind: type[Summary], found: Found) -> Iterator[Share]:
    for owner, group in list(found):
        windows = found.pop((owner, group))  # so that each is forgotten before the next
        running = windows.get(HISTORY) or kind()
        for number, window in enumerate(query.windows[owner]):
            inside = windows.get(number)
            if query.metric.recurring:
                whole = running.carried(window.start) if isinstance(running, Level) else running
                if inside is not None:
                    whole.merge(inside)
                    if isinstance(running, Level):
                        running.merge(inside)
                if whole.usable:
                    count = inside.usable if inside else 0
                    yield Share(owner, window, group, whole.units(window), count)
            elif inside is not None and inside.usable:
                yield Share(owner, window, group, inside.units(window), inside.usable)

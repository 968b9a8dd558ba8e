"""
What was sent on to another Lago, for each destination.

An event is done with once the other side has answered for it, whatever it said. That is kept as
ranges of event ids: ids are never given twice, so a range may lie across those that no row has.
It never lies across a row that is still to be sent, or that may come back and then is. Versions of
an event are one event: what stands for one that was sent is not sent again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import json

from lago_cli.domain.stored import EventSelection
from lago_cli.domain.subscriptions import EVER
from lago_cli.stores.sqlite.events import pieces_of
from lago_cli.stores.sqlite.parties import Parties

SUPERSEDED = "superseded"
"""Why a version is not sent: the other side has an earlier one."""

_ROWS = """
SELECT e.id, e.party_id, e.at, c.code,
       CASE WHEN m.code IS NULL THEN 'unmatched' WHEN u.event_id IS NULL THEN 'counted'
            ELSE 'unusable' END
  FROM events AS e
  JOIN codes AS c ON c.id = e.code_id
  LEFT JOIN metrics AS m ON m.code = c.code
  LEFT JOIN unusable_events AS u ON u.event_id = e.id
"""
_BETWEEN = f"{_ROWS} WHERE e.id > ? AND e.id < ? ORDER BY e.id LIMIT ?"
_REFUSED = f"""
{_ROWS} JOIN push_outcomes AS o ON o.event_id = e.id
 WHERE e.id > ? AND e.id < ? AND o.destination_id = ? AND o.code <> '{SUPERSEDED}'
 ORDER BY e.id LIMIT ?
"""
_COVERING = """
SELECT first_id, last_id FROM pushed_events
 WHERE destination_id = ? AND first_id <= ? ORDER BY first_id DESC LIMIT 1
"""
_FOLLOWING = """
SELECT first_id, last_id FROM pushed_events
 WHERE destination_id = ? AND first_id > ? ORDER BY first_id LIMIT 1
"""
_EARLIER = """
WITH RECURSIVE earlier (event_id, id) AS (
    SELECT w.value, r.id FROM json_each(?) AS w JOIN replaced_events AS r ON r.replaced_by = w.value
     UNION ALL
    SELECT e.event_id, r.id FROM earlier AS e JOIN replaced_events AS r ON r.replaced_by = e.id
)
SELECT event_id, id FROM earlier
"""
_IS_EMPTY = """
SELECT NOT EXISTS (SELECT 1 FROM events WHERE id > :after AND id < :before)
   AND NOT EXISTS (SELECT 1 FROM deleted_events WHERE id > :after AND id < :before)
   AND NOT EXISTS (SELECT 1 FROM replaced_events WHERE id > :after AND id < :before)
"""
_REFUSALS = f"""
SELECT count(*) FROM push_outcomes JOIN events ON id = event_id
 WHERE destination_id = ? AND code <> '{SUPERSEDED}'
"""  # noqa: S608
_SUPERSEDED = f"""
SELECT count(*) FROM push_outcomes JOIN events ON id = event_id
 WHERE destination_id = ? AND code = '{SUPERSEDED}'
"""  # noqa: S608
_DELETED = """
SELECT count(*) FROM deleted_events AS d
 WHERE d.id <= (SELECT last_id FROM pushed_events
                 WHERE destination_id = :destination AND first_id <= d.id
                 ORDER BY first_id DESC LIMIT 1)
   AND NOT EXISTS (SELECT 1 FROM push_outcomes
                    WHERE destination_id = :destination AND event_id = d.id)
"""
_WRONG = """
SELECT destination_id, first_id, last_id FROM pushed_events AS p
 WHERE last_id < first_id
    OR last_id >= (SELECT min(first_id) FROM pushed_events AS q
                    WHERE q.destination_id = p.destination_id AND q.first_id > p.first_id)
"""


class Waiting(NamedTuple):
    """An event that may be sent, as far as it takes to say whether it is wanted."""

    event_id: int
    party: int
    at: int
    code: str
    status: str


class Outbox:
    """One destination. It writes inside a transaction that its caller opens and commits."""

    def __init__(self, connection: sqlite3.Connection, url: str) -> None:
        self._connection = connection
        self._url = url
        self._known = self._find()

    def _find(self) -> int | None:
        query = "SELECT id FROM push_destinations WHERE url = ?"
        row = self._connection.execute(query, (self._url,)).fetchone()
        return None if row is None else int(row[0])

    @property
    def _destination(self) -> int:
        """0 where nothing was ever sent there."""
        if self._known is None:
            self._known = self._find()
        return self._known or 0

    def last_id(self) -> int:
        """The id of the latest event."""
        return self._connection.execute("SELECT ifnull(max(id), 0) FROM events").fetchone()[0]  # type: ignore[no-any-return]

    def waiting(self, after: int, until: int, most: int) -> Iterator[Waiting]:
        """Up to `most` events that are not done with, in the order of arrival, up to an id."""
        while most > 0 and after < until:
            destination = self._destination
            row = self._connection.execute(_COVERING, (destination, after + 1)).fetchone()
            if row is not None and row[1] > after:
                after = row[1]
                continue
            row = self._connection.execute(_FOLLOWING, (destination, after)).fetchone()
            before = until + 1 if row is None else min(row[0], until + 1)
            rows = self._connection.execute(_BETWEEN, (after, before, most)).fetchall()
            yield from map(Waiting._make, rows)
            most -= len(rows)
            after = before - 1

    def refused(self, after: int, until: int, most: int) -> Iterator[Waiting]:
        """The same of those that the other side has refused."""
        values = (after, until + 1, self._destination, most)
        yield from map(Waiting._make, self._connection.execute(_REFUSED, values).fetchall())

    def superseded(self, ids: Collection[int]) -> set[int]:
        """Those of the events that stand for a version that the other side has."""
        return {
            event_id
            for event_id, earlier in self._earlier(ids)
            if self._is_covered(earlier) and not self._was_refused(earlier)
        }

    def record(
        self,
        done: Iterable[int],
        refused: Mapping[int, tuple[str, str]],
        superseded: Collection[int] = (),
    ) -> None:
        """
        Inside a transaction: these events are done with.

        Args:
            done: what the other side has.
            refused: what it does not want, with a code and a sentence.
            superseded: what was not sent, because the other side has an earlier version.
        """
        self._open()
        there = {*done, *superseded}
        there |= {earlier for _, earlier in self._earlier(there)}
        destination = self._destination
        if self._has_outcomes():
            query = "DELETE FROM push_outcomes WHERE destination_id = ? AND event_id = ?"
            self._connection.executemany(query, [(destination, each) for each in there])
        outcomes = [(each, code, message) for each, (code, message) in refused.items()]
        outcomes += [(each, SUPERSEDED, "") for each in superseded]
        self._connection.executemany(
            "INSERT OR REPLACE INTO push_outcomes VALUES (?, ?, ?, ?)",
            [(destination, *row) for row in outcomes],
        )
        self._cover(sorted({*there, *refused}))

    def _open(self) -> None:
        if not self._destination:
            query = "INSERT OR IGNORE INTO push_destinations (url) VALUES (?)"
            self._connection.execute(query, (self._url,))
            self._known = None

    def forget(self) -> None:
        """After a rollback."""
        self._known = None

    def standing(self) -> tuple[int, int, int]:
        """
        How many events here are refused there, replaced or deleted here since they were sent.
        """
        destination = self._destination
        counts = [
            self._connection.execute(query, (destination,)).fetchone()[0]
            for query in (_REFUSALS, _SUPERSEDED)
        ]
        deleted = self._connection.execute(_DELETED, {"destination": destination}).fetchone()[0]
        return counts[0], counts[1], deleted

    def _earlier(self, ids: Collection[int]) -> list[tuple[int, int]]:
        """(event, version that it stands for), of all earlier versions."""
        wanted = json.encode(sorted(ids)).decode()
        return self._connection.execute(_EARLIER, (wanted,)).fetchall()

    def _is_covered(self, event_id: int) -> bool:
        row = self._connection.execute(_COVERING, (self._destination, event_id)).fetchone()
        return row is not None and row[1] >= event_id

    def _was_refused(self, event_id: int) -> bool:
        query = "SELECT code FROM push_outcomes WHERE destination_id = ? AND event_id = ?"
        row = self._connection.execute(query, (self._destination, event_id)).fetchone()
        return row is not None and row[0] != SUPERSEDED

    def _has_outcomes(self) -> bool:
        query = "SELECT EXISTS (SELECT 1 FROM push_outcomes WHERE destination_id = ?)"
        return bool(self._connection.execute(query, (self._destination,)).fetchone()[0])

    def _cover(self, ids: Sequence[int]) -> None:
        ranges: list[tuple[int, int]] = []
        for each in ids:
            if ranges and self._is_empty(ranges[-1][1], each):
                ranges[-1] = ranges[-1][0], each
            else:
                ranges.append((each, each))
        for first, last in ranges:
            self._cover_range(first, last)

    def _cover_range(self, first: int, last: int) -> None:
        destination = self._destination
        row = self._connection.execute(_COVERING, (destination, first)).fetchone()
        if row is not None and self._is_empty(row[1], first):
            first, last = row[0], max(row[1], last)
        while row := self._connection.execute(_FOLLOWING, (destination, first)).fetchone():
            if not self._is_empty(last, row[0]):
                break
            last = max(last, row[1])
            query = "DELETE FROM pushed_events WHERE destination_id = ? AND first_id = ?"
            self._connection.execute(query, (destination, row[0]))
        query = "INSERT OR REPLACE INTO pushed_events VALUES (?, ?, ?)"
        self._connection.execute(query, (destination, first, last))

    def _is_empty(self, after: int, before: int) -> bool:
        """Whether nothing lies between two ids that was not sent, or may come back unsent."""
        if before - after <= 1:
            return True
        values = {"after": after, "before": before}
        return bool(self._connection.execute(_IS_EMPTY, values).fetchone()[0])


def wanted(parties: Parties, selection: EventSelection) -> Callable[[Waiting], bool]:
    """Whether an event is one of a selection."""
    pieces = pieces_of(parties, selection)
    start = EVER.start if selection.start is None else selection.start
    end = EVER.end if selection.end is None else selection.end

    def is_wanted(row: Waiting) -> bool:
        return (
            start <= row.at < end
            and (not selection.codes or row.code in selection.codes)
            and selection.status in (None, row.status)
            and (pieces is None or any(True for _ in pieces.at(row.party, row.at)))
        )

    return is_wanted


def wrong_ranges(connection: sqlite3.Connection) -> Iterator[str]:
    """Ranges that say nothing, or the same twice."""
    for destination, first, last in connection.execute(_WRONG):
        yield f"the range {first} to {last} of destination {destination} overlaps another one"

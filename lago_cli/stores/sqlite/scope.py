"""
The scope of a usage question: whose events count, in which windows, as known when.

It stands in temporary tables, which the statements of `aggregate` join; no text of a
user is ever part of a statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from lago_cli.domain.aggregations import Window
from lago_cli.domain.batches import Party
from lago_cli.domain.readings import Reader, unmatched
from lago_cli.domain.usage import UsageQuery
from lago_cli.stores.sqlite.ranks import EVENT_ID, RANK

EVER = -(2**62)

_EVENT = "id, transaction_id, party_id, properties, precise_total_amount_cents, received_at, run_id"
_NOW = ("readings", f"JOIN events AS e ON e.id = {EVENT_ID}")
_THEN = (  # with the versions of events that were replaced later
    "(SELECT * FROM readings UNION ALL SELECT * FROM temp.replaced_readings)",
    f"JOIN (SELECT {_EVENT} FROM events UNION ALL SELECT {_EVENT} FROM replaced_events) AS e"  # noqa: S608
    f" ON e.id = {EVENT_ID}",
)
_REPLACED_LATER = f"""
SELECT c.code, e.code_id, e.at, {RANK}, e.party_id, e.properties
  FROM replaced_events AS e
  JOIN codes AS c ON c.id = e.code_id
 WHERE e.received_at <= :as_of
   AND NOT EXISTS (
       WITH RECURSIVE later (id) AS (
           SELECT e.replaced_by
            UNION ALL
           SELECT x.replaced_by FROM replaced_events AS x JOIN later ON x.id = later.id
       )
       SELECT 1 FROM later
        WHERE EXISTS (SELECT 1 FROM events WHERE id = later.id AND received_at <= :as_of)
           OR EXISTS (SELECT 1 FROM replaced_events WHERE id = later.id AND received_at <= :as_of))
"""  # noqa: S608
_TABLES = (
    """
    CREATE TEMP TABLE IF NOT EXISTS members (
        party_id INTEGER, owner INTEGER, calendar INTEGER,
        first INTEGER,  -- where the owner's first window starts
        start INTEGER, end INTEGER,
        PRIMARY KEY (party_id, owner, start)
    ) WITHOUT ROWID
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS windows (
        calendar INTEGER, start INTEGER, PRIMARY KEY (calendar, start)
    ) WITHOUT ROWID
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS replaced_readings (
        code_id INTEGER, at INTEGER, event_id INTEGER, party_id INTEGER,
        value BLOB, scale INTEGER, step INTEGER  -- BLOB: what is put in keeps its type
    )
    """,
    "DELETE FROM temp.members",
    "DELETE FROM temp.windows",
    "DELETE FROM temp.replaced_readings",
)


class Scope:
    """`readings` and `of_event` say, in SQL, where readings are and how to join their events."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        party_ids: Mapping[Party, int],
        readers: Mapping[str, Reader],
    ) -> None:
        self._connection = connection
        self._party_ids = party_ids
        self._readers = readers
        self.readings, self.of_event = _NOW

    def lay_out(self, query: UsageQuery) -> None:
        """Tell SQLite whose events count, and when; owners often share their windows."""
        self._known(query.as_of)
        calendars = {id(windows): windows for windows in query.windows if windows}
        numbers = {key: number for number, key in enumerate(calendars)}
        self._connection.executemany(
            "INSERT INTO temp.members VALUES (?, ?, ?, ?, ?, ?)",
            (
                (self._party_ids[party], owner, numbers[id(windows)], windows[0].start, start, end)
                for party, owner, span in query.members
                if (windows := query.windows[owner]) and party in self._party_ids
                for start in [
                    span.start if query.metric.recurring else max(span.start, windows[0].start)
                ]
                if start < (end := min(span.end, windows[-1].end))
            ),
        )
        if all(len(windows) == 1 for windows in calendars.values()):
            return
        self._connection.executemany(
            "INSERT INTO temp.windows VALUES (?, ?)",
            (
                (numbers[key], window.start)
                for key, windows in calendars.items()
                for window in windows
            ),
        )

    def lay_out_spans(
        self, spans: Iterable[tuple[Party, Window]], as_of: int | None
    ) -> dict[str, int | None] | None:
        """The same for spans alone; the bounds of all of them, None where there is nobody."""
        self._known(as_of)
        members = [
            (self._party_ids[party], number, *window)
            for number, (party, window) in enumerate(spans)
            if party in self._party_ids
        ]
        if not members:
            return None
        self._connection.executemany("INSERT INTO temp.members VALUES (?, ?, 0, 0, ?, ?)", members)
        return {
            "start": min(start for *_, start, _ in members),
            "end": max(end for *_, end in members),
            "as_of": as_of,
        }

    def _known(self, as_of: int | None) -> None:
        """Empty temporary tables, and where the readings and events of that instant are."""
        for statement in _TABLES:
            self._connection.execute(statement)
        self.readings, self.of_event = _NOW
        if as_of is None:
            return
        rows = self._connection.execute(_REPLACED_LATER, {"as_of": as_of}).fetchall()
        self._connection.executemany(
            "INSERT INTO temp.replaced_readings VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (code_id, at, rank, party, *self._readers.get(code, unmatched)(properties, at))
                for code, code_id, at, rank, party, properties in rows
            ),
        )
        self.readings, self.of_event = _THEN if rows else _NOW

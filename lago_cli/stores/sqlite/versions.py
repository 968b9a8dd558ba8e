"""What was known earlier: of events that were replaced since, deleted, or brought back."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping

from lago_cli.domain.stored import Deletion
from lago_cli.stores.sqlite.parts import EventRow

History = Mapping[int, tuple[Deletion, ...]]
"""By event, its deletions, the latest last."""

_COLUMNS = """
       e.code_id, e.id, e.at, e.finer, e.party_id, e.properties, e.received_at,
       e.precise_total_amount_cents
"""
_REPLACED_LATER = f"""
SELECT {_COLUMNS}
  FROM replaced_events AS e
 WHERE e.code_id = :code
   AND e.received_at <= :as_of
   AND NOT EXISTS (
       WITH RECURSIVE later (id) AS (
           SELECT e.replaced_by
            UNION ALL
           SELECT x.replaced_by FROM replaced_events AS x JOIN later ON x.id = later.id
       )
       SELECT 1 FROM later
        WHERE EXISTS (SELECT 1 FROM events WHERE id = later.id AND received_at <= :as_of)
           OR EXISTS (SELECT 1 FROM deleted_events WHERE id = later.id AND received_at <= :as_of)
           OR EXISTS (SELECT 1 FROM replaced_events WHERE id = later.id AND received_at <= :as_of))
"""  # noqa: S608
_DELETED = f"SELECT {_COLUMNS} FROM deleted_events AS e WHERE e.code_id = :code"  # noqa: S608
_DELETED_THEN = """
SELECT event_id FROM deletions
 WHERE deleted_at <= :as_of AND (undeleted_at IS NULL OR undeleted_at > :as_of)
"""
_HISTORY = "SELECT event_id, deleted_at, reason, undeleted_at FROM deletions ORDER BY id"
_IN_FORCE = "SELECT event_id, deleted_at, reason FROM deletions WHERE undeleted_at IS NULL"
_SPAN = """
SELECT min(at), max(at)
  FROM (SELECT at FROM replaced_events UNION ALL SELECT at FROM deleted_events)
"""


def replaced_later(connection: sqlite3.Connection, code: int, as_of: int) -> Iterator[EventRow]:
    """The versions of a code's events that stood at that instant and were replaced after it."""
    values = {"code": code, "as_of": as_of}
    return map(EventRow._make, connection.execute(_REPLACED_LATER, values))


def deleted(connection: sqlite3.Connection, code: int) -> Iterator[EventRow]:
    """The events of a code that are deleted today."""
    return map(EventRow._make, connection.execute(_DELETED, {"code": code}))


def deleted_then(connection: sqlite3.Connection, as_of: int) -> Collection[int]:
    """The ids of events that were deleted at that instant, whatever they are today."""
    return {event_id for (event_id,) in connection.execute(_DELETED_THEN, {"as_of": as_of})}


def put_aside_later(
    connection: sqlite3.Connection, code: int, as_of: int, gone: Collection[int]
) -> Iterator[EventRow]:
    """What counted at that instant and was replaced or deleted after it; `gone` was deleted."""
    for row in replaced_later(connection, code, as_of):
        if row.id not in gone:
            yield row
    for row in deleted(connection, code):
        if row.id not in gone and row.received_at <= as_of:
            yield row


def span_of_put_aside(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """The instants of the first and the last event that was replaced or deleted."""
    first, last = connection.execute(_SPAN).fetchone()
    if first is not None:
        yield first, last


def history(connection: sqlite3.Connection) -> History:
    """By event, its deletions, the latest last; there are few."""
    found: dict[int, tuple[Deletion, ...]] = {}
    for event_id, *row in connection.execute(_HISTORY):
        found[event_id] = (*found.get(event_id, ()), Deletion(*row))
    return found


def deleted_today(connection: sqlite3.Connection) -> Mapping[int, Deletion]:
    """The deletions in force, by event."""
    rows = connection.execute(_IN_FORCE)
    return {event_id: Deletion(*row) for event_id, *row in rows}

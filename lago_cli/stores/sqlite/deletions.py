"""
Events that `lago events delete` took out of every figure, and what is known of it.

The row of a deleted event is in `deleted_events`, its identity stays taken. `deletions` is their
history, of the very version that was deleted: whoever comes to stand for that version inherits it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from lago_cli.domain.metrics import Metric
from lago_cli.stores.sqlite.blocks import KnownBlocks
from lago_cli.stores.sqlite.derivation import Derivation
from lago_cli.stores.sqlite.ranks import EVENT_COLUMNS

_MOVE = "INSERT INTO {to} ({columns}) SELECT {columns} FROM {table} WHERE id = ?"
_CODE = "SELECT code_id FROM {table} WHERE id = ?"
_DELETED = "INSERT INTO deletions (event_id, deleted_at, reason) VALUES (?, ?, ?)"
_UNDELETED = "UPDATE deletions SET undeleted_at = ? WHERE event_id = ? AND undeleted_at IS NULL"
_WRONG = """
SELECT e.id, 'is deleted and stored' FROM deleted_events AS e JOIN events USING (id)
 UNION ALL
SELECT id, 'is deleted, and nothing says just once when and why' FROM deleted_events AS e
 WHERE (SELECT count(*) FROM deletions WHERE event_id = e.id AND undeleted_at IS NULL) <> 1
 UNION ALL
SELECT event_id, 'is said to be deleted, and is not' FROM deletions
 WHERE undeleted_at IS NULL AND event_id NOT IN (SELECT id FROM deleted_events)
 UNION ALL
SELECT event_id, 'was deleted once, and is not there' FROM deletions
 WHERE undeleted_at IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM events WHERE id = event_id)
   AND NOT EXISTS (SELECT 1 FROM deleted_events WHERE id = event_id)
   AND NOT EXISTS (SELECT 1 FROM replaced_events WHERE id = event_id)
"""


class Deletions:
    """Writes inside a transaction that its caller opens and commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._derivation = Derivation(connection)

    def delete(self, event_id: int, reason: str, now: int, metrics: Mapping[str, Metric]) -> None:
        """Take an event that is stored out of every figure."""
        self._derivation.begin(metrics)
        code = self.move(event_id, "events", "deleted_events")
        self._derivation.removed(code, event_id)
        self._derivation.flush()
        self._connection.execute(_DELETED, (event_id, now, reason))
        KnownBlocks(self._connection).forget()  # who sends it again is told that it is deleted

    def undelete(self, event_id: int, now: int, metrics: Mapping[str, Metric]) -> None:
        """Bring a deleted event back into every figure."""
        self._derivation.begin(metrics)
        code = self.move(event_id, "deleted_events", "events")
        self._derivation.restored(code, event_id)
        self._derivation.flush()
        self._connection.execute(_UNDELETED, (now, event_id))

    def move(self, event_id: int, table: str, to: str) -> int:
        """Move a row as it is; its code."""
        ((code,),) = self._connection.execute(_CODE.format(table=table), (event_id,))
        query = _MOVE.format(table=table, to=to, columns=EVENT_COLUMNS)
        self._connection.execute(query, (event_id,))
        self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (event_id,))  # noqa: S608
        return int(code)

    def inherit(self, event_id: int, heir: int | None) -> None:
        """A version is taken back: the one before it, if there is one, was deleted instead."""
        if heir is None:
            query = "DELETE FROM deletions WHERE event_id = ?"
            self._connection.execute(query, (event_id,))
        else:
            query = "UPDATE deletions SET event_id = ? WHERE event_id = ?"
            self._connection.execute(query, (heir, event_id))


def wrong_deletions(connection: sqlite3.Connection) -> Iterable[str]:
    """Where the history and the deleted events contradict each other."""
    return (f"event {event_id} {what}" for event_id, what in connection.execute(_WRONG))

"""
Which keys of identities are held, in two tables: a large one, and the latest in a small one.

Keys are random, so a transaction that inserts many into a large table changes nearly every page
of it, and each goes through the write-ahead log. So once the table is large it is only read while
keys are claimed. New ones go into the small table, and from there, when they have become many, all
together and in their order into the large one. A key stands in one of the two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

from msgspec import json

from lago_cli.stores.sqlite.bulk import insert_rows

KEY_BITS = 63

_LARGE = 4_000_000  # keys: so many pages do not fit into the cache
_RECENT = 1_000_000
_SHARE = 5  # the recent keys may be as many as this part of the others
_MANY = 10_000
"""
So many keys are claimed in their order, else each would ask for another page of a large
file. Every other time it is the reverse order: it finds the pages that were used last.
Who claims fewer never moves the recent keys, which takes a second or two.
"""
_SAMPLE = 1_000
_KEY = itemgetter(0)

TABLES = ("identities", "recent_identities")
_INSERT = "INSERT OR IGNORE INTO identities"
_INSERT_RECENT = "INSERT OR IGNORE INTO recent_identities"
_HELD = """
SELECT i.key, i.event_id FROM json_each(?) AS wanted JOIN identities AS i ON i.key = wanted.value
"""
_HELD_RECENTLY = """
SELECT i.key, i.event_id
  FROM json_each(?) AS wanted JOIN recent_identities AS i ON i.key = wanted.value
"""
_SETTLE = (
    "INSERT OR ROLLBACK INTO identities SELECT * FROM recent_identities",
    "DELETE FROM recent_identities",
)


def rows_by(connection: sqlite3.Connection, query: str, keys: Iterable[int]) -> Iterator[Any]:
    """Rows of a query over many integers at once, given as one JSON array."""
    return connection.execute(query, (json.encode(list(keys)).decode(),))


class Keys:
    """Claims keys for event ids, inside a write transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sizes: list[int] = []  # of the two tables; unknown while empty
        self._claimed = 0
        self._up = False

    def begin(self) -> None:
        """In a new transaction: others may have changed both tables, or this one is undone."""
        self._sizes = []

    def claim(self, keys: Sequence[int], ids: Sequence[int]) -> dict[int, int]:
        """
        Let each event hold its key where that is free.

        Returns:
            The event that holds each key, for all keys that were not free or come twice (and
            maybe for others); empty where all were free.
        """
        self._claimed += len(keys)
        if not self._sizes:
            self._look()
        columns: Sequence[Sequence[int]] = keys, ids
        if len(keys) >= _MANY:
            self._up = not self._up
            rows = sorted(zip(keys, ids, strict=True), key=_KEY, reverse=not self._up)
            columns = list(zip(*rows, strict=True))
        insert, held_by, table = _INSERT, _HELD, int(self._sizes[0] >= _LARGE or self._sizes[1] > 0)
        held: dict[int, int] = {}
        if table:
            insert, held_by = _INSERT_RECENT, _HELD_RECENTLY
            held = dict(rows_by(self._connection, _HELD, columns[0]))
            if held:
                free = [key not in held for key in columns[0]]
                columns = [list(compress(column, free)) for column in columns]
        before = self._connection.total_changes
        insert_rows(self._connection, insert, *columns)
        new = self._connection.total_changes - before
        self._sizes[table] += new
        if new < len(columns[0]):
            held.update(rows_by(self._connection, held_by, columns[0]))
        return held

    def _look(self) -> None:
        """
        How large the tables are; recent keys settle if it is time.

        That is first in a transaction: later it would drive out of the cache what the
        transaction has changed, and will change again.
        """
        settled, recent = self._sizes = [self._about(table) for table in TABLES]
        if self._claimed >= _MANY and recent >= max(_RECENT, settled // _SHARE):
            for statement in _SETTLE:
                self._connection.execute(statement)
            self._sizes = [settled + recent, 0]

    def _about(self, table: str) -> int:
        """How many keys a table has: hashes lie evenly, so the first thousand tell."""
        count, last = self._connection.execute(
            f"SELECT count(*), max(key) FROM (SELECT key FROM {table} ORDER BY key LIMIT ?)",  # noqa: S608
            (_SAMPLE,),
        ).fetchone()
        return int(count if count < _SAMPLE else (count << KEY_BITS) // (last + 1))

"""
Which identities are taken: (stream, transaction id), for ever.

A 63-bit hash as integer primary key is the cheapest B-tree there is: 16 bytes an event
where an index over the texts takes 50, which decides how fast the ten millionth event
goes in. The hash only finds; two identities are equal when their texts are. Of two that
share a key the later stands in `identity_collisions`, which is practically empty. In which
of two tables the others stand is the concern of `keys.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from xxhash import xxh3_64_intdigest as digest

from lago_cli.stores.sqlite.keys import KEY_BITS, TABLES, Keys, rows_by

KEY_MASK = (1 << KEY_BITS) - 1

_STORED_IN = """
SELECT e.id, e.transaction_id, c.code, p.external_customer_id, p.external_subscription_id, e.at,
       e.properties, e.precise_total_amount_cents, e.finer, p.stream_id
  FROM json_each(?) AS wanted
  JOIN {table} AS e ON e.id = wanted.value
  JOIN parties AS p ON p.id = e.party_id
  JOIN codes AS c ON c.id = e.code_id
"""
_STORED, _DELETED = (_STORED_IN.format(table=name) for name in ("events", "deleted_events"))
_ALL_TABLES = (*TABLES, "identity_collisions")
_WAITING = """
SELECT min(event_id) FROM identity_collisions
 WHERE key = :key
   AND NOT EXISTS (SELECT 1 FROM identities WHERE key = :key)
   AND NOT EXISTS (SELECT 1 FROM recent_identities WHERE key = :key)
"""
HOLDERS_OF_KEY = """
SELECT event_id FROM identities WHERE key = :key
 UNION ALL
SELECT event_id FROM recent_identities WHERE key = :key
 UNION ALL
SELECT event_id FROM identity_collisions WHERE key = :key
"""

Identity = tuple[str, int]
"""(transaction id, stream)."""

Stored = tuple[Any, ...]
"""An event: its id, `events.FIELDS`, its picoseconds beyond the microsecond, and its stream."""


def key_of(transaction_id: str, stream: int) -> int:
    """The key under which an identity is found."""
    return digest(transaction_id.encode(), stream) & KEY_MASK


class Identities:
    """Claims identities for event ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._keys = Keys(connection)

    def begin(self) -> None:
        """In a new transaction."""
        self._keys.begin()

    def claim(
        self, identities: Sequence[Identity], first_id: int
    ) -> tuple[dict[int, int], dict[int, Stored]]:
        """
        Attribution identity number i for event `first_id + i`.

        Returns:
            For every identity that was taken, its number and the event that holds it
            (which may be one of the same batch); and those of these events that were stored.
        """
        keys = [key_of(*identity) for identity in identities]
        held = self._keys.claim(keys, range(first_id, first_id + len(keys)))
        taken = {
            number: held[key]
            for number, key in enumerate(keys)
            if key in held and held[key] != first_id + number
        }
        stored = self.stored(holder for holder in taken.values() if holder < first_id)
        return self._without_collisions(taken, stored, identities, keys, first_id), stored

    def _without_collisions(
        self,
        taken: dict[int, int],
        stored: dict[int, Stored],
        identities: Sequence[Identity],
        keys: Sequence[int],
        first_id: int,
    ) -> dict[int, int]:
        """Leave out those whose key is held by another identity, and keep them apart."""
        really = {}
        for number, holder in taken.items():
            own = holder >= first_id
            held = identities[holder - first_id] if own else _identity_of(stored[holder])
            if held == identities[number]:
                really[number] = holder
                continue
            apart = self._claim_apart(keys[number], number, identities, stored, first_id)
            if apart != first_id + number:
                really[number] = apart
        return really

    def _claim_apart(
        self,
        key: int,
        number: int,
        identities: Sequence[Identity],
        stored: dict[int, Stored],
        first_id: int,
    ) -> int:
        rows = self._connection.execute(
            "SELECT event_id FROM identity_collisions WHERE key = ?", (key,)
        ).fetchall()
        holders = [holder for (holder,) in rows]
        stored |= self.stored(holder for holder in holders if holder < first_id)
        for holder in holders:
            own = holder >= first_id
            held = identities[holder - first_id] if own else _identity_of(stored[holder])
            if held == identities[number]:
                return int(holder)
        self._connection.execute(
            "INSERT INTO identity_collisions VALUES (?, ?)", (key, first_id + number)
        )
        return first_id + number

    def stored(self, event_ids: Iterable[int]) -> dict[int, Stored]:
        """By id, what is stored of events, also of deleted ones."""
        wanted = sorted(event_ids)
        found = {row[0]: row for row in rows_by(self._connection, _STORED, wanted)}
        if missing := [event_id for event_id in wanted if event_id not in found]:
            found |= {row[0]: row for row in rows_by(self._connection, _DELETED, missing)}
        return found

    def pass_on(self, key: int, old: int, new: int) -> None:
        """Let event `new` hold what `old` held."""
        for table in _ALL_TABLES:
            self._connection.execute(
                f"UPDATE {table} SET event_id = ? WHERE key = ? AND event_id = ?",  # noqa: S608
                (new, key, old),
            )

    def release(self, key: int, event_id: int) -> None:
        """Free an identity; one that had collided moves up to the freed key."""
        for table in _ALL_TABLES:
            self._connection.execute(
                f"DELETE FROM {table} WHERE key = ? AND event_id = ?",  # noqa: S608
                (key, event_id),
            )
        waiting = self._connection.execute(_WAITING, {"key": key}).fetchone()[0]
        if waiting is not None:
            self._connection.execute("INSERT INTO identities VALUES (?, ?)", (key, waiting))
            self._connection.execute(
                "DELETE FROM identity_collisions WHERE key = ? AND event_id = ?", (key, waiting)
            )

    def holders(self, transaction_id: str, streams: Iterable[int]) -> list[int]:
        """Events of that transaction id in any of `streams`, in the order of arrival."""
        found = []
        for stream in streams:
            key = {"key": key_of(transaction_id, stream)}
            rows = self._connection.execute(HOLDERS_OF_KEY, key)
            candidates = self.stored(event_id for (event_id,) in rows.fetchall())
            found += [
                event_id
                for event_id, row in candidates.items()
                if _identity_of(row) == (transaction_id, stream)
            ]
        return sorted(found)


def _identity_of(stored: Stored) -> Identity:
    return stored[1], stored[-1]

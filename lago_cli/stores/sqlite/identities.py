"""
Which identities are taken: (stream, transaction id), for ever.

A 63-bit hash as integer primary key is the cheapest B-tree there is: 16 bytes an event
where an index over the texts takes 50, which decides how fast the ten millionth event
goes in. The hash only finds; two identities are equal when their texts are. Of two that
share a key the later stands in `identity_collisions`, which is practically empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from xxhash import xxh3_64_intdigest as digest

KEY_MASK = (1 << 63) - 1

_STORED = """
SELECT e.transaction_id, p.stream_id
  FROM events AS e JOIN parties AS p ON p.id = e.party_id
 WHERE e.id = ?
"""


def key_of(transaction_id: str, stream: int) -> int:
    """The key under which an identity is found."""
    return digest(transaction_id.encode(), stream) & KEY_MASK


class Identities:
    """Claims identities for event ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def claim(
        self, transaction_ids: Sequence[str], streams: Sequence[int], first_id: int
    ) -> dict[int, int]:
        """
        Claim identity number i for event `first_id + i`.

        Returns:
            For every identity that was taken, its number and the event that holds it
            (which may be one of the same batch).
        """
        keys = list(map(key_of, transaction_ids, streams))
        before = self._connection.total_changes
        self._connection.executemany(
            "INSERT OR IGNORE INTO identities VALUES (?, ?)",
            zip(keys, range(first_id, first_id + len(keys)), strict=True),
        )
        if self._connection.total_changes - before == len(keys):
            return {}
        return self._taken(keys, transaction_ids, streams, first_id)

    def _taken(
        self,
        keys: Sequence[int],
        transaction_ids: Sequence[str],
        streams: Sequence[int],
        first_id: int,
    ) -> dict[int, int]:
        taken = {}
        find = "SELECT event_id FROM identities WHERE key = ?"
        for index, key in enumerate(keys):
            holder = self._connection.execute(find, (key,)).fetchone()[0]
            if holder == first_id + index:
                continue
            wanted = (transaction_ids[index], streams[index])
            if self._identity(holder, transaction_ids, streams, first_id) != wanted:
                holder = self._collided(
                    key, wanted, transaction_ids, streams, first_id, first_id + index
                )
            if holder != first_id + index:
                taken[index] = holder
        return taken

    def _identity(
        self, event_id: int, transaction_ids: Sequence[str], streams: Sequence[int], first_id: int
    ) -> tuple[str, int]:
        if event_id >= first_id:  # of this batch, and not stored yet
            return transaction_ids[event_id - first_id], streams[event_id - first_id]
        identity: tuple[str, int] = self._connection.execute(_STORED, (event_id,)).fetchone()
        return identity

    def _collided(
        self,
        key: int,
        wanted: tuple[str, int],
        transaction_ids: Sequence[str],
        streams: Sequence[int],
        first_id: int,
        event_id: int,
    ) -> int:
        """The event that holds `wanted` beside others of the same key: `event_id` if none did."""
        rows = self._connection.execute(
            "SELECT event_id FROM identity_collisions WHERE key = ?", (key,)
        ).fetchall()
        for (holder,) in rows:
            if self._identity(holder, transaction_ids, streams, first_id) == wanted:
                return int(holder)
        self._connection.execute("INSERT INTO identity_collisions VALUES (?, ?)", (key, event_id))
        return event_id

    def pass_on(self, key: int, old: int, new: int) -> None:
        """Let event `new` hold what `old` held."""
        for table in ("identities", "identity_collisions"):
            self._connection.execute(
                f"UPDATE {table} SET event_id = ? WHERE key = ? AND event_id = ?",  # noqa: S608
                (new, key, old),
            )

    def release(self, key: int, event_id: int) -> None:
        """Free an identity; one that had collided moves up to the freed key."""
        for table in ("identities", "identity_collisions"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE key = ? AND event_id = ?",  # noqa: S608
                (key, event_id),
            )
        waiting = self._connection.execute(
            "SELECT min(event_id) FROM identity_collisions WHERE key = ?"
            " AND NOT EXISTS (SELECT 1 FROM identities WHERE key = ?)",
            (key, key),
        ).fetchone()[0]
        if waiting is not None:
            self._connection.execute("INSERT INTO identities VALUES (?, ?)", (key, waiting))
            self._connection.execute(
                "DELETE FROM identity_collisions WHERE key = ? AND event_id = ?", (key, waiting)
            )

    def holders(self, transaction_id: str, streams: Sequence[int]) -> list[int]:
        """Events of that transaction id in any of `streams`."""
        found = []
        for stream in streams:
            key = key_of(transaction_id, stream)
            rows = self._connection.execute(
                "SELECT event_id FROM identities WHERE key = ?1 UNION ALL"
                " SELECT event_id FROM identity_collisions WHERE key = ?1",
                (key,),
            )
            for (event_id,) in rows.fetchall():
                identity = self._connection.execute(_STORED, (event_id,)).fetchone()
                if identity == (transaction_id, stream):
                    found.append(event_id)
        return sorted(found)

"""
Blocks of input that are known: each of their events is stored, just as it stands there.

So a file that comes again is told by its blocks, and none of its events is looked at. What changes
an event or takes it away makes all blocks unknown; then events are looked up as ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping


class KnownBlocks:
    """By their digests. What is said of one holds as long as a write transaction does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def events(self, digest: bytes) -> int | None:
        """How many events a block has; None where it is not known."""
        query = "SELECT events FROM known_blocks WHERE digest = ?"
        row = self._connection.execute(query, (digest,)).fetchone()
        return None if row is None else row[0]

    def add(self, blocks: Mapping[bytes, int]) -> None:
        """By digest, how many events each has: all of them are stored."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO known_blocks VALUES (?, ?)", blocks.items()
        )

    def forget(self) -> None:
        """An event was replaced or taken back: it may have come with any of them."""
        self._connection.execute("DELETE FROM known_blocks")

"""
Blocks of input that are known: each of their events is stored, just as it stands there.

So a file that comes again is told by its blocks, and none of its events is looked at. What changes
an event or takes it away makes all blocks unknown; then events are looked up as ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


class KnownBlocks:
    """By their digests. What is said of one holds as long as a write transaction does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __contains__(self, digest: bytes) -> bool:
        query = "SELECT 1 FROM known_blocks WHERE digest = ?"
        return self._connection.execute(query, (digest,)).fetchone() is not None

    def add(self, digests: Iterable[bytes]) -> None:
        """All of their events are stored."""
        rows = ((digest,) for digest in digests)
        self._connection.executemany("INSERT OR IGNORE INTO known_blocks VALUES (?)", rows)

    def forget(self) -> None:
        """An event was replaced or taken back: it may have come with any of them."""
        self._connection.execute("DELETE FROM known_blocks")

"""
Engines by the scheme of their address; a plain path is SQLite's.

Engines load late: a command that needs none pays for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

COMPANIONS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database; they are a part of it."""


def open_store(
    path: str, *, writable: bool, busy_timeout: float, create: bool = True
) -> SqliteStore:
    """
    Open the file at `path`; a missing one is made where it is opened to write and may be.

    Raises:
        LagoError: not found, not ours, of a newer schema, locked, unreadable.
    """
    from lago_cli.stores.sqlite.store import SqliteStore

    return SqliteStore(
        path, writable=writable, create=writable and create, busy_timeout=busy_timeout
    )

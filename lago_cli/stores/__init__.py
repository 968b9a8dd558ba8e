"""
Engines by the scheme of their address; a plain path is SQLite's.

Engines load late: a command that needs none pays for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore


def open_store(path: str, *, writable: bool, busy_timeout: float) -> SqliteStore:
    """
    Open the file at `path`; a missing one is created only where `writable`.

    Raises:
        LagoError: not found, not ours, of a newer schema, locked, unreadable.
    """
    from lago_cli.stores.sqlite.store import SqliteStore

    return SqliteStore(path, writable=writable, busy_timeout=busy_timeout)

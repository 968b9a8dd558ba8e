"""
Engines by the scheme of their address; a plain path is SQLite's.

Engines load late: a command that needs none pays for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lago_cli.stores.base import Upgrading
    from lago_cli.stores.sqlite.store import SqliteStore

COMPANIONS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database; they are a part of it."""


def open_store(
    path: str,
    *,
    writable: bool,
    busy_timeout: float,
    create: bool = True,
    as_it_is: bool = False,
    upgrading: Upgrading | None = None,
) -> SqliteStore:
    """
    Open the file at `path`; a missing one is made where it is opened to write and may be.

    With `as_it_is`, also a file whose tables are not what they should be is opened.
    `upgrading` surrounds what brings an older one up to date, which may take long.

    Raises:
        LagoError: not found, not ours, of another schema, locked, unreadable.
    """
    from lago_cli.stores.sqlite.store import SqliteStore

    return SqliteStore(
        path,
        writable=writable,
        create=writable and create,
        busy_timeout=busy_timeout,
        as_it_is=as_it_is,
        upgrading=upgrading,
    )


def names_beginning(path: str, what: str, beginning: str, most: int) -> list[str]:
    """For the completion of a command line; see `sqlite.beginnings`."""
    from lago_cli.stores.sqlite import beginnings

    return beginnings.names_beginning(path, what, beginning, most)


def span_of_events(path: str) -> tuple[int, int] | None:
    """The first and the last instant; see `sqlite.beginnings`."""
    from lago_cli.stores.sqlite import beginnings

    return beginnings.span_of_events(path)

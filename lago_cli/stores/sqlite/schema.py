"""Which schema a file has, told without changing it."""

from __future__ import annotations

import sqlite3

from lago_cli.errors import database
from lago_cli.stores.sqlite.connection import APPLICATION_ID, PAGE_BYTES, insist

SCHEMA_VERSION = 6


def schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever put into the file."""
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()[0])


def check_owner(connection: sqlite3.Connection, path: str) -> None:
    """
    Refuse a file that is neither empty nor ours, without changing it.

    Raises:
        LagoError: `not_a_lago_file`.
    """
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    if owner != APPLICATION_ID and not is_empty(connection):
        raise database(
            "not_a_lago_file",
            f"{path} is a SQLite database, but not one of lago.",
            "Name another file with --db or $LAGO_DB.",
        )


def use_write_ahead_log(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Let readers read while somebody writes; also a backup that was put in place."""
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a file that is still empty
    insist(connection, "PRAGMA journal_mode = WAL", busy_timeout)


def check_schema(connection: sqlite3.Connection, path: str) -> None:
    """
    Refuse a file of another schema than today's.

    Raises:
        LagoError: `schema_too_new` or `schema_too_old`.
    """
    found = schema_version(connection)
    if found > SCHEMA_VERSION:
        raise database(
            "schema_too_new",
            f"{path} has schema {found}; this version of lago knows {SCHEMA_VERSION}.",
            "Install a newer version of lago.",
        )
    if found < SCHEMA_VERSION:
        raise database(
            "schema_too_old",
            f"{path} has schema {found}; this version of lago reads {SCHEMA_VERSION}.",
            "Any command that writes brings it up to date, for example: lago db vacuum",
        )

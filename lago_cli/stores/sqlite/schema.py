"""Which schema a file has, told without changing it."""

from __future__ import annotations

import sqlite3

from lago_cli.errors import database
from lago_cli.stores.sqlite.connection import APPLICATION_ID

SCHEMA_VERSION = 1


def schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_schema(connection: sqlite3.Connection, path: str) -> None:
    """
    Refuse a file that is not ours, or of another schema than today's.

    Raises:
        LagoError: `not_a_lago_file`, `schema_too_new` or `schema_too_old`.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise database(
            "not_a_lago_file",
            f"{path} is a SQLite database, but not one of lago.",
            "Name another file with --db or $LAGO_DB.",
        )
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

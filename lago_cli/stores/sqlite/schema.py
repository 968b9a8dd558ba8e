"""Which schema a file has, told without changing it."""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping

from lago_cli.errors import LagoError, database
from lago_cli.stores.sqlite.connection import APPLICATION_ID, PAGE_BYTES, insist

SCHEMA_VERSION = 11
OBJECTS = (
    "metrics",
    "customers",
    "plans",
    "subscriptions",
    "ingest_runs",
    "events",
    "replaced_events",
    "replaced_events_by_successor",
    "deleted_events",
    "deleted_events_by_run",
    "deletions",
    "deletions_by_event",
    "parts",
    "parts_by_code",
    "watermark",
    "unusable_events",
    "known_blocks",
    "identities",
    "recent_identities",
    "identity_collisions",
    "parties",
    "parties_by_names",
    "parties_by_customer",
    "subscriptions_by_customer",
    "codes",
    "push_destinations",
    "pushed_events",
    "push_outcomes",
    "v_events",
    "v_deleted_events",
    "v_metrics",
)
"""What the migrations make; whatever else there is in a file is its owner's."""
FINGERPRINT = 0x0E43DE41
"""Of `OBJECTS`, as `fingerprint` tells it: what the migrations make has no other one."""

_COMMENT = re.compile(r"--[^\n]*")
_DEFINED = """
SELECT type, lower(name), lower(tbl_name), sql FROM sqlite_schema
 WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
 ORDER BY type, name
"""
_HINT = "Restore a backup, or export the events and ingest them into a new file."

Defined = Mapping[str, tuple[str, str]]
"""Type and SQL of every object, by name."""


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


class Schema:
    """What a connection knows of the schema of its file, and looks at again when it may differ."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._cookie = -1  # SQLite counts the changes of a schema

    def check(self, *, objects: bool = True) -> None:
        """
        Refuse a file of another schema than today's, or, with `objects`, other content.

        Raises:
            LagoError: `schema_too_new`, `schema_too_old` or `schema_differs`.
        """
        check_version(self._connection, self._path)
        if objects:
            self._cookie = self._count_changes()
            check_objects(self._connection, self._path)

    def check_again(self) -> None:
        """
        The same inside a write transaction, at the price of two looks where nothing changed.

        Raises:
            LagoError: see `check`.
        """
        check_version(self._connection, self._path)
        if self._count_changes() != self._cookie:
            self.check()

    def _count_changes(self) -> int:
        return int(self._connection.execute("PRAGMA schema_version").fetchone()[0])


def check_version(connection: sqlite3.Connection, path: str) -> None:
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


def check_objects(connection: sqlite3.Connection, path: str) -> None:
    """
    Refuse a file that has the number of today's schema and other tables, views or triggers.

    Raises:
        LagoError: `schema_differs`, naming the first that differs.
    """
    for difference in differences(connection):
        raise differs(path, difference)


def differs(path: str, difference: str) -> LagoError:
    return database("schema_differs", f"{path} is not as lago made it: {difference}.", _HINT)


def differences(connection: sqlite3.Connection) -> Iterator[str]:
    """What is missing, other than the migrations make it, or reaches into what they made."""
    found, foreign = _defined(connection)
    if fingerprint(found) != FINGERPRINT:
        from lago_cli.stores.sqlite.migrations import made

        for name, (kind, sql) in made().items():
            if name not in found:
                yield f"{name} is missing"
            elif found[name][0] != kind:
                yield f"{name} is a {found[name][0]} and no {kind}"
            elif found[name][1] != sql:
                yield f"the {kind} {name} is defined differently"
    yield from foreign


def fingerprint(defined: Defined) -> int:
    return zlib.crc32(repr([(name, defined.get(name)) for name in OBJECTS]).encode())


def defined(connection: sqlite3.Connection) -> Defined:
    """Those of `OBJECTS` that there are, their SQL without what has no meaning."""
    return _defined(connection)[0]


def _defined(connection: sqlite3.Connection) -> tuple[Defined, list[str]]:
    """Ours, and why foreign ones are refused: those that change or prevent what is written."""
    ours: dict[str, tuple[str, str]] = {}
    refused = []
    for kind, name, table, sql in connection.execute(_DEFINED):
        if name in OBJECTS and kind != "trigger":
            ours[name] = kind, _normal(sql)
        elif kind == "trigger" and table in OBJECTS:
            refused.append(f"the trigger {name} on {table} is foreign")
        elif kind == "index" and table in OBJECTS and _is_unique(sql):
            refused.append(f"the unique index {name} on {table} is foreign")
    return ours, refused


def _normal(sql: str | None) -> str:
    """Without comments, and with one space for any (also in texts: ours have none)."""
    words = " ".join(_COMMENT.sub("", sql or "").split()).replace(" ,", ",").replace(" )", ")")
    is_view, _, select = words.partition(" AS ") if words.startswith("CREATE VIEW ") else ("",) * 3
    return select if is_view else words  # names of views are quoted in one way or another


def _is_unique(sql: str) -> bool:
    return _normal(sql).upper().startswith("CREATE UNIQUE")

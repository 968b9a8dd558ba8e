"""Looking after the file: what is in it, whether it is sound, copies, and its size."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from lago_cli.stores.base import Telling, Told
from lago_cli.stores.sqlite.accounts import Customers, Subscriptions
from lago_cli.stores.sqlite.catalog import Catalog
from lago_cli.stores.sqlite.connection import CACHE_KIB, is_damage
from lago_cli.stores.sqlite.copies import Copies
from lago_cli.stores.sqlite.definitions import Table
from lago_cli.stores.sqlite.deletions import wrong_deletions
from lago_cli.stores.sqlite.derived_check import DerivedCheck
from lago_cli.stores.sqlite.identities import key_of
from lago_cli.stores.sqlite.keys import rows_by
from lago_cli.stores.sqlite.outbox import wrong_ranges
from lago_cli.stores.sqlite.plans import Plans
from lago_cli.stores.sqlite.schema import differences, schema_version

TABLES = (
    "metrics",
    "customers",
    "plans",
    "subscriptions",
    "ingest_runs",
    "events",
    "replaced_events",
    "deleted_events",
    "parts",
)
_MAX_NAMED = 20
_FREE = """
SELECT i.event_id
  FROM (SELECT event_id FROM identities
         UNION ALL SELECT event_id FROM recent_identities) AS i
 WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.id = i.event_id)
   AND NOT EXISTS (SELECT 1 FROM deleted_events AS d WHERE d.id = i.event_id)
"""
_NAMED = """
SELECT e.id, e.transaction_id, p.stream_id FROM events AS e JOIN parties AS p ON p.id = e.party_id
 UNION ALL
SELECT e.id, e.transaction_id, p.stream_id
  FROM deleted_events AS e JOIN parties AS p ON p.id = e.party_id
"""
_AT_ONCE = 10_000  # identities
_HOLDERS = """
SELECT i.key, i.event_id
  FROM json_each(?) AS wanted
 CROSS JOIN (SELECT * FROM identities
              UNION ALL SELECT * FROM recent_identities
              UNION ALL SELECT * FROM identity_collisions) AS i ON i.key = wanted.value
"""
_HELD_TWICE = """
SELECT i.event_id, r.event_id
  FROM recent_identities AS r JOIN identities AS i ON i.key = r.key
 LIMIT ?
"""


class Maintenance:
    """One file's health."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._told: Told = lambda _: None

    def counts(self) -> dict[str, int]:
        """Rows of each table."""
        return {
            table: self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }

    def facts(self) -> dict[str, object]:
        """Sizes in bytes and versions."""
        pragma = {
            name: self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count", "journal_mode")
        }
        wal = Path(self._path + "-wal")
        return {
            "schema_version": schema_version(self._connection),
            "size_bytes": pragma["page_size"] * pragma["page_count"],
            "free_bytes": pragma["page_size"] * pragma["freelist_count"],
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
            "journal_mode": pragma["journal_mode"],
            "sqlite_version": sqlite3.sqlite_version,
        }

    def problems(
        self, telling: Telling | None = None, told: Told | None = None
    ) -> Iterator[tuple[str, list[str]]]:
        """
        (check, what is wrong) for every check; an empty list is a passed one.

        `telling` hears which one it is, `told` of the events that were looked at.
        """
        self._told = told or self._told
        checks: dict[str, Callable[[], Iterator[str]]] = {
            "integrity": self._wrong_pages,
            "foreign keys": self._dangling_references,
            "schema": self._wrong_schema,
            "definitions": self._unreadable_definitions,
            "events of identities": self._without_event,
            "identities": self._wrong_identities,
            "identities held once": self._identities_held_twice,
            "deleted events": self._wrong_deletions,
            "pushed events": self._wrong_ranges,
            "unusable events": self._wrongly_noted,
            "parts": self._wrong_parts,
        }
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")  # identities lie anywhere
        as_made = not list(_unless_damaged(self._wrong_schema))
        for number, (name, check) in enumerate(checks.items(), 1):
            if telling is not None:
                telling(f"Checking {name} ({number} of {len(checks)})", None)
            yield name, list(_unless_damaged(check, as_made=as_made))

    def _wrong_pages(self) -> Iterator[str]:
        for (found,) in self._connection.execute(f"PRAGMA integrity_check({_MAX_NAMED})"):
            if found != "ok":
                yield from str(found).splitlines()

    def _dangling_references(self) -> Iterator[str]:
        rows = self._connection.execute("PRAGMA foreign_key_check")
        for table, row, parent, _ in islice(rows, _MAX_NAMED):
            yield f"{table} row {row} points to no row of {parent}"

    def _without_event(self) -> Iterator[str]:
        for (event_id,) in self._connection.execute(f"{_FREE} LIMIT {_MAX_NAMED}"):
            yield f"event {event_id} holds an identity and is not there"

    def _wrongly_noted(self) -> Iterator[str]:
        for event_id in islice(self._derived().wrongly_noted(), _MAX_NAMED):
            yield f"event {event_id} is noted as usable or unusable, and is not"

    def _wrong_parts(self) -> Iterator[str]:
        yield from islice(self._derived().differing_parts(), _MAX_NAMED)

    def _derived(self) -> DerivedCheck:
        return DerivedCheck(self._connection, Catalog(self._connection).metrics(), self._told)

    def _wrong_schema(self) -> Iterator[str]:
        yield from differences(self._connection)

    def _unreadable_definitions(self) -> Iterator[str]:
        tables: tuple[type[Table[Any]], ...] = (Catalog, Customers, Plans, Subscriptions)
        for table in tables:
            read = table(self._connection).entries
            yield from _unless_damaged(partial(_read_through, read))

    def _wrong_identities(self) -> Iterator[str]:
        rows = self._connection.execute(_NAMED)
        yield from islice(self._without_identity(rows), _MAX_NAMED)

    def _wrong_deletions(self) -> Iterator[str]:
        yield from islice(wrong_deletions(self._connection), _MAX_NAMED)

    def _wrong_ranges(self) -> Iterator[str]:
        yield from islice(wrong_ranges(self._connection), _MAX_NAMED)

    def _without_identity(self, rows: Iterable[tuple[int, str, int]]) -> Iterator[str]:
        rows = iter(rows)
        while some := list(islice(rows, _AT_ONCE)):
            keys = {event_id: key_of(name, stream) for event_id, name, stream in some}
            held = set(rows_by(self._connection, _HOLDERS, sorted(keys.values())))
            for event_id, key in keys.items():
                if (key, event_id) not in held:
                    yield f"event {event_id} does not hold its identity"
            self._told(len(some))

    def _identities_held_twice(self) -> Iterator[str]:
        for settled, recent in self._connection.execute(_HELD_TWICE, (_MAX_NAMED,)):
            yield f"the identity that event {recent} holds is held by event {settled} too"

    def copies(self, telling: Telling) -> Copies:
        return Copies(self._connection, self._path, telling)

    def vacuum(self) -> None:
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _read_through(read: Callable[[], Iterable[object]]) -> Iterator[str]:
    """Nothing, or the error of what cannot be read."""
    for _ in read():
        yield from ()


def _unless_damaged(check: Callable[[], Iterator[str]], *, as_made: bool = True) -> Iterator[str]:
    """What a check finds; that it cannot go on, or misses a table, is a finding too."""
    try:
        yield from check()
    except sqlite3.DatabaseError as error:
        is_missing = not as_made and error.sqlite_errorcode == sqlite3.SQLITE_ERROR
        if not (is_damage(error) or is_missing):
            raise
        yield str(error)

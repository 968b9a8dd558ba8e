"""
The schema, as numbered migrations.

Each is applied once, in a transaction, by sqlite-utils; `PRAGMA user_version` repeats
their number so that opening a file of today's schema needs no more than one look.

The path of an event: its names become a row of `parties`, its code one of `codes`; the
event itself is appended to `events` and never changed; `identities` says that its
identity is taken; `parts` are derived from the events, as columns.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, nullcontext

from lago_cli.stores.base import Told, Upgrading
from lago_cli.stores.sqlite.catalog import Catalog
from lago_cli.stores.sqlite.connection import APPLICATION_ID, begin_immediate
from lago_cli.stores.sqlite.derivation import Derivation
from lago_cli.stores.sqlite.schema import (
    SCHEMA_VERSION,
    Defined,
    check_objects,
    defined,
    differs,
    is_empty,
    schema_version,
)
from lago_cli.stores.sqlite.sqlite_utils_alone import Database, Migrations
from lago_cli.stores.sqlite.tables import (
    DAILY_USAGE,
    DELETED,
    DELETED_EVENTS,
    EVENTS,
    PARTS,
    PLANS,
    PUSHED,
    RECENT_IDENTITIES,
    SUBSCRIPTIONS,
    TABLES,
    VIEWS,
    events_with_readings,
)

migrations = Migrations("lago")
DERIVED_SINCE = 7  # all that is derived from events in the form that it has today
AMOUNTS_SINCE = 8  # with their amounts


@migrations()
def m001_the_first_schema(db: Database) -> None:
    for statement in TABLES:
        db.execute(statement)
    for name, select in VIEWS.items():
        db.create_view(name, select)


@migrations()
def m002_customers_and_subscriptions(db: Database) -> None:
    """Customers are registered, or created by their first event as all were until now."""
    db.execute("ALTER TABLE customers ADD COLUMN registered INTEGER NOT NULL DEFAULT 0")
    db.execute(SUBSCRIPTIONS)


@migrations()
def m003_summaries_of_days(db: Database) -> None:
    """Usage over many events is answered from their days."""
    for statement in DAILY_USAGE:  # which stay empty: schema 7 has no use for them
        db.execute(statement)


@migrations()
def m004_items_apart_from_their_moments(db: Database) -> None:
    """It changed what summaries of days say, of which there are none any more."""


@migrations()
def m005_recent_identities(db: Database) -> None:
    """Those of a large file are claimed in a small table first; as yet there are none."""
    db.execute(RECENT_IDENTITIES)


OF_RUNS = ("skipped", "undated", "earlier_ids")
EARLIER_ID = "content-" + "[0-9a-f]" * 32  # as GLOB reads it
_EARLIER_IDS = """
SELECT count(*), run_id FROM events WHERE transaction_id GLOB ? GROUP BY run_id
"""


@migrations()
def m006_finer_instants_and_more_of_runs(db: Database) -> None:
    """An instant has digits beyond the microsecond."""
    for table in ("events", "replaced_events"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN finer INTEGER NOT NULL DEFAULT 0")
    db.execute("DROP VIEW v_events")
    db.create_view("v_events", events_with_readings("(e.finer << 43 | e.id)"))
    for name in OF_RUNS:
        db.execute(f"ALTER TABLE ingest_runs ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
    counts = db.execute(_EARLIER_IDS, (EARLIER_ID,)).fetchall()
    db.conn.executemany("UPDATE ingest_runs SET earlier_ids = ? WHERE id = ?", counts)


@migrations()
def m007_parts(db: Database) -> None:
    """What was derived event by event, and day by day, is derived as columns."""
    for statement in PARTS:
        db.execute(statement)
    db.create_view("v_events", EVENTS)


@migrations()
def m008_amounts_in_parts(db: Database) -> None:
    """The prices that events carry are asked for as their measurements are."""
    db.execute("ALTER TABLE parts ADD COLUMN amounts BLOB")


@migrations()
def m009_plans(db: Database) -> None:
    """What a subscription costs, and which plans it had before."""
    for statement in PLANS:
        db.execute(statement)


@migrations()
def m010_deleted_events(db: Database) -> None:
    """One event is taken out of every figure, and kept."""
    for statement in DELETED:
        db.execute(statement)
    db.create_view("v_deleted_events", DELETED_EVENTS)


@migrations()
def m011_pushed_events(db: Database) -> None:
    """What was sent on to another Lago, each event once."""
    for statement in PUSHED:
        db.execute(statement)


def made() -> Defined:
    """What all migrations together make."""
    with closing(sqlite3.connect(":memory:")) as connection:
        migrations.apply(Database(connection))
        return defined(connection)


def prepare(
    connection: sqlite3.Connection,
    busy_timeout: float,
    path: str,
    upgrading: Upgrading | None = None,
) -> bool:
    """
    Bring a file of ours, or an empty one, to today's schema; True where it was empty.

    A file with events may take long: `upgrading` surrounds it, and is told of each event.

    Raises:
        LagoError: where it does not hold what its number says; it stays as it is.
    """
    begin_immediate(connection, busy_timeout)
    try:
        was_empty, before = is_empty(connection), schema_version(connection)
        if before < SCHEMA_VERSION:
            with upgrading() if upgrading and not was_empty else nullcontext() as told:
                _migrate(connection, path)
                if before < AMOUNTS_SINCE and not was_empty:
                    _derive(connection, told, only_amounts=before >= DERIVED_SINCE)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return was_empty


def _derive(connection: sqlite3.Connection, told: Told | None, *, only_amounts: bool) -> None:
    """By the metrics as they are read today."""
    derivation = Derivation(connection, told)
    derivation.begin(Catalog(connection).metrics())
    if only_amounts:
        derivation.derive_amounts()
    else:
        derivation.derive_all()


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    try:
        migrations.apply(Database(connection))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        raise differs(path, str(error)) from None  # such as "no such column"
    check_objects(connection, path)

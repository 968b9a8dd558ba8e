"""The schema: made step by step, known by its number, never of somebody else's file."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from lago_cli.errors import LagoError
from lago_cli.stores import open_store
from lago_cli.stores.sqlite.connection import APPLICATION_ID
from lago_cli.stores.sqlite.maintenance import EXPECTED
from lago_cli.stores.sqlite.migrations import migrations
from lago_cli.stores.sqlite.schema import SCHEMA_VERSION


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lago.db")


def run(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        rows = [connection.execute(statement).fetchall() for statement in statements]
        connection.commit()
    return rows[-1]


def write(path):
    with open_store(path, writable=True, busy_timeout=1) as store:
        return store.created


def applied(path):
    return [name for (name,) in run(path, "SELECT name FROM _sqlite_migrations ORDER BY id")]


def test_migrations_are_numbered_and_the_last_is_the_schema():
    names = [migration.name for migration in migrations.pending(_empty())]

    assert [int(name[1:4]) for name in names] == list(range(1, SCHEMA_VERSION + 1))


def _empty():
    from sqlite_utils import Database

    return Database(memory=True)


def test_a_new_file_has_the_whole_schema(path):
    assert write(path)

    assert len(applied(path)) == SCHEMA_VERSION
    assert run(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert run(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert run(path, "PRAGMA foreign_key_check") == []
    assert set(EXPECTED) <= {name for (name,) in run(path, "SELECT name FROM sqlite_schema")}


def test_every_table_is_strict(path):
    """A column of the wrong type is refused by SQLite itself."""
    write(path)
    tables = run(
        path, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite%'"
    )

    assert len(tables) == 11
    assert all("STRICT" in sql for (sql,) in tables)


def test_opening_again_applies_nothing(path):
    write(path)
    before = run(path, "SELECT * FROM _sqlite_migrations")

    assert not write(path)
    assert run(path, "SELECT * FROM _sqlite_migrations") == before


def test_what_is_applied_already_is_not_applied_again(path):
    """As after a kill between a migration and the number that repeats it."""
    write(path)
    run(
        path,
        "INSERT INTO metrics (code, name, aggregation_type, created_at)"
        " VALUES ('a', 'a', 'count_agg', 0)",
    )
    run(path, "PRAGMA user_version = 0")

    assert not write(path)
    assert run(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert run(path, "SELECT code FROM metrics") == [("a",)]


def test_an_empty_file_becomes_ours(path):
    open(path, "wb").close()  # noqa: PTH123

    assert write(path)
    assert run(path, "PRAGMA application_id") == [(APPLICATION_ID,)]


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "schema_too_new"),
        ("PRAGMA application_id = 1", "not_a_lago_file"),
    ],
)
def test_a_newer_or_foreign_file_is_refused_as_it_is(path, writable, change, code):
    write(path)
    run(path, change)
    before = run(path, "PRAGMA user_version"), run(path, "SELECT * FROM sqlite_schema")
    with pytest.raises(LagoError) as caught:
        open_store(path, writable=writable, busy_timeout=1)

    assert caught.value.code == code
    assert (run(path, "PRAGMA user_version"), run(path, "SELECT * FROM sqlite_schema")) == before


def test_an_older_file_is_brought_up_to_date_by_the_next_who_writes(path):
    write(path)
    run(path, "PRAGMA user_version = 0")
    with pytest.raises(LagoError) as caught:
        open_store(path, writable=False, busy_timeout=1)
    assert caught.value.code == "schema_too_old"
    write(path)

    with open_store(path, writable=False, busy_timeout=1) as store:
        assert store.catalog.metrics() == {}


def test_a_migration_that_fails_leaves_nothing(path, monkeypatch):
    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr("sqlite_utils.Database.create_view", fail)
    with pytest.raises(RuntimeError):
        write(path)
    monkeypatch.undo()

    assert run(path, "SELECT count(*) FROM sqlite_schema") == [(0,)]
    assert write(path)

"""A file that is not as the program made it is named so, and neither used nor changed."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest

from lago_cli.stores.sqlite.schema import SCHEMA_VERSION

METRIC = {"code": "calls", "aggregation_type": "sum_agg", "field_name": "n"}
COMMANDS = (
    ("usage", "--period", "all"),
    ("usage", "check", "--expect", "usage.csv"),
    ("customers", "list"),
    ("ingest", "events", "--no-progress"),
    ("metrics", "update", "calls", "--name", "x"),
    ("export",),
    ("db", "backup", "copy.db"),
)


def event(number):
    return {
        "transaction_id": f"t{number}",
        "external_customer_id": "acme",
        "code": "calls",
        "timestamp": 1_795_000_000 + number,
        "properties": {"n": 1, "region": "eu"},
    }


@pytest.fixture
def filled(lago):
    filters = [{"key": "region", "values": ["eu"]}]
    lago.write(
        "definitions.json", json.dumps({"billable_metrics": [{**METRIC, "filters": filters}]})
    )
    lago("apply", "definitions.json", "-q")
    lago.write("events", [event(number) for number in range(3)])
    lago("ingest", "events", "-q")
    lago.write("usage.csv", "external_customer_id,units\nacme,3\n")
    return lago


def sql(lago, *statements):
    with closing(sqlite3.connect(lago.folder / "lago.db", isolation_level=None)) as connection:
        rows = [connection.execute(statement).fetchall() for statement in statements]
    return rows[-1]


def contents(lago):
    with closing(sqlite3.connect(lago.folder / "lago.db")) as connection:
        return list(connection.iterdump())


def failed_checks(finished):
    return {row["check"]: row["problems"] for row in finished.json() if not row["ok"]}


@pytest.mark.parametrize(
    ("statements", "difference"),
    [
        pytest.param(["DROP TABLE codes"], "codes is missing", id="no table"),
        pytest.param(["DROP TABLE recent_identities"], "recent_identities is missing", id="empty"),
        pytest.param(
            ["ALTER TABLE events RENAME COLUMN at TO moment"],
            "the table events is defined differently",
            id="a column has another name",
        ),
        pytest.param(
            ["ALTER TABLE metrics ADD COLUMN mine TEXT"],
            "the table metrics is defined differently",
            id="a column more",
        ),
        pytest.param(["DROP INDEX parts_by_code"], "parts_by_code is missing", id="no index"),
        pytest.param(
            [
                "ALTER TABLE customers RENAME TO mine",
                "CREATE VIEW customers AS SELECT * FROM mine",
            ],
            "customers is a view and no table",
            id="a view in place of a table",
        ),
        pytest.param(
            ["DROP VIEW v_events", "CREATE VIEW v_events AS SELECT 1"],
            "the view v_events is defined differently",
            id="another view",
        ),
        pytest.param(
            [
                "DROP TABLE recent_identities",
                "CREATE TABLE recent_identities"
                " (key INTEGER PRIMARY KEY, event_id INTEGER NOT NULL CHECK (event_id < 1)) STRICT",
            ],
            "the table recent_identities is defined differently",
            id="a condition more",
        ),
        pytest.param(
            ["CREATE TRIGGER drop_them BEFORE INSERT ON events BEGIN SELECT raise(ignore); END"],
            "the trigger drop_them on events is foreign",
            id="a trigger on a table",
        ),
        pytest.param(
            ["CREATE TRIGGER v INSTEAD OF INSERT ON v_events BEGIN DELETE FROM events; END"],
            "the trigger v on v_events is foreign",
            id="a trigger on a view",
        ),
        pytest.param(
            ["CREATE UNIQUE INDEX mine ON replaced_events (code_id)"],
            "the unique index mine on replaced_events is foreign",
            id="a unique index",
        ),
    ],
)
def test_what_differs_is_named_and_nothing_is_touched(filled, statements, difference):
    sql(filled, *statements)
    before = contents(filled)
    for command in COMMANDS[::3]:
        error = filled(*command, "-o", "json", exits=7).error()
        assert error["code"] == "schema_differs"
        assert error["message"] == f"./lago.db is not as lago made it: {difference}."
    checked = filled("db", "check", "-o", "json", exits=9)

    assert difference in failed_checks(checked)["schema"]
    assert contents(filled) == before


def test_tables_views_and_indexes_of_the_users_own_are_welcome(filled):
    sql(
        filled,
        "CREATE TABLE prices (code TEXT PRIMARY KEY, price)",
        "CREATE TABLE notes (text)",
        "CREATE VIEW v_mine AS SELECT * FROM events JOIN prices ON prices.code = code_id",
        "CREATE INDEX mine ON events (json_extract(properties, '$.n'))",
        "CREATE UNIQUE INDEX theirs ON prices (price)",
        "CREATE TRIGGER t AFTER INSERT ON prices BEGIN INSERT INTO notes VALUES ('x'); END",
        "ANALYZE",
    )
    filled("ingest", "--no-progress", stdin=json.dumps(event(7)))

    assert filled("usage", "--period", "all", "-o", "json").json()[0]["units"] == "4"
    filled("db", "check")
    filled("db", "vacuum")


def test_a_foreign_file_that_says_it_is_ours_is_told_from_one(lago):
    for version in (SCHEMA_VERSION, 2, 0):
        (lago.folder / "lago.db").unlink(missing_ok=True)
        sql(
            lago,
            "CREATE TABLE events (id INTEGER PRIMARY KEY, mine TEXT)",
            f"PRAGMA application_id = {0x4C41474F}",
            f"PRAGMA user_version = {version}",
        )
        before = contents(lago)
        error = lago("ingest", "-o", "json", stdin=json.dumps(event(1)), exits=7).error()
        assert error["code"] == "schema_differs"
        assert contents(lago) == before
        assert sql(lago, "PRAGMA user_version") == [(version,)]
    sql(lago, f"PRAGMA user_version = {SCHEMA_VERSION}")

    assert (
        "metrics is missing" in failed_checks(lago("db", "check", "-o", "json", exits=9))["schema"]
    )


def test_a_file_whose_older_schema_is_no_schema_of_ours_is_not_brought_up_to_date(filled):
    """As a draft of a migration had left it: the number says 4, a table has another column."""
    sql(
        filled,
        "ALTER TABLE subscriptions RENAME COLUMN plan_code TO plan",
        "PRAGMA user_version = 4",
    )
    before = contents(filled)
    error = filled("ingest", "events", "-o", "json", exits=7).error()

    assert "the table subscriptions is defined differently" in error["message"]
    assert contents(filled) == before


# What is stored in a form that nobody wrote -----------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE metrics SET aggregation_type = 'mean'",
        "UPDATE metrics SET filters = '{'",
        "UPDATE metrics SET filters = '[1]'",
        "INSERT INTO customers VALUES (77, 'x', NULL, 'No/where', NULL, 0, 1)",
        "INSERT INTO subscriptions VALUES"
        " (1, 's', 'acme', NULL, 'daily', 'calendar', 1795000000000000, 1795000000000000,"
        " NULL, NULL, 0, '[]')",
        "INSERT INTO plans VALUES"
        " (1, 'p', 'p', 'monthly', 1, 'EUR', 0, 0, 0, NULL, NULL, NULL, '[]', '[{}]', 0)",
    ],
)
def test_damaged_contents_are_an_error_and_a_finding(filled, statement):
    sql(filled, statement)
    for command in COMMANDS[:4]:
        finished = filled(*command, "-o", "json", exits=None)
        assert finished.code in (0, 7), str(finished)
        if finished.code:
            assert finished.error()["code"] == "database_corrupt"
    checked = filled("db", "check", "-o", "json", exits=9)

    assert "cannot be read" in json.dumps(checked.json())


# While a run goes on ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "schema_too_new"),
        ("ALTER TABLE parts ADD COLUMN mine TEXT", "schema_differs"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT raise(ignore); END",
            "schema_differs",
        ),
    ],
)
def test_a_run_ends_where_another_program_changed_the_schema(filled, change, code):
    """What was stored before is told, and nothing is stored without what belongs to it."""
    run = filled.start("ingest", "--no-progress", "-o", "json")
    for number in range(10, 15):
        send(run, number)
    wait_for(filled, 8)
    sql(filled, change)
    send(run, 15)
    _, words = run.communicate()
    error = json.loads(words.splitlines()[-1])["error"]

    assert (run.returncode, error["code"]) == (7, code)
    assert error["hint"].startswith("5 events were stored before that, and stay.")
    assert sql(filled, "SELECT count(*) FROM events") == [(8,)]


def test_a_run_goes_on_where_the_user_makes_a_table_meanwhile(filled):
    run = filled.start("ingest", "--no-progress", "-o", "json")
    send(run, 10)
    wait_for(filled, 4)
    sql(filled, "CREATE TABLE mine (x)", "VACUUM")
    send(run, 11)
    run.communicate()

    assert run.returncode == 0
    assert sql(filled, "SELECT count(*) FROM events") == [(5,)]


def send(run, number):
    run.stdin.write(json.dumps(event(number)).encode() + b"\n")
    run.stdin.flush()


def wait_for(lago, events):
    deadline = time.monotonic() + 60
    while sql(lago, "SELECT count(*) FROM events") != [(events,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)

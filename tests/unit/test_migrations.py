"""The schema: made step by step, known by its number, never of somebody else's file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from lago_cli.domain.customers import CUSTOMER, Customer
from lago_cli.domain.instants import parse_instant
from lago_cli.domain.subscriptions import Subscription
from lago_cli.errors import LagoError
from lago_cli.services.questions import Question
from lago_cli.services.requests import UsageRequest
from lago_cli.stores import open_store
from lago_cli.stores.sqlite.connection import APPLICATION_ID
from lago_cli.stores.sqlite.identities import key_of
from lago_cli.stores.sqlite.migrations import DERIVED_SINCE, made, migrations
from lago_cli.stores.sqlite.schema import (
    FINGERPRINT,
    OBJECTS,
    SCHEMA_VERSION,
    defined,
    differences,
    fingerprint,
)
from tests.engines import keys_of_a_large_file, parts_of_few_events, sqlite


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
    assert set(OBJECTS) <= {name for (name,) in run(path, "SELECT name FROM sqlite_schema")}


def test_every_table_is_strict(path):
    """A column of the wrong type is refused by SQLite itself."""
    write(path)
    tables = run(
        path, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite%'"
    )

    assert len(tables) > 10
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


# From an earlier schema, with data --------------------------------------------------------


AT = parse_instant("2026-11-10T00:00:00Z")
OF_SCHEMA_1 = (  # two events of acme, one of them by subscription; and one of nobody's
    "INSERT INTO metrics (id, code, name, aggregation_type, field_name, created_at)"
    " VALUES (1, 'storage', 'Storage', 'sum_agg', 'gb', 7)",
    "INSERT INTO customers VALUES (1, 'acme', NULL, NULL, NULL, 8)",
    "INSERT INTO codes VALUES (1, 'storage'), (2, 'unknown')",
    "INSERT INTO parties VALUES (1, 'acme', NULL, 1, 1), (2, 'acme', 's1', 2, 1),"
    " (3, NULL, 's9', 3, 1)",
    "INSERT INTO ingest_runs (id, started_at, finished_at, source, first_event_id, last_event_id,"
    " read, ingested, unmatched) VALUES (1, 9, 9, 'events.ndjson', 1, 3, 3, 3, 1)",
    *(
        f"INSERT INTO events VALUES ({number}, {number}, 't{number}', {code}, {AT + number},"
        f" '{{\"gb\": 1.5}}', NULL, {AT}, 1)"
        for number, code in ((1, 1), (2, 1), (3, 2))
    ),
    *(
        f"INSERT INTO identities VALUES ({key_of(f't{number}', number)}, {number})"
        for number in (1, 2, 3)
    ),
    f"INSERT INTO readings VALUES (1, {AT + 1}, 1, 1, 15, 1, NULL),"
    f" (1, {AT + 2}, 2, 2, 15, 1, NULL),"
    f" (2, {AT + 3}, 3, 3, NULL, NULL, NULL)",
)


@pytest.fixture
def old(path):
    """A file as the first schema left it."""
    migrate(path, 1)
    run(path, *OF_SCHEMA_1)
    return path


def migrate(path, version):
    """As an earlier version of the program did."""
    from sqlite_utils import Database

    with closing(sqlite3.connect(path)) as connection:
        names = [migration.name for migration in migrations.pending(_empty())]
        migrations.apply(Database(connection), stop_before=names[version])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()


def figures(engine, **asked):
    return {row.owner: (row.units, row.events_count) for row in engine.usage(**asked)}


def event(transaction_id, subscription=None):
    return {
        "transaction_id": transaction_id,
        "code": "storage",
        "external_customer_id": "acme",
        "external_subscription_id": subscription,
        "timestamp": "2026-11-20",
        "properties": {"gb": 2},
    }


def test_a_file_of_the_first_schema_keeps_all_it_holds(old):
    assert not write(old)

    assert run(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert len(applied(old)) == SCHEMA_VERSION
    assert run(old, "SELECT external_id, created_at, registered FROM customers") == [("acme", 8, 0)]
    assert run(old, "SELECT transaction_id, status FROM v_events ORDER BY 1") == [
        ("t1", "counted"),
        ("t2", "counted"),
        ("t3", "unmatched"),
    ]
    with sqlite(old) as engine:
        assert figures(engine, by="subscription") == {
            ("acme", None): (1.5, 1),
            ("acme", "s1"): (1.5, 1),
        }
        problems = {name: found for name, found in engine.store.maintenance.problems() if found}
        assert problems == {}


def test_a_file_of_the_first_schema_takes_in_what_is_new(old):
    """Events that it holds stay repetitions, also where subscriptions are registered then."""
    with sqlite(old) as engine:
        engine.register(Customer("acme", timezone="Europe/Paris"))
        for name in ("s1", "s2"):
            engine.register(Subscription(name, "acme", AT, AT))
        done = engine.ingest([event("t1"), event("t2", "s1"), event("t4", "s1"), event("t5")])

        assert (done.new, len(done.duplicates)) == (1, 2)
        assert [(at, error.code) for at, error in done.refused] == [(3, "subscription_required")]
        assert figures(engine) == {("acme", None): (5, 3)}
        assert engine.store.table(CUSTOMER).get("acme").created_at == 8


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_identities_of_every_earlier_schema_stay_taken(old, version):
    """Also where there are so many that new ones go into a table of their own."""
    if version > 1:
        migrate(old, version)
    with keys_of_a_large_file(), sqlite(old) as engine:
        done = engine.ingest([event("t1"), event("t2", "s1"), event("t4")])

        assert (done.new, len(done.duplicates)) == (1, 2)
        problems = {name: found for name, found in engine.store.maintenance.problems() if found}
        assert problems == {}
    assert run(old, "SELECT event_id FROM identities ORDER BY 1") == [(1,), (2,), (3,)]
    assert run(old, "SELECT count(*) FROM recent_identities") == [(1,)]


def test_events_of_an_earlier_schema_keep_their_order_beside_finer_ones(old):
    """They come first in their microsecond, by arrival; what replaced and undid them works."""
    run(old, "UPDATE metrics SET aggregation_type = 'latest_agg'")
    migrate(old, 5)
    stored_at = {"timestamp": f"{(AT + 1) // 10**6}.{(AT + 1) % 10**6:06d}"}
    with sqlite(old) as engine:
        repeated = event("t1") | {
            "timestamp": stored_at["timestamp"] + "9",
            "properties": {"gb": 1.5},
        }
        done = engine.ingest([repeated], on_duplicate="replace")
        assert (done.replaced, done.duplicates) == (0, [(0, ())])
        for number, (digits, gb) in enumerate((("9", 9), ("1", 1))):
            finer = {"timestamp": stored_at["timestamp"] + digits, "properties": {"gb": gb}}
            engine.ingest([event(f"n{number}") | finer])
        asked = {"by": "subscription", "start": "2026-11-10", "end": "2026-11-11"}
        assert figures(engine, **asked)["acme", None] == (9, 3)
        engine.store.revert(len(list(engine.store.runs.list())) - 1, AT)
        assert figures(engine, **asked)["acme", None] == (1, 2)
        assert [found for _, found in engine.store.maintenance.problems() if found] == []
    assert run(old, "SELECT count(*) FROM v_events") == [(4,)]


def test_runs_know_how_many_of_their_ids_were_made_of_content_before(old):
    """Only those in the very form of that rule, and of runs that are still there."""
    made = "content-" + "0123456789abcdef" * 2
    alike = ("content-", made[:-1], made + "0", made.upper(), "content-" + "g" * 32, "t")
    ids = {1: [*alike, made], 2: [made[:-1] + "0", made[:-1] + "1"], 3: [made[:-1] + "2"], 4: []}
    migrate(old, 5)
    run(
        old,
        *(
            "INSERT INTO ingest_runs (id, started_at, source, reverted_at)"
            f" VALUES ({number}, 9, 'file {number}', {reverted})"
            for number, reverted in ((2, "NULL"), (3, "10"), (4, "NULL"))
        ),
        *(
            "INSERT INTO events (party_id, transaction_id, code_id, at, properties, received_at,"
            f" run_id) VALUES (1, '{name}', 1, {AT}, '{{}}', {AT}, {number})"
            for number, names in ids.items()
            for name in names
        ),
    )
    write(old)

    assert run(old, "SELECT earlier_ids FROM ingest_runs ORDER BY id") == [(1,), (2,), (1,), (0,)]
    with open_store(old, writable=False, busy_timeout=1) as store:
        assert store.runs.with_earlier_ids() == [
            (1, "events.ndjson", 1),
            (2, "file 2", 2),
        ]


def test_the_account_of_an_earlier_run_says_zero_of_what_was_not_counted_then(old):
    write(old)
    with open_store(old, writable=False, busy_timeout=1) as store:
        tally = store.runs.get(1).tally

    assert (tally.read, tally.ingested, tally.unmatched) == (3, 3, 1)
    assert (tally.skipped, tally.undated) == (0, 0)


def test_a_file_of_the_first_schema_is_not_changed_by_a_look(old):
    before = run(old, "PRAGMA user_version"), run(old, "SELECT * FROM sqlite_schema")
    with pytest.raises(LagoError) as caught:
        open_store(old, writable=False, busy_timeout=1)

    assert caught.value.code == "schema_too_old"
    assert (run(old, "PRAGMA user_version"), run(old, "SELECT * FROM sqlite_schema")) == before


@pytest.mark.parametrize("enough", [1, 100], ids=["in parts", "in rows"])
@pytest.mark.parametrize("version", range(1, DERIVED_SINCE))
def test_what_earlier_schemas_derived_is_derived_anew(old, version, enough):
    """Also which events are unusable."""
    run(
        old,
        "INSERT INTO metrics (id, code, name, aggregation_type, field_name, created_at)"
        " VALUES (2, 'unknown', 'Unknown', 'sum_agg', 'x', 7)",
    )
    if version > 1:
        migrate(old, version)
    with parts_of_few_events(enough), sqlite(old) as engine:
        assert figures(engine) == {("acme", None): (3, 2)}
        assert [found for _, found in engine.store.maintenance.problems() if found] == []
        assert bool(engine.store._snapshot().parts.keys(1)) == (enough == 1)
    assert run(old, "SELECT status FROM v_events WHERE transaction_id = 't3'") == [("unusable",)]


UNDO_PUSHED_EVENTS = (
    "DROP TABLE push_outcomes",
    "DROP TABLE pushed_events",
    "DROP TABLE push_destinations",
)
UNDO_DELETED_EVENTS = (
    *UNDO_PUSHED_EVENTS,
    "DROP VIEW v_deleted_events",
    "DROP TABLE deleted_events",
    "DROP TABLE deletions",
)


def test_a_file_of_schema_9_keeps_its_events_and_lets_them_be_deleted(path):
    """What was replaced in it too: that comes back in their place where a run is taken back."""
    with sqlite(path) as engine:
        engine.define(code="storage", aggregation_type="sum_agg", field_name="gb")
        engine.ingest([event("t1"), event("t2")], received_at=AT)
        engine.ingest(
            [event("t1") | {"properties": {"gb": 5}}], received_at=AT + 1, on_duplicate="replace"
        )
    run(
        path,
        *UNDO_DELETED_EVENTS,
        "DELETE FROM _sqlite_migrations WHERE name >= 'm010'",
        "PRAGMA user_version = 9",
    )
    with sqlite(path) as engine:
        asked = {"period": "2026-11"}
        assert figures(engine, **asked) == {("acme", None): (7, 2)}
        with engine.store.writing():
            engine.store.delete(engine.store.events.get("t1")[0], "wrong", AT + 2)
        assert figures(engine, **asked) == {("acme", None): (2, 1)}
        assert figures(engine, **asked, as_of=AT + 1) == {("acme", None): (7, 2)}
        assert figures(engine, **asked, as_of=AT) == {("acme", None): (4, 2)}
        assert [found for _, found in engine.store.maintenance.problems() if found] == []
    assert run(path, "SELECT transaction_id, deleted_at, reason FROM v_deleted_events") == [
        ("t1", "2026-11-10T00:00:00.000002Z", "wrong")
    ]


def test_a_file_of_schema_10_keeps_its_events_and_lets_them_be_pushed(path):
    with sqlite(path) as engine:
        engine.ingest([event("t1"), event("t2")], received_at=AT)
    run(
        path,
        *UNDO_PUSHED_EVENTS,
        "DELETE FROM _sqlite_migrations WHERE name >= 'm011'",
        "PRAGMA user_version = 10",
    )
    with sqlite(path) as engine:
        outbox = engine.store.outbox("https://lago.example.com")
        assert [each.event_id for each in outbox.waiting(0, outbox.last_id(), 10)] == [1, 2]
        with engine.store.writing():
            outbox.record([1, 2], {})
        assert list(outbox.waiting(0, outbox.last_id(), 10)) == []

    assert run(path, "SELECT first_id, last_id FROM pushed_events") == [(1, 2)]


def test_parts_that_were_made_before_there_were_amounts_get_them(path):
    """Those whose events have any; the others stay as they are."""
    days = [f"2026-11-{day:02}" for day in range(1, 13)]
    priced = {"precise_total_amount_cents": "1.25"}
    with parts_of_few_events(enough=4, at_once=4, small=1), sqlite(path) as engine:
        engine.define(code="storage", aggregation_type="sum_agg", field_name="gb")
        for number in range(0, 12, 4):
            more = priced if number == 4 else {}
            engine.ingest(
                [
                    event(f"t{each}") | {"timestamp": days[each]} | more
                    for each in range(number, number + 4)
                ]
            )
    run(
        path,
        "ALTER TABLE parts DROP COLUMN amounts",
        "UPDATE parts SET properties = x'00' WHERE id <> 2",
        "DROP TABLE plans",
        *UNDO_DELETED_EVENTS,
        "ALTER TABLE subscriptions DROP COLUMN previous_plans",
        "DELETE FROM _sqlite_migrations WHERE name >= 'm008'",
        "PRAGMA user_version = 7",
    )
    with sqlite(path) as engine:
        asked = UsageRequest(period="2026-11", metrics=["storage"])
        query = Question(engine.store, asked, AT).query(engine.store.catalog.metric("storage"))
        (share,) = engine.store.aggregate(replace(query, of_amounts=True))

    assert (share.units, share.events_count) == (5, 12)
    assert run(path, "SELECT id FROM parts WHERE amounts IS NOT NULL") == [(2,)]
    assert run(path, "SELECT count(*) FROM parts WHERE properties = x'00'") == [(2,)]
    with closing(sqlite3.connect(path)) as connection:
        assert list(differences(connection)) == []


@pytest.mark.parametrize("version", range(SCHEMA_VERSION))
def test_a_file_of_any_earlier_schema_is_what_todays_should_be(path, version):
    """Its statements may read differently, where columns were added to tables."""
    if version:
        migrate(path, version)
    write(path)
    with closing(sqlite3.connect(path)) as connection:
        assert list(differences(connection)) == []
        assert fingerprint(defined(connection)) == FINGERPRINT, (
            f"after a new migration: FINGERPRINT = {fingerprint(defined(connection)):#010x}"
        )


def test_the_objects_of_the_schema_are_what_the_migrations_make():
    assert set(OBJECTS) == {*made()}
    assert {name for name in _made_at_all() if not name.startswith(("sqlite_", "_", "idx__"))} == {
        *OBJECTS
    }


def _made_at_all():
    db = _empty()
    migrations.apply(db)
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema").fetchall()}

"""The file: what is in it, whether it is sound, copies of it, and what can go wrong with it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from lago_cli.stores.sqlite.schema import SCHEMA_VERSION
from tests.conftest import Lago

EVENTS = [
    {
        "transaction_id": f"t{number}",
        "external_customer_id": f"c{number % 3}",
        "external_subscription_id": "sub' OR 1=1 --" if number % 2 else None,
        "code": "storage",
        "timestamp": 1_795_000_000 + number / 8,
        "properties": {"gb": number / 4, "region": "[/red]"},
    }
    for number in range(40)
]
READING = (
    ("usage",),
    ("metrics", "list"),
    ("metrics", "get", "storage"),
    ("events", "list"),
    ("events", "get", "t1"),
    ("events", "export"),
    ("ingest-runs", "list"),
    ("db", "info"),
    ("db", "check"),
    ("db", "backup", "copy.db"),
)
WRITING = (
    ("metrics", "create", "--code", "other", "--aggregation-type", "count"),
    ("metrics", "update", "storage", "--name", "x"),
    ("metrics", "delete", "storage"),
    ("ingest", "-q"),
    ("db", "vacuum"),
)


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory):
    """A metric, forty events of it, one that is unusable and one of an unknown code."""
    lago = Lago(tmp_path_factory.mktemp("filled"))
    lago(
        "metrics", "create", "--code", "storage", "--aggregation-type", "sum", "--field-name", "gb"
    )
    unusable = {**EVENTS[0], "transaction_id": "unusable", "properties": {"gb": "much"}}
    unmatched = {**EVENTS[0], "transaction_id": "unmatched", "code": "unknown"}
    lago("ingest", lago.write("events.ndjson", [*EVENTS, unusable, unmatched]), "-q")
    return lago.folder / "lago.db"


@pytest.fixture
def filled(lago, filled_file):
    shutil.copy(filled_file, lago.folder)
    return lago


def sql(lago, statement, *values, file="lago.db"):
    with closing(sqlite3.connect(lago.folder / file)) as connection:
        rows = connection.execute(statement, values).fetchall()
        connection.commit()
    return rows


def damage(path, first_page, pages=1, page_bytes=16_384):
    """Write nonsense over some pages."""
    with path.open("r+b") as file:
        file.seek(first_page * page_bytes)
        file.write(b"\xa5" * page_bytes * pages)


def names(lago):
    return sorted(path.name for path in lago.folder.iterdir())


# What is in it ----------------------------------------------------------------------------


def test_info_tells_what_is_in_the_file(filled):
    facts = filled("db", "info", "-o", "json").json()

    assert list(facts) == [
        *("path", "schema_version", "size_bytes", "free_bytes", "wal_bytes", "journal_mode"),
        *("sqlite_version", "metrics", "customers", "plans", "subscriptions"),
        *("ingest_runs", "events"),
        *("replaced_events", "deleted_events", "parts", "first_event_at", "last_event_at"),
    ]
    assert facts["size_bytes"] == (filled.folder / "lago.db").stat().st_size
    counts = ("schema_version", "metrics", "customers", "ingest_runs", "events", "parts")
    assert [facts[name] for name in counts] == [SCHEMA_VERSION, 1, 3, 1, 42, 0]
    assert facts["first_event_at"] == "2026-11-18T11:06:40Z"
    assert facts["last_event_at"] == "2026-11-18T11:06:44.875Z"


def test_info_of_a_file_without_events(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")

    facts = lago("db", "info", "-o", "json").json()
    assert (facts["events"], facts["first_event_at"], facts["last_event_at"]) == (0, None, None)


def test_the_views_are_readable_by_any_sqlite_tool(filled):
    assert sql(filled, "SELECT status, count(*) FROM v_events GROUP BY status ORDER BY 1") == [
        ("counted", 40),
        ("unmatched", 1),
        ("unusable", 1),
    ]
    columns = (
        *("transaction_id", "external_customer_id", "external_subscription_id", "code"),
        *("timestamp", "properties", "precise_total_amount_cents", "received_at", "run", "status"),
    )
    (row,) = sql(filled, "SELECT * FROM v_events WHERE transaction_id = 't3'")
    seen = dict(zip(columns, row, strict=True))
    assert json.loads(seen.pop("properties")) == {"gb": 0.75, "region": "[/red]"}
    assert seen == {
        "transaction_id": "t3",
        "external_customer_id": "c0",
        "external_subscription_id": "sub' OR 1=1 --",
        "code": "storage",
        "timestamp": "2026-11-18T11:06:40.375Z",
        "precise_total_amount_cents": None,
        "received_at": seen["received_at"],
        "run": 1,
        "status": "counted",
    }
    assert sql(filled, "SELECT code, name, aggregation_type, recurring FROM v_metrics") == [
        ("storage", "storage", "sum_agg", 0)
    ]


def test_the_file_is_readable_by_its_owner_only(filled):
    assert stat.S_IMODE((filled.folder / "lago.db").stat().st_mode) == 0o600


def test_reading_leaves_no_other_file_behind(filled):
    before = names(filled), (filled.folder / "lago.db").read_bytes()
    for command in READING[:-1]:
        filled(*command)

    assert (names(filled), (filled.folder / "lago.db").read_bytes()) == before


def test_the_schema_is_made_by_numbered_migrations(filled):
    applied = sql(filled, "SELECT migration_set, name FROM _sqlite_migrations ORDER BY id")
    assert applied[:2] == [
        ("lago", "m001_the_first_schema"),
        ("lago", "m002_customers_and_subscriptions"),
    ]
    assert len(applied) == SCHEMA_VERSION
    assert sql(filled, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert sql(filled, "PRAGMA journal_mode") == [("wal",)]


def test_two_processes_may_create_the_same_file_at_once(lago):
    """Whoever comes second finds what the first has made."""
    for attempt in range(2):
        codes = [f"{attempt}-{number}" for number in range(4)]
        started = [
            lago.start(
                *("metrics", "create", "--code", code, "--aggregation-type", "count"),
                *("--db", f"{attempt}.db"),
            )
            for code in codes
        ]
        errors = [process.communicate(timeout=60)[1].decode() for process in started]
        assert [process.returncode for process in started] == [0] * 4, errors
        assert sum("Created" in error for error in errors) == 1
        listed = lago("metrics", "list", "-o", "json", "--db", f"{attempt}.db").json()
        assert [metric["code"] for metric in listed] == codes
        lago("db", "check", "--db", f"{attempt}.db")


# Copies -----------------------------------------------------------------------------------


def test_a_backup_is_a_whole_file(filled):
    report = filled("db", "backup", "copy.db", "-o", "json").json()

    assert report == {"path": "copy.db", "size_bytes": (filled.folder / "copy.db").stat().st_size}
    assert stat.S_IMODE((filled.folder / "copy.db").stat().st_mode) == 0o600
    assert names(filled) == ["copy.db", "lago.db"]
    filled("db", "check", "--db", "copy.db")
    asked = ("usage", "--period", "2026-11", "-o", "json")
    assert filled(*asked, "--db", "copy.db").json() == filled(*asked).json() != []


def test_a_backup_that_was_put_in_place_is_used_like_the_original(filled):
    filled("db", "backup", "copy.db")
    filled(
        "ingest", "-q", "--db", "copy.db", stdin=json.dumps({**EVENTS[0], "transaction_id": "n"})
    )

    assert filled("db", "info", "-o", "json", "--db", "copy.db").json()["events"] == 43
    assert sql(filled, "PRAGMA journal_mode", file="copy.db") == [("wal",)]


def test_a_backup_never_writes_over_a_file(filled):
    filled.write("copy.db", "precious")

    error = filled("db", "backup", "copy.db", "-o", "json", exits=5).error()
    assert (error["code"], error["message"]) == ("backup_exists", "copy.db exists already.")
    assert (filled.folder / "copy.db").read_text() == "precious"


@pytest.mark.parametrize("target", ["no/such/folder/copy.db", "lago.db/copy.db"])
def test_a_backup_that_cannot_be_written_leaves_nothing(filled, target):
    before = names(filled)
    error = filled("db", "backup", target, "-o", "json", exits=5).error()

    assert error["code"] == "backup_failed"
    assert error["message"].startswith(f"{target} cannot be written: ")
    assert names(filled) == before


def test_a_backup_without_room_leaves_nothing(filled):
    finished = limited(filled, 100_000, "db", "backup", "copy.db", "-o", "json")

    error = json.loads(finished.stderr)["error"]
    assert (finished.returncode, error["code"]) == (7, "backup_failed")
    assert error["message"].startswith("copy.db cannot be written: ")
    assert "copy" not in " ".join(names(filled))


def test_a_backup_while_somebody_writes_is_consistent(lago):
    """Every copy is sound, holds whole transactions, and what was committed before it."""
    lago(
        "metrics", "create", "--code", "storage", "--aggregation-type", "sum", "--field-name", "gb"
    )
    writer = lago.start("ingest", "-q", "--no-progress")
    found = []
    for copy in range(4):
        lines = [
            json.dumps({**EVENTS[0], "transaction_id": f"{copy}-{number}", "properties": {"gb": 1}})
            for number in range(5_000)
        ]
        writer.stdin.write(("\n".join(lines) + "\n").encode())
        writer.stdin.flush()
        lago("db", "backup", f"copy{copy}.db")
        lago("db", "check", "--db", f"copy{copy}.db")
        rows = lago("usage", "--period", "2026-11", "-o", "json", "--db", f"copy{copy}.db").json()
        counts = [(int(row["units"]), row["events_count"]) for row in rows]
        assert all(units == events for units, events in counts)
        found.append(sum(events for _, events in counts))
    writer.stdin.close()
    assert writer.wait(timeout=60) == 0

    assert found == sorted(found)
    assert lago("db", "info", "-o", "json").json()["events"] == 20_000


def test_vacuum_gives_room_back(filled):
    many = [{**EVENTS[0], "transaction_id": f"many {n}", "code": "c" * 99} for n in range(10_000)]
    filled("ingest", filled.write("many.ndjson", many), "-q")
    run = filled("ingest-runs", "list", "-o", "json").json()[-1]["run"]
    filled("ingest-runs", "revert", run)

    report = filled("db", "vacuum", "-o", "json").json()
    assert list(report) == ["before_bytes", "after_bytes"]
    assert report["after_bytes"] < report["before_bytes"] / 2
    assert (filled.folder / "lago.db").stat().st_size == report["after_bytes"]
    assert filled("db", "info", "-o", "json").json()["free_bytes"] == 0
    filled("db", "check")


# Whether it is sound ----------------------------------------------------------------------


def failed_checks(finished):
    return {row["check"]: row["problems"] for row in finished.json() if not row["ok"]}


def test_a_sound_file_passes_every_check(filled):
    rows = filled("db", "check", "-o", "json").json()

    assert len(rows) >= 8
    assert all(list(row) == ["check", "ok", "problems"] for row in rows)
    assert all(row["ok"] is True and row["problems"] == [] for row in rows)


@pytest.mark.parametrize(
    ("statement", "check", "problem"),
    [
        pytest.param(
            "DELETE FROM unusable_events",
            "unusable events",
            "event 41 is noted as usable or unusable, and is not",
            id="an unusable event is not noted",
        ),
        pytest.param(
            "UPDATE events SET properties = '{}' WHERE id = 7",
            "unusable events",
            "event 7 is noted as usable or unusable, and is not",
            id="an event was changed",
        ),
        pytest.param(
            "UPDATE watermark SET event_id = 7",
            "parts",
            "42 events are stored, 0 of them in parts and 35 after them",
            id="the watermark is too high",
        ),
        pytest.param(
            "DELETE FROM identities WHERE event_id = 7",
            "identities",
            "event 7 does not hold its identity",
            id="an identity is free",
        ),
        pytest.param(
            "UPDATE identities SET event_id = 8 WHERE event_id = 7",
            "identities",
            "event 7 does not hold its identity",
            id="an identity is held by another event",
        ),
        pytest.param(
            "INSERT INTO recent_identities SELECT * FROM identities WHERE event_id = 7",
            "identities held once",
            "the identity that event 7 holds is held by event 7 too",
            id="an identity is in both tables",
        ),
        pytest.param(
            "UPDATE events SET transaction_id = 'other' WHERE id = 7",
            "identities",
            "event 7 does not hold its identity",
            id="an event has another identity",
        ),
        pytest.param(
            "DELETE FROM events WHERE id = 7",
            "events of identities",
            "event 7 holds an identity and is not there",
            id="an event is gone",
        ),
        pytest.param(
            "UPDATE events SET party_id = 99 WHERE id = 7",
            "foreign keys",
            "events row 7 points to no row of parties",
            id="nobody's event",
        ),
        pytest.param("DROP VIEW v_events", "schema", "v_events is missing", id="a view is gone"),
    ],
)
def test_check_finds_what_is_wrong(filled, statement, check, problem):
    sql(filled, statement)
    finished = filled("db", "check", "-o", "json", exits=9)

    assert problem in failed_checks(finished)[check]
    error = finished.error()
    assert error["code"] == "check_failed"
    assert check in error["message"]
    assert filled("db", "check", exits=9).stderr.startswith("Error: ./lago.db is not sound: ")


def test_check_names_no_more_than_twenty_of_a_kind(filled):
    sql(filled, "DELETE FROM identities")

    assert len(failed_checks(filled("db", "check", "-o", "json", exits=9))["identities"]) == 20


@pytest.mark.parametrize("page", range(1, 18, 3))
def test_a_damaged_page_never_goes_unnoticed(filled, page):
    """Whatever page it is, `check` says so and no command shows a traceback."""
    damage(filled.folder / "lago.db", page)
    finished = filled("db", "check", "-o", "json", exits=None)

    assert finished.code in (7, 9)
    assert finished.error()["code"] in ("database_corrupt", "check_failed")
    assert filled("usage", "-o", "json", exits=None).code in (0, 7)
    assert filled("events", "list", "-o", "json", exits=None).code in (0, 7)


def test_a_damaged_header_is_named(filled):
    damage(filled.folder / "lago.db", 0)
    error = filled("db", "check", "-o", "json", exits=7).error()

    assert error["message"] == "./lago.db is not a SQLite database."


# What it is not ---------------------------------------------------------------------------


def foreign(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, mine TEXT)")
        connection.commit()


def newer(path, ours):
    shutil.copy(ours, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("command", [*READING[::4], *WRITING[::2]], ids=" ".join)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(filled, command):
    filled.write("text.db", "transaction_id,code\nt1,calls\n" * 50)
    foreign(filled.folder / "foreign.db")
    newer(filled.folder / "newer.db", filled.folder / "lago.db")
    (filled.folder / "folder.db").mkdir()
    before = names(filled)
    for file, code, said in (
        ("text.db", "not_a_database", "text.db is not a SQLite database."),
        ("foreign.db", "not_a_lago_file", "foreign.db is a SQLite database, but not one of lago."),
        (
            "newer.db",
            "schema_too_new",
            f"newer.db has schema 99; this version of lago knows {SCHEMA_VERSION}.",
        ),
        ("folder.db", "database_unreadable", "folder.db is a folder, not a database file."),
    ):
        path = filled.folder / file
        content = path.read_bytes() if path.is_file() else None
        error = filled(*command, "--db", file, "-o", "json", exits=7).error()
        assert (error["code"], error["message"]) == (code, said)
        assert content == (path.read_bytes() if path.is_file() else None)
    assert names(filled) == before


@pytest.mark.parametrize("command", READING[::4], ids=" ".join)
def test_reading_an_empty_file_says_so_and_leaves_it_empty(lago, command):
    lago.write("empty.db", "")
    error = lago(*command, "--db", "empty.db", "-o", "json", exits=7).error()

    assert "empty.db" in error["message"]
    assert names(lago) == ["empty.db"]
    assert (lago.folder / "empty.db").read_bytes() == b""


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_a_missing_file_is_not_found_and_creates_nothing(lago, command):
    error = lago(*command, "--db", "missing.db", "-o", "json", exits=4).error()

    assert error == {
        "code": "database_not_found",
        "message": 'There is no database "missing.db".',
        "hint": "Name it with --db or $LAGO_DB; commands that write create it.",
    }
    assert names(lago) == []


def test_a_file_in_a_missing_folder_cannot_be_created(lago):
    error = lago(*WRITING[0], "--db", "no/such/lago.db", "-o", "json", exits=7).error()

    assert error["message"] == "no/such/lago.db cannot be created: No such file or directory."
    assert names(lago) == []


@pytest.mark.parametrize("name", ["with space.db", "what?.db", "100%41#.db", "é🙂.db", "'; --.db"])
def test_a_file_may_have_any_name(lago, name):
    lago(*WRITING[0], "--db", name)
    lago("usage", "--db", name)

    assert names(lago) == [name]


# What stands in the way -------------------------------------------------------------------


def limited(lago, size, *args):
    """Run with a limit on the size of a file, which is what a full disk is like."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        lago.command(*args),
        capture_output=True,
        check=False,
        cwd=lago.folder,
        env=lago.environment(),
        preexec_fn=limit,
        text=True,
        timeout=60,
    )


def test_what_was_committed_survives_a_full_disk(filled):
    before = filled("usage", "--period", "2026-11", "-o", "json").json()
    many = [{**EVENTS[0], "transaction_id": f"many {n}"} for n in range(20_000)]
    filled.write("many.ndjson", many)
    finished = limited(filled, 500_000, "ingest", "many.ndjson", "-o", "json")

    assert finished.returncode == 7
    assert "Traceback" not in finished.stderr
    error = json.loads(finished.stderr.splitlines()[-1])["error"]
    assert error["code"] in ("disk_full", "database_io_error")
    assert "./lago.db" in error["message"]
    filled("db", "check")
    assert filled("usage", "--period", "2026-11", "-o", "json").json() == before
    again = filled("ingest", "many.ndjson", "-o", "json").json()
    assert (again["ingested"], again["duplicates"]) == (20_000, 0)


def test_a_definition_without_room_is_refused_whole(filled):
    finished = limited(filled, 10_000, *WRITING[0], "-o", "json")

    assert finished.returncode == 7
    assert "Traceback" not in finished.stderr
    assert [row["code"] for row in filled("metrics", "list", "-o", "json").json()] == ["storage"]


@pytest.fixture
def locked(filled):
    """Another process is in the middle of writing."""
    connection = sqlite3.connect(filled.folder / "lago.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield filled
    connection.close()


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_who_cannot_wait_for_a_lock_is_told_so_at_once(locked, command):
    """Waiting is bounded; nothing is written."""
    started = time.monotonic()
    event = json.dumps({**EVENTS[0], "transaction_id": "new"})
    finished = locked(
        *command, "--busy-timeout", "0.2", "-o", "json", stdin=event, exits=8, timeout=20
    )

    assert time.monotonic() - started < 5
    error = finished.error()
    assert (error["code"], error["message"]) == (
        "database_locked",
        "./lago.db stayed locked by another process.",
    )


@pytest.mark.parametrize("command", READING[::2], ids=" ".join)
def test_reading_waits_for_nobody(locked, command):
    assert locked(*command, "--busy-timeout", "0", timeout=20).stdout


def test_the_busy_timeout_may_stand_in_the_environment(locked):
    env = {"LAGO_BUSY_TIMEOUT": "0.1", "LAGO_OUTPUT": "json"}
    refused = locked(*WRITING[0], env=env, exits=8, timeout=20)

    assert refused.error()["code"] == "database_locked"


def test_who_waits_long_enough_gets_the_lock(filled):
    with closing(sqlite3.connect(filled.folder / "lago.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = filled.start(*WRITING[0], "--busy-timeout", "30")
        time.sleep(0.7)
        assert waiting.poll() is None
        other.execute("ROLLBACK")
        assert waiting.wait(timeout=30) == 0

    assert filled("metrics", "get", "other", "-o", "json").json()["code"] == "other"


def as_nobody(lago, *args):
    """Run as a user whom permissions bind: they do not bind root."""
    prefix = []
    if os.geteuid() == 0:
        tool = shutil.which("setpriv")
        if tool is None:
            pytest.skip("permissions do not bind root, and there is no setpriv")
        prefix = [tool, "--reuid=65534", "--regid=65534", "--clear-groups"]
    return subprocess.run(
        [*prefix, *lago.command(*args)],
        capture_output=True,
        check=False,
        cwd=lago.folder,
        env={**lago.environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        timeout=60,
    )


@pytest.fixture
def public(filled, tmp_path_factory):
    """The file in a folder that everybody may enter; some of pytest's may only by its owner."""
    with tempfile.TemporaryDirectory(prefix="lago-test-") as name:
        folder = Path(name)
        shutil.copy(filled.folder / "lago.db", folder)
        folder.chmod(0o755)
        lago = Lago(folder)
        probe = as_nobody(lago, "--version")
        if probe.returncode != 0:
            pytest.skip("another user cannot start the program from here")
        yield lago
        folder.chmod(0o755)


def test_a_file_that_may_not_be_read_is_named(public):
    (public.folder / "lago.db").chmod(0o000)
    finished = as_nobody(public, "usage", "-o", "json")

    assert finished.returncode == 7
    assert json.loads(finished.stderr)["error"]["code"] == "database_unreadable"


def test_a_read_only_file_is_read_and_not_written(public):
    (public.folder / "lago.db").chmod(0o444)
    public.folder.chmod(0o777)
    asked = ("usage", "--period", "2026-11", "-o", "json")
    expected = public(*asked).json()
    read = as_nobody(public, *asked)
    written = as_nobody(public, *WRITING[0], "-o", "json")

    assert (read.returncode, json.loads(read.stdout)) == (0, expected)
    assert written.returncode == 7
    assert json.loads(written.stderr)["error"]["code"] == "database_read_only"


def test_a_file_in_a_read_only_folder_is_read_and_not_written(public):
    (public.folder / "lago.db").chmod(0o666)
    public.folder.chmod(0o555)
    asked = ("usage", "--period", "2026-11", "-o", "json")
    read = as_nobody(public, *asked)
    written = as_nobody(public, *WRITING[0], "-o", "json")
    created = as_nobody(public, *WRITING[0], "-o", "json", "--db", "new.db")

    assert (read.returncode, len(json.loads(read.stdout))) == (0, 3)
    for finished in (written, created):
        assert finished.returncode == 7
        assert json.loads(finished.stderr)["error"]["code"].startswith("database_")
    assert names(public) == ["lago.db"]

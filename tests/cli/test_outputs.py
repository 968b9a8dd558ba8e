"""What a command writes never goes over the database, the files beside it, or what it reads."""

from __future__ import annotations

import json
import os
import time

import pytest

EVENT = {"transaction_id": "1", "external_customer_id": "c", "code": "calls"}
COMPANIONS = ("-wal", "-shm", "-journal")


@pytest.fixture
def running(lago):
    """A run that has stored one event, waits for more, and so keeps the companions there."""
    run = lago.start("ingest", "--no-progress")
    run.stdin.write(json.dumps(EVENT).encode() + b"\n")
    run.stdin.flush()
    while not stored(lago):
        time.sleep(0.02)
    return run


def stored(lago):
    found = lago("db", "info", "-o", "json", exits=None)
    return found.json()["events"] if found.code == 0 else 0


@pytest.mark.parametrize("ending", ["", *COMPANIONS])
def test_neither_rejects_nor_a_backup_go_over_a_database_in_use(lago, running, ending):
    lago.write("bad", "{\n" * 5)
    for command in (("ingest", "bad", "--rejects"), ("db", "backup")):
        error = lago(*command, f"lago.db{ending}", "-o", "json", exits=2).error()
        assert error["code"] == f"{command[-1].removeprefix('--')}_overwrite"
        assert f"lago.db{ending} would overwrite" in error["message"]
    running.stdin.write(json.dumps({**EVENT, "transaction_id": "2"}).encode() + b"\n")
    running.communicate()

    assert running.returncode == 0
    assert len(lago("events", "export").ndjson()) == 2
    lago("db", "check")


def spellings(folder):
    """Other names of `lago.db-wal`, which is not there yet."""
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    (folder / "dangling").symlink_to("real/lago.db-wal")
    return [
        "real/lago.db-wal",
        "./real/../real/lago.db-wal",
        folder / "real" / "lago.db-wal",
        "link/lago.db-wal",
        "dangling",
        "real/LAGO.db-WAL",
    ]


@pytest.mark.parametrize("exists", [False, True], ids=["missing", "there"])
def test_no_spelling_of_a_companion_is_written_to(lago, exists):
    names = spellings(lago.folder)
    if exists:
        lago(
            "metrics",
            "create",
            "--code",
            "m",
            "--aggregation-type",
            "count",
            "--db",
            "real/lago.db",
        )
    for db in ("real/lago.db", "link/lago.db"):
        for name in names:
            rejects = lago("ingest", "--rejects", name, "--db", db, stdin="{", exits=2)
            backup = lago("db", "backup", name, "--db", db, exits=2)

            assert (rejects.stdout, backup.stdout) == ("", "")
    assert {path.name for path in (lago.folder / "real").iterdir()} <= {"lago.db"}


def test_the_companions_of_a_linked_database_stand_beside_the_real_one(lago):
    (lago.folder / "data").mkdir()
    (lago.folder / "lago.db").symlink_to("data/real.db")

    refused = lago("ingest", "--rejects", "data/real.db-wal", stdin="{", exits=2)

    assert "data/real.db-wal" in refused.stderr
    assert not (lago.folder / "data" / "real.db-wal").exists()


def test_a_hard_link_is_the_same_file(lago):
    lago.write("events", [EVENT])
    lago("ingest", "events")
    os.link(lago.folder / "lago.db", lago.folder / "other")
    os.link(lago.folder / "events", lago.folder / "again")

    lago("ingest", "events", "--rejects", "other", exits=2)
    lago("ingest", "events", "--rejects", "again", exits=2)
    assert lago("events", "export").ndjson()[0]["transaction_id"] == "1"


def test_rejects_do_not_go_over_what_standard_input_reads(lago):
    path = lago.write("events", [EVENT])
    with path.open("rb") as events:
        found = lago("ingest", "--rejects", "events", "-o", "json", stdin=events, exits=2)

    assert found.error()["message"] == "--rejects events would overwrite standard input."
    assert path.read_text() != ""


def test_a_device_takes_rejects_also_where_it_is_the_input(lago):
    assert lago("ingest", "--rejects", "/dev/null", "-o", "json").json()["read"] == 0


@pytest.mark.parametrize("ending", COMPANIONS)
def test_no_database_is_made_in_the_place_of_a_companion(lago, ending):
    lago("metrics", "create", "--code", "m", "--aggregation-type", "count")
    error = lago("ingest", "--db", f"lago.db{ending}", "-o", "json", exits=7).error()

    assert error["code"] == "database_unreadable"
    assert error["message"] == f"lago.db{ending} is a part of the database lago.db."
    assert [path.name for path in lago.folder.iterdir()] == ["lago.db"]


@pytest.mark.parametrize("command", [("usage",), ("ingest",), ("export",)])
def test_what_is_no_regular_file_is_no_database(lago, command):
    """A pipe above all: whoever opens it waits for somebody who writes."""
    os.mkfifo(lago.folder / "pipe")
    (lago.folder / "loop").symlink_to("loop")
    for db in ("pipe", "/dev/null", "loop", "x" * 5_000):
        seconds = 10 if db == "pipe" else None
        error = lago(*command, "--db", db, "-o", "json", exits=7, timeout=seconds).error()
        assert error["code"] == "database_unreadable"
    lago("ingest", "--dry-run", "--db", "pipe", exits=7, timeout=10)


def test_a_database_in_memory_would_keep_nothing(lago):
    event = json.dumps(EVENT)
    for given in ({"LAGO_DB": ":memory:"}, {}):
        option = [] if given else ["--db", ":memory:"]
        for dry in ([], ["--dry-run"]):
            error = lago(
                "ingest", *option, *dry, "-o", "json", stdin=event, env=given, exits=2
            ).error()
            assert "would keep nothing" in error["message"]


@pytest.mark.parametrize("name", ["file:x?mode=ro", "file::memory:", "./:memory:", "x?mode=ro#y"])
def test_what_looks_like_an_address_is_the_name_of_a_file(lago, name):
    (lago.folder / name).parent.mkdir(exist_ok=True)
    lago("ingest", "--db", name, stdin=json.dumps(EVENT))

    assert (lago.folder / name).exists()
    assert len(lago("events", "export", "--db", name).ndjson()) == 1


@pytest.mark.parametrize("given", ["", "\n"])
def test_where_nothing_is_read_there_is_no_run(lago, given):
    """As of every minute of a timer that found nothing to send."""
    for options in ([], ["--strict"]):
        found = lago("ingest", *options, "-o", "json", stdin=given).json()
        assert (found["run"], found["read"]) == (None, 0)

    assert lago("ingest-runs", "list", "-o", "json").json() == []


def test_a_run_that_is_taken_back_says_that_nothing_stays(lago, running):
    lago("ingest-runs", "revert", 1)
    running.stdin.write(json.dumps({**EVENT, "transaction_id": "2"}).encode() + b"\n")
    _, words = running.communicate()

    assert running.returncode == 5
    assert "taken back" in words.decode()
    assert "Nothing that it had stored is in the file any more." in words.decode()
    assert "stay" not in words.decode()


def test_a_subscription_starts_at_the_whole_second(lago):
    """So that an event that is stamped with that very second belongs to it."""
    now = {"LAGO_NOW": "2026-11-22T10:00:00.75Z"}
    names = ("--external-id", "s", "--external-customer-id", "c")
    created = lago("subscriptions", "create", *names, "-o", "json", env=now).json()
    row = {"external_id": "t", "external_customer_id": "c"}
    lago.write("definitions.json", json.dumps({"subscriptions": [row]}))
    lago("apply", "definitions.json", env=now)
    applied = lago("subscriptions", "get", "t", "-o", "json").json()

    for found in (created, applied):
        assert found["started_at"] == found["subscription_at"] == "2026-11-22T10:00:00Z"
        assert found["created_at"] == "2026-11-22T10:00:00.75Z"

"""`lago events delete` and `undelete`: one event out of every figure, kept, and back again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

NOW = "2026-11-22T12:00:00Z"
LATER = "2026-11-25T08:00:00Z"
BACK = "2026-11-27T08:00:00Z"
WHY = ("--reason", "a test call")


def event(transaction_id="t1", gb=12, customer="acme", subscription=None, day=10):
    return {
        "transaction_id": transaction_id,
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "code": "storage",
        "timestamp": f"2026-11-{day}",
        "properties": {"gb": gb},
    }


@pytest.fixture
def stored(lago):
    """Two events of acme."""
    lago("metrics", "create", "--code", "storage", "--aggregation-type", "sum", "--field-name=gb")
    lago("ingest", lago.write("events.ndjson", [event(), event("t2", 5)]), "--now", NOW)
    return lago


@pytest.fixture
def deleted(stored):
    stored("events", "delete", "t1", *WHY, "--now", LATER)
    return stored


def units(lago, *options):
    rows = lago("usage", "--period", "2026-11", *options, "-o", "json").json()
    return {row["external_customer_id"]: row["units"] for row in rows}


def test_it_shows_the_event_with_when_and_why(stored):
    found = stored("events", "delete", "t1", *WHY, "--now", LATER, "-o", "json").json()

    assert (found["transaction_id"], found["status"]) == ("t1", "deleted")
    assert (found["deleted_at"], found["reason"]) == (LATER, "a test call")
    assert stored("events", "get", "t1", "-o", "json").json() == found


def test_it_leaves_every_figure_and_is_in_those_of_before(deleted):
    assert units(deleted) == {"acme": "5"}
    assert units(deleted, "--as-of", NOW) == {"acme": "17"}
    assert units(deleted, "--as-of", LATER) == {"acme": "5"}


def test_what_is_back_counts_and_did_not_in_between(deleted):
    found = deleted("events", "undelete", "t1", "--now", BACK, "-o", "json").json()

    assert found["status"] == "counted"
    assert "deleted_at" not in found
    assert units(deleted) == {"acme": "17"}
    assert units(deleted, "--as-of", LATER) == {"acme": "5"}
    assert units(deleted, "--as-of", BACK) == {"acme": "17"}


@pytest.mark.parametrize(
    ("arguments", "exits", "code"),
    [
        (("delete", "t9", *WHY), 4, "event_not_found"),
        (("undelete", "t9"), 4, "event_not_found"),
        (("delete", "t1", *WHY), 5, "event_already_deleted"),
        (("undelete", "t2"), 5, "event_not_deleted"),
        (("delete", "t2", "--reason", " "), 2, "usage"),
        (("delete", "t2"), 2, "usage"),
        (("delete", "t2", *WHY, "--customer", "bolt"), 4, None),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(deleted, arguments, exits, code):
    found = deleted("events", *arguments, "-o", "json", exits=exits)

    assert code is None or found.error()["code"] == code
    assert units(deleted) == {"acme": "5"}


def test_a_missing_file_is_not_made(lago):
    lago("events", "delete", "t1", *WHY, exits=4)

    assert not (lago.folder / "lago.db").exists()


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (("--subscription", "s1"), {"acme": "20", "bolt": "4"}),
        (("--subscription", "s2"), {"acme": "19", "bolt": "4"}),
        (("--customer", "bolt"), {"acme": "21", "bolt": "0"}),
        (("--customer", "acme"), {"acme": "9", "bolt": "4"}),
    ],
    ids=" ".join,
)
def test_several_events_of_an_id_are_told_apart(stored, choice, left):
    """With a customer alone it is the one that names no subscription."""
    more = [event(subscription="s1", gb=1), event(subscription="s2", gb=2)]
    more += [event(customer="bolt", gb=4), event("t3", 1, subscription="s1")]
    stored("ingest", stdin=json.dumps(more))
    found = stored("events", "delete", "t1", *WHY, exits=2)
    stored("events", "delete", "t1", *WHY, *choice)

    assert 'There are 4 events with the id "t1"' in found.stderr
    assert '"s1"' in found.stderr
    named = ("--customer", "acme", "--customer", "bolt")
    assert units(stored, *named) == left


def test_quiet_says_nothing(stored):
    found = stored("events", "delete", "t1", *WHY, "-q")

    assert (found.stdout, found.stderr) == ("", "")


def test_lists_leave_it_out_unless_it_is_asked_for(deleted):
    listed = deleted("events", "list", "-o", "json").json()
    apart = deleted("events", "list", "--status", "deleted", "-o", "json").json()
    others = deleted("events", "list", "--status", "deleted", "--from", "2026-11-11", "-o", "json")

    assert [row["transaction_id"] for row in listed] == ["t2"]
    assert [(row["transaction_id"], row["reason"]) for row in apart] == [("t1", "a test call")]
    assert others.json() == []


def test_an_export_leaves_it_out(deleted):
    assert [row["transaction_id"] for row in deleted("events", "export").ndjson()] == ["t2"]


def test_its_walk_stops_at_the_deletion(deleted):
    found = deleted("events", "explain", "t1", "-o", "json").json()

    assert found["stopped_at"] == "deleted"
    assert found["steps"][-1]["detail"] == f"deleted on {LATER}, because: a test call"


def test_the_walk_of_one_that_is_back_tells_of_it_and_goes_on(deleted):
    deleted("events", "undelete", "t1", "--now", BACK)
    found = deleted("events", "explain", "t1", "-o", "json").json()

    assert found["counted"]
    assert [step["step"] for step in found["steps"][:3]] == ["stored", "deleted", "undeleted"]
    assert found["steps"][2]["detail"] == f"brought back on {BACK}"


def test_usage_explain_says_why_it_does_not_count(deleted):
    rows = deleted("usage", "explain", "-o", "json", "--period", "2026-11").json()
    rules = {row["transaction_id"]: (row["counted"], row["rule"]) for row in rows}

    assert rules == {"t1": (False, "deleted"), "t2": (True, "adds")}
    assert rows[0]["reason"] == f"was deleted on {LATER}, because: a test call"


def test_a_run_tells_how_many_of_its_events_were_deleted(deleted):
    assert deleted("ingest-runs", "get", 1, "-o", "json").json()["deleted"] == 1


def test_sending_it_again_is_a_repetition_and_a_word_says_that_it_is_deleted(deleted):
    found = deleted("ingest", "events.ndjson", "-o", "json")

    assert (found.json()["duplicates"], found.json()["conflicts"]) == (2, 0)
    assert (
        f'Warning: events.ndjson:1: transaction "t1" was deleted on {LATER}; it stays so:'
        " lago events undelete t1" in found.stderr
    )
    assert units(deleted) == {"acme": "5"}


def test_nothing_replaces_it_and_that_is_said_also_to_who_wants_quiet(deleted):
    path = deleted.write("other.ndjson", [event(gb=13)])
    found = deleted("ingest", path, "--on-duplicate", "replace", "-q")
    run = deleted("ingest-runs", "get", 2, "-o", "json").json()

    assert (run["replaced"], run["conflicts"]) == (0, 1)
    assert "properties.gb: stored 12, sent 13; it stays so" in found.stderr
    assert units(deleted) == {"acme": "5"}


def test_one_event_is_amended_and_the_earlier_figure_stays_known(stored):
    amended = ("--code", "storage", "--external-customer-id", "acme", "--timestamp", "2026-11-10")
    amended += ("--transaction-id", "t1", "--properties", '{"gb": 13}')
    again = ("--on-duplicate", "replace", "--now", LATER, "-o", "json")
    first = stored("events", "send", *amended, *again).json()
    second = stored("events", "send", *amended, *again).json()

    assert (first["replaced"], first["duplicates"]) == (1, 0)
    assert (second["replaced"], second["duplicates"]) == (0, 1)
    assert units(stored) == {"acme": "18"}
    assert units(stored, "--as-of", NOW) == {"acme": "17"}


def test_sending_with_error_says_what_differs(stored):
    found = stored(
        *("events", "send", "--code", "other", "--external-customer-id", "acme"),
        *("--transaction-id", "t1", "--on-duplicate", "error"),
        exits=5,
    )

    assert 'is stored already: code: stored "storage", sent "other"' in found.stderr
    assert "properties.gb: stored 12, sent nothing" in found.stderr


def test_views_show_it_apart(deleted):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(deleted.folder / "lago.db")) as connection:
        live = connection.execute("SELECT transaction_id FROM v_events").fetchall()
        apart = "SELECT transaction_id, deleted_at, reason FROM v_deleted_events"

        assert live == [("t2",)]
        assert connection.execute(apart).fetchall() == [("t1", LATER, "a test call")]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM deletions", "nothing says just once when and why"),
        ("DELETE FROM deleted_events", "is said to be deleted, and is not"),
        ("UPDATE deletions SET undeleted_at = 1", "nothing says just once when and why"),
        ("UPDATE deletions SET event_id = 99, undeleted_at = 1", "and is not there"),
    ],
)
def test_check_finds_what_contradicts_itself(deleted, damage, said):
    import sqlite3
    from contextlib import closing

    deleted("db", "check")
    with closing(sqlite3.connect(deleted.folder / "lago.db")) as connection, connection:
        connection.execute(damage)

    assert said in deleted("db", "check", "-o", "json", exits=9).stdout


KILLED = """
import os, signal
from lago_cli.__main__ import main
from lago_cli.stores.sqlite.{module} import {name}
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
{name}.{method} = die
main()
"""


@pytest.mark.parametrize(
    ("verb", "module", "name", "method"),
    [
        ("delete", "derivation", "Derivation", "removed"),
        ("delete", "derivation", "Derivation", "flush"),
        ("delete", "blocks", "KnownBlocks", "forget"),
        ("undelete", "derivation", "Derivation", "restored"),
        ("undelete", "derivation", "Derivation", "flush"),
    ],
)
def test_killed_in_the_middle_nothing_has_happened(stored, verb, module, name, method):
    if verb == "undelete":
        stored("events", "delete", "t1", *WHY)
    before = units(stored)
    reason = WHY if verb == "delete" else ()
    killed = subprocess.run(
        [
            *(sys.executable, "-c", KILLED.format(module=module, name=name, method=method)),
            *("events", verb, "t1", *reason),
        ],
        cwd=stored.folder,
        env={**os.environ, "LAGO_NOW": NOW},
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    assert units(stored) == before
    stored("db", "check")
    stored("events", verb, "t1", *reason)


def test_of_two_processes_that_delete_it_at_once_one_is_told_so(stored):
    command = [sys.executable, "-m", "lago_cli", "events", "delete", "t1", *WHY]

    def run(_):
        done = subprocess.run(command, cwd=stored.folder, capture_output=True, check=False)
        return done.returncode

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(run, range(4)))

    assert codes == [0, 5, 5, 5]
    assert units(stored) == {"acme": "5"}
    stored("db", "check")


def test_an_id_that_only_somebody_else_has_is_not_found_under_the_usual_code(stored):
    asked = ("events", "delete", "t1", *WHY, "--customer", 'a"b', "-o", "json")
    error = stored(*asked, exits=4).error()

    assert error["code"] == "event_not_found"
    assert error["message"] == 'There is no event of customer "a"b" with the id "t1".'

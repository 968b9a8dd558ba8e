"""The account of runs, and how a wrong file is taken back as one."""

from __future__ import annotations

import json
from shutil import copy

import pytest

from tests.conftest import Lago

NOW = "2026-11-22T00:00:00Z"


def line(transaction_id, gb, **others):
    event = {
        "transaction_id": transaction_id,
        "code": "storage",
        "external_customer_id": "a",
        "timestamp": 1704067200,
        "properties": {"gb": gb},
    }
    return json.dumps({**event, **others}) + "\n"


def held(lago):
    return {
        row["transaction_id"]: row["properties"]["gb"] for row in lago("events", "export").ndjson()
    }


def gigabytes(lago):
    found = lago("usage", "--metric", "storage", "--period", "all", "-o", "json").json()
    return found[0]["units"] if found else None


@pytest.fixture(scope="module")
def three_runs_file(tmp_path_factory):
    """A database with three runs in it; made once, copied."""
    lago = Lago(tmp_path_factory.mktemp("runs"))
    lago(
        *("metrics", "create", "--code", "storage", "--aggregation-type", "sum"),
        *("--field-name", "gb", "-q", "-o", "json"),
    )
    lago.write("first", line("a", 1) + line("b", 2))
    lago.write("second", line("b", 2) + line("c", 4) + "{\n")
    lago.write("third", line("a", 100))
    lago("ingest", "first", "--now", NOW)
    lago("ingest", "second", "--now", NOW, "--max-rejects", 1)
    lago("ingest", "third", "--now", NOW, "--on-duplicate", "replace")
    return lago.folder / "lago.db"


@pytest.fixture
def three_runs(lago, three_runs_file):
    """a and b; then b again and c; then a replaced."""
    copy(three_runs_file, lago.folder)
    return lago


def test_the_account(three_runs):
    rows = three_runs("ingest-runs", "list", "-o", "json").json()
    expected = {
        "run": 2,
        "source": "second",
        "status": "finished",
        "started_at": NOW,
        "finished_at": NOW,
        "reverted_at": None,
        "read": 3,
        "ingested": 1,
        "duplicates": 1,
        "conflicts": 0,
        "replaced": 0,
        "rejected": 1,
        "skipped": 0,
        "unmatched": 0,
        "unusable": 0,
        "undated": 0,
        "deleted": 0,
    }

    assert [(row["run"], row["ingested"], row["replaced"]) for row in rows] == [
        (1, 2, 0),
        (2, 1, 0),
        (3, 0, 1),
    ]
    assert rows[1] == expected
    assert three_runs("ingest-runs", "get", 2, "-o", "json").json() == expected


def test_every_event_names_its_run(three_runs):
    rows = three_runs("events", "list", "-o", "json").json()

    assert {row["transaction_id"]: row["run"] for row in rows} == {"a": 3, "b": 1, "c": 2}
    assert {row["received_at"] for row in rows} == {NOW}


@pytest.mark.parametrize(
    ("runs", "left", "units"),
    [
        pytest.param([1], {"a": 100, "c": 4}, "104", id="the first: what replaced it stays"),
        pytest.param([2], {"a": 100, "b": 2}, "102", id="the second: what it repeated stays"),
        pytest.param([3], {"a": 1, "b": 2, "c": 4}, "7", id="the third: what it replaced is back"),
        pytest.param([3, 1], {"c": 4}, "4", id="from the last to the first"),
        pytest.param([1, 3], {"c": 4}, "4", id="from the first to the last"),
        pytest.param([1, 2, 3], {}, None, id="all"),
    ],
)
def test_revert(three_runs, runs, left, units):
    for run in runs:
        found = three_runs("ingest-runs", "revert", run, "--now", NOW, "-o", "json").json()
        assert (found["run"], found["status"], found["reverted_at"]) == (run, "reverted", NOW)

    assert held(three_runs) == left
    assert gigabytes(three_runs) == units
    three_runs("db", "check")


def customers(lago):
    return [row["external_id"] for row in lago("customers", "list", "-o", "json").json()]


def test_customers_whom_nothing_names_any_more_go_with_the_run(lago):
    lago("customers", "create", "--external-id", "registered", "-q")
    subscribed = ("--external-id", "s", "--external-customer-id", "subscribed")
    lago("subscriptions", "create", *subscribed, "-q")
    lago("ingest", "-q", stdin=line("1", 1, external_customer_id="kept"))
    names = ("registered", "subscribed", "kept", "gone")
    text = "".join(line(name, 2, external_customer_id=name) for name in names)
    lago("ingest", "-q", stdin=text)
    assert customers(lago) == ["gone", "kept", "registered", "subscribed"]

    lago("ingest-runs", "revert", 2, "-q")
    assert customers(lago) == ["kept", "registered", "subscribed"]
    lago("db", "check")
    lago("ingest", "-q", stdin=text)
    assert customers(lago) == ["gone", "kept", "registered", "subscribed"]


def test_what_was_rejected_or_rolled_back_creates_no_customer(lago):
    good = line("1", 1, external_customer_id="good")
    lago("ingest", "--strict", "-q", stdin=good + "{\n", exits=5)
    lago("ingest", "--dry-run", "-q", stdin=good)
    lago("ingest", "-q", stdin=line("1", 1, external_customer_id="bad", code=""), exits=5)
    owned = ("--external-id", "s", "--external-customer-id", "owner")
    lago("subscriptions", "create", *owned, "-q")
    theirs = {"external_customer_id": "other", "external_subscription_id": "s"}
    lago("ingest", "-q", stdin=line("1", 1, **theirs), exits=5)

    assert customers(lago) == ["owner"]


def test_what_comes_back_brings_its_customer_along(lago):
    """Also where a run was taken back in between, while nothing named the customer."""
    lago("metrics", "create", "--code", "storage", "--aggregation-type", "count", "-q")
    named = {"external_subscription_id": "s"}
    lago("ingest", "-q", stdin=line("1", 1, external_customer_id="first", **named))
    later = line("1", 1, external_customer_id="second", **named)
    lago("ingest", "-q", "--on-duplicate", "replace", stdin=later)
    lago("ingest", "-q", stdin=line("2", 1))
    lago("ingest-runs", "revert", 3, "-q")
    assert customers(lago) == ["second"]

    lago("ingest-runs", "revert", 2, "-q")
    assert customers(lago) == ["first"]
    (used,) = lago("usage", "--period", "all", "-o", "json").json()
    assert (used["external_customer_id"], used["units"]) == ("first", "1")
    lago("db", "check")


def test_what_was_taken_back_can_be_sent_again(three_runs):
    """Its identities are free again, and it is a run of its own."""
    three_runs("ingest-runs", "revert", 2)
    text = line("b", 2) + line("c", 4)
    found = three_runs("ingest", "-o", "json", stdin=text).json()

    assert (found["run"], found["ingested"], found["duplicates"]) == (4, 1, 1)
    assert held(three_runs) == {"a": 100, "b": 2, "c": 4}


def test_twice_is_refused(three_runs):
    three_runs("ingest-runs", "revert", 2)
    found = three_runs("ingest-runs", "revert", 2, "-o", "json", exits=5)

    assert found.error()["code"] == "run_already_reverted"
    assert held(three_runs) == {"a": 100, "b": 2}


@pytest.mark.parametrize(
    ("command", "run", "code"),
    [
        ("get", "4", 4),
        ("get", "0", 4),
        ("get", "-1", 2),
        ("get", "99999999999999999999", 4),
        ("get", "first", 2),
        ("revert", "99999999999999999999", 4),
        ("revert", "1.0", 2),
    ],
)
def test_a_run_that_is_none(three_runs, command, run, code):
    before = three_runs("ingest-runs", "list", "-o", "json").json()
    refused = three_runs("ingest-runs", command, run, exits=code)

    assert refused.stdout == ""
    assert refused.stderr
    assert three_runs("ingest-runs", "list", "-o", "json").json() == before


def test_what_reverting_says(three_runs):
    assert "Run 3: 1 event removed, 1 that it had replaced came back." in (
        three_runs("ingest-runs", "revert", 3).stderr
    )


def test_reading_needs_a_file(lago):
    """They look, and create nothing."""
    for command in (["list"], ["get", 1]):
        lago("ingest-runs", *command, exits=4)
    assert list(lago.folder.iterdir()) == []


def test_an_empty_input_is_no_run(lago):
    """A cron job with nothing to bring leaves no trace every minute."""
    assert lago("ingest", "-o", "json", stdin="").json()["run"] is None
    assert lago("ingest-runs", "list", "-o", "json").json() == []

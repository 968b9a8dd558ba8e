"""The summary of a run, in every output format, and what is said beside it."""

from __future__ import annotations

import json
import re
from shutil import copy

import pytest
import yaml

from tests.conftest import Lago

COUNTED = ["read", "ingested", "duplicates", "conflicts", "replaced", "rejected"]
OF_STORED = ["unmatched", "unusable", "undated"]
KEYS = ["run", *COUNTED, "skipped", *OF_STORED, "seconds", "rejections"]
EVENTS = [
    {"transaction_id": "1", "code": "gb", "properties": {"n": "1.5"}},
    {"transaction_id": "2", "code": "gb", "properties": {"n": "much"}},
    {"transaction_id": "3", "code": "gb", "properties": {}},
    {"transaction_id": "4", "code": "new", "timestamp": None},
    {"transaction_id": "1", "code": "gb", "properties": {"n": "1.5"}},
    {"transaction_id": "2", "code": "gb", "properties": {"n": "2"}},
    {"transaction_id": "5", "code": ""},
]
COUNTS = {
    "run": 1,
    "read": 7,
    "ingested": 4,
    "duplicates": 2,
    "conflicts": 1,
    "replaced": 0,
    "rejected": 1,
    "skipped": 0,
    "unmatched": 1,
    "unusable": 2,
    "undated": 1,
}


@pytest.fixture(scope="module")
def defined_file(tmp_path_factory):
    """A database with one metric; made once, copied."""
    lago = Lago(tmp_path_factory.mktemp("defined"))
    lago("metrics", "create", "--code", "gb", "--aggregation-type", "sum", "--field-name", "n")
    return lago.folder / "lago.db"


@pytest.fixture
def defined(lago, defined_file):
    copy(defined_file, lago.folder)
    said = {"external_customer_id": "a", "timestamp": 1704067200}
    lago.write("events.ndjson", [{**said, **event} for event in EVENTS])
    return lago


def test_json_is_one_object(defined):
    found = defined("ingest", "events.ndjson", "-o", "json", exits=5).json()

    assert list(found) == KEYS
    assert {name: found[name] for name in COUNTS} == COUNTS
    assert 0 <= found["seconds"] < 60


@pytest.mark.parametrize("output", ["ndjson", "yaml", "csv", "markdown", "table"])
def test_every_format_says_the_same(defined, output):
    found = defined("ingest", "events.ndjson", "-o", output, exits=5)
    counts = {name: str(count) for name, count in COUNTS.items()}
    if output == "ndjson":
        (row,) = found.ndjson()
        said = {name: str(row[name]) for name in counts}
        assert list(row) == KEYS
    elif output == "yaml":
        row = yaml.safe_load(found.stdout)
        said = {name: str(row[name]) for name in counts}
        assert list(row) == KEYS
    elif output == "csv":
        (row,) = found.csv()
        said = {name: row[name] for name in counts}
        assert list(row) == KEYS
    elif output == "markdown":
        header, _, row = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in found.stdout.splitlines()
        )
        said = {name: value for name, value in zip(header, row, strict=True) if name in counts}
        assert header == KEYS
    else:
        said = dict(re.findall(r"(\w+) +(\d+)$", found.stdout, re.MULTILINE))
        said = {name: value for name, value in said.items() if name in counts}

    assert said == counts


def test_what_is_not_counted_is_a_warning(defined):
    """Stored, and waiting for a definition: that is said, with the way to see it."""
    found = defined("ingest", "events.ndjson", exits=5)

    assert "1 event is stored but has a code that no metric has yet." in found.stderr
    assert "lago events list --status unmatched" in found.stderr
    assert "2 events are stored but have a value that the metric cannot use." in found.stderr
    assert "lago events list --status unusable" in found.stderr


def test_a_definition_makes_them_count(defined):
    """Raw events are never changed by a definition: define it after them, and usage is right."""
    defined("ingest", "events.ndjson", "-q", exits=5)
    defined("metrics", "create", "--code", "new", "--aggregation-type", "count")

    assert defined("events", "list", "--status", "unmatched", "-o", "json").json() == []
    (used,) = defined("usage", "--metric", "new", "--period", "all", "-o", "json").json()
    assert (used["units"], used["events_count"]) == ("1", 1)


GOOD = (
    '{"transaction_id": "good", "external_customer_id": "a", "code": "gb",'
    ' "timestamp": 1704067200, "properties": {"n": 1}}\n'
)
CALLS = {"name": "calls", "code": "calls", "aggregation_type": "count_agg"}
UNDATED = "Warning: 1 event without a timestamp was dated at reception."


@pytest.mark.parametrize("output", ["table", "json", "ndjson"])
def test_quiet_leaves_nothing_of_a_success_but_what_was_dated_here(defined, output):
    found = defined("ingest", "events.ndjson", "-q", "--max-rejects", 1, "-o", output)

    assert (found.stdout, found.stderr) == ("", UNDATED + "\n")


def test_quiet_leaves_all_of_a_failure(defined):
    """What was rejected and why, the summary, the error."""
    found = defined("ingest", "events.ndjson", "-q", exits=5)
    rejected, undated, error, _ = found.stderr.splitlines()

    assert rejected == "Warning: events.ndjson:7: empty_field: code is empty"
    assert undated == UNDATED
    assert error.startswith("Error: 1 event was rejected")
    assert re.search(r"^rejected +1$", found.stdout, re.MULTILINE)


def test_quiet_names_no_more_rejected_ones_than_others_do(defined):
    found = defined("ingest", "-q", stdin=GOOD + "x\n" * 25, exits=5)

    assert found.stderr.count("Warning: <stdin>:") == 20
    assert "Warning: … and 5 more rejected: --rejects FILE" in found.stderr


def test_quiet_leaves_the_summary_of_a_failure_in_json(defined):
    found = defined("ingest", "events.ndjson", "-q", "-o", "json", exits=5)

    assert [row["line"] for row in found.json()["rejections"]] == [7]
    assert found.error()["code"] == "events_rejected"


TOUCHED = ("--code", "calls", "--aggregation-type", "count")


@pytest.mark.parametrize(
    "command",
    [
        ("metrics", "create", *TOUCHED),
        ("metrics", "update", "gb", "--name", "x"),
        ("metrics", "delete", "gb"),
        ("customers", "create", "--external-id", "a"),
        ("subscriptions", "create", "--external-id", "s", "--external-customer-id", "a"),
        ("apply", "metrics.json"),
        ("ingest", "good.ndjson"),
        ("ingest", "good.ndjson", "--dry-run"),
        ("events", "send", "--code", "gb", "--external-customer-id", "a"),
        ("ingest-runs", "revert", "1"),
        ("db", "check"),
        ("db", "backup", "copy.db"),
        ("db", "backup", "copies", "--keep", "1"),
        ("db", "vacuum"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_what_does_something_is_silent_with_quiet(defined, command, output):
    defined("ingest", stdin=GOOD.replace("good", "before"))
    defined.write("good.ndjson", GOOD)
    defined.write("metrics.json", '{"billable_metrics": []}')
    found = defined(*command, "-q", "-o", output)

    assert (found.stdout, found.stderr) == ("", "")


@pytest.mark.parametrize(
    "command",
    [("metrics", "get", "gb"), ("metrics", "list"), ("usage",), ("db", "info"), ("export",)],
    ids=" ".join,
)
def test_what_is_asked_something_answers_with_quiet(defined, command):
    assert defined(*command, "-q", "-o", "json").stdout


def test_quiet_leaves_what_a_dry_run_was_asked_to_show(defined):
    found = defined("ingest", "--dry-run", "--show", 1, "-q", "-o", "json", stdin=GOOD)

    assert [row["transaction_id"] for row in found.json()] == ["good"]


def test_quiet_leaves_what_a_check_found(defined):
    defined.write("metrics.json", json.dumps({"billable_metrics": [CALLS]}))
    found = defined("apply", "metrics.json", "--dry-run", "-q", exits=9)

    assert "calls" in found.stdout
    assert "Error: 1 definition is not as the files say." in found.stderr


def test_creating_the_file_is_said(lago):
    found = lago("ingest", "--db", "new.db", "-o", "json", stdin="")

    assert "Created new.db" in found.stderr
    assert found.json()["read"] == 0
    assert (lago.folder / "new.db").exists()


def test_there_is_no_progress_bar_in_a_pipe(defined):
    for option in ([], ["--no-progress"]):
        found = defined("ingest", "events.ndjson", *option, exits=5, env={"FORCE_COLOR": ""})
        assert "\r" not in found.stderr
        assert "━" not in found.stderr


def test_an_error_is_one_json_object(lago):
    found = lago("ingest", "missing", env={"LAGO_OUTPUT": "json"}, exits=4)

    assert found.stdout == ""
    assert json.loads(found.stderr) == {
        "error": {"code": "file_not_found", "message": 'There is no file "missing".', "hint": None}
    }

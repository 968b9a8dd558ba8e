"""`lago events list`, `get` and `export`: which events, in which order, in which form."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Lago

DAY = "2026-11-%02d"
ROWS = [
    ("1", "a", "s1", "gb", 1, {"n": 1}),
    ("2", "a", None, "gb", 2, {"n": "x"}),
    ("3", "b", None, "new", 3, {}),
    ("4", None, "s1", "calls", 3, {}),
    ("5", "b", "s2", "gb", 5, {"n": 2}),
    ("1", "b", None, "calls", 6, {}),
]


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    """Six events of three codes, two of which are metrics."""
    lago = Lago(tmp_path_factory.mktemp("six"))
    lago(
        *("metrics", "create", "--code", "gb", "--aggregation-type", "sum"),
        *("--field-name", "n", "-q", "-o", "json"),
    )
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "-o", "json")
    names = ("transaction_id", "external_customer_id", "external_subscription_id", "code")
    events = [
        {**dict(zip(names, row, strict=False)), "timestamp": DAY % row[4], "properties": row[5]}
        for row in ROWS
    ]
    lago("ingest", "--now", "2026-11-22", stdin=json.dumps(events))
    return lago


SELECTIONS = [
    pytest.param([], "154321", id="all"),
    pytest.param(["--customer", "a"], "421", id="a customer, whose is the subscription of 4"),
    pytest.param(["--customer", "a", "--customer", "b"], "154321", id="two customers"),
    pytest.param(["--subscription", "s1"], "41", id="a subscription"),
    pytest.param(["--customer", "b", "--subscription", "s2"], "5", id="both"),
    pytest.param(["--code", "gb"], "521", id="a code"),
    pytest.param(["--code", "gb", "--code", "new"], "5321", id="two codes"),
    pytest.param(["--from", "2026-11-03"], "1543", id="from, which is in it"),
    pytest.param(["--to", "2026-11-03"], "21", id="to, which is not"),
    pytest.param(["--from", "2026-11-03", "--to", "2026-11-05"], "43", id="from and to"),
    pytest.param(["--from", "1793750400"], "15", id="from UNIX seconds"),
    pytest.param(["--status", "counted"], "1541", id="counted"),
    pytest.param(["--status", "unmatched"], "3", id="unmatched"),
    pytest.param(["--status", "unusable"], "2", id="unusable"),
    pytest.param(["--status", "counted", "--code", "gb"], "51", id="counted of a code"),
    pytest.param(["--limit", "2"], "15", id="the newest two"),
    pytest.param(["--limit", "0"], "", id="none"),
]


@pytest.mark.parametrize(("arguments", "found"), SELECTIONS)
def test_list(six, arguments, found):
    """The newest first."""
    rows = six("events", "list", *arguments, "-o", "json").json()

    assert "".join(row["transaction_id"] for row in rows) == found


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        pytest.param([], "123451", id="all"),
        pytest.param(["--status", "counted", "--customer", "b"], "51", id="with the same filters"),
        pytest.param(["--limit", "2"], "12", id="the oldest two"),
    ],
)
def test_export(six, arguments, found):
    """The oldest first, as NDJSON, with what was sent and nothing else."""
    rows = six("events", "export", *arguments).ndjson()

    assert "".join(row["transaction_id"] for row in rows) == found
    assert list(rows[0]) == [
        "transaction_id",
        "external_customer_id",
        "external_subscription_id",
        "code",
        "timestamp",
        "properties",
        "precise_total_amount_cents",
    ]


def test_export_is_ndjson_whatever_the_table_would_be(six):
    """It is made for `ingest`, also where LAGO_OUTPUT says table; other formats can be had."""
    plain = six("events", "export").stdout

    assert six("events", "export", env={"LAGO_OUTPUT": "table"}).stdout == plain
    for output in ("markdown", "yaml", "xlsx"):
        assert six("events", "export", env={"LAGO_OUTPUT": output}).stdout == plain
    assert six("events", "export", "-o", "markdown").stdout.startswith("| transaction_id |")
    assert six("events", "export", "-o", "json").json() == six("events", "export").ndjson()
    assert [row["transaction_id"] for row in six("events", "export", "-o", "csv").csv()] == list(
        "123451"
    )


def test_get(six):
    assert six("events", "get", "2", "-o", "json").json() == {
        "transaction_id": "2",
        "external_customer_id": "a",
        "external_subscription_id": None,
        "code": "gb",
        "timestamp": "2026-11-02T00:00:00Z",
        "properties": {"n": "x"},
        "precise_total_amount_cents": None,
        "received_at": "2026-11-22T00:00:00Z",
        "run": 1,
        "status": "unusable",
    }


def test_get_prints_all_of_that_id(six):
    """One for each stream that has it."""
    rows = six("events", "get", "1", "-o", "json").json()

    assert [(row["external_customer_id"], row["code"]) for row in rows] == [
        ("a", "gb"),
        ("b", "calls"),
    ]


@pytest.mark.parametrize("name", ["6", "", " 1", "1 OR 1=1", "%"])
def test_get_of_none(six, name):
    found = six("events", "get", name, "-o", "json", exits=4)

    assert found.error()["code"] == "event_not_found"


def test_a_cut_list_says_so(six):
    assert "there are more" in six("events", "list", "--limit", 3).stdout
    assert "there are more" not in six("events", "list", "--limit", 6).stdout


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "yaml", "markdown"])
def test_cut_data_is_told_of_beside_it(six, output):
    cut = six("events", "list", "--limit", 3, "-o", output)

    assert cut.stderr == "The newest 3; there are more: --limit N, or lago events export\n"
    assert "there are more" not in cut.stdout
    assert six("events", "list", "--limit", 3, "-o", output, "-q").stderr == ""
    assert six("events", "list", "--limit", 6, "-o", output).stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--limit", "-1"],
        ["list", "--limit", "99999999999999999999"],
        ["list", "--from", "yesterday"],
        ["list", "--status", "lost"],
        ["get"],
        ["export", "--limit", "many"],
    ],
)
def test_wrong_use(six, arguments):
    assert six("events", *arguments, "-o", "json", exits=2).stdout == ""


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_time_that_ends_before_its_start_is_refused_as_in_usage(six, command):
    dates = ("--from", "2026-02-01", "--to", "2026-01-01", "-o", "json")
    refused = six("events", command, *dates, exits=2)

    assert refused.stdout == ""
    assert refused.error() == six("usage", *dates, exits=2).error()
    assert refused.error()["code"] == "invalid_period"
    six("events", command, "--from", "2026-02-01", "--to", "2026-02-01")


@pytest.mark.parametrize("command", [["list"], ["get", "1"], ["export"]])
def test_reading_needs_a_file_and_creates_none(lago, command):
    assert lago("events", *command, "-o", "json", exits=4).error()["code"] == "database_not_found"
    assert list(lago.folder.iterdir()) == []


def test_a_list_of_none_does_not_say_that_there_are_none(ingested):
    shown = ingested("events", "list", "--limit", "0").stdout

    assert shown.splitlines()[0] == "None is shown."
    assert "There are some: --limit N" in shown

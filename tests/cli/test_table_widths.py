"""Lists at the widths that terminals have: a line for every row, and what a reader needs first."""

from __future__ import annotations

import json
import re

import pytest
from rich.cells import cell_len

NOW = "2026-11-30T12:00:00Z"
CUSTOMERS, METRICS = 50, 8


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Fifty customers with long ids, and eight metrics."""
    from tests.conftest import Lago

    lago = Lago(tmp_path_factory.mktemp("many"))
    metrics = [
        {
            "code": f"metric_{number}",
            "aggregation_type": "sum_agg",
            "field_name": "v",
        }
        for number in range(METRICS)
    ]
    lago.write("definitions.json", json.dumps({"billable_metrics": metrics}))
    lago("apply", "definitions.json", "-q")
    lago.write(
        "events",
        [
            {
                "transaction_id": f"{customer}-{metric}",
                "external_customer_id": f"organization_of_example.com_{customer * 7919 % 997:04d}",
                "code": f"metric_{metric}",
                "timestamp": "2026-11-22T14:30:00Z",
                "properties": {"v": 123.5 * (customer + 1)},
            }
            for customer in range(CUSTOMERS)
            for metric in range(METRICS)
        ],
    )
    lago("ingest", "events", "-q", "--now", NOW)
    return lago


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_fifty_customers_and_eight_metrics_are_as_many_lines(many, columns):
    lines = many("usage", "--now", NOW, env={"COLUMNS": str(columns)}).stdout.splitlines()

    rows = CUSTOMERS * METRICS
    assert rows <= len(lines) <= rows + 2 + 2 + 1 + METRICS
    assert lines[0] == "sum_agg · November 2026 · UTC"
    assert lines[2].split() == ["customer", "metric", "units", "events"]
    assert max(map(cell_len, lines)) <= columns
    assert len({line.split()[0] for line in lines[4 : 4 + rows]}) == CUSTOMERS


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
@pytest.mark.parametrize(
    "command",
    [
        ("metrics", "list"),
        ("customers", "list"),
        ("events", "list"),
        ("ingest-runs", "list"),
        ("mappings", "list"),
    ],
    ids=" ".join,
)
def test_a_list_fits_the_terminal_and_says_what_is_left_out(many, command, columns):
    shown = many(*command, env={"COLUMNS": str(columns)}).stdout
    count = len(many(*command, "-o", "json").json())
    lines = shown.splitlines()

    rule = next(number for number, line in enumerate(lines) if line.startswith("──"))
    rows = "\n".join(lines[rule + 1 :]).split("\n\n")[0].splitlines()
    assert len(rows) == count
    assert max(map(cell_len, lines)) <= columns
    assert shown.count("No room for:") <= 1


def test_what_there_is_no_room_for_is_told_once(many):
    shown = many("events", "list", "--limit", 20, env={"COLUMNS": "80"}).stdout

    words = " ".join(shown.split())
    assert re.search(r"No room for: .*received.* A wider terminal or -o json shows them\.$", words)
    assert "No room" not in many("events", "list", "--limit", 20, env={"COLUMNS": "300"}).stdout


def test_raw_gives_plain_digits(many):
    shown = many("usage", "--now", NOW, "--raw", "--metric", "metric_0").stdout

    assert "6175" in shown
    assert "2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z" in shown
    assert "6,175" in many("usage", "--now", NOW, "--metric", "metric_0").stdout


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "command",
    [
        ("usage", "--compare", "previous"),
        ("usage", "explain"),
        ("usage", "check", "--max", "hits=0"),
    ],
    ids=" ".join,
)
def test_groups_stay_distinct_where_they_are_cut(lago, command, columns):
    lago("metrics", "create", "hits", "--aggregation-type", "count", "-q")
    paths = [f"/api/v1/organizations/of_example.com/projects/{n}" for n in range(9)]
    events = [
        {
            "transaction_id": path,
            "external_customer_id": "acme",
            "code": "hits",
            "timestamp": "2026-11-05",
            "properties": {"path": path, "region": "eu-west-1"},
        }
        for path in paths
    ]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, events)))
    groups = ("--group-by", "path", "--group-by", "region")
    exits = 9 if "check" in command else 0
    asked = (*command, *groups, "--now", NOW)
    shown = lago(*asked, env={"COLUMNS": str(columns)}, exits=exits).stdout
    cells = set(re.findall(r"p\S*…\S*[^\d]*west-1", shown))

    assert len(cells) == len(paths)


def test_figures_that_differ_from_a_file_fit_80_columns(many):
    exported = many("usage", "-o", "csv", "--now", NOW).stdout
    many.write("agreed.csv", exported.replace(",123.5,", ",124.5,"))
    asked = ("usage", "check", "--expect", "agreed.csv", "--now", NOW)
    lines = many(*asked, env={"COLUMNS": "80"}, exits=9).stdout.splitlines()

    assert lines[0] == "from 2026-11-01 · to 2026-12-01 (exclusive)"
    assert len(lines) == 4 + METRICS + 2
    assert max(map(cell_len, lines)) <= 80


def test_a_long_name_goes_on_below_within_its_words(lago):
    field = "generated_tokens_of_the_model"
    lago("metrics", "create", "tokens", "--aggregation-type", "sum", "--field-name", field, "-q")
    event = ("--code", "tokens", "--customer", "acme", "--properties", f"{field}=7")
    lago("events", "send", *event, "-q", "--timestamp", "2026-11-22T10:00:00.123456Z")

    narrow = ("usage", "explain", "--customer", "acme", "--period", "2026-11")
    lines = lago(*narrow, env={"COLUMNS": "80"}).stdout.splitlines()

    assert max(map(len, lines)) <= 80
    assert any("generated_" in line and field not in line for line in lines)

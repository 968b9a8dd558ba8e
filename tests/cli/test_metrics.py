"""Definitions: what a metric may be, and that changing one is right for all its events."""

from __future__ import annotations

import json

import pytest

KEYS = [
    *("name", "code", "description", "aggregation_type", "field_name", "recurring", "expression"),
    *("weighted_interval", "rounding_function", "rounding_precision", "filters", "created_at"),
]
NOW = "2026-11-22T10:20:30.5Z"
HOSTILE = ["value' OR 1=1 --", "[/red]", "a.b", '"', "$", "🙂", "two\nlines", "\x1b[31m", "é"]


def create(lago, code, kind, *more, **how):
    named = ("--code", code, "--aggregation-type", kind)
    return lago("metrics", "create", *named, *more, "--now", NOW, "-o", "json", **how)


def send(lago, *values, code="storage", **properties):
    """An event for each value."""
    lines = [
        json.dumps(
            {
                "transaction_id": f"{code} {number}",
                "external_customer_id": "acme",
                "code": code,
                "timestamp": f"2026-11-{number + 1:02}T00:00:00Z",
                "properties": {"gb": value, **properties},
            }
        )
        for number, value in enumerate(values)
    ]
    lago("ingest", "-q", stdin="\n".join(lines))


def used(lago, *more):
    """(units, events) of each metric."""
    rows = lago("usage", "--period", "2026-11", "-o", "json", *more).json()
    return {row["billable_metric_code"]: (row["units"], row["events_count"]) for row in rows}


# Defining ---------------------------------------------------------------------------------


def test_a_metric_has_all_its_keys_in_order(lago):
    created = create(
        *(lago, "storage", "weighted_sum_agg", "--name", "Storage", "--description", "GB kept"),
        *("--field-name", "gb", "--recurring", "--expression", "event.properties.mb / 1024"),
        *("--filter", "region=eu,us", "--filter", "tier=gold", "--weighted-interval", "seconds"),
        *("--rounding-function", "ceil", "--rounding-precision", "-2"),
    )
    expected = {
        "name": "Storage",
        "code": "storage",
        "description": "GB kept",
        "aggregation_type": "weighted_sum_agg",
        "field_name": "gb",
        "recurring": True,
        "expression": "event.properties.mb / 1024",
        "weighted_interval": "seconds",
        "rounding_function": "ceil",
        "rounding_precision": -2,
        "filters": [
            {"key": "region", "values": ["eu", "us"]},
            {"key": "tier", "values": ["gold"]},
        ],
        "created_at": NOW,
    }

    assert created.json() == expected
    assert list(created.json()) == KEYS
    assert lago("metrics", "get", "storage", "-o", "json").json() == expected
    assert lago("metrics", "list", "-o", "json").json() == [expected]
    assert lago("metrics", "list", "-o", "ndjson").ndjson() == [expected]


def test_what_is_not_given_has_its_default(lago):
    created = create(lago, "calls", "count").json()

    assert created == {
        **dict.fromkeys(KEYS),
        "name": "calls",
        "code": "calls",
        "aggregation_type": "count_agg",
        "recurring": False,
        "filters": [],
        "created_at": NOW,
    }


@pytest.mark.parametrize("kind", ["count", "sum", "max", "latest", "unique_count", "weighted_sum"])
def test_a_type_may_be_given_without_agg(lago, kind):
    for number, name in enumerate((kind, f"{kind}_agg")):
        created = create(lago, f"m{number}", name, "--field-name", "gb").json()
        assert created["aggregation_type"] == f"{kind}_agg"
        assert created["weighted_interval"] == ("seconds" if kind == "weighted_sum" else None)


def test_a_rounding_function_has_the_precision_zero(lago):
    created = create(lago, "m", "sum", "--field-name", "gb", "--rounding-function", "round").json()

    assert (created["rounding_function"], created["rounding_precision"]) == ("round", 0)


def test_the_first_definition_creates_the_file_and_says_so(lago):
    assert create(lago, "calls", "count").stderr == "Created ./lago.db\n"
    assert create(lago, "other", "count").stderr == ""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--code", "", "count"], "invalid_code", "needs a code"),
        (["--code", " \t", "count"], "invalid_code", "needs a code"),
        (["median"], "invalid_aggregation_type", '"median" is no aggregation type'),
        ([""], "invalid_aggregation_type", '"" is no aggregation type'),
        (["sum"], "field_name_required", "sum_agg needs the name of the property"),
        (["max"], "field_name_required", "max_agg needs"),
        (["latest"], "field_name_required", "latest_agg needs"),
        (["unique_count"], "field_name_required", "unique_count_agg needs"),
        (["weighted_sum", "--field-name", ""], "field_name_required", "weighted_sum_agg needs"),
        (["count", "--recurring"], "not_recurring", "count_agg cannot be recurring"),
        (["max", "--field-name", "x", "--recurring"], "not_recurring", "max_agg cannot"),
        (["latest", "--field-name", "x", "--recurring"], "not_recurring", "latest_agg cannot"),
        (
            ["weighted_sum", "--field-name", "x", "--weighted-interval", "days"],
            "invalid_weighted_interval",
            "`seconds`",
        ),
        (
            ["sum", "--field-name", "x", "--rounding-function", "bankers"],
            "invalid_rounding_function",
            '"bankers" is no rounding function',
        ),
        (
            ["count", "--rounding-function", "round", "--rounding-precision", "101"],
            "invalid_rounding_precision",
            "within ±100",
        ),
        (["count", "--filter", "region="], "invalid_filter", '"region" has no values'),
        (["count", "--filter", "region=eu,eu"], "invalid_filter", '"region" has no values'),
        (
            ["sum", "--field-name", "x", "--expression", "1 +"],
            "invalid_expression",
            "wrong at column 4",
        ),
        (["count", "--expression", "1 + 1"], "field_name_required", "An expression needs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_definition_that_breaks_a_rule_is_refused(lago, options, code, said):
    """With its reason and a next step, and before a file is created."""
    if options[0] != "--code":
        options = ["--code", "m", *options]
    code_option, name, kind, *more = options
    command = ("metrics", "create", code_option, name, "--aggregation-type", kind, *more)
    error = lago(*command, "-o", "json", exits=5).error()

    assert error["code"] == code
    assert said in error["message"]
    assert list(lago.folder.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["create", "--code", "m"],
        ["create", "--aggregation-type", "count"],
        ["create", "--code", "m", "--aggregation-type", "sum", "--rounding-precision", "x"],
        ["create", "--code", "m", "--aggregation-type", "count", "--filter", "region"],
        ["create", "--code", "m", "--aggregation-type", "count", "--filter", "=eu"],
        ["create", "--code", "m", "--aggregation-type", "count", "surplus"],
        ["get"],
        ["update"],
        ["update", "m", "--rounding-precision", "x"],
        ["delete"],
        ["crate"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense_is_wrong_use(lago, command):
    error = lago("metrics", *command, "-o", "json", exits=2).error()

    assert set(error) == {"code", "message", "hint"}
    assert list(lago.folder.iterdir()) == []


def test_a_code_is_defined_once(lago):
    create(lago, "calls", "count")
    error = create(lago, "calls", "sum", "--field-name", "x", exits=5).error()

    assert error["code"] == "metric_exists"
    assert error["message"] == 'The metric "calls" is already defined.'
    kinds = lago("metrics", "list", "-o", "json").json()
    assert [row["aggregation_type"] for row in kinds] == ["count_agg"]


@pytest.mark.parametrize("command", [("get",), ("update",), ("delete",)], ids=" ".join)
def test_an_unknown_metric_is_not_found(metrics, command):
    error = metrics("metrics", *command, "Storage", "-o", "json", exits=4).error()

    assert error == {
        "code": "metric_not_found",
        "message": 'There is no metric "Storage". Did you mean "storage"?',
        "hint": "List them with: lago metrics list",
    }


def test_the_group_has_lagos_name_too(lago):
    lago("billable-metrics", "create", "--code", "calls", "--aggregation-type", "count")

    assert (
        lago("billable-metrics", "list", "-o", "json").json()
        == lago("metrics", "list", "-o", "json").json()
        != []
    )


def test_no_metrics_are_an_empty_answer(metrics):
    for metric in metrics("metrics", "list", "-o", "json").json():
        metrics("metrics", "delete", metric["code"])

    assert metrics("metrics", "list", "-o", "json").stdout == "[]\n"
    assert metrics("metrics", "list", "-o", "ndjson").stdout == ""
    assert "No metrics yet" in metrics("metrics", "list").stdout


def test_a_list_looks_like_this(metrics, golden):
    golden("metrics_list.txt", metrics("metrics", "list"))
    golden("metrics_list.csv", metrics("metrics", "list", "-o", "csv"))
    golden("metrics_list.md", metrics("metrics", "list", "-o", "markdown"))
    golden("metrics_get.txt", metrics("metrics", "get", "storage"))


def test_any_text_is_kept_as_it_came(lago):
    """Quotes, brackets, an emoji, line ends: stored, found again, and never interpreted."""
    created, events = {}, []
    for text in HOSTILE:
        key = text.replace("=", "")  # the first one ends a key
        options = ("--field-name", text, "--name", text, "--filter", f"{key}=v")
        created[text] = create(lago, text, "sum", *options).json()
        assert [created[text][name] for name in ("code", "field_name", "name")] == [text] * 3
        assert created[text]["filters"] == [{"key": key, "values": ["v"]}]
        event = {"transaction_id": text, "external_customer_id": text, "code": text}
        events.append({**event, "timestamp": "2026-11-02", "properties": {text: "1.5", "x": 9}})
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, events)))
    listed = lago("metrics", "list", "-o", "json").json()
    rows = lago("usage", "--period", "2026-11", "-o", "json").json()

    assert {metric["code"]: metric for metric in listed} == created
    for text in HOSTILE[:2]:
        assert lago("metrics", "get", text, "-o", "json").json() == created[text]
    assert sorted(
        (row["external_customer_id"], row["billable_metric_code"], row["units"]) for row in rows
    ) == sorted((text, text, "1.5") for text in HOSTILE)
    table = lago("metrics", "list").stdout
    assert "\x1b" not in table
    assert "two\\nlines" in table


# Changing ---------------------------------------------------------------------------------


def test_an_update_changes_what_is_given_and_nothing_else(lago):
    before = create(
        *(lago, "m", "sum", "--field-name", "gb", "--name", "N", "--description", "D"),
        *("--filter", "region=eu", "--rounding-function", "floor"),
    ).json()
    after = lago("metrics", "update", "m", "--name", "Other", "-o", "json").json()

    assert after == {**before, "name": "Other"}
    assert lago("metrics", "get", "m", "-o", "json").json() == after


def test_an_empty_text_takes_a_value_away(lago):
    create(
        *(lago, "m", "sum", "--field-name", "gb", "--name", "N", "--description", "D"),
        *("--filter", "region=eu", "--rounding-function", "floor", "--rounding-precision", "2"),
        *("--recurring", "--expression", "event.properties.gb * 2"),
    )
    cleared = ("name", "description", "expression", "rounding-function", "rounding-precision")
    options = [word for name in (*cleared, "filter") for word in (f"--{name}", "")]
    after = lago("metrics", "update", "m", *options, "--no-recurring", "-o", "json").json()

    assert after == {
        **dict.fromkeys(KEYS),
        "name": "m",
        "code": "m",
        "aggregation_type": "sum_agg",
        "field_name": "gb",
        "recurring": False,
        "filters": [],
        "created_at": NOW,
    }


def test_a_precision_that_is_taken_away_stays_away(lago):
    """It is 0 only where nobody has said anything."""
    create(lago, "m", "count", "--rounding-function", "round", "--rounding-precision", "2")

    def update(*options):
        after = lago("metrics", "update", "m", *options, "-o", "json").json()
        return after["rounding_function"], after["rounding_precision"]

    assert update("--rounding-precision", "") == ("round", None)
    assert update("--name", "other") == ("round", None)
    lago("apply", lago.write("all.yml", lago("export").stdout), "--dry-run")
    lago("apply", lago.write("all.json", lago("export", "-o", "json").stdout), "--dry-run")
    assert update("--rounding-function", "ceil") == ("ceil", 0)
    assert update("--rounding-function", "ceil", "--rounding-precision", "") == ("ceil", None)
    assert update("--rounding-precision", "3") == ("ceil", 3)
    assert update("--rounding-function", "floor") == ("floor", 3)
    assert update("--rounding-function", "") == (None, None)
    assert update("--rounding-precision", "1") == (None, 1)
    assert update("--rounding-function", "floor") == ("floor", 1)


def test_filters_are_replaced_as_a_whole(lago):
    create(lago, "m", "count", "--filter", "region=eu", "--filter", "tier=gold")
    after = lago("metrics", "update", "m", "--filter", "region=us,asia", "-o", "json").json()

    assert after["filters"] == [{"key": "region", "values": ["us", "asia"]}]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--field-name", ""], "field_name_required"),
        (["--aggregation-type", "max"], "not_recurring"),
        (["--aggregation-type", ""], "invalid_aggregation_type"),
        (["--weighted-interval", "seconds"], "invalid_weighted_interval"),
        (["--expression", "event.properties."], "invalid_expression"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_update_that_breaks_a_rule_changes_nothing(lago, options, code):
    before = create(lago, "m", "sum", "--field-name", "gb", "--recurring").json()

    update = ("metrics", "update", "m", "--name", "new", *options, "-o", "json")
    assert lago(*update, exits=5).error()["code"] == code
    assert lago("metrics", "get", "m", "-o", "json").json() == before


def test_an_interval_goes_with_its_type(lago):
    create(lago, "m", "weighted_sum", "--field-name", "gb")
    as_sum = lago("metrics", "update", "m", "--aggregation-type", "sum", "-o", "json").json()
    back = lago("metrics", "update", "m", "--aggregation-type", "weighted_sum", "-o", "json").json()

    assert (as_sum["weighted_interval"], back["weighted_interval"]) == (None, "seconds")


# Its events -------------------------------------------------------------------------------


def test_defining_a_metric_after_its_events_is_right_at_once(lago):
    send(lago, "0.1", 0.2, "much", None, 1e3)
    assert used(lago) == {}
    create(lago, "storage", "sum", "--field-name", "gb")

    assert used(lago) == {"storage": ("1000.3", 3)}


def test_changing_a_metric_after_its_events_is_right_at_once(lago):
    create(lago, "storage", "count")
    send(lago, 4, "4.0", -7, "x", 2.5)
    found = [used(lago)["storage"]]
    for options in (
        ("--aggregation-type", "sum", "--field-name", "gb"),
        ("--aggregation-type", "max"),
        ("--aggregation-type", "latest"),
        ("--aggregation-type", "unique_count"),
        ("--aggregation-type", "sum", "--rounding-function", "round"),
        ("--rounding-function", "", "--expression", "event.properties.gb * 2"),
        ("--expression", "", "--field-name", "other"),
        ("--aggregation-type", "count"),
    ):
        lago("metrics", "update", "storage", *options, "-q")
        found.append(used(lago, "--customer", "acme")["storage"])

    assert found == [
        *(("5", 5), ("3.5", 4), ("4", 4), ("2.5", 4), ("5", 5), ("4", 4), ("7", 4)),
        *(("0", 0), ("5", 5)),
    ]
    lago("db", "check")


def test_deleting_a_metric_keeps_its_events(lago):
    create(lago, "storage", "sum", "--field-name", "gb")
    send(lago, 1, 2)
    deleted = lago("metrics", "delete", "storage", "-o", "json").json()

    assert (deleted["code"], list(deleted)) == ("storage", KEYS)
    assert used(lago) == {}
    events = lago("events", "list", "-o", "json").json()
    assert [event["status"] for event in events] == ["unmatched"] * 2
    lago("db", "check")
    create(lago, "storage", "max", "--field-name", "gb")
    assert used(lago) == {"storage": ("2", 2)}


def test_a_metric_counts_only_events_of_exactly_its_code(lago):
    for code in ("storage", "Storage", "storage ", "stor%"):
        send(lago, 1, code=code)
    create(lago, "storage", "sum", "--field-name", "gb")

    assert used(lago) == {"storage": ("1", 1)}

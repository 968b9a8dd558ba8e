"""`lago usage explain`: the events behind a number, counted, and not counted with why."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from lago_cli.renderers import Span
from lago_cli.renderers.spans import span_words
from tests.conftest import Lago

NOW = "2026-11-22T12:00:00Z"
KEYS = [
    *("external_customer_id", "external_subscription_id", "billable_metric_code"),
    *("from_datetime", "to_datetime", "group", "units", "transaction_id", "timestamp"),
    *("received_at", "run", "properties", "value", "operation", "counted", "contribution"),
    *("contribution_exact", "rule", "reason"),
]
DEFINITIONS = """
billable_metrics:
- {code: gb, aggregation_type: sum, field_name: gb, rounding_function: ceil}
- {code: calls, aggregation_type: count}
- {code: peak, aggregation_type: max, field_name: gb}
- {code: level, aggregation_type: latest, field_name: gb}
- {code: seats, aggregation_type: unique_count, field_name: user, recurring: true}
- {code: kept, aggregation_type: weighted_sum, field_name: gb, recurring: true}
customers:
- {external_id: acme}
subscriptions:
- {external_id: s1, external_customer_id: acme, started_at: 2026-11-04, terminated_at: 2026-11-20}
"""


def event(transaction_id, code, day, owner="bolt", **properties):
    field = "external_subscription_id" if owner == "s1" else "external_customer_id"
    return {
        "transaction_id": transaction_id,
        "code": code,
        field: owner,
        "timestamp": f"2026-{day}T00:00:00Z",
        "properties": properties,
    }


EVENTS = [
    event("g1", "gb", "11-05", "s1", gb="0.1", region="eu"),
    event("g2", "gb", "11-06", "s1", gb="0.25", region="us"),
    event("g3", "gb", "11-03", "s1", gb=7, region="eu"),
    event("g4", "gb", "11-20", "s1", gb=8, region="eu"),
    event("g5", "gb", "11-07", "s1", gb="much", region="eu"),
    event("g6", "gb", "11-08", "s1", region="eu"),
    event("p1", "peak", "11-02", gb=3),
    event("p2", "peak", "11-03", gb=5),
    event("p3", "peak", "11-04", gb=5),
    event("l1", "level", "11-02", gb=3),
    event("l2", "level", "11-03", gb=-5),
    event("u1", "seats", "10-05", user="ana"),
    event("u2", "seats", "11-02", user="ana"),
    event("u3", "seats", "11-05", user="bo"),
    event("u4", "seats", "11-10", user="ana", operation_type="remove"),
    event("u5", "seats", "11-11", user="zoe", operation_type="remove"),
    event("k1", "kept", "10-11", gb=30),
    event("k2", "kept", "11-21", gb=1),
]
LATE = [event("g7", "gb", "11-09", "s1", gb=100, region="eu")]


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("used"))
    lago("apply", lago.write("definitions.yml", DEFINITIONS), "--now", NOW)
    lago("ingest", "-q", lago.write("events.ndjson", EVENTS), "--now", NOW)
    late = lago.write("late.ndjson", LATE)
    lago("ingest", "-q", late, "--now", "2026-12-02T00:00:00Z")
    return lago.folder / "lago.db"


@pytest.fixture
def used(lago, used_file):
    """Usage of a customer without, and of one with a subscription."""
    shutil.copy(used_file, lago.folder)
    return lago


def explained(lago, *asked, output="json"):
    finished = lago("usage", "explain", *asked, "-o", output, "--now", NOW)
    return {"json": finished.json, "ndjson": finished.ndjson, "csv": finished.csv}[output]()


def told(lago, *asked):
    """[(transaction id, contribution, rule)] of the answer."""
    rows = explained(lago, *asked)
    return [(row["transaction_id"], row["contribution"], row["rule"]) for row in rows]


# What is told -----------------------------------------------------------------------------


def test_rows_have_their_keys_in_order(used):
    rows = explained(used, "--metric", "gb", "--as-of", NOW)

    assert [list(row) for row in rows] == [KEYS] * 8
    assert rows[1] == {
        "external_customer_id": "acme",
        "external_subscription_id": None,
        "billable_metric_code": "gb",
        "from_datetime": "2026-11-04T00:00:00Z",
        "to_datetime": "2026-11-20T00:00:00Z",
        "group": None,
        "units": "1",
        "transaction_id": "g1",
        "timestamp": "2026-11-05T00:00:00Z",
        "received_at": NOW,
        "run": 1,
        "properties": {"gb": "0.1", "region": "eu"},
        "value": "0.1",
        "operation": None,
        "counted": True,
        "contribution": "0.1",
        "contribution_exact": "0.1",
        "rule": "adds",
        "reason": "adds its value",
    }


def test_what_does_not_count_says_why(used):
    rows = explained(used, "--metric", "gb", "--as-of", NOW, "--filter", "region=eu")

    assert [
        (row["transaction_id"], row["counted"], row["rule"], row["reason"]) for row in rows
    ] == [
        (
            *("g3", False, "before_start"),
            "comes before the subscription's start, 2026-11-04T00:00:00Z",
        ),
        ("g1", True, "adds", "adds its value"),
        ("g2", False, "filtered_out", "region is 'us', which was not asked for"),
        (
            *("g5", False, "unusable"),
            "property 'gb' is unusable: 'much' is not a number",
        ),
        ("g6", False, "unusable", "property 'gb' is unusable: it is missing"),
        (
            *("g7", False, "received_later"),
            "was received later, at 2026-12-02T00:00:00Z",
        ),
        (*("g4", False, "after_end"), "comes after the subscription's end, 2026-11-20T00:00:00Z"),
        (None, True, "rounding", "the metric rounds its figures"),
    ]
    assert {row["contribution"] for row in rows if not row["counted"]} == {None}
    assert {row["contribution_exact"] for row in rows if not row["counted"]} == {None}
    missing = explained(used, "--metric", "gb", "--filter", "tier=x")
    assert missing[1]["reason"] == "tier is missing, which was not asked for"


def test_the_rounding_of_the_metric_is_a_row_of_its_own(used):
    rows = explained(used, "--metric", "gb", "--as-of", NOW)
    last = rows[-1]

    assert (last["contribution"], last["rule"], last["counted"]) == ("0.65", "rounding", True)
    kept = ("external_customer_id", "billable_metric_code", "from_datetime", "units")
    assert [last[key] for key in kept] == [rows[0][key] for key in kept]
    assert {last[key] for key in KEYS[7:14]} == {None}
    whole = explained(used, "--metric", "gb", "--period", "2026-11-09")
    assert [row["rule"] for row in whole] == ["adds"]


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("peak", [("p1", "0", "not_largest"), ("p2", "5", "largest"), ("p3", "0", "not_largest")]),
        ("level", [("l1", "0", "superseded"), ("l2", "0", "latest_negative")]),
        (
            "seats",
            [
                ("u1", "1", "turns_on"),
                ("u2", "0", "already_on"),
                ("u3", "1", "turns_on"),
                ("u4", "-1", "turns_off"),
                ("u5", "0", "not_on"),
            ],
        ),
        ("kept", [("k1", "30", "changes_level"), ("k2", "0.333333333333", "changes_level")]),
    ],
)
def test_every_rule_by_which_events_count(used, metric, wanted):
    assert told(used, "--metric", metric) == wanted


def test_a_quotient_is_told_as_a_fraction_too(used):
    rows = explained(used, "--metric", "kept")

    assert [row["contribution_exact"] for row in rows] == ["30", "1/3"]
    prorated = explained(used, "--metric", "seats", "--prorated")
    assert [row["contribution_exact"] for row in prorated] == ["1", "0", "13/15", "-2/3", "0"]


def test_an_item_is_added_or_removed(used):
    rows = explained(used, "--metric", "seats")

    assert [(row["value"], row["operation"]) for row in rows] == [
        *(("ana", "add"), ("ana", "add"), ("bo", "add")),
        *(("ana", "remove"), ("zoe", "remove")),
    ]


def test_what_is_carried_over_says_so(used):
    first, *others = explained(used, "--metric", "seats")

    assert "(earlier)" in first["reason"]
    assert not any("(earlier)" in row["reason"] for row in others)


@pytest.mark.parametrize(
    "asked",
    [
        [],
        ["--prorated"],
        ["--group-by", "region", "--group-by", "user"],
        ["--window", "week"],
        ["--by", "subscription"],
        ["--period", "all"],
        ["--as-of", NOW],
        ["--subscription", "s1"],
        ["--prorated", "--window", "day", "--customer", "bolt", "--group-by", "user"],
    ],
    ids=" ".join,
)
def test_the_rows_of_a_figure_add_up_to_it(used, asked):
    """Beside `lago usage`, which goes another way: sums of fractions, without any rest."""
    figures = {}
    for row in explained(used, *asked):
        if row["counted"]:
            key = tuple(json.dumps(row[name]) for name in KEYS[:6])
            total = Fraction(row["contribution_exact"])
            figures[key] = figures.get(key, Fraction(0)) + total
    rows = used("usage", *asked, "-o", "json", "--now", NOW).json()

    for row in rows:
        key = tuple(json.dumps(row[name]) for name in KEYS[:6])
        total = figures.pop(key, Fraction(0))
        assert abs(total - Fraction(row["units"])) <= Fraction(Decimal("0.5e-12"))
    assert figures == {}


# Which events -----------------------------------------------------------------------------


def test_the_selection_is_that_of_usage(used):
    def ids(*asked):
        return {row["transaction_id"] for row in explained(used, *asked)} - {None}

    assert ids("--customer", "bolt") == {
        row["transaction_id"] for row in EVENTS if row["transaction_id"][0] in "pluk"
    }
    assert ids("--metric", "peak", "--period", "2026-11-03") == {"p2"}
    assert ids("--metric", "peak", "--from", "2026-11-03", "--to", "2026-11-05") == {"p2", "p3"}
    assert ids("--subscription", "s1", "--metric", "gb") == {f"g{n}" for n in range(1, 8)}
    assert ids("--metric", "calls") == set()


def test_nothing_found_is_an_empty_answer(used):
    assert explained(used, "--period", "2020") == []
    assert explained(used, "--period", "2020", output="csv") == []
    header = used("usage", "explain", "--period", "2020", "-o", "csv").stdout
    assert header == ",".join(KEYS) + "\n"


@pytest.mark.parametrize("output", ["ndjson", "csv"])
def test_other_formats_tell_the_same(used, output):
    asked = ("--metric", "gb", "--group-by", "region")
    rows = explained(used, *asked)
    others = explained(used, *asked, output=output)

    assert [list(row) for row in others] == [KEYS] * len(rows)
    if output == "ndjson":
        assert others == rows
    else:
        plain = [key for key in KEYS if key not in ("group", "properties", "counted", "run")]
        assert [[row[key] for key in plain] for row in others] == [
            [row[key] or "" for key in plain] for row in rows
        ]
        assert [row["group"] for row in others] == [
            json.dumps(row["group"], separators=(",", ":")) for row in rows
        ]


def test_owners_stand_in_the_order_of_usage(lago):
    """Not in that of their first events."""
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    lines = [event(name, "calls", "11-02", name) for name in ("zoe", "bo", "ana")]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))

    assert [row["transaction_id"] for row in explained(lago)] == ["ana", "bo", "zoe"]


# How many ---------------------------------------------------------------------------------


@pytest.fixture
def many(lago):
    """Sixty events that count, and three that do not, under a metric that rounds."""
    named = ("--code", "gb", "--aggregation-type", "sum", "--field-name", "gb")
    lago("metrics", "create", *named, "--rounding-function", "ceil")
    lines = [event(f"t{n:02}", "gb", "11-02", gb="0.5" if n else "0.25") for n in range(60)]
    lines += [event(f"x{n}", "gb", "11-03", gb="much") for n in range(3)]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))
    return lago


def test_a_limit_is_one_of_events_and_the_rounding_stays(many):
    rows = explained(many, "--limit", "2")

    assert [row["transaction_id"] for row in rows] == ["t00", "t01", None]
    assert rows[-1]["contribution"] == "0.25"
    assert len(explained(many)) == 64


def shown_by(lago, *options):
    return lago("usage", "explain", "--metric", "gb", *options, "--now", NOW).stdout


def test_the_table_shows_fifty_and_what_the_others_add(many):
    lines = shown_by(many).splitlines()

    assert sum(line.startswith("t") and line[1].isdigit() for line in lines) == 50
    assert [line.split() for line in lines[-5:-2]] == [
        ["…", "5", "10", "more", "events", "add", "this"],
        ["rounding", "0.25", "the", "metric", "rounds", "its", "figures"],
        ["units", "30"],
    ]
    assert lines[-1] == "--limit N shows more events, -o json all of them."


def test_what_a_limit_leaves_out_and_does_not_count_is_told_by_reason(many):
    assert many("usage", "explain", "--limit", "2", "-o", "json").json()
    lines = shown_by(many, "--limit", "2").splitlines()

    assert sum(line.startswith("x") for line in lines) == 2
    assert [line.split(maxsplit=2) for line in lines if line.startswith("…")] == [
        ["…", "29", "58 more events add this"],
        ["…", "1", "more event not counted: unusable"],
    ]


def test_of_data_a_word_on_stderr_says_how_many_a_limit_leaves_out(many):
    finished = many("usage", "explain", "--limit", "2", "-o", "csv", "--now", NOW)

    assert finished.stderr == "--limit 2 leaves out 61 events.\n"
    assert many("usage", "explain", "--limit", "99", "-o", "csv", "--now", NOW).stderr == ""
    quiet = many("usage", "explain", "--limit", "2", "-o", "csv", "-q", "--now", NOW)
    assert quiet.stderr == ""


@pytest.mark.parametrize("sort", ["time", "value"])
@pytest.mark.parametrize(("metric", "decides"), [("peak", "p2"), ("level", "l2")])
def test_the_event_that_decides_is_shown_whatever_the_limit(used, metric, decides, sort):
    (row,) = explained(used, "--metric", metric, "--limit", "1", "--sort", sort)

    assert row["transaction_id"] == decides
    assert "it decides" in row["reason"]
    table = used("usage", "explain", "--metric", metric, "--limit", "1", "--sort", sort)
    assert decides in table.stdout


def test_sorted_by_value_what_adds_or_takes_away_most_comes_first(lago):
    lago(*("metrics", "create", "--code", "gb", "--aggregation-type", "sum", "--field-name", "gb"))
    values = {"a": 1, "b": -7, "c": 5, "d": "much", "e": 5}
    lines = [event(name, "gb", "11-02", gb=value) for name, value in values.items()]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))
    for output in ("json", "ndjson", "csv"):
        rows = explained(lago, "--sort", "value", output=output)

        assert [row["transaction_id"] for row in rows] == ["b", "c", "e", "a", "d"]
    table = lago("usage", "explain", "--sort", "value", "--now", NOW).stdout
    assert [line[0] for line in table.splitlines() if line[:2].strip() in values] == list("bcead")


def test_of_a_maximum_the_next_largest_values_follow(used):
    rows = explained(used, "--metric", "peak", "--sort", "value")

    assert [row["transaction_id"] for row in rows] == ["p2", "p3", "p1"]


@pytest.mark.parametrize("sort", ["", "size", "-value"])
def test_another_order_is_refused(used, sort):
    refused = used("usage", "explain", "--sort", sort, exits=2)

    assert "--sort" in refused.stderr


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5"])
def test_a_limit_is_a_whole_number_from_one_on(used, limit):
    refused = used("usage", "explain", "--limit", limit, exits=2)

    assert "--limit" in refused.stderr
    assert refused.stdout == ""


# The table --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("explain", ["--metric", "gb", "--metric", "seats", "--as-of", NOW]),
        ("explain_groups", ["--metric", "gb", "--group-by", "region"]),
        ("explain_prorated", ["--metric", "seats", "--prorated"]),
    ],
)
def test_the_table_looks_like_this(used, golden, name, asked):
    golden(f"usage_{name}.txt", used("usage", "explain", *asked, "--now", NOW))


def test_titles_name_the_figure(used):
    asked = ("--metric", "gb", "--group-by", "region", "--group-by", "gb", "--period", "2026-11-06")
    day = span_words(Span(datetime(2026, 11, 6, tzinfo=UTC), datetime(2026, 11, 7, tzinfo=UTC)))
    titles = [
        line for line in used("usage", "explain", *asked).stdout.splitlines() if "sum_agg" in line
    ]

    assert titles == [f"acme · gb (sum_agg) · {day} · UTC · region=us · gb=0.25"]
    by_subscription = used("usage", "explain", *asked, "--subscription", "s1").stdout
    assert by_subscription.startswith(f"acme · s1 · gb (sum_agg) · {day} · UTC · region=us")


def columns_of(lago, *asked):
    lines = lago("usage", "explain", *asked, "--now", NOW).stdout.splitlines()
    return next(line for line in lines if line.startswith("transaction id"))


def test_the_value_stands_under_the_name_of_its_property(used):
    assert "gb" in columns_of(used, "--metric", "peak")
    assert "user" in columns_of(used, "--metric", "seats")


def test_properties_of_filters_are_shown_by_their_paths(lago):
    lago(
        *("metrics", "create", "--code", "ms", "--aggregation-type", "sum", "--field-name", "ms"),
        *("--expression", "event.properties.sizes[1] * 2", "--filter", "tier=gold,silver"),
    )
    tags = [{"key": "team", "value": "search"}]
    lines = [event("a", "ms", "11-02", sizes=[3, 45], tier="gold", tags=tags)]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))
    path = "tags[key=team].value"
    asked = ("--metric", "ms", "--filter", f"{path}=search", "--now", NOW)
    shown = lago("usage", "explain", *asked, env={"COLUMNS": "200"})

    heading, _, row = shown.stdout.splitlines()[2:5]
    assert heading.split()[-6:] == [path, "sizes[1]", "tier", "value", "adds", "why"]
    assert row.split()[-8:-3] == ["search", "45", "gold", "90", "90"]


def test_the_last_hour_of_the_calendar_is_shown(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    lago("customers", "create", "--external-id", "bolt", "--timezone", "Asia/Tokyo")
    last = event("last", "calls", "11-02") | {"timestamp": "9999-12-31T23:30:00Z"}
    lago("ingest", "-q", stdin=json.dumps(last))

    assert "last" in lago("usage", "explain", "--customer", "bolt", "--period", "all").stdout


# A line for each figure --------------------------------------------------------------------


def summary(lago, *asked):
    return lago("usage", "explain", *asked, "--now", NOW, env={"COLUMNS": "200"}).stdout


def line_of(shown, metric):
    (line,) = [line.split() for line in shown.splitlines() if f" {metric} " in line]
    return line


def test_without_a_selection_there_is_a_line_for_each_figure(used):
    shown = summary(used)

    assert line_of(shown, "gb")[-4:] == ["101", "3", "4", "unusable"]
    assert line_of(shown, "seats")[-4:] == ["1", "5", "–", "–"]
    assert shown.splitlines()[-1] == (
        "To see the events of a figure, add --customer ID or --metric CODE."
    )
    assert "g1" not in shown


@pytest.mark.parametrize(
    "asked",
    [
        ["--customer", "acme"],
        ["--subscription", "s1"],
        ["--metric", "gb"],
        ["--limit", "9"],
        ["--sort", "time"],
    ],
    ids=" ".join,
)
def test_a_selection_a_limit_or_an_order_asks_for_the_events(used, asked):
    assert "g1" in summary(used, *asked)


def test_events_of_no_metric_are_named_below_the_lines(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    lines = [event("a", "calls", "11-02"), event("b", "cals", "11-02")]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))

    assert "Not counted: 1 event, whose code is no metric (cals: 1)." in summary(lago)
    assert "no metric" not in summary(lago, "--metric", "calls")


def test_groups_and_windows_have_lines_of_their_own(used):
    shown = summary(used, "--group-by", "region", "--window", "week")

    assert "region=eu" in shown
    assert sum(" gb " in line for line in shown.splitlines()) > 2


def test_data_has_a_row_for_each_event_without_a_selection(used):
    assert "g1" in {row["transaction_id"] for row in explained(used)}


# Nothing found -----------------------------------------------------------------------------


def test_where_nothing_is_found_the_periods_are_named_that_have_something(used):
    shown = summary(used, "--customer", "bolt", "--metric", "seats", "--period", "2020")

    assert shown == (
        "No events in this period. There are some in 2026-10, 2026-11: --period 2026-11\n"
    )
    assert summary(used, "--period", "2020").startswith("No events in this period. There are")


def test_where_nothing_ever_counts_the_list_of_events_is_named(used):
    assert summary(used, "--metric", "calls") == (
        "No events in this period, and none that counts in any other. See: lago events list\n"
    )


# Hostile text ------------------------------------------------------------------------------


HOSTILE = "[/red]\x1b[31m\n\u202e' OR 1=1 --🙂"


def test_hostile_text_is_shown_escaped_and_told_as_it_is(lago):
    lago("metrics", "create", "--code", HOSTILE, "--aggregation-type", "max", "--field-name", "x")
    lines = [
        event(HOSTILE, HOSTILE, "11-02", HOSTILE, x=1, **{HOSTILE: HOSTILE}),
        event("2", HOSTILE, "11-02", HOSTILE, x=HOSTILE),
    ]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))
    asked = ("--group-by", HOSTILE, "--filter", f"{HOSTILE}={HOSTILE},")
    rows = explained(lago, *asked)

    assert {row["external_customer_id"] for row in rows} == {HOSTILE}
    assert [row["group"] for row in rows] == [{HOSTILE: None}, {HOSTILE: HOSTILE}]
    assert [row["transaction_id"] for row in rows] == ["2", HOSTILE]
    assert rows[0]["rule"] == "unusable"
    for output in ("table", "markdown"):
        shown = lago("usage", "explain", *asked, "-o", output).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown


# What cannot be asked ---------------------------------------------------------------------


@pytest.mark.parametrize("option", [["--metric", "gb"], ["-o", "json"], ["--prorated"]])
def test_options_stand_after_the_subcommand(used, option):
    for subcommand in ("explain", "check"):
        refused = used("usage", *option, subcommand, exits=2)

        assert refused.stdout == ""
        assert "stands before the command it belongs to" in refused.stderr


@pytest.mark.parametrize(
    ("asked", "exit_code", "code"),
    [
        (["--metric", "unknown"], 4, "metric_not_found"),
        (["--period", "2026-13"], 2, "invalid_period"),
        (["--timezone", "Mars/Olympus"], 2, "unknown_timezone"),
        (["--at", "2026-11-02", "--period", "all"], 2, "several_periods"),
        (["--subscription", "s1", "--at", "2026-11-02"], 2, "before_subscription_start"),
        (["surplus"], 2, "usage"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_question_that_makes_no_sense_is_refused(used, asked, exit_code, code):
    finished = used("usage", "explain", *asked, "-o", "json", "--now", NOW, exits=exit_code)

    assert finished.stdout == ""
    assert finished.error()["code"] == code


def test_what_usage_refuses_is_refused_before_anything_is_told(lago):
    """The subscription had not begun, and has no events: usage says so, and so does explain."""
    lago("apply", "-q", "-", stdin=DEFINITIONS, env={"LAGO_NOW": NOW})
    asked = ("--subscription", "s1", "--at", "2026-11-02", "-o", "csv")

    assert lago("usage", *asked, exits=2).stderr == lago("usage", "explain", *asked, exits=2).stderr


def test_a_missing_file_is_not_made(lago):
    lago("usage", "explain", exits=4)

    assert list(lago.folder.iterdir()) == []

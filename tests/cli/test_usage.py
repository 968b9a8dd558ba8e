"""`lago usage`: every figure, selection and form of the answer, from outside."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.conftest import Lago

KEYS = [
    *("external_customer_id", "external_subscription_id", "billable_metric_code"),
    *("aggregation_type", "from_datetime", "to_datetime", "group", "units", "events_count"),
]
NOW = "2026-11-22T12:00:00Z"
WIDE = {"COLUMNS": "160"}
NOVEMBER = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
METRICS = (
    ("calls", "count"),
    ("seats", "unique_count", "--field-name", "user", "--recurring"),
    ("storage", "sum", "--field-name", "gb"),
    ("peak", "max", "--field-name", "gb"),
    ("level", "latest", "--field-name", "gb"),
    ("kept", "weighted_sum", "--field-name", "gb", "--recurring"),
)


def event(transaction_id, code, at, customer=None, subscription=None, **properties):
    return {
        "transaction_id": transaction_id,
        "code": code,
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "timestamp": at,
        "properties": properties,
    }


EVENTS = [
    event("1", "storage", "2026-11-02T10:00:00Z", "acme", "s1", gb="0.1", region="eu", tier="a"),
    event("2", "storage", "2026-11-02T11:00:00Z", "acme", "s1", gb=0.2, region="eu", tier="b"),
    event("3", "storage", "2026-11-10T00:00:00Z", "acme", "s2", gb=5, region="us", tier="a"),
    event("4", "storage", "2026-11-30T23:59:59.999999Z", "acme", "s2", gb=10**30, region=""),
    event("5", "storage", "2026-12-01T00:00:00Z", "acme", "s1", gb=7),
    event("6", "storage", "2026-11-10T00:00:00Z", "bolt", None, gb=-12.50, region="eu"),
    event("7", "storage", "2026-11-11T00:00:00Z", None, "s3", gb=3),
    event("8", "storage", "2026-11-11T00:00:00Z", "bolt", None, gb="much"),
    event("9", "storag", "2026-11-11T00:00:00Z", "bolt", None, gb=1),
    event("10", "calls", "2026-10-31T23:59:59Z", "acme", "s1"),
    event("11", "calls", "2026-11-01T00:00:00Z", "acme", "s1"),
    event("12", "calls", 1_793_491_200.5, None, "s1"),
    event("13", "seats", "2026-10-05T00:00:00Z", "acme", "s1", user="ana"),
    event("14", "seats", "2026-11-05T00:00:00Z", "acme", "s1", user="bo"),
    event("15", "seats", "2026-11-15T00:00:00Z", "acme", "s1", user="ana", operation_type="remove"),
    event("16", "peak", "2026-11-03T00:00:00Z", "bolt", None, gb=-3),
    event("17", "peak", "2026-11-04T00:00:00Z", "bolt", None, gb=-2.5),
    event("18", "level", "2026-11-04T00:00:00Z", "bolt", None, gb=4),
    event("19", "level", "2026-11-04T00:00:00Z", "bolt", None, gb=6),
    event("20", "kept", "2026-10-11T00:00:00Z", "acme", "s1", gb=30),
    event("21", "kept", "2026-11-16T00:00:00Z", "acme", "s1", gb=-20),
]


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("used"))
    for code, kind, *more in METRICS:
        named = ("--code", code, "--aggregation-type", kind)
        lago("metrics", "create", *named, *more, "--now", NOW)
    lago("ingest", "-q", lago.write("events.ndjson", EVENTS), "--now", NOW)
    return lago.folder / "lago.db"


@pytest.fixture
def used(lago, used_file):
    """Usage of three customers and subscriptions, by six metrics."""
    shutil.copy(used_file, lago.folder)
    return lago


def figures(lago, *asked, at=NOW):
    """{(customer, subscription, metric): (units, events)} of the answer."""
    rows = lago("usage", *asked, "-o", "json", "--now", at).json()
    found = {
        (
            row["external_customer_id"],
            row["external_subscription_id"],
            row["billable_metric_code"],
        ): (row["units"], row["events_count"])
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def course(lago, *asked):
    """[(from, to, units)] of the answer."""
    rows = lago("usage", *asked, "-o", "json", "--now", NOW).json()
    return [(row["from_datetime"], row["to_datetime"], row["units"]) for row in rows]


# The figures ------------------------------------------------------------------------------

WHOLE_NOVEMBER = {
    (None, "s3", "storage"): ("3", 1),
    ("acme", None, "calls"): ("2", 2),
    ("acme", None, "kept"): ("20", 1),
    ("acme", None, "seats"): ("1", 2),
    ("acme", None, "storage"): ("1000000000000000000000000000005.3", 4),
    ("bolt", None, "level"): ("6", 2),
    ("bolt", None, "peak"): ("-2.5", 2),
    ("bolt", None, "storage"): ("-12.5", 1),
}


def test_the_current_month_is_what_is_shown(used):
    """To the digit: 0.1 + 0.2 + 5 + 10^30, negative amounts, levels and what is carried over."""
    assert figures(used) == WHOLE_NOVEMBER


def test_rows_have_the_keys_of_the_contract_in_order(used):
    rows = used("usage", "-o", "json", "--now", NOW).json()

    assert [list(row) for row in rows] == [KEYS] * 8
    assert rows[1] == {
        "external_customer_id": "acme",
        "external_subscription_id": None,
        "billable_metric_code": "calls",
        "aggregation_type": "count_agg",
        "from_datetime": NOVEMBER[0],
        "to_datetime": NOVEMBER[1],
        "group": None,
        "units": "2",
        "events_count": 2,
    }


@pytest.mark.parametrize(
    ("asked", "window"),
    [
        ([], NOVEMBER),
        (["--period", "current"], NOVEMBER),
        (["--period", "2026-11"], NOVEMBER),
        (["--at", "2026-11-30T23:59:59.999999Z"], NOVEMBER),
        (["--at", "1793491200"], NOVEMBER),
        (["--period", "previous"], ("2026-10-01T00:00:00Z", NOVEMBER[0])),
        (["--at", "2026-12-01"], (NOVEMBER[1], "2027-01-01T00:00:00Z")),
        (["--period", "2026-11-10"], ("2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z")),
        (["--period", "2026-W45"], ("2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z")),
        (["--period", "2026-Q4"], ("2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z")),
        (["--period", "2026"], ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")),
        (["--period", "all"], ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")),
        (["--period", "9999"], ("9999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")),
        (
            ["--from", "2026-11-02 10:00", "--to", "2026-11-02T11:00:00.5+00:00"],
            ("2026-11-02T10:00:00Z", "2026-11-02T11:00:00.5Z"),
        ),
        (["--from", "2026-11-02"], ("2026-11-02T00:00:00Z", "9999-12-31T23:59:59.999999Z")),
        (["--to", "2026-11-02"], ("2001-01-01T00:00:00Z", "2026-11-02T00:00:00Z")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_period_has_many_names(used, asked, window):
    rows = used("usage", *asked, "--customer", "acme", "-o", "json", "--now", NOW).json()

    assert {(row["from_datetime"], row["to_datetime"]) for row in rows} == {window}


@pytest.mark.parametrize(
    ("asked", "storage"),
    [
        (["--from", "2026-11-02T10:00:00Z", "--to", "2026-11-02T11:00:00Z"], ("0.1", 1)),
        (["--from", "2026-11-02T10:00:00.000001Z", "--to", "2026-11-02T11:00:01Z"], ("0.2", 1)),
        (["--period", "2026-11-02"], ("0.3", 2)),
        (["--period", "2026-12"], ("7", 1)),
        (["--to", "2026-11-09"], ("0.3", 2)),
        (["--from", "2026-12-01"], ("7", 1)),
        (["--from", "2026-11-30T23:59:59.999999Z", "--to", "2026-12-01"], ("1" + "0" * 30, 1)),
        (["--period", "2025"], ("0", 0)),
        (["--period", "all", "--filter", "region=eu"], ("0.3", 2)),
        (["--filter", "region=eu,us"], ("5.3", 3)),
        (["--filter", "region=eu", "--filter", "region=us"], ("5.3", 3)),
        (["--filter", "region=eu", "--filter", "tier=b"], ("0.2", 1)),
        (["--filter", "region="], ("1" + "0" * 30, 1)),
        (["--filter", "region=,us", "--filter", "tier=a"], ("5", 1)),
        (["--filter", "region=EU"], ("0", 0)),
        (["--filter", "gb=0.1"], ("0.1", 1)),
        (["--filter", "region=' OR 1=1 --"], ("0", 0)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_windows_are_half_open_and_filters_exact(used, asked, storage):
    found = figures(used, "--customer", "acme", "--metric", "storage", *asked)

    assert found == {("acme", None, "storage"): storage}


# Whose and of what ------------------------------------------------------------------------


def test_customers_and_metrics_may_be_several(used):
    asked = ("--customer", "bolt", "--customer", "acme", "--metric", "calls", "--metric", "peak")

    assert figures(used, *asked) == {
        ("acme", None, "calls"): ("2", 2),
        ("acme", None, "peak"): ("0", 0),
        ("bolt", None, "calls"): ("0", 0),
        ("bolt", None, "peak"): ("-2.5", 2),
    }


def test_a_subscription_has_rows_of_its_own(used):
    asked = ("--metric", "storage", "--subscription", "s1", "--subscription", "s2")

    assert figures(used, *asked) == {
        ("acme", "s1", "storage"): ("0.3", 2),
        ("acme", "s2", "storage"): ("1000000000000000000000000000005", 2),
    }


def test_usage_by_subscription_without_a_selection(used):
    assert figures(used, "--by", "subscription", "--metric", "storage", "--metric", "peak") == {
        (None, "s3", "storage"): ("3", 1),
        ("acme", "s1", "storage"): ("0.3", 2),
        ("acme", "s2", "storage"): ("1000000000000000000000000000005", 2),
        ("bolt", None, "peak"): ("-2.5", 2),
        ("bolt", None, "storage"): ("-12.5", 1),
    }


def test_a_subscriptions_usage_by_customer_is_one_row(used):
    asked = ("--subscription", "s2", "--by", "customer", "--metric", "storage")

    assert figures(used, *asked) == {
        ("acme", None, "storage"): ("1000000000000000000000000000005", 2)
    }


def test_an_event_that_names_only_a_subscription_is_its_customers(used):
    assert figures(used, "--customer", "acme", "--metric", "calls", "--period", "2026-11-01") == {
        ("acme", None, "calls"): ("2", 2)
    }


@pytest.mark.parametrize(
    ("option", "name", "owner"),
    [
        ("--subscription", "s3", (None, "s3")),
        ("--customer", "bolt", ("bolt", None)),
    ],
)
def test_who_is_asked_for_has_a_row_where_nothing_happened(used, option, name, owner):
    assert figures(used, option, name, "--period", "2020") == {
        (*owner, code): ("0", 0) for code in sorted(code for code, *_ in METRICS)
    }


def test_without_a_selection_only_what_was_used_is_listed(used):
    assert figures(used, "--period", "2026-11-20", "--metric", "storage") == {}
    table = used("usage", "--period", "2026-11-20", "--metric", "storage", "--now", NOW)
    assert " ".join(table.stdout.split()) == (
        "No usage in 2026-11-20; the newest event is of 2026-12-01: --period 2026-12-01"
    )


def test_nothing_is_an_empty_answer_in_every_format(used):
    asked = ("usage", "--period", "2026-11-20", "--metric", "storage", "-o")

    assert used(*asked, "json").json() == []
    assert used(*asked, "ndjson").stdout == ""
    assert used(*asked, "csv").stdout == ",".join(KEYS) + "\n"
    assert len(used(*asked, "markdown").stdout.splitlines()) == 2


def test_what_was_known_then(lago):
    """Events that were received later are left out, however old they are."""
    lago(
        "metrics", "create", "--code", "storage", "--aggregation-type", "sum", "--field-name", "gb"
    )
    for number, received in enumerate(("2026-11-05", "2026-11-06", "2026-12-04")):
        sent = event(str(number), "storage", "2026-11-03", "acme", gb=10**number)
        bad = event(f"bad {number}", "storage", "2026-11-03", "acme", gb="much")
        lines = "\n".join(map(json.dumps, (sent, bad)))
        lago("ingest", "-q", "--now", received, stdin=lines)
    asked = ("--period", "2026-11")
    owner = ("acme", None, "storage")

    assert figures(lago, *asked) == {owner: ("111", 3)}
    assert figures(lago, *asked, "--as-of", "2026-12-03") == {owner: ("11", 2)}
    assert figures(lago, *asked, "--as-of", "2026-11-05T00:00:00Z") == {owner: ("1", 1)}
    assert figures(lago, *asked, "--as-of", "2026-11-04T23:59:59.999999Z") == {}
    assert figures(lago, *asked, "--as-of", "2026-11-04", "--customer", "acme") == {owner: ("0", 0)}
    table = lago("usage", *asked, "--as-of", "2026-12-03").stdout
    assert "Not counted: 2 events" in table


# Groups and windows -----------------------------------------------------------------------


def test_groups_are_figures_of_their_own(used):
    asked = ("usage", "--metric", "storage", "--group-by", "region", "--group-by", "tier")
    rows = used(*asked, "-o", "json", "--now", NOW).json()

    assert [
        (row["external_customer_id"], row["group"], row["units"], row["events_count"])
        for row in rows
    ] == [
        (None, {"region": None, "tier": None}, "3", 1),
        ("acme", {"region": None, "tier": None}, "1" + "0" * 30, 1),
        ("acme", {"region": "eu", "tier": "a"}, "0.1", 1),
        ("acme", {"region": "eu", "tier": "b"}, "0.2", 1),
        ("acme", {"region": "us", "tier": "a"}, "5", 1),
        ("bolt", {"region": "eu", "tier": None}, "-12.5", 1),
    ]
    assert list(rows[0]["group"]) == ["region", "tier"]


def test_keys_of_groups_are_texts_and_not_paths(lago):
    keys = ["a.b", '"', "$", "x' OR 1=1 --", "[/red]", "🙂"]
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    properties = {**{key: f"of {key}" for key in keys}, "a": {"b": "another"}}
    lago("ingest", "-q", stdin=json.dumps(event("1", "calls", "2026-11-02", "acme", **properties)))
    options = [word for key in keys for word in ("--group-by", key)]
    (row,) = lago("usage", "--period", "2026-11", *options, "-o", "json").json()

    assert row["group"] == {key: f"of {key}" for key in keys}


def test_a_window_without_events_has_a_row_for_every_known_group(used):
    asked = ("--subscription", "s2", "--metric", "storage", "--group-by", "region")
    days = ("--from", "2026-11-09", "--to", "2026-11-12", "--window", "day")
    rows = used("usage", *asked, *days, "-o", "json").json()
    assert [(row["from_datetime"][:10], row["group"], row["units"]) for row in rows] == [
        ("2026-11-09", {"region": "us"}, "0"),
        ("2026-11-10", {"region": "us"}, "5"),
        ("2026-11-11", {"region": "us"}, "0"),
    ]

    rows = used("usage", *asked, "--window", "month", "--period", "2026-Q4", "-o", "json").json()
    assert [(row["from_datetime"][:7], row["group"]["region"], row["units"]) for row in rows] == [
        ("2026-10", None, "0"),
        ("2026-10", "us", "0"),
        ("2026-11", None, "1" + "0" * 30),
        ("2026-11", "us", "5"),
        ("2026-12", None, "0"),
        ("2026-12", "us", "0"),
    ]


def test_who_has_no_group_has_one_of_nulls(used):
    asked = ("--subscription", "s3", "--metric", "calls", "--group-by", "x", "--group-by", "y")
    rows = used("usage", *asked, "-o", "json", "--window", "month", "--period", "2026-Q4").json()

    assert [row["group"] for row in rows] == [{"x": None, "y": None}] * 3


def test_a_carried_figure_stands_in_every_window(used):
    """What was on before, and what is there now; only the events inside are counted."""
    asked = ("usage", "--metric", "seats", "--metric", "kept", "--period", "2026-Q4")
    rows = used(*asked, "--window", "month", "-o", "json").json()

    assert [
        (row["billable_metric_code"], row["from_datetime"][:7], row["units"], row["events_count"])
        for row in rows
    ] == [
        ("kept", "2026-10", "20.322580645161", 1),  # 30 * 21/31
        ("kept", "2026-11", "20", 1),
        ("kept", "2026-12", "10", 0),
        ("seats", "2026-10", "1", 1),
        ("seats", "2026-11", "1", 2),
        ("seats", "2026-12", "1", 0),
    ]


@pytest.mark.parametrize("window", ["hour", "day", "week"])
def test_windows_cover_the_period_and_add_up_to_it(used, window):
    asked = ("--subscription", "s1", "--metric", "storage", "--period", "2026-11")
    rows = course(used, *asked, "--window", window)

    assert len(rows) == {"hour": 720, "day": 30, "week": 6}[window]
    assert (rows[0][0], rows[-1][1]) == NOVEMBER
    assert [end for _, end, _ in rows[:-1]] == [start for start, _, _ in rows[1:]]
    assert sorted(units for _, _, units in rows if units != "0") == (
        ["0.1", "0.2"] if window == "hour" else ["0.3"]
    )


def test_an_open_period_has_whole_windows_from_the_first_event_to_the_last(used):
    asked = ("--customer", "acme", "--metric", "storage", "--window", "month")

    assert course(used, *asked, "--period", "all") == [
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "0"),
        (*NOVEMBER, "1000000000000000000000000000005.3"),
        ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", "7"),
    ]
    assert course(used, *asked, "--from", "2026-11-30") == [
        ("2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z", "1" + "0" * 30),
        ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", "7"),
    ]
    assert course(used, *asked, "--to", "2026-11-05") == [
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "0"),
        ("2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z", "0.3"),
    ]


# Time zones -------------------------------------------------------------------------------


def at_instants(lago, *instants):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    lines = [json.dumps(event(at, "calls", at, "acme")) for at in instants]
    lago("ingest", "-q", stdin="\n".join(lines))


def test_days_begin_where_the_time_zone_says(lago):
    at_instants(lago, "2026-11-01T18:29:59.999999Z", "2026-11-01T18:30:00Z")
    asked = ("--timezone", "Asia/Kolkata", "--period", "2026-11-02")

    assert course(lago, *asked) == [("2026-11-01T18:30:00Z", "2026-11-02T18:30:00Z", "1")]
    assert course(lago, "--timezone", "Asia/Kolkata", "--period", "2026-11", "--window", "day") == [
        ("2026-10-31T18:30:00Z", "2026-11-01T18:30:00Z", "1"),
        ("2026-11-01T18:30:00Z", "2026-11-02T18:30:00Z", "1"),
    ]


def test_the_day_on_which_clocks_go_back_has_25_hours(lago):
    """1 November 2026 in New York; the hour from one to two comes twice."""
    at_instants(
        lago,
        *(f"2026-11-01T{time}Z" for time in ("04:00:00", "05:30:00", "06:30:00")),
        "2026-11-02T04:59:59.999999Z",
        "2026-11-02T05:00:00Z",
    )
    asked = ("--timezone", "America/New_York", "--period", "2026-11-01", "--customer", "acme")

    assert course(lago, *asked) == [("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "4")]
    hours = course(lago, *asked, "--window", "hour")
    assert len(hours) == 25
    assert [start for start, _, units in hours if units == "1"] == [
        "2026-11-01T04:00:00Z",
        "2026-11-01T05:00:00Z",
        "2026-11-01T06:00:00Z",
        "2026-11-02T04:00:00Z",
    ]


def test_the_day_on_which_clocks_go_forward_has_23_hours(lago):
    at_instants(lago, "2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z", "2026-03-09T04:00:00Z")
    asked = ("--timezone", "America/New_York", "--period", "2026-03-08", "--customer", "acme")

    assert course(lago, *asked) == [("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "2")]
    assert len(course(lago, *asked, "--window", "hour")) == 23


def test_times_without_an_offset_are_read_in_the_time_zone(lago):
    at_instants(lago, "2026-11-01T18:30:00Z", "2026-11-02T00:00:00Z")
    zone = ("--timezone", "Asia/Kolkata")
    window = ("2026-11-01T18:30:00Z", "2026-11-02T00:00:00Z", "1")

    assert course(lago, *zone, "--from", "2026-11-02", "--to", "2026-11-02T05:30") == [window]
    assert course(lago, *zone, "--from", "2026-11-01T18:30Z", "--to", "1793577600") == [window]


# Forms of the answer ----------------------------------------------------------------------


def test_all_formats_tell_the_same(used):
    asked = ("usage", "--by", "subscription", "--group-by", "region", "--now", NOW, "-o")
    rows = used(*asked, "json").json()

    assert used(*asked, "ndjson").ndjson() == rows
    told = used(*asked, "csv").csv()
    assert [list(row) for row in told] == [KEYS] * len(rows)
    for row, texts in zip(rows, told, strict=True):
        assert json.loads(texts.pop("group")) == row.pop("group")
        assert texts == {key: "" if value is None else str(value) for key, value in row.items()}
    lines = used(*asked, "markdown").stdout.splitlines()
    assert lines[0] == "| " + " | ".join(KEYS) + " |"
    assert len(lines) == len(rows) + 2


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("usage", []),
        ("usage_by_subscription", ["--by", "subscription"]),
        ("usage_groups", ["--metric", "storage", "--group-by", "region"]),
        ("usage_weeks", ["--customer", "acme", "--window", "week", "--metric", "storage"]),
        ("usage_carried", ["--metric", "kept", "--metric", "seats", "--window", "week"]),
    ],
)
def test_the_table_looks_like_this(used, golden, name, asked):
    golden(f"{name}.txt", used("usage", *asked, "--now", NOW, env=WIDE))


def test_bars_are_drawn_to_the_largest_figure_of_their_series(lago):
    lago(
        "metrics", "create", "--code", "storage", "--aggregation-type", "sum", "--field-name", "gb"
    )
    values = {"acme": (100, 51, 50, 1, 0, -5), "bolt": (2, 1)}
    lines = [
        json.dumps(event(f"{day}", "storage", f"2026-11-0{day}", customer, gb=gb))
        for customer, amounts in values.items()
        for day, gb in enumerate(amounts, 1)
    ]
    lago("ingest", "-q", stdin="\n".join(lines))
    asked = ("usage", "--period", "2026-11", "--window", "day")
    bars = [line.split()[-1] for line in lago(*asked).stdout.splitlines() if "2026-11-0" in line]

    assert bars == [
        *("████████", "█████▁▁▁", "████▁▁▁▁", "█▁▁▁▁▁▁▁", "▁▁▁▁▁▁▁▁", "▁▁▁▁▁▁▁▁"),
        *("████████", "████▁▁▁▁"),
    ]
    plain = lago(*asked, env={"PYTHONIOENCODING": "ascii"}).stdout.splitlines()
    assert plain[5].split()[-1] == "#####___"


def test_no_bar_without_windows_and_none_in_other_formats(used):
    assert "█" not in used("usage", "--now", NOW).stdout
    windows = ("usage", "--window", "week", "--now", NOW, "-o")
    assert list(used(*windows, "csv").csv()[0]) == KEYS


def totals(lago, *asked):
    """{metric: (units, events)} of the lines below the rule."""
    lines = lago("usage", "--now", NOW, "--raw", *asked, env=WIDE).stdout.splitlines()
    rows = [line.split() for line in lines if line.startswith(("total ", "sum of groups "))]
    return {row[-3]: (row[-2], row[-1]) for row in rows}


def test_there_are_totals_where_a_total_means_something(used):
    """Not of maxima, latest values or distinct items; of levels not over windows."""
    more = [
        event(f"40 {code}", code, "2026-11-03T00:00:00Z", "bolt", gb=1.25, user="x")
        for code, *_ in METRICS
    ]
    used("ingest", "-q", stdin="\n".join(map(json.dumps, more)))

    assert totals(used) == {
        "calls": ("3", "3"),
        "kept": ("21.166666666667", "2"),  # 20 + 1.25 * 28/30
        "storage": ("999999999999999999999999999997.05", "7"),
    }
    assert totals(used, "--window", "week") == {
        "calls": ("3", "3"),
        "storage": ("999999999999999999999999999997.05", "7"),
    }
    assert totals(used, "--group-by", "region")["storage"] == (
        "999999999999999999999999999997.05",
        "7",
    )
    assert totals(used, "--customer", "acme", "--metric", "storage") == {}


def test_a_total_has_every_digit(lago):
    lago(
        "metrics", "create", "--code", "storage", "--aggregation-type", "sum", "--field-name", "gb"
    )
    lines = [
        json.dumps(event("1", "storage", "2026-11-02", customer, gb=gb))
        for customer, gb in (("a", "1e40"), ("b", "1e-40"), ("c", "-1"))
    ]
    lago("ingest", "-q", stdin="\n".join(lines))

    assert totals(lago)["total"] == ("9" * 40 + "." + "0" * 39 + "1", "3")


def test_the_footer_says_what_was_left_out(used):
    table = used("usage", "--now", NOW).stdout
    assert (
        "Not counted: 1 event, whose code is no metric (storag: 1)."
        " See: lago events list --status unmatched" in " ".join(table.split())
    )
    assert (
        "Not counted: 1 event, whose value its metric cannot use (storage: 1)."
        " See: lago events list --status unusable" in " ".join(table.split())
    )

    more = [event(f"m{n}", "storag", "2026-11-02T00:00:00Z", "acme") for n in range(2)]
    used("ingest", "-q", stdin="\n".join(map(json.dumps, more)))
    assert "3 events, whose code is no metric (storag: 3)" in used("usage", "--now", NOW).stdout
    for asked in (["--metric", "calls"], ["--period", "2026-10"], ["--period", "2020"]):
        assert "Not counted" not in used("usage", "--now", NOW, *asked).stdout


def test_units_are_never_cut(used):
    narrow = used("usage", "--now", NOW, env={"COLUMNS": "40"}).stdout

    assert "1,000,000,000,000,000,000,000,000,000,005.3" in narrow


# What cannot be asked ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "exit_code", "code"),
    [
        (["--metric", "unknown"], 4, "metric_not_found"),
        (["--metric", "calls", "--metric", "unknown"], 4, "metric_not_found"),
        (["--period", "2026-13"], 2, "invalid_period"),
        (["--period", "2026-W54"], 2, "invalid_period"),
        (["--period", "2026-02-30"], 2, "invalid_period"),
        (["--period", ""], 2, "invalid_period"),
        (["--at", "9999-12-31"], 2, "outside_calendar"),
        (["--period", "tomorrow"], 2, "invalid_period"),
        (["--timezone", "Mars/Olympus"], 2, "unknown_timezone"),
        (["--timezone", "../../etc/passwd"], 2, "unknown_timezone"),
        (["--period", "2026", "--at", "2026-11-02"], 2, "several_periods"),
        (["--period", "2026", "--from", "2026-11-02"], 2, "several_periods"),
        (["--at", "2026-11-02", "--to", "2026-11-02"], 2, "several_periods"),
        (["--from", "2026-11-03", "--to", "2026-11-02"], 2, "invalid_period"),
        (["--from", "yesterday"], 2, "invalid_instant"),
        (["--to", "2026-11-31"], 2, "invalid_instant"),
        (["--at", "99999999999999999999"], 2, "invalid_instant"),
        (["--at", "-99999999999999"], 2, "invalid_instant"),
        (["--as-of", "soon"], 2, "invalid_instant"),
        (["--as-of", "1e30"], 2, "invalid_instant"),
        (["--window", "year"], 2, "usage"),
        (["--by", "metric"], 2, "usage"),
        (["--filter", "region"], 2, "invalid_filter"),
        (["--filter", "=eu"], 2, "invalid_filter"),
        (["--window", "hour", "--from", "2001-01-01", "--to", "2200-01-01"], 2, "too_many_windows"),
        (["surplus"], 2, "usage"),
        (["--custmer", "x"], 2, "usage"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_question_that_makes_no_sense_is_refused(used, asked, exit_code, code):
    finished = used("usage", *asked, "-o", "json", "--now", NOW, exits=exit_code)

    assert finished.stdout == ""
    assert finished.error()["code"] == code
    assert len(finished.stderr.splitlines()) == 1


def test_a_wrong_question_is_refused_also_where_nothing_was_used(metrics):
    for asked in (["--period", "2026-13"], ["--timezone", "Mars/Olympus"], ["--at", "x"]):
        assert metrics("usage", *asked, exits=2).stdout == ""


def test_events_up_to_the_end_of_time_are_in_the_period_of_all(lago):
    at_instants(lago, "9999-11-30T00:00:00Z", "9999-12-31T23:59:59.999999Z")

    assert course(lago, "--period", "all", "--window", "month") == [
        ("9999-11-01T00:00:00Z", "9999-12-01T00:00:00Z", "1"),
        ("9999-12-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1"),
    ]
    [row] = lago("usage", "--period", "all", "-o", "json").json()
    assert (row["units"], row["to_datetime"]) == ("2", "9999-12-31T23:59:59.999999Z")


def test_a_bare_year_is_no_instant(lago):
    at_instants(lago, "2026-11-30T00:00:00Z")

    refused = lago("usage", "--from", "2026", "-o", "json", exits=2)

    assert refused.error()["code"] == "invalid_instant"
    assert "1970-01-01T00:33:46Z" in refused.error()["message"]

"""`lago usage --sort`, `--top` and `--total`: by hand, in the table and in data."""

from __future__ import annotations

import json

import pytest

NOW = "2026-11-22T12:00:00Z"
WIDE = {"COLUMNS": "200"}
METRICS = [
    ("calls", "count"),
    ("gb", "sum", "--field-name", "gb"),
    ("peak", "max", "--field-name", "gb"),
    ("level", "latest", "--field-name", "gb"),
    ("users", "unique_count", "--field-name", "user"),
]
AMOUNTS = {"ann": (7, 3), "bob": (-2,), "cat": (40,), "dan": (4, 6), "eve": (1,)}


def event(transaction_id, code, customer, at="2026-11-05", **properties):
    return {
        "transaction_id": transaction_id,
        "code": code,
        "external_customer_id": customer,
        "timestamp": at,
        "properties": properties,
    }


def ingest(lago, rows):
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, rows)))


@pytest.fixture
def used(lago):
    """Five customers, who used 10, -2, 40, 10 and 1 GB."""
    for code, kind, *more in METRICS:
        named = ("--code", code, "--aggregation-type", kind)
        lago("metrics", "create", *named, *more, "--now", NOW)
    ingest(
        lago,
        [
            event(f"{customer}{n}", "gb", customer, gb=gb, region="eu" if gb > 5 else "us")
            for customer, amounts in AMOUNTS.items()
            for n, gb in enumerate(amounts)
        ],
    )
    return lago


def answer(lago, *asked):
    return lago("usage", *asked, "-o", "json", "--now", NOW).json()


def customers(lago, *asked):
    return [row["external_customer_id"] for row in answer(lago, *asked)]


def table(lago, *asked):
    """The lines of a table, each cut where two blanks are."""
    lines = lago("usage", *asked, "--now", NOW, env=WIDE).stdout.splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


# Order ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("units", ["bob", "eve", "ann", "dan", "cat"]),
        ("-units", ["cat", "ann", "dan", "eve", "bob"]),
        ("customer", ["ann", "bob", "cat", "dan", "eve"]),
        ("-customer", ["eve", "dan", "cat", "bob", "ann"]),
        ("metric", ["ann", "bob", "cat", "dan", "eve"]),
    ],
)
def test_rows_stand_in_the_order_that_was_asked_for(used, sort, order):
    assert customers(used, "--sort", sort) == customers(used, f"--sort={sort}") == order


def test_who_has_no_name_comes_last_whatever_the_order_is(used):
    ingest(used, [event("x", "gb", None, gb=5) | {"external_subscription_id": "s9"}])

    assert customers(used, "--sort", "customer")[-1] is None
    assert customers(used, "--sort", "-customer")[-1] is None


def test_a_change_is_no_order_without_a_comparison(used):
    error = used("usage", "--sort", "-change", "-o", "json", exits=2).error()

    assert error["code"] == "nothing_compared"
    assert "--compare previous" in error["hint"]


def test_an_unknown_order_is_wrong_usage(used):
    error = used("usage", "--sort", "size", "-o", "json", exits=2).error()

    assert "'-units'" in error["message"]


# The first of them ------------------------------------------------------------------------


def test_the_top_are_those_who_used_most(used):
    assert customers(used, "--top", "2") == ["cat", "ann"]


def test_an_order_says_what_the_top_is(used):
    assert customers(used, "--top", "2", "--sort", "units") == ["bob", "eve"]
    assert customers(used, "--top", "2", "--sort", "customer") == ["ann", "bob"]


def test_of_several_metrics_there_are_the_top_of_each(used):
    ingest(used, [event(f"c{n}", "calls", name) for n, name in enumerate(["eve", "eve", "bob"])])

    found = [
        (row["billable_metric_code"], row["external_customer_id"])
        for row in answer(used, "--top", "1")
    ]

    assert found == [("calls", "eve"), ("gb", "cat")]


def test_the_others_are_a_line_of_the_table_and_totals_are_of_all(used):
    lines = [line for line in table(used, "--top", "2") if line]
    others = next(line for line in lines if line[0] == "… 3 others")
    total = next(line for line in lines if line[0] == "total")

    assert others[-2:] == ["9", "4"]
    assert total[-2:] == ["59", "7"]


def test_a_single_other_is_one(used):
    assert any(line and line[0] == "… 1 other" for line in table(used, "--top", "4"))


@pytest.mark.parametrize("n", ["5", "1000000000"])
def test_nobody_is_left_out_where_the_top_is_all(used, n):
    assert not any("other" in cell for line in table(used, "--top", n) for cell in line)


def test_the_others_of_a_metric_that_does_not_add_up_are_only_counted(used):
    rows = [event(f"p{name}", "peak", name, gb=n) for n, name in enumerate(AMOUNTS)]
    ingest(used, rows)

    lines = [line for line in table(used, "--metric", "peak", "--top", "1") if line]
    others = next(line for line in lines if line[0] == "… 4 others")

    assert others[-1] == "4"
    assert not any(line[0] == "total" for line in lines)


def test_programs_get_the_rows_alone(used):
    done = used("usage", "--top", "2", "-o", "csv", "--now", NOW)

    assert len(done.csv()) == 2
    assert done.stderr == ""


@pytest.mark.parametrize("n", ["0", "-1", "all"])
def test_the_top_is_of_one_row_at_least(used, n):
    refused = used("usage", "--top", n, exits=2)

    assert "'--top'" in refused.stderr


# Totals -----------------------------------------------------------------------------------


def test_a_total_is_one_row_for_each_metric_and_nobodys(used):
    ingest(used, [event("c1", "calls", "eve"), event("c2", "calls", "bob")])

    rows = answer(used, "--total")

    assert [(r["billable_metric_code"], r["units"], r["events_count"]) for r in rows] == [
        ("calls", "2", 2),
        ("gb", "59", 7),
    ]
    assert {(r["external_customer_id"], r["external_subscription_id"]) for r in rows} == {
        (None, None)
    }


def test_the_total_of_maxima_is_the_largest(used):
    ingest(used, [event(f"p{name}", "peak", name, gb=-n) for n, name in enumerate(("ann", "bob"))])
    ingest(used, [event("p9", "peak", "cat", gb="-0.5")])

    asked = ("--total", "--metric", "peak")

    assert [row["units"] for row in answer(used, *asked)] == ["0"]
    named = ("--customer", "bob", "--customer", "cat", "--customer", "dan")
    assert [row["units"] for row in answer(used, *asked, *named)] == ["-0.5"]


@pytest.mark.parametrize("metric", ["users", "level"])
def test_what_does_not_add_up_has_no_total_and_that_is_said(used, metric):
    rows = [event(f"u{name}", metric, name, user="x", gb=2) for name in ("ann", "bob")]
    ingest(used, rows)

    done = used("usage", "--total", "--metric", metric, "-o", "json", "--now", NOW)

    assert [(row["units"], row["events_count"]) for row in done.json()] == [(None, 2)]
    assert f"No total of {metric}" in done.stderr


@pytest.mark.parametrize("metric", ["users", "level"])
def test_what_only_one_used_is_the_total(used, metric):
    ingest(used, [event("u", metric, "ann", user="x", gb=1)])
    named = ("--customer", "ann", "--customer", "bob")

    done = used("usage", "--total", "--metric", metric, *named, "-o", "json", "--now", NOW)

    assert [row["units"] for row in done.json()] == ["1"]
    assert done.stderr == ""


def test_a_metric_that_was_asked_for_has_a_total_of_nothing(used):
    asked = ("--total", "--metric", "calls", "--period", "2026-10")
    plain = answer(used, *asked)
    compared = answer(used, *asked, "--compare", "previous")

    assert [(row["units"], row["events_count"]) for row in plain] == [("0", 0)]
    assert [(row["previous_units"], row["change"]) for row in compared] == [("0", "0")]
    assert answer(used, "--total", "--period", "2026-10") == []


def test_there_is_a_total_of_every_group(used):
    rows = answer(used, "--total", "--group-by", "region")

    assert [(row["group"], row["units"]) for row in rows] == [
        ({"region": "eu"}, "53"),
        ({"region": "us"}, "6"),
    ]


def test_days_of_customers_in_different_zones_are_the_same_local_days(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    for name, zone in (("paris", "Europe/Paris"), ("tokyo", "Asia/Tokyo")):
        lago("customers", "create", "--external-id", name, "--timezone", zone)
    ingest(
        lago,
        [
            event("1", "calls", "paris", "2026-11-04T23:30:00Z"),
            event("2", "calls", "tokyo", "2026-11-04T15:30:00Z"),
            event("3", "calls", "tokyo", "2026-11-04T14:30:00Z"),
        ],
    )

    rows = answer(lago, "--total", "--window", "day")

    assert [(r["from_datetime"], r["to_datetime"], r["units"]) for r in rows] == [
        ("2026-11-03T15:00:00Z", "2026-11-04T15:00:00Z", "1"),
        ("2026-11-04T15:00:00Z", "2026-11-05T23:00:00Z", "2"),
    ]


def test_a_month_of_customers_in_different_zones_is_one_month_in_the_table(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    for name, zone in (("paris", "Europe/Paris"), ("tokyo", "Asia/Tokyo")):
        lago("customers", "create", "--external-id", name, "--timezone", zone)
    ingest(lago, [event("1", "calls", "paris"), event("2", "calls", "tokyo")])

    shown = lago("usage", "--total", "--now", NOW).stdout

    assert "2026-10-31" not in shown
    assert "UTC" not in shown


def test_a_total_has_the_sum_of_the_amounts(lago):
    plan = {
        "code": "pro",
        "name": "Pro",
        "interval": "monthly",
        "amount_cents": 0,
        "amount_currency": "EUR",
        "charges": [
            {
                "billable_metric_code": "calls",
                "charge_model": "standard",
                "properties": {"amount": "1.25"},
            }
        ],
    }
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    lago("plans", "create", "--input", lago.write("pro.json", json.dumps(plan)), "--now", NOW)
    for name in ("ann", "bob"):
        named = ("--external-id", f"s-{name}", "--external-customer-id", name)
        started = ("--started-at", "2026-10-01", "--plan-code", "pro")
        lago("subscriptions", "create", *named, *started, "--now", NOW)
    ingest(
        lago,
        [
            event(f"{name}{n}", "calls", None) | {"external_subscription_id": f"s-{name}"}
            for name, count in (("ann", 2), ("bob", 3))
            for n in range(count)
        ],
    )

    (row,) = answer(lago, "--total", "--amounts")

    assert (row["units"], row["amount_cents"], row["amount_currency"]) == ("5", "625", "EUR")


# The customers and their usage ------------------------------------------------------------


def test_customers_are_listed_with_what_they_used(used):
    ingest(used, [event("c1", "calls", "eve")])
    used("customers", "create", "--external-id", "new", "--name", "New", "--now", NOW)

    asked = ("customers", "list", "--with-usage", "--now", NOW)
    rows = {row["external_id"]: row["usage"] for row in used(*asked, "-o", "json").json()}
    lines = [line.split() for line in used(*asked).stdout.splitlines()]

    nothing = dict.fromkeys(("calls", "gb", "level", "peak", "users"), "0")
    assert rows["eve"] == nothing | {"calls": "1", "gb": "1"}
    assert rows["new"] == nothing
    assert lines[0] == ["external", "id", "name", "timezone", "calls", "gb"]
    assert ["new", "New", "–", "–", "–"] in lines


def test_a_list_of_customers_is_what_it_was_without_their_usage(used):
    rows = used("customers", "list", "-o", "json").json()

    assert all("usage" not in row for row in rows)


# Where there is nothing -------------------------------------------------------------------


def said(lago, *asked):
    return " ".join(lago("usage", *asked, "--now", NOW).stdout.split())


def test_an_empty_answer_says_where_usage_is(used):
    found = said(used, "--period", "2026-10")

    assert found.endswith("; the newest event is of 2026-11-05: --period 2026-11")


def test_an_empty_answer_says_that_there_are_no_events(used):
    assert "there are no events of calls yet" in said(used, "--metric", "calls")


def test_an_empty_answer_says_that_there_are_no_metrics(lago):
    lago("customers", "create", "--external-id", "a")

    assert "no metric is defined yet" in said(lago)


def test_an_empty_answer_that_a_filter_made_names_no_other_period(used):
    assert "newest" not in said(used, "--filter", "region=mars")


@pytest.mark.parametrize("how", [(), ("--chart",)], ids=["table", "chart"])
def test_a_stream_without_unicode_has_no_escapes_of_ours(used, how):
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shown = used("usage", "--metric", "gb", "--top", "1", *how, "--now", NOW, env=plain).stdout

    assert "... 4 others" in shown
    assert "\\" not in shown


def test_what_only_the_first_rows_share_does_not_stand_above_the_totals_of_all(used):
    ingest(used, [event("later", "gb", "ann", at="2026-11-06", gb=1)])
    first, *_ = used(
        "usage", "--window", "day", "--metric", "gb", "--total", "--top", "1", "--now", NOW
    ).stdout.splitlines()

    assert first == "sum_agg · UTC"


def test_customers_with_usage_say_which_period_it_is_of(used):
    asked = ("customers", "list", "--with-usage", "--now", NOW)
    before = used(*asked).stdout.splitlines()[-1]
    used("customers", "create", "ann", "--timezone", "Asia/Tokyo", "-q")
    month = used(*asked).stdout.splitlines()[-1]
    monthly = ("--customer", "ann", "--billing-time", "anniversary", "--started-at", "2026-10-15")
    used("subscriptions", "create", "ann-1", *monthly, "-q", "--now", NOW)
    several = used(*asked).stdout.splitlines()[-1]

    assert before == month == "Usage of November 2026."
    assert several == "Usage of the current period of each customer."
    assert "Usage of" not in used(*asked, "-o", "csv").stdout


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--period", "2026-12"), "in December 2026;"),
        (("--from", "2026-12-01"), "from 2026-12-01;"),
        (("--to", "2026-10-01"), "until 2026-10-01;"),
        (("--from", "2026-12-01", "--to", "2026-12-03"), "from 2026-12-01 to 2026-12-03 "),
    ],
    ids=["in", "from", "until", "from-to"],
)
def test_an_empty_answer_names_its_period_in_plain_english(used, asked, words):
    assert said(used, *asked).startswith(f"No usage {words}")

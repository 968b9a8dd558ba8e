"""`lago usage check`: usage beside a file of expected figures; exit code 9 where they differ."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest

from tests.conftest import Lago

NOW = "2026-11-22T12:00:00Z"
DEFINITIONS = """
billable_metrics:
- {code: gb, aggregation_type: sum, field_name: gb}
- {code: calls, aggregation_type: count}
- {code: seats, aggregation_type: unique_count, field_name: user, recurring: true}
- {code: kept, aggregation_type: weighted_sum, field_name: gb, recurring: true}
customers:
- {external_id: acme, timezone: Europe/Paris}
subscriptions:
- {external_id: s1, external_customer_id: acme, started_at: 2026-11-04}
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
    event("1", "gb", "11-05", "s1", gb="0.1", region="eu"),
    event("2", "gb", "11-06", "s1", gb="0.2"),
    event("3", "gb", "11-05", gb=100, region="us"),
    event("4", "gb", "11-06", "zoe", gb=-5, region='eu, "x"'),
    event("5", "calls", "11-06", "zoe"),
    event("6", "seats", "10-05", user="ana"),
    event("7", "seats", "11-09", user="bo"),
    event("8", "kept", "11-10", gb=10**20),
]


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("used"))
    lago("apply", lago.write("definitions.yml", DEFINITIONS), "--now", NOW)
    lago("ingest", "-q", lago.write("events.ndjson", EVENTS), "--now", NOW)
    return lago.folder / "lago.db"


@pytest.fixture
def used(lago, used_file):
    """Usage of three customers by four metrics."""
    shutil.copy(used_file, lago.folder)
    return lago


def check(lago, expected, *asked, exits=0, output="json"):
    """`lago usage check` of the file's text, from standard input."""
    options = ("--expect", "-", "-o", output, "--now", NOW)
    return lago("usage", "check", *asked, *options, stdin=expected, exits=exits)


def differences(lago, expected, *asked):
    """[(status, customer, expected, found, difference)] of a check that fails."""
    keys = ("status", "external_customer_id", "expected_units", "units", "difference")
    rows = check(lago, expected, *asked, exits=9).json()
    return [tuple(row.get(key) for key in keys) for row in rows]


GB = ("--metric", "gb")


# What agrees ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        [],
        ["--prorated"],
        ["--by", "subscription"],
        ["--group-by", "region", "--group-by", "gb"],
        ["--window", "week"],
        ["--window", "day", "--prorated", "--group-by", "region"],
        ["--period", "all", "--metric", "gb"],
        ["--subscription", "s1", "--metric", "kept"],
        ["--period", "2020"],
    ],
    ids=" ".join,
)
def test_what_usage_writes_agrees_with_usage(used, asked):
    """Also quotients, which are written with twelve decimals."""
    written = used("usage", *asked, "-o", "csv", "--now", NOW).stdout_bytes

    agreed = check(used, written, *asked)
    assert agreed.json() == []
    assert agreed.stderr == ""


def test_agreement_is_said(used):
    said = check(
        used, "external_customer_id,units\nbolt,100\n", *GB, "--customer", "bolt", output="table"
    )
    assert said.stdout == "The one figure agrees.\n"

    both = "external_customer_id,units\nbolt,100\nacme,0.3\nzoe,-5\n"
    assert check(used, both, *GB, output="table").stdout == "All 3 figures agree.\n"


def test_numbers_and_instants_may_be_written_in_other_ways(used):
    expected = (
        "units,from_datetime,billable_metric_code,external_customer_id\n"
        " 1.0e2 ,2026-11-01,gb,bolt\n"
        "+0.30,2026-11-04T00:00:00+01:00,gb,acme\n"
        "-5.000,1793491200,gb,zoe\n"
    )

    check(used, expected, *GB)


def test_a_figure_of_zero_need_not_be_there(used):
    """On neither side."""
    expected = "external_customer_id,units\nbolt,100\nacme,0.3\nzoe,-5\nnobody,0\n"
    check(used, expected, *GB)
    asked = ("--subscription", "s1", "--metric", "kept")
    check(used, "external_subscription_id,units\n", *asked)


@pytest.mark.parametrize("form", ["bom", "crlf", "blank lines", "gzip", "no last line feed"])
def test_the_form_of_the_file_does_not_matter(used, form):
    text = "external_customer_id,units\nbolt,100\nacme,0.3\nzoe,-5\n"
    content = {
        "bom": "\ufeff" + text,
        "crlf": text.replace("\n", "\r\n"),
        "blank lines": text.replace("\n", "\n\n"),
        "gzip": gzip.compress(text.encode()),
        "no last line feed": text.removesuffix("\n"),
    }[form]

    path = used.write("expected.csv", content)
    used("usage", "check", *GB, "--expect", path, "--now", NOW)


# What differs -----------------------------------------------------------------------------


def test_every_kind_of_difference(used):
    expected = "external_customer_id,units\nbolt,99.5\nnobody,3\nzoe,-5\n"

    finished = check(used, expected, *GB, exits=9)
    assert finished.json() == [
        {
            "status": "unexpected",
            "external_customer_id": "acme",
            "expected_units": None,
            "units": "0.3",
            "difference": "0.3",
            "expected_events_count": None,
            "events_count": 2,
            "line": None,
        },
        {
            "status": "different",
            "external_customer_id": "bolt",
            "expected_units": "99.5",
            "units": "100",
            "difference": "0.5",
            "expected_events_count": None,
            "events_count": 1,
            "line": 2,
        },
        {
            "status": "missing",
            "external_customer_id": "nobody",
            "expected_units": "3",
            "units": None,
            "difference": "-3",
            "expected_events_count": None,
            "events_count": None,
            "line": 3,
        },
    ]
    error = finished.error()
    assert error["code"] == "usage_differs"
    assert error["message"] == "3 figures differ from <stdin>."
    assert "lago usage explain" in error["hint"]


def test_the_table_of_differences_looks_like_this(used, golden):
    path = used.write(
        "expected.csv", "external_customer_id,units,events_count\nbolt,99.5,1\nno,3,\n"
    )
    finished = used("usage", "check", *GB, "--expect", path.name, "--now", NOW, exits=9)

    golden("usage_check.txt", finished.stdout)
    assert finished.stderr.splitlines()[0] == "Error: 4 figures differ from expected.csv."


def test_one_digit_makes_a_difference(used):
    exact = "external_customer_id,billable_metric_code,units\nbolt,kept,70000000000000000000\n"
    asked = ("--metric", "kept")
    check(used, exact, *asked)

    off = exact.replace("kept,7", "kept,6").replace("0\n", "1\n")
    ((status, _, _, _, difference),) = differences(used, off, *asked)
    assert (status, difference) == ("different", "9999999999999999999")


def test_events_are_compared_where_they_are_given(used):
    header = "external_customer_id,units,events_count\n"
    check(used, f"{header}bolt,100,1\nacme,0.3,\nzoe,-5, 1 \n", *GB)

    wrong = f"{header}bolt,100,2\nacme,0.3,2\nzoe,-5,1\nnobody,0,4\n"
    rows = check(used, wrong, *GB, exits=9).json()
    assert [
        (row["status"], row["expected_events_count"], row["events_count"], row["difference"])
        for row in rows
    ] == [("different", 2, 1, "0"), ("missing", 4, None, "0")]


def test_a_difference_of_events_alone_is_seen_in_the_table(used):
    wrong = "external_customer_id,units,events_count\nbolt,100,2\n"
    shown = check(used, wrong, *GB, "--customer", "bolt", exits=9, output="table").stdout

    assert shown.splitlines()[0].split("  ")[-3:] == ["expected events", "events", "line"]
    assert shown.splitlines()[2].split() == ["different", "bolt", "100", "100", "0", "2", "1", "2"]


def test_groups_are_told_apart(used):
    header = "external_customer_id,group,units\n"
    quoted = json.dumps({"region": 'eu, "x"'}).replace('"', '""')
    expected = (
        f'{header}acme,"{{""region"": ""eu""}}",0.1\n'
        'acme,"{""region"": null}",0.2\n'
        'bolt,"{""region"": ""us""}",100\n'
        f'zoe,"{quoted}",-5\n'
    )
    check(used, expected, *GB, "--group-by", "region")

    swapped = expected.replace(",0.1\n", ",x\n").replace(",0.2\n", ",0.1\n").replace(",x", ",0.2")
    rows = check(used, swapped, *GB, "--group-by", "region", exits=9).json()
    assert [(row["group"], row["difference"]) for row in rows] == [
        ({"region": None}, "0.1"),
        ({"region": "eu"}, "-0.1"),
    ]
    without = check(used, expected, *GB, exits=9).json()
    assert {row["status"] for row in without} == {"unexpected", "missing"}


def test_the_selection_is_that_of_usage(used):
    expected = "billable_metric_code,units\ngb,100\nseats,2\nkept,7e19\n"

    check(used, expected, "--customer", "bolt")
    check(
        used,
        "billable_metric_code,units\ngb,0.2\n",
        "--subscription",
        "s1",
        "--metric",
        "gb",
        "--period",
        "2026-11-06",
    )


# How far off ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "tolerance", "agrees"),
    [
        ("100", "0", True),
        ("100.000000000001", "0", False),
        ("99.9", "0.1", True),
        ("99.9", "0.099", False),
        ("100.1", "0.1%", True),  # of what is expected: 0.1001
        ("99.9", "0.1%", False),  # 0.0999
        ("50", "100%", True),
        ("0", "100%", False),
        ("0", "100", True),
        ("-100", "200%", True),
        ("101", "1e0", True),
        ("101", "+1", True),
    ],
)
def test_a_tolerance_is_of_units_or_of_percent(used, expected, tolerance, agrees):
    asked = (*GB, "--customer", "bolt", "--tolerance", tolerance)
    text = f"external_customer_id,units\nbolt,{expected}\n"

    check(used, text, *asked, exits=0 if agrees else 9)


def test_a_tolerance_holds_for_what_is_not_there(used):
    text = "external_customer_id,units\nacme,0\nnobody,1\nzoe,-5\nbolt,100\n"

    check(used, text, *GB, "--tolerance", "1")
    check(used, text, *GB, "--tolerance", "0.9", exits=9)
    without = "external_customer_id,units\nzoe,-5\nbolt,100\n"
    check(used, without, *GB, "--tolerance", "0.3")


@pytest.mark.parametrize(
    "tolerance",
    ["", "-1", "-0.1%", "much", "%", "1 %", "0,1", "NaN", "inf", "1e99999999999", "1%%"],
)
def test_what_is_no_tolerance_is_refused(used, tolerance):
    text = "external_customer_id,units\nbolt,100\n"
    refused = check(used, text, *GB, f"--tolerance={tolerance}", exits=2)

    assert refused.stdout == ""
    assert refused.error()["code"] == "invalid_tolerance"


# Files ------------------------------------------------------------------------------------


def test_other_columns_are_named_and_not_compared(used):
    expected = "external_customer_id,note,units,Price [€]\nbolt,x,100,7\n"
    asked = (*GB, "--customer", "bolt")

    finished = check(used, expected, *asked, output="table")
    assert finished.stderr == "Warning: <stdin>: not compared: note, Price [€].\n"
    assert check(used, expected, *asked, "-q", output="table").stderr == ""


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("", "invalid_expectation", "<stdin>:1: the columns are none."),
        ("\n", "invalid_expectation", "<stdin>:1: the columns are none."),
        ("units\n1\n", "invalid_expectation", "<stdin>:1: the columns are units."),
        (
            "external_customer_id\nbolt\n",
            "invalid_expectation",
            "<stdin>:1: the columns are external_customer_id.",
        ),
        ("customer;units\n", "invalid_expectation", "<stdin>:1: the columns are customer;units."),
        ("group,units\n{,1\n", "invalid_expectation", "<stdin>:2: the group '{' is no JSON object"),
        ("group,units\n[],1\n", "invalid_expectation", "<stdin>:2: the group '[]' is no JSON"),
        ('group,units\n"{""a"":1}",1\n', "invalid_expectation", "<stdin>:2: the group"),
        ("from_datetime,units\nsoon,1\n", "invalid_expectation", "<stdin>:2: "),
        ("from_datetime,units\n,1\n", "invalid_expectation", "<stdin>:2: "),
        (
            "external_customer_id,units\nbolt,100\n\n\nzoe,1.2.3\n",
            "invalid_expectation",
            "<stdin>:5: '1.2.3' is not a number.",
        ),
        (
            "external_customer_id,units\nbolt,\n",
            "invalid_expectation",
            "<stdin>:2: it has no units.",
        ),
        (
            "external_customer_id,units,events_count\nbolt,1,1.5\n",
            "invalid_expectation",
            "<stdin>:2: '1.5' is no number of events.",
        ),
        (
            "external_customer_id,units,events_count\nbolt,1,1_0\n",
            "invalid_expectation",
            "<stdin>:2: '1_0' is no number of events.",
        ),
        (
            "external_customer_id,units\nbolt,1\nbolt,1\n",
            "repeated_expectation",
            "<stdin>:3: the same figure as in line 2.",
        ),
        (
            'external_customer_id,units\n"two\nlines",1\nbolt,x\n',
            "invalid_expectation",
            "<stdin>:4: 'x' is not a number.",
        ),
        (
            'external_customer_id,units\n"two\nlines",x\n',
            "invalid_expectation",
            "<stdin>:2: 'x' is not a number.",
        ),
        (
            "external_customer_id,units\nbolt\n",
            "invalid_csv",
            "<stdin>:2: 1 cells under 2 columns.",
        ),
        ("units,units\n1,1\n", "invalid_csv", '<stdin>:1: the column "units" comes twice.'),
        ('external_customer_id,units\n"bolt,1\n', "invalid_csv", "<stdin>:"),
        (b"external_customer_id,units\n\xff,1\n", "invalid_utf8", "<stdin> is not UTF-8 text."),
        (gzip.compress(b"units" * 99)[:-9], "truncated_input", "<stdin>: "),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(used, content, code, said):
    refused = check(used, content, exits=5)

    assert refused.stdout == ""
    assert refused.error()["code"] == code
    assert refused.error()["message"].startswith(said)


def test_a_line_that_stands_for_several_figures_is_refused(used):
    """Those are windows here, then metrics."""
    for asked in (("--metric", "seats", "--window", "week"), ()):
        refused = check(used, "external_customer_id,units\nbolt,100\n", *asked, exits=5)

        assert refused.error()["code"] == "ambiguous_expectation"
        assert refused.error()["message"] == "<stdin>:2: stands for several figures."
        assert "from_datetime" in refused.error()["hint"]


def test_a_missing_file_is_not_found(used, lago):
    missing = used("usage", "check", "--expect", "nowhere.csv", "-o", "json", exits=4)
    assert missing.error()["code"] == "file_not_found"
    path = lago.write("expected.csv", "external_customer_id,units\n")
    used("usage", "check", "--expect", path, "--db", "nowhere.db", exits=4)
    assert not (lago.folder / "nowhere.db").exists()
    used("usage", "check", exits=2)


def test_a_question_that_makes_no_sense_is_refused(used):
    text = "external_customer_id,units\nbolt,100\n"

    assert check(used, text, "--metric", "no", exits=4).error()["code"] == "metric_not_found"
    assert check(used, text, "--period", "x", exits=2).error()["code"] == "invalid_period"


HOSTILE = "[/red]\x1b[31m\n' OR 1=1 --🙂"


def test_hostile_text_is_compared_as_it_is_and_shown_escaped(lago):
    lago("metrics", "create", "--code", HOSTILE, "--aggregation-type", "count")
    one = event(HOSTILE, HOSTILE, "11-02", HOSTILE, region=HOSTILE)
    lago("ingest", "-q", stdin=json.dumps(one))
    asked = ("--group-by", "region")
    written = lago("usage", *asked, "-o", "csv", "--now", NOW).stdout

    check(lago, written, *asked)
    wrong = written.replace(",1,1\n", ",2,1\n")
    shown = check(lago, wrong, *asked, exits=9, output="table")
    assert "\x1b" not in shown.stdout + shown.stderr
    (row,) = check(lago, wrong, *asked, exits=9).json()
    assert (row["external_customer_id"], row["group"]) == (HOSTILE, {"region": HOSTILE})


# Amounts ----------------------------------------------------------------------------------


@pytest.fixture
def priced(lago):
    """Two metrics, of which one has a price; `acme` used both in November."""
    for code in ("calls", "jobs"):
        lago("metrics", "create", "--code", code, "--aggregation-type", "count")
    charge = {"billable_metric_code": "calls", "charge_model": "standard"}
    lago.plan("basic", charge | {"properties": {"amount": "0.015"}})
    named = ("--external-id", "s1", "--external-customer-id", "acme", "--plan-code", "basic")
    lago("subscriptions", "create", *named, "--started-at", "2026-11-01T00:00:00Z")
    events = [
        {"transaction_id": f"{code}{n}", "external_subscription_id": "s1", "code": code}
        | {"timestamp": "2026-11-10"}
        for code in ("calls", "jobs")
        for n in range(3)
    ]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, events)))
    return lago


def amounts(lago, table, *more, exits=0):
    asked = ("--expect", "-", "--period", "2026-11", "-o", "json", *more)
    return lago("usage", "check", *asked, stdin=table, exits=exits)


@pytest.mark.parametrize(
    "table",
    [
        "billable_metric_code,amount_cents\ncalls,5\n",
        "billable_metric_code,amount,amount_currency\ncalls,0.05,EUR\n",
        "billable_metric_code,units,amount_cents\ncalls,3,5\njobs,3,\n",
    ],
)
def test_amounts_that_agree(priced, table):
    assert amounts(priced, table).json() == []


def test_an_amount_that_differs_is_told_with_both_sides(priced):
    (row,) = amounts(priced, "billable_metric_code,amount\ncalls,0.06\n", exits=9).json()

    assert (row["status"], row["line"]) == ("different", 2)
    assert (row["expected_amount_cents"], row["amount_cents"]) == ("6", "5")
    assert (row["amount_currency"], row["amount_difference"]) == ("EUR", "-1")


def test_another_currency_differs_whatever_the_amount(priced):
    table = "billable_metric_code,amount_cents,amount_currency\ncalls,5,USD\n"

    (row,) = amounts(priced, table, exits=9).json()
    assert (row["expected_amount_currency"], row["amount_currency"]) == ("USD", "EUR")


def test_where_no_units_are_expected_none_differ(priced):
    (row,) = amounts(priced, "billable_metric_code,amount_cents\ncalls,6\n", exits=9).json()

    assert (row["units"], row["difference"]) == ("3", None)


def test_figures_of_subscriptions_are_compared_by_subscription(priced):
    customer = "external_customer_id,external_subscription_id,billable_metric_code,amount_cents"
    for table in (
        "external_subscription_id,billable_metric_code,amount_cents\ns1,calls,5\n",
        f"{customer}\nacme,s1,calls,5\n",
        f"{customer}\nacme,,calls,5\n",
    ):
        assert amounts(priced, table).json() == []


def test_who_asks_for_customers_compares_with_customers(priced):
    table = "external_subscription_id,billable_metric_code,amount_cents\ns1,calls,5\n"

    assert len(amounts(priced, table, "--by", "customer", exits=9).json()) == 2


def test_an_amount_that_nobody_expects_is_told(priced):
    (row,) = amounts(priced, "billable_metric_code,amount_cents\njobs,0\n", exits=9).json()

    assert (row["status"], row["billable_metric_code"]) == ("unexpected", "calls")


def test_a_tolerance_is_one_of_amounts_too(priced):
    table = "billable_metric_code,amount_cents\ncalls,6\n"

    assert amounts(priced, table, "--tolerance", "1").json() == []
    assert len(amounts(priced, table, "--tolerance", "10%", exits=9).json()) == 1

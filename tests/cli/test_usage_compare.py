"""`lago usage --compare`, alone and with everything that shapes an answer, against an oracle."""

from __future__ import annotations

import json
import random
import shutil
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Lago

NOW = "2026-11-22T12:00:00Z"
ZONES = {"acme": "Europe/Paris", "bolt": "Pacific/Auckland"}
COMPARED = ["previous_units", "change", "change_percent"]
DEFINITIONS = """
billable_metrics:
- {code: calls, aggregation_type: count}
- {code: gb, aggregation_type: sum, field_name: gb}
- {code: seats, aggregation_type: unique_count, field_name: user, recurring: true}
- {code: users, aggregation_type: unique_count, field_name: user}
- {code: peak, aggregation_type: max, field_name: gb}
- {code: kept, aggregation_type: weighted_sum, field_name: gb, recurring: true}
- {code: disk, aggregation_type: sum, field_name: gb, recurring: true}
plans:
- code: pro
  name: Pro
  interval: monthly
  amount_cents: 0
  amount_currency: EUR
  charges:
  - {billable_metric_code: gb, charge_model: standard, properties: {amount: "0.35"}}
customers:
- {external_id: acme, timezone: Europe/Paris}
- {external_id: bolt, timezone: Pacific/Auckland}
- {external_id: nobody-yet}
subscriptions:
- {external_id: s1, external_customer_id: acme, started_at: 2026-01-01, plan_code: pro}
"""


def events(seed=7, months=(9, 10, 11)):
    """Of three customers; one left after October, one came in November."""
    chance = random.Random(seed)
    for month in months:
        for customer in ("acme", "bolt", "left", "came"):
            if (customer, month) in {("left", 11), ("came", 10), ("came", 9)}:
                continue
            for code in ("calls", "gb", "seats", "users", "peak", "kept", "disk"):
                for n in range(chance.randrange(5)):
                    properties = {
                        "gb": str(Decimal(chance.randrange(-50, 400)) / 8),
                        "user": f"u{chance.randrange(4)}",
                        "region": chance.choice(["eu", "us", ""]),
                    }
                    yield {
                        "transaction_id": f"{month}-{customer}-{code}-{n}",
                        "code": code,
                        "external_customer_id": customer,
                        "external_subscription_id": "s1" if customer == "acme" and n % 2 else None,
                        "timestamp": f"2026-{month:02}-{chance.randrange(1, 31):02}"
                        f"T{chance.randrange(24):02}:30:00Z",
                        "properties": properties,
                    }


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("used"))
    lago("apply", lago.write("definitions.yml", DEFINITIONS), "--now", NOW)
    lago("ingest", "-q", lago.write("events.ndjson", list(events())), "--now", NOW)
    return lago.folder / "lago.db"


@pytest.fixture
def used(lago, used_file):
    """Usage of four customers in three months, by seven metrics."""
    shutil.copy(used_file, lago.folder)
    return lago


@pytest.fixture
def calls(lago):
    """`calls(acme=[…])` ingests an event of the metric `calls` at each instant."""
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)

    def ingest(**instants):
        rows = [
            {
                "transaction_id": f"{customer}{n}",
                "code": "calls",
                "external_customer_id": customer,
                "timestamp": at,
                "properties": {},
            }
            for customer, all_of_them in instants.items()
            for n, at in enumerate(all_of_them)
        ]
        lago("ingest", "-q", stdin="\n".join(map(json.dumps, rows)))
        return lago

    return ingest


def answer(lago, *asked, at=NOW):
    return lago("usage", *asked, "-o", "json", "--now", at).json()


def compared(lago, *asked, at=NOW):
    """{customer: (units, previous, change, percent)} of an answer about one metric."""
    rows = answer(lago, *asked, at=at)
    return {
        row["external_customer_id"]: (row["units"], *(row[key] for key in COMPARED)) for row in rows
    }


# By hand ----------------------------------------------------------------------------------


def test_who_grew_who_left_and_who_came(calls):
    lago = calls(
        grew=["2026-10-05", "2026-10-06", "2026-11-05", "2026-11-06", "2026-11-07"],
        left=["2026-10-05"],
        came=["2026-11-05"],
    )

    assert compared(lago, "--compare", "previous") == {
        "grew": ("3", "2", "1", "50"),
        "left": ("0", "1", "-1", "-100"),
        "came": ("1", "0", "1", None),
    }


def test_a_percentage_is_rounded_half_up_to_two_decimals(calls):
    lago = calls(
        third=[f"2026-10-{day:02}" for day in range(1, 4)] + ["2026-11-01"],
        eighth=[f"2026-10-{day:02}" for day in range(1, 9)]
        + [f"2026-11-{day:02}" for day in range(1, 10)],
    )

    found = compared(lago, "--compare", "previous")

    assert found["third"] == ("1", "3", "-2", "-66.67")
    assert found["eighth"] == ("9", "8", "1", "12.5")


def test_a_percentage_of_a_negative_figure_has_the_sign_of_the_change(lago):
    lago("metrics", "create", "--code", "g", "--aggregation-type", "sum", "--field-name", "n")
    rows = [("1", "2026-10-02", -4), ("2", "2026-11-02", -1)]
    lago(
        *("ingest", "-q"),
        stdin="\n".join(
            json.dumps(
                {
                    "transaction_id": name,
                    "code": "g",
                    "external_customer_id": "a",
                    "timestamp": at,
                    "properties": {"n": n},
                }
            )
            for name, at, n in rows
        ),
    )

    assert compared(lago, "--compare", "previous") == {"a": ("-1", "-4", "3", "75")}


@pytest.mark.parametrize(
    ("asked", "at", "before"),
    [
        ([], "2026-11-22", "2026-10-05"),
        (["--period", "last-month"], "2026-12-22", "2026-10-05"),
        (["--at", "2026-11-22"], "2027-03-01", "2026-10-05"),
        (["--period", "2026-11"], "2027-03-01", "2026-10-31"),
        (["--period", "2026-Q4"], "2027-03-01", "2026-07-01"),
        (["--period", "2026"], "2027-03-01", "2025-12-31"),
        (["--period", "2026-W46"], "2027-03-01", "2026-11-02"),
        (["--period", "2026-11-10"], "2027-03-01", "2026-11-09"),
        (["--period", "today"], "2026-11-10", "2026-11-09"),
        (["--period", "yesterday"], "2026-11-11", "2026-11-09"),
        (["--period", "last-7-days"], "2026-11-15", "2026-11-01"),
        (["--from", "2026-11-01", "--to", "2026-12-01"], "2027-03-01", "2026-10-01"),
        (["--from", "2026-11-10", "--to", "2026-11-12"], "2027-03-01", "2026-11-08"),
        (["--from", "2026-11-10T00:00", "--to", "2026-11-10T08:00"], "2026-12-01", "2026-11-09T16"),
    ],
)
def test_previous_is_what_ends_where_the_period_begins(calls, asked, at, before):
    lago = calls(a=["2026-11-10", f"{before}T00:00:00" if "T" not in before else f"{before}:00"])

    assert compared(lago, *asked, "--compare", "previous", at=at) == {"a": ("1", "1", "0", "0")}


@pytest.mark.parametrize(
    ("period", "word", "before"),
    [
        ("2026-11-10", "2026-08", "2026-08-31"),
        ("2026-11-10", "last-month", "2026-10-03"),
        ("2026-11-10", "yesterday", "2026-11-21"),
        ("2026-11-10", "2025-Q4", "2025-10-03"),
    ],
)
def test_any_period_may_stand_beside_it(calls, period, word, before):
    lago = calls(a=["2026-11-10", before, f"{before}T10:00"])

    assert compared(lago, "--period", period, "--compare", word) == {"a": ("1", "2", "-1", "-50")}


def test_previous_is_each_subscriptions_own_billing_period(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    named = ("--external-id", "s1", "--external-customer-id", "a", "--started-at", "2026-09-10")
    lago("subscriptions", "create", *named, "--billing-time", "anniversary", "--now", NOW)
    instants = ["2026-10-09", "2026-10-10", "2026-11-09", "2026-11-10"]
    for n, at in enumerate(instants):
        sent = ("--transaction-id", str(n), "--code", "calls", "--external-subscription-id", "s1")
        lago("events", "send", *sent, "--timestamp", at, "--now", NOW)

    assert compared(lago, "--compare", "previous") == {"a": ("1", "2", "-1", "-50")}
    assert compared(lago, "--compare", "previous", "--subscription", "s1") == {
        "a": ("1", "2", "-1", "-50")
    }


def test_a_subscription_that_began_in_this_period_was_at_nothing(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    named = ("--external-id", "s1", "--external-customer-id", "a", "--started-at", "2026-11-10")
    lago("subscriptions", "create", *named, "--now", NOW)

    assert compared(lago, "--compare", "previous", "--subscription", "s1") == {
        "a": ("0", "0", "0", None)
    }


@pytest.mark.parametrize(
    ("ended", "window"),
    [
        ("2026-11-15", ("2026-11-01T00:00:00Z", "2026-11-15T00:00:00Z")),
        ("2026-10-20", ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")),
    ],
)
def test_who_left_has_a_row_that_is_cut_to_their_life_where_they_still_lived(lago, ended, window):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    named = ("--external-id", "s1", "--external-customer-id", "a", "--started-at", "2026-09-10")
    lago("subscriptions", "create", *named, "--ending-at", ended, "--now", NOW)
    sent = ("--transaction-id", "1", "--code", "calls", "--external-subscription-id", "s1")
    lago("events", "send", *sent, "--timestamp", "2026-10-12", "--now", NOW)

    (row,) = answer(lago, "--compare", "previous", "--by", "subscription")

    assert (row["from_datetime"], row["to_datetime"]) == window
    assert (row["units"], row["previous_units"]) == ("0", "1")


def test_days_stand_beside_each_other_by_their_place(calls):
    lago = calls(a=["2026-02-28", "2026-03-01", "2026-03-28", "2026-03-31"])
    asked = ("--period", "2026-03", "--window", "day", "--compare", "previous")

    found = {
        row["from_datetime"][:10]: (row["units"], row["previous_units"], row["change"])
        for row in answer(lago, *asked)
    }

    assert found == {
        "2026-03-01": ("1", "0", "1"),
        "2026-03-28": ("1", "1", "0"),
        "2026-03-31": ("1", None, None),
    }


def test_days_that_have_no_place_are_spoken_of(calls):
    lago = calls(a=["2026-10-31", "2026-11-02"])

    done = lago("usage", "--window", "day", "--compare", "previous", "-o", "csv", "--now", NOW)

    assert "Not compared: 1 figure of the other period" in done.stderr


def test_what_was_known_then_counts_for_both(calls):
    lago = calls(a=["2026-10-31", "2026-11-02"])

    assert answer(lago, "--compare", "previous", "--as-of", "2026-01-01") == []


@pytest.mark.parametrize(
    "asked",
    [
        ["--period", "all", "--compare", "previous"],
        ["--from", "2026-11-01", "--compare", "previous"],
        ["--to", "2026-11-01", "--compare", "previous"],
    ],
)
def test_without_a_start_nothing_comes_before(used, asked):
    error = used("usage", *asked, "-o", "json", "--now", NOW, exits=2).error()

    assert error["code"] == "no_period_before"


def test_a_mistyped_period_is_told_the_nearest(used):
    error = used("usage", "--compare", "previos", "-o", "json", exits=2).error()

    assert error["message"] == '"previos" is no period. Did you mean "previous"?'


def test_a_period_that_is_not_over_is_spoken_of_once_and_only_then(used):
    now = used("usage", "--compare", "previous", "--now", "2026-12-22", "--customer", "came")
    then = used("usage", "--compare", "previous", "--period", "2026-11", "--now", "2027-01-02")

    assert now.stdout.count("is not over") == 1
    assert "is not over" not in then.stdout


def test_changes_have_their_sign_in_the_table(calls):
    lago = calls(left=["2026-10-05"], came=["2026-11-05"], same=["2026-10-05", "2026-11-05"])

    table = lago("usage", "--compare", "previous", "--now", NOW, env={"COLUMNS": "160"}).stdout
    rows = {line.split()[0]: line.split() for line in table.splitlines() if line}

    assert rows["left"][-3:-1] == ["−1", "−100%"]
    assert rows["came"][-3:-1] == ["+1", "–"]
    assert rows["same"][-3:-1] == ["0", "0%"]
    assert rows["total"][-3:-1] == ["0", "0%"]


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "markdown"])
def test_every_output_has_the_same_columns_after_all_others(used, output):
    asked = ("usage", "--metric", "gb", "--now", NOW, "-o", output)
    plain = used(*asked).stdout
    with_change = used(*asked, "--compare", "previous").stdout
    first = {
        "json": lambda text: list(json.loads(text)[0]),
        "ndjson": lambda text: list(json.loads(text.splitlines()[0])),
        "csv": lambda text: text.splitlines()[0].split(","),
        "markdown": lambda text: [each.strip(" \\") for each in text.splitlines()[0].split("|")][
            1:-1
        ],
    }[output]

    names = [each.replace("\\", "") for each in first(with_change)]

    assert [name for name in names if name in COMPARED] == COMPARED
    if output != "markdown":
        assert names == [*first(plain), *COMPARED]


# Against an oracle ------------------------------------------------------------------------


def plain(number):
    if number is None:
        return None
    text = format(Decimal(number), "f") if not isinstance(number, Fraction) else None
    if text is None:
        text = format(Decimal(number.numerator) / Decimal(number.denominator), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def local(text, row):
    zone = ZoneInfo(ZONES.get(row["external_customer_id"], "UTC"))
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone)
    return at.replace(tzinfo=None)


def place(row, window):
    """Which window of its month a row is about."""
    start = local(row["from_datetime"], row)
    if window == "day":
        return start.day - 1
    if window == "week":
        return (start.day - 1 + start.replace(day=1).weekday()) // 7
    return 0


def key(row, window):
    group = json.dumps(row["group"])
    owner = row["external_customer_id"], row["external_subscription_id"]
    return (*owner, row["billable_metric_code"], place(row, window), group)


def usual_order(row):
    group = tuple(value or "" for value in (row["group"] or {}).values())
    owner = row["external_customer_id"] or "", row["external_subscription_id"] or ""
    return (*owner, row["billable_metric_code"], row["from_datetime"], group)


def percent(change, before):
    if change is None or not Decimal(before):
        return None
    exact = Decimal(change) * 100 / abs(Decimal(before))
    return plain(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def places_in(month, window):
    """How many windows a month of 2026 has."""
    days = (datetime(2026 + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    first = datetime(2026, month, 1).weekday()
    return {"day": days, "week": (days - 1 + first) // 7 + 1, None: 1}[window]


def oracle(now_rows, before_rows, window):
    """Rows of November beside those of October, joined one by one."""
    befores = {key(row, window): row for row in before_rows}
    joined = []
    for row in now_rows:
        was = befores.pop(key(row, window), None)
        before = was["units"] if was else "0"
        if place(row, window) >= places_in(10, window):
            before = None
        joined.append([row, before])
    for was in befores.values():
        if was["units"] == "0" and not was["events_count"]:
            continue
        if place(was, window) < places_in(11, window):
            joined.append([was | {"units": "0", "events_count": 0}, was["units"]])
    return joined


CASES = [
    [],
    ["--by", "subscription"],
    ["--group-by", "region"],
    ["--window", "day"],
    ["--window", "week"],
    ["--window", "day", "--by", "subscription", "--group-by", "region"],
    ["--prorated"],
    ["--prorated", "--window", "week"],
    ["--filter", "region=eu,us"],
    ["--customer", "acme", "--customer", "left", "--customer", "nobody-yet"],
    ["--subscription", "s1"],
    ["--group-by", "region", "--group-by", "user", "--window", "week"],
    ["--amounts", "--by", "subscription"],
]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_comparison_is_two_plain_answers_side_by_side(used, case):
    window = case[case.index("--window") + 1] if "--window" in case else None
    at = "2026-12-05"
    now_rows = answer(used, *case, "--period", "2026-11", at=at)
    before_rows = answer(used, *case, "--period", "2026-10", at=at)
    expected = {
        key(row, window): (row["units"], row["events_count"], before)
        for row, before in oracle(now_rows, before_rows, window)
    }

    rows = answer(used, *case, "--period", "2026-11", "--compare", "previous", at=at)

    found = {
        key(row, window): (row["units"], row["events_count"], row["previous_units"]) for row in rows
    }
    assert found == expected
    assert len(found) == len(rows)
    assert [row for row in rows if row["events_count"] or row["units"] != "0"] == sorted(
        (row for row in rows if row["events_count"] or row["units"] != "0"), key=usual_order
    )
    for row in rows:
        before = row["previous_units"]
        change = None if before is None else plain(Decimal(row["units"]) - Decimal(before))
        assert (row["change"], row["change_percent"]) == (change, percent(change, before))
    asked = [{k: v for k, v in row.items() if k not in COMPARED} for row in rows]
    assert [row for row in asked if row in now_rows] == now_rows


@pytest.mark.parametrize("compare", [[], ["--compare", "previous"]], ids=["alone", "compared"])
@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_the_total_of_sums_is_the_sum_of_all_rows(used, case, compare):
    window = case[case.index("--window") + 1] if "--window" in case else None
    asked = (*case, *compare, "--period", "2026-11", "--metric", "gb", "--metric", "calls")
    added = defaultdict(lambda: [Decimal(0), 0, Decimal(0)])
    for row in answer(used, *asked, at="2026-12-05"):
        at = row["billable_metric_code"], place(row, window), json.dumps(row["group"])
        added[at][0] += Decimal(row["units"])
        added[at][1] += row["events_count"]
        added[at][2] += Decimal(row.get("previous_units") or 0)

    rows = answer(used, *asked, "--total", at="2026-12-05")

    assert sorted(
        (
            row["billable_metric_code"],
            row["group"] and row["group"].get("region"),
            Decimal(row["units"]),
            row["events_count"],
            Decimal(row.get("previous_units") or 0),
        ).__repr__()
        for row in rows
    ) == sorted(
        (
            code,
            json.loads(group) and json.loads(group).get("region"),
            *(Decimal(plain(units)), events),
            Decimal(plain(before)),
        ).__repr__()
        for (code, _, group), (units, events, before) in added.items()
    )
    assert {row["external_customer_id"] for row in rows} <= {None}
    assert {row["external_subscription_id"] for row in rows} <= {None}


SORTS = {
    "units": lambda row: row["units"],
    "change": lambda row: row.get("change"),
    "metric": lambda row: row["billable_metric_code"],
    "customer": lambda row: row["external_customer_id"],
}


@pytest.mark.parametrize("total", [False, True], ids=["rows", "total"])
@pytest.mark.parametrize("sort", [s for each in SORTS for s in (each, f"-{each}")])
@pytest.mark.parametrize("case", [CASES[1], CASES[5]], ids=" ".join)
def test_sorted_rows_are_the_same_rows_and_the_top_are_the_first_of_each_metric(
    used, case, sort, total
):
    asked = (*case, "--compare", "previous", *(["--total"] if total else []))
    rows = answer(used, *asked)
    name = sort.removeprefix("-")

    def value(row):
        found = SORTS[name](row)
        return Decimal(found) if found is not None and name in ("units", "change") else found

    known = [row for row in rows if value(row) is not None]
    expected = sorted(known, key=value, reverse=sort != name)
    expected += [row for row in rows if value(row) is None]
    seen = defaultdict(int)
    first = []
    by_metric = SORTS["metric"]
    for row in expected if name == "metric" else sorted(expected, key=by_metric):
        seen[row["billable_metric_code"]] += 1
        if seen[row["billable_metric_code"]] <= 2:
            first.append(row)

    assert answer(used, *asked, "--sort", sort) == expected
    assert answer(used, *asked, f"--sort={sort}", "--top", "2") == first


def test_what_is_compared_is_in_the_zone_that_was_asked_for(used):
    asked = ("--metric", "calls", "--timezone", "Asia/Tokyo", "--compare", "previous")
    (start,) = {row["from_datetime"] for row in answer(used, *asked)}

    assert datetime.fromisoformat(start.replace("Z", "+00:00")) == datetime(
        2026, 10, 31, 15, tzinfo=UTC
    )

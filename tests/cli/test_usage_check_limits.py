"""`lago usage check` with limits and ages: exit code 9, and a table of who does not keep them."""

from __future__ import annotations

import pytest

from tests.conftest import Lago

NOW = "2026-11-22T12:00:00Z"
DEFINITIONS = """
billable_metrics:
- {code: gb, aggregation_type: sum, field_name: gb}
- {code: calls, aggregation_type: count}
customers:
- {external_id: idle}
subscriptions:
- {external_id: s1, external_customer_id: acme, started_at: 2026-11-04}
"""


def event(transaction_id, code, instant, owner="bolt", **properties):
    field = "external_subscription_id" if owner == "s1" else "external_customer_id"
    return {
        "transaction_id": transaction_id,
        "code": code,
        field: owner,
        "timestamp": f"2026-11-{instant}:00:00Z",
        "properties": properties,
    }


EVENTS = [
    event("1", "gb", "05T00", "s1", gb="0.1", region="eu"),
    event("2", "gb", "22T00", "s1", gb="0.2", region="us"),
    event("3", "gb", "20T12", gb="0.30000000000000000001"),
    event("4", "calls", "20T00"),
]


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("used"))
    lago("apply", lago.write("definitions.yml", DEFINITIONS), "--now", NOW)
    lago("ingest", "-q", lago.write("events.ndjson", EVENTS), "--now", NOW)
    return lago.folder / "lago.db"


@pytest.fixture
def used(lago, used_file):
    (lago.folder / "lago.db").write_bytes(used_file.read_bytes())
    return lago


def check(used, *args, exits=0):
    return used("usage", "check", *args, "--now", NOW, exits=exits)


def wrong(used, *args):
    """Who is told, and the error."""
    told = check(used, *args, "-o", "json", exits=9)
    return [
        (row["status"], row["external_customer_id"], row["billable_metric_code"])
        for row in told.json()
    ], told.error()


def test_there_must_be_something_to_compare_with(used):
    told = check(used, exits=2)

    options = "--expect FILE, --against URL, --max CODE=N, --min CODE=N or --max-age DURATION"
    assert f"Give {options}." in told.stderr


def test_a_figure_above_its_maximum_is_told_to_the_last_digit(used):
    told = check(used, "--max", "gb=0.3", "-o", "json", exits=9)

    assert told.json() == [
        {
            "status": "above",
            "external_customer_id": "bolt",
            "external_subscription_id": None,
            "billable_metric_code": "gb",
            "from_datetime": "2026-11-01T00:00:00Z",
            "to_datetime": "2026-12-01T00:00:00Z",
            "group": None,
            "units": "0.30000000000000000001",
            "limit": "0.3",
        }
    ]
    assert told.error()["code"] == "limit_exceeded"
    assert told.error()["message"] == "1 figure is above its limit: bolt (gb)."


def test_a_maximum_is_that_of_the_customer_who_is_named(used):
    told = check(used, "--max", "gb=0.3", "--customer", "acme")

    assert told.stdout == "The one figure is within its limits.\n"


def test_everybody_who_is_known_has_a_figure_for_a_minimum(used):
    rows, error = wrong(used, "--min", "gb=0.25")

    assert rows == [("below", "idle", "gb")]
    assert error["code"] == "below_minimum"


def test_by_name_only_those_have_a_figure_for_a_minimum(used):
    told = check(used, "--min", "gb=0.3", "--customer", "acme")

    assert told.stdout == "The one figure is within its limits.\n"
    assert wrong(used, "--min", "calls=1", "--customer", "acme")[0] == [("below", "acme", "calls")]


def test_a_maximum_beside_a_minimum_lists_nobody_who_used_nothing(used):
    rows, error = wrong(used, "--max", "calls=-1", "--min", "gb=0")

    assert rows == [("above", "bolt", "calls")]
    assert error["code"] == "limit_exceeded"


@pytest.mark.parametrize(
    ("asked", "units"),
    [
        (["--group-by", "region"], ["0.1", "0.2", "0.30000000000000000001"]),
        (["--window", "day"], ["0.1", "0.2", "0.30000000000000000001"]),
        (["--filter", "region=us"], ["0.2"]),
        (["--period", "2026-11-05"], ["0.1"]),
        (["--by", "subscription", "--customer", "acme"], ["0.3"]),
        (["--as-of", "2026-11-21"], []),
    ],
)
def test_limits_compose_with_what_figures_are_asked_for(used, asked, units):
    told = check(used, "--max", "gb=0.05", *asked, "-o", "json", exits=9 if units else 0)

    assert [row["units"] for row in told.json()] == units


@pytest.mark.parametrize("text", ["gb", "=3", "gb=", "gb=x", "gb=1,5"])
@pytest.mark.parametrize("option", ["--max", "--min"])
def test_a_limit_that_cannot_be_read_is_wrong_usage(used, option, text):
    told = check(used, option, text, "-o", "json", exits=2)

    assert told.error()["code"] == "invalid_limit"


def test_limits_that_nothing_keeps_are_wrong_usage(used):
    told = check(used, "--max", "gb=1", "--min", "gb=2", exits=2)

    assert "its --max is below its --min" in told.stderr


def test_a_metric_without_recent_events_is_told_with_its_last_one(used):
    told = check(used, "--max-age", "36h", "-o", "json", exits=9)

    assert told.json() == [
        {
            "status": "too_old",
            "external_customer_id": "bolt",
            "external_subscription_id": None,
            "billable_metric_code": "calls",
            "last_event_at": "2026-11-20T00:00:00Z",
            "max_age": "36h",
        }
    ]
    assert told.error()["code"] == "too_old"
    assert told.error()["message"] == "No event for longer than 36h: calls."


@pytest.mark.parametrize("duration", ["2d", "48h", "2880m", "P2D", "PT48H", "p1dt24h", "1d24H"])
def test_an_age_is_reached_only_after_its_last_moment(used, duration):
    """The last event is of two days before."""
    asked = ("usage", "check", "--max-age", duration, "--metric", "gb", "--customer", "bolt")

    used(*asked, "--now", "2026-11-22T12:00:00Z")
    used(*asked, "--now", "2026-11-22T12:00:00.000001Z", exits=9)


@pytest.mark.parametrize("duration", ["", "36", "0h", "-1h", "1x", "P1M", "P", "PT", "1h1d"])
def test_what_is_no_duration_is_wrong_usage(used, duration):
    told = check(used, "--max-age", duration, "-o", "json", exits=2)

    assert told.error()["code"] == "invalid_duration"


def test_ages_of_those_who_are_named_are_told_each(used):
    rows, error = wrong(used, "--max-age", "1d", "--customer", "acme", "--customer", "idle")

    assert rows == [
        ("too_old", "acme", "calls"),
        ("too_old", "idle", "calls"),
        ("too_old", "idle", "gb"),
    ]
    assert error["message"].endswith("acme (calls), idle (calls), idle (gb).")


def test_a_late_event_that_does_not_count_hides_no_older_one(used):
    event_of_today = event("5", "gb", "22T06", gb="many")
    used("ingest", "-q", used.write("late.ndjson", [event_of_today]), "--now", NOW)

    told = check(
        used, "--max-age", "1d", "--metric", "gb", "--customer", "bolt", "-o", "json", exits=9
    )

    assert [row["last_event_at"] for row in told.json()] == ["2026-11-20T12:00:00Z"]


def test_ages_by_customer_are_those_of_everybody(used):
    rows, _ = wrong(used, "--max-age", "1d", "--by", "customer", "--metric", "gb")

    assert rows == [("too_old", "bolt", "gb"), ("too_old", "idle", "gb")]


def test_an_age_is_that_of_events_with_the_property(used):
    check(used, "--max-age", "1d", "--metric", "gb", "--filter", "region=us")
    rows, _ = wrong(used, "--max-age", "1d", "--metric", "gb", "--filter", "region=eu")

    assert rows == [("too_old", None, "gb")]


def test_a_period_of_the_figures_says_nothing_about_ages(used):
    asked = ("--period", "2025", "--window", "day", "--group-by", "region")
    told = check(used, "--max-age", "1d", "--metric", "gb", *asked)

    assert told.stdout == "No metric is without events for longer than 1d.\n"


def test_all_checks_are_one_answer(used):
    used.write("expected.csv", "external_customer_id,units\nacme,5\nbolt,0.30000000000000000001\n")
    asked = ("--expect", "expected.csv", "--metric", "gb", "--max", "calls=0", "--max-age", "1m")

    rows, error = wrong(used, *asked)

    assert [status for status, *_ in rows] == ["different", "above", "too_old"]
    assert error["code"] == "usage_differs"
    assert error["message"] == (
        "1 figure differs from expected.csv. 1 figure is above its limit: bolt (calls)."
        " No event for longer than 1m: gb."
    )


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv", "markdown"])
def test_quietly_nothing_is_written_where_all_is_well(used, output):
    told = check(used, "--max", "gb=1", "-q", "-o", output)

    assert told.stdout == told.stderr == ""


def test_quietly_what_is_wrong_is_written_all_the_same(used):
    told = check(used, "--max", "gb=0", "-q", exits=9)

    assert "acme" in told.stdout
    assert "2 figures are above their limits" in told.stderr


def test_a_check_without_figures_says_so(used):
    used.write("expected.csv", "external_customer_id,units\n")
    for asked in (["--max", "gb=1"], ["--expect", "expected.csv"]):
        told = check(used, *asked, "--period", "2025")

        assert told.stdout == "No figure was found to compare.\n"


def test_a_check_that_requires_figures_fails_without_any(used):
    rows, error = wrong(used, "--max", "gb=1", "--period", "2025", "--require-figures")

    assert rows == []
    assert error["code"] == "no_figures"
    check(used, "--max", "gb=1", "--require-figures")


def test_all_checks_that_pass_are_told(used):
    used.write("expected.csv", "external_customer_id,units\nacme,0.3\n")
    asked = ("--expect", "expected.csv", "--customer", "acme", "--metric", "gb")

    told = check(used, *asked, "--max", "gb=1", "--max-age", "1d")

    assert " ".join(told.stdout.split()) == (
        "The one figure agrees. The one figure is within its limits."
        " No metric is without events for longer than 1d."
    )


def test_an_unknown_property_is_told_once(used):
    told = check(used, "--max", "gb=1", "--max-age", "2d", "--metric", "gb", "--group-by", "regoin")

    assert told.stderr.count("regoin") == 1
    assert "region" in told.stderr


def test_a_tolerance_without_expected_figures_is_refused_and_not_ignored(lago):
    asked = ("usage", "check", "--max", "gb=5", "--tolerance", "1", "-o", "json")
    error = lago(*asked, exits=2).error()

    assert error["code"] == "invalid_tolerance"
    assert error["hint"] == "Add --expect FILE, or leave it out."

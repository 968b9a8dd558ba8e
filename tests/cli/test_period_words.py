"""`today`, `yesterday`, `last-7-days` and `last-month`, in every command that has `--period`."""

from __future__ import annotations

import json

import pytest

NOW = "2026-11-22T03:00:00Z"  # still the 21st in New York
PLAN = {
    "code": "pro",
    "name": "Pro",
    "interval": "weekly",
    "amount_cents": 700,
    "amount_currency": "EUR",
    "charges": [
        {
            "billable_metric_code": "calls",
            "charge_model": "standard",
            "properties": {"amount": "1"},
        }
    ],
}
COMMANDS = {
    "usage": ("usage",),
    "explain": ("usage", "explain"),
    "preview": ("invoices", "preview"),
    "simulate": ("plans", "simulate", "pro"),
}


@pytest.fixture
def used(lago):
    """A subscription in New York that was used once on each day of two months."""
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "--now", NOW)
    lago("plans", "create", "--input", lago.write("pro.json", json.dumps(PLAN)), "--now", NOW)
    lago("customers", "create", "--external-id", "ann", "--timezone", "America/New_York")
    named = ("--external-id", "s1", "--external-customer-id", "ann", "--plan-code", "pro")
    lago("subscriptions", "create", *named, "--started-at", "2026-10-01", "--now", NOW)
    days = [f"2026-{month}-{day:02}" for month in (10, 11) for day in range(1, 31)]
    rows = [
        {
            "transaction_id": day,
            "code": "calls",
            "external_subscription_id": "s1",
            "timestamp": f"{day}T12:00:00Z",
            "properties": {},
        }
        for day in days
    ]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, rows)))
    return lago


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("word", "same"),
    [
        ("last-month", ["--period", "previous"]),
        ("today", ["--period", "2026-11-21"]),
        ("yesterday", ["--period", "2026-11-20"]),
    ],
)
def test_a_word_is_the_period_it_names_in_the_customers_zone(used, command, word, same):
    def answer(asked):
        return used(*COMMANDS[command], *asked, "-o", "json", "--now", NOW).json()

    assert answer(["--period", word]) == answer(same) != []


def test_last_month_is_the_week_before_where_weeks_are_billed(used):
    (row,) = used(
        "usage", "--subscription", "s1", "--period", "last-month", "-o", "json", "--now", NOW
    ).json()

    assert (row["from_datetime"], row["units"]) == ("2026-11-09T05:00:00Z", "7")


def test_the_last_seven_days_are_whole_and_end_with_yesterday(used):
    (row,) = used("usage", "--period", "last-7-days", "-o", "json", "--now", NOW).json()

    assert (row["from_datetime"], row["to_datetime"], row["units"]) == (
        "2026-11-14T05:00:00Z",
        "2026-11-21T05:00:00Z",
        "7",
    )


def test_days_are_checked_as_they_are_shown(used):
    asked = ("--period", "last-7-days", "--now", NOW)
    expected = used.write("expected.csv", used("usage", *asked, "-o", "csv").stdout)

    used("usage", "check", "--expect", expected, *asked)
    used("usage", "check", "--expect", expected, "--period", "today", "--now", NOW, exits=9)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_word_is_told_the_nearest_one(used, command):
    error = used(*COMMANDS[command], "--period", "yesteday", "-o", "json", exits=2).error()

    assert error["message"] == '"yesteday" is no period. Did you mean "yesterday"?'

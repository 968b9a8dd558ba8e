"""`lago plans simulate`: real usage under other plans."""

from __future__ import annotations

import json

import pytest

from tests.cli.plan_files import apply

DEFINED = """\
billable_metrics:
  - {code: calls, aggregation_type: count_agg}
customers:
  - {external_id: acme, timezone: Europe/Paris}
plans:
  - code: basic
    interval: monthly
    amount_cents: 1000
    amount_currency: EUR
    charges:
      - {billable_metric_code: calls, charge_model: standard, properties: {amount: "1"}}
  - {code: flat, interval: monthly, amount_cents: 1500, amount_currency: EUR}
  - {code: yen, interval: yearly, amount_cents: 36500, amount_currency: JPY}
subscriptions:
  - {external_id: s1, external_customer_id: acme, plan_code: basic, started_at: 2026-01-01}
  - {external_id: s2, external_customer_id: acme, plan_code: basic, started_at: 2026-01-01}
  - {external_id: s3, external_customer_id: zoe, plan_code: basic, started_at: 2026-10-17}
  - {external_id: s4, external_customer_id: zoe, plan_code: flat, started_at: 2026-01-01}
  - {external_id: s5, external_customer_id: zoe, started_at: 2026-01-01}
  - {external_id: s6, external_customer_id: zoe, started_at: 2026-11-01, plan_code: basic}
"""
CALLS = {"s1": 9, "s3": 2, "s4": 1, "s5": 4}


@pytest.fixture
def program(lago):
    """Six subscriptions, and what they used in October."""
    apply(lago, DEFINED)
    events = [
        {
            "transaction_id": f"{name}-{number}",
            "code": "calls",
            "external_subscription_id": name,
            "timestamp": f"2026-10-20T00:00:{number:02}Z",
        }
        for name, count in CALLS.items()
        for number in range(count)
    ]
    lago.write("events", events)
    lago("ingest", "events", "--now", "2026-10-21T00:00:00Z")
    return lago


def simulate(program, *words, period=("--period", "2026-10"), exits=0):
    named = ("plans", "simulate", *words, *period, "-o", "json", "--now", "2026-11-22")
    return program(*named, exits=exits)


def rows(program, *words, **more):
    """[(subscription, plan, total, change)]"""
    keys = ("external_subscription_id", "plan_code", "total_amount_cents", "change_cents")
    return [tuple(row[key] for key in keys) for row in simulate(program, *words, **more).json()]


def test_every_subscription_has_a_row_for_every_plan(program):
    assert rows(program, "basic", "flat") == [
        ("s1", "basic", "1900", "0"),
        ("s1", "flat", "1500", "-400"),
        ("s2", "basic", "1000", "0"),
        ("s2", "flat", "1500", "500"),
        ("s3", "basic", "684", "0"),
        ("s3", "flat", "726", "42"),
        ("s4", "basic", "1100", "-400"),
        ("s4", "flat", "1500", "0"),
        ("s5", "basic", "1400", None),
        ("s5", "flat", "1500", None),
    ]


def test_a_row_is_complete(program):
    (row,) = simulate(program, "yen", "--subscription", "s1").json()

    assert row == {
        "external_customer_id": "acme",
        "external_subscription_id": "s1",
        "plan_code": "yen",
        "currency": "JPY",
        "total_amount_cents": "3100",
        "change_cents": None,
    }


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--subscription", "s1"], ["s1"]),
        (["--subscription", "s1", "--subscription", "s5"], ["s1", "s5"]),
        (["--subscription", "s5"], ["s5"]),
        (["--customer", "acme"], ["s1", "s2"]),
        (["--customer", "acme", "--customer", "zoe"], ["s1", "s2", "s3", "s4", "s5"]),
    ],
)
def test_only_those_who_are_asked_for(program, words, names):
    assert [row[0] for row in rows(program, "flat", *words)] == names


def test_the_present_plan_costs_what_the_preview_says(program):
    previews = program("invoices", "preview", "--period", "2026-10", "-o", "json").json()
    costs = {row["external_subscription_id"]: row["total_amount_cents"] for row in previews}
    found = rows(program, "basic", "flat")

    assert {row[0]: row[2] for row in found if row[3] == "0"} == costs


def test_an_instant_says_which_period(program):
    found = rows(program, "basic", "--subscription", "s1", period=("--at", "2026-10-31T23:30:00Z"))

    assert found == [("s1", "basic", "1000", "0")]  # it is November in Paris


def test_as_it_was_known_then(program):
    before = ("--period", "2026-10", "--as-of", "2026-10-20")

    assert rows(program, "basic", "--subscription", "s1", period=before)[0][2] == "1000"


def test_the_table_looks_like_this(program, golden):
    words = ("basic", "flat", "yen", "--period", "2026-10", "--now", "2026-11-22")

    golden("plans_simulate.txt", program("plans", "simulate", *words))


def test_a_plan_that_is_named_twice_is_tried_once(program):
    assert len(rows(program, "flat", "flat", "--subscription", "s1")) == 1


def test_nobody_lives_in_the_period(program):
    long_ago = ("--period", "2025-10")

    assert rows(program, "flat", period=long_ago) == []
    table = program("plans", "simulate", "flat", *long_ago).stdout
    assert table == "No subscription lives in this period.\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["flatt"], "plan_not_found"),
        (["flat", "--subscription", "nobody"], "subscription_not_found"),
        (["flat", "--customer", "nobody"], "customer_not_found"),
    ],
)
def test_what_is_not_there_is_not_found(program, words, code):
    assert simulate(program, *words, exits=4).error()["code"] == code


@pytest.mark.parametrize(
    "period", [("--period", "soon"), ("--period", "2026", "--at", "2026-01-01")]
)
def test_a_period_that_makes_no_sense_is_wrong_usage(program, period):
    assert simulate(program, "flat", period=period, exits=2).stdout == ""


def test_some_plan_has_to_be_named(program):
    assert simulate(program, exits=2).stdout == ""


def test_it_can_be_written_as_csv(program):
    words = ("flat", "--subscription", "s1", "--period", "2026-10", "-o", "csv")

    assert program("plans", "simulate", *words).stdout.splitlines() == [
        "external_customer_id,external_subscription_id,plan_code,currency,total_amount_cents,"
        "change_cents",
        "acme,s1,flat,EUR,1500,-400",
    ]


def test_what_it_writes_in_lines_is_what_it_writes_as_json(program):
    words = ("plans", "simulate", "flat", "--period", "2026-10")
    lines = program(*words, "-o", "ndjson").stdout.splitlines()

    assert list(map(json.loads, lines)) == program(*words, "-o", "json").json()

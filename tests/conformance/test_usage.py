"""
What every figure means: the cases of `cases/usage.json`, on every engine.

Where a case is an accident of Lago's, `preferred` holds, or what docs/decisions.md says:
one grammar of numbers, and a count of the usable events inside the window.
"""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.numbers import as_plain
from tests.engines import memory

CASES = json.loads((Path(__file__).parent / "cases" / "usage.json").read_text("utf-8"))

# Lago reads neither the text "1e3" nor "+7", and counts the events of all time.
DECIDED = {
    "sum.value_parsing": {"units": "1697.75", "events_count": 8},
    "sum.recurring.backdated_event_counts": {"units": "2", "events_count": 4},
    "sum.recurring.event_before_subscription_start": {"units": "10", "events_count": 0},
}
LATER = {
    "prorated": "proration comes with subscriptions",
    "exclude": "price buckets and their exclusions come with charges",
    "buckets": "price buckets and their exclusions come with charges",
}
NEEDS_BILLING_PERIOD = {"weighted.recurring.first_period"}


def missing(case):
    """Why a case cannot hold yet, or None."""
    query = case["query"]
    if case["id"] in NEEDS_BILLING_PERIOD:
        return "a window shorter than its billing period comes with subscriptions"
    return next((reason for key, reason in LATER.items() if query.get(key)), None)


def params():
    for case in CASES:
        reason = missing(case)
        marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
        yield pytest.param(case, id=case["id"], marks=marks)


def expected(case):
    decided = DECIDED.get(case["id"]) or case.get("preferred")
    return decided or case["expect"]


def metric_of(case):
    keys = {key: value for key, value in case["metric"].items() if key != "filters"}
    return define_metric(**keys, filters=tuple(Filter(**row) for row in case["metric"]["filters"]))


def rows_of(engine, case):
    engine.define(metric_of(case))
    engine.ingest(case["events"])
    query = case["query"]
    return engine.usage(
        subscriptions=[case["subscription"]["external_id"]],
        start=query["from"],
        end=query["to"],
        group_by=query["group_by"],
        filters={
            key: [value or "" for value in (values if isinstance(values, list) else [values])]
            for key, values in query["filter"].items()
        },
    )


def assert_figure(row, expect, note):
    """To the last digit, unless the case allows for Lago's own rounding on the way."""
    tolerance = Fraction(expect.get("tolerance", "0"))
    assert abs(Fraction(row.units) - Fraction(expect["units"])) <= tolerance, note
    if not tolerance:
        assert as_plain(row.units) == as_plain(Decimal(expect["units"])), note
    assert row.events_count == expect.get("events_count", row.events_count), note


@pytest.mark.parametrize("case", list(params()))
def test_usage(engine, case):
    rows = rows_of(engine, case)
    expect = expected(case)

    for key in LATER:
        assert not case["query"].get(key), f"{key} is not asked for yet"
    if "groups" in expect:
        keys = case["query"]["group_by"]
        found = {row.group: row for row in rows}
        wanted = {tuple(group["by"][key] for key in keys): group for group in expect["groups"]}
        assert found.keys() == wanted.keys(), case["notes"]
        for group, row in found.items():
            assert_figure(row, wanted[group], case["notes"])
        count = sum(row.events_count for row in rows)
        assert count == case["expect"].get("events_count", count), case["notes"]
    else:
        (row,) = rows
        assert_figure(row, expect, case["notes"])


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "exact" in case["expect"] and not missing(case)],
    ids=lambda case: case["id"],
)
def test_a_quotient_is_exact_until_it_is_shown(engine, case):
    (row,) = rows_of(engine, case)

    if not case.get("quirk"):
        assert Fraction(row.units) == Fraction(case["expect"]["exact"])


@pytest.mark.parametrize(
    "case", [case for case in CASES if not missing(case)], ids=lambda case: case["id"]
)
def test_the_order_of_arrival_and_of_definition_does_not_matter(engine, case):
    """Events one by one, the last first, and the metric after them all."""
    instants = [event["timestamp"] for event in case["events"]]
    at_once = len(set(instants)) < len(instants)  # then the last to arrive is the latest
    for event in case["events"] if at_once else reversed(case["events"]):
        engine.ingest([event])
    with memory() as other:
        assert rows_of(engine, case) == rows_of(other, case), case["notes"]

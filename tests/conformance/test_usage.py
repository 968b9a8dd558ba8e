"""
What every figure means: the cases of `cases/usage.json`, on every engine.

Where a case is an accident of Lago's, `preferred` holds, or what docs/decisions.md says:
one grammar of numbers, and a count of the usable events inside the window.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from lago_cli.domain.buckets import in_order
from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import parse_instant
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.numbers import add, as_plain
from lago_cli.domain.subscriptions import Subscription
from lago_cli.services.questions import Question
from lago_cli.services.requests import UsageRequest
from tests.cases import cases, expected
from tests.engines import NOON, memory

CASES = cases("usage")

# An upgrade's last day belongs to the next plan: its window ends where that day begins.
UPGRADED = {"sum.prorated.upgrade_day": "2023-10-18T00:00:00Z"}
# The day of a termination at midnight is outside: half-open, whatever Lago bills.
ENDED = {"unique.prorated.ended_midnight"}


def metric_of(case):
    keys = {key: value for key, value in case["metric"].items() if key != "filters"}
    filters = [Filter(row["key"], tuple(row["values"])) for row in case["metric"]["filters"]]
    return define_metric(**keys, filters=filters)


def subscription_of(case):
    given = case["subscription"]
    start = parse_instant(given["started_at"])
    end = given["ended_at"] if case["id"] not in ENDED else None
    return Subscription(
        given["external_id"],
        case["customer"]["external_id"],
        subscription_at=start,
        started_at=start,
        ending_at=None if end is None else parse_instant(end),
    )


def rows_of(engine, case, **more):
    engine.register(
        Customer(case["customer"]["external_id"], timezone=case["customer"]["timezone"])
    )
    engine.register(subscription_of(case))
    engine.define(metric_of(case))
    engine.ingest(case["events"])
    query = case["query"]
    asked = {
        "filters": {
            key: [value or "" for value in (values if isinstance(values, list) else [values])]
            for key, values in query["filter"].items()
        },
        "excluded": query.get("exclude", ()),
        "prorated": query["prorated"],
    }
    return engine.usage(
        subscriptions=[case["subscription"]["external_id"]],
        start=query["from"],
        end=UPGRADED.get(case["id"], query["to"]),
        group_by=query["group_by"],
        **asked | more,
    )


def assert_figure(row, expect, note):
    """To the last digit, unless the case allows for Lago's own rounding on the way."""
    tolerance = Fraction(expect.get("tolerance", "0"))
    assert abs(Fraction(row.units) - Fraction(expect["units"])) <= tolerance, note
    if not tolerance:
        assert as_plain(row.units) == as_plain(Decimal(expect["units"])), note
    assert row.events_count == expect.get("events_count", row.events_count), note


@pytest.mark.parametrize(
    "case", [case for case in CASES if "buckets" not in case["query"]], ids=lambda case: case["id"]
)
def test_usage(engine, case):
    rows = rows_of(engine, case)
    expect = expected(case)

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
    [case for case in CASES if "exact" in case["expect"]],
    ids=lambda case: case["id"],
)
def test_a_quotient_is_exact_until_it_is_shown(engine, case):
    (row,) = rows_of(engine, case)

    exact = expected(case).get("exact")
    if exact is not None:
        assert Fraction(row.units) == Fraction(exact)


@pytest.mark.parametrize(
    "case", [case for case in CASES if "buckets" in case["query"]], ids=lambda case: case["id"]
)
def test_every_event_is_in_one_bucket(engine, case):
    declared = case["query"]["buckets"]
    expect = expected(case)["buckets"]
    assert [row["id"] for row in expect] == [*(row["id"] for row in declared), None]

    filters = [row["filter"] for row in declared]
    order = in_order(filters)
    apart = [
        {"filters": filters[number], "excluded": [filters[other] for other in order[:rank]]}
        for number, rank in sorted((number, rank) for rank, number in enumerate(order))
    ]
    for asked, wanted in zip([*apart, {"excluded": filters}], expect, strict=True):
        (row,) = rows_of(engine, case, **asked)
        assert_figure(row, wanted, case["notes"])

    at_once = units_by_bucket(engine, case, [filters[number] for number in order])
    for number, wanted in enumerate(expect):
        bucket = order.index(number) if number < len(order) else number
        units = at_once.get(bucket, (Decimal(0), 0))
        assert (as_plain(units[0]), units[1]) == (wanted["units"], wanted["events_count"])


def units_by_bucket(engine, case, buckets):
    """Units and events of each bucket, of one question to the engine for all of them."""
    query = case["query"]
    request = UsageRequest(
        subscriptions=[case["subscription"]["external_id"]],
        start=query["from"],
        end=query["to"],
        prorated=query["prorated"],
    )
    question = Question(engine.store, request, NOON)
    metric = engine.store.catalog.metric(metric_of(case).code)
    asks, found = question.asks(metric), {}
    for share in engine.store.aggregate(replace(question.query(metric), buckets=buckets)):
        weighed = asks[share.owner].slot_of(share.window).weighed(share.units)
        units, events = found.get(share.bucket, (Decimal(0), 0))
        found[share.bucket] = add(units, weighed), events + share.events_count
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_order_of_arrival_and_of_definition_does_not_matter(engine, case):
    """Events one by one, the last first, and the metric after them all."""
    instants = [event["timestamp"] for event in case["events"]]
    at_once = len(set(instants)) < len(instants)  # then the last to arrive is the latest
    for event in case["events"] if at_once else reversed(case["events"]):
        engine.ingest([event])
    with memory() as other:
        assert rows_of(engine, case) == rows_of(other, case), case["notes"]

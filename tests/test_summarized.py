"""
The quick way to a figure, over the summaries of days, gives what the slow way gives.

The slow way reads every event; the tests of the engines compare it with the rules.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain import items
from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import parse_instant
from lago_cli.domain.metrics import Filter
from lago_cli.domain.subscriptions import Subscription
from lago_cli.stores.sqlite import rollups, summarized
from tests.engines import NOON, sqlite
from tests.examples import examples

START = datetime(2026, 10, 1, tzinfo=UTC)
METRICS = (
    {"code": "count", "aggregation_type": "count_agg"},
    {"code": "sum", "aggregation_type": "sum_agg", "field_name": "v"},
    {"code": "stock", "aggregation_type": "sum_agg", "field_name": "v", "recurring": True},
    {
        "code": "max",
        "aggregation_type": "max_agg",
        "field_name": "v",
        "filters": [Filter("region", ("eu",))],
    },
    {"code": "latest", "aggregation_type": "latest_agg", "field_name": "v"},
    {
        "code": "unique",
        "aggregation_type": "unique_count_agg",
        "field_name": "v",
        "filters": [Filter("a b", ("1",)), Filter("region", ("eu", "us"))],
    },
    {"code": "seats", "aggregation_type": "unique_count_agg", "field_name": "v", "recurring": True},
    {"code": "level", "aggregation_type": "weighted_sum_agg", "field_name": "v"},
    {
        "code": "carried",
        "aggregation_type": "weighted_sum_agg",
        "field_name": "v",
        "recurring": True,
        "filters": [Filter("region", ("eu", "us"))],
    },
)
ZONES = (None, "Europe/Paris", "America/New_York", "Asia/Kathmandu")
SETTINGS = examples(40)

events = st.builds(
    lambda number, customer, subscription, code, at, finer, value, operation, region: {
        "transaction_id": str(number),
        "external_customer_id": customer,
        "external_subscription_id": subscription and f"{customer}-{subscription}",
        "code": code,
        "timestamp": (START + at).strftime(f"%Y-%m-%dT%H:%M:%S.%f{finer}Z"),
        "properties": {"v": value, "operation_type": operation, "region": region, "a b": 1.50},
    },
    st.integers(0, 40),
    st.sampled_from("ab"),
    st.sampled_from((None, None, "1", "2")),
    st.sampled_from([metric["code"] for metric in METRICS]),
    st.one_of(
        st.integers(0, 90 * 24).map(lambda hours: timedelta(hours=hours)),
        st.timedeltas(timedelta(0), timedelta(days=90)),
    ),
    st.sampled_from(("", "", "1", "9", "05")),
    st.sampled_from((1, 2, "0.25", "-3.5", 10**20, "1e-20", "x", None)),
    st.sampled_from((None, "add", "remove")),
    st.sampled_from((None, "", "eu", "us", "elsewhere", 7, "7", True, [1])),
)
questions = st.fixed_dictionaries(
    {
        "by": st.sampled_from((None, "subscription")),
        "timezone": st.sampled_from(ZONES),
        "group_by": st.sampled_from(((), (), ("region",), ("region", "a b"))),
        "filters": st.sampled_from(({}, {}, {"region": ["eu", ""]}, {"a b": ["1.5"]})),
        "excluded": st.sampled_from(((), ({"region": ["us"]}, {"a b": ["2"]}))),
    }
).flatmap(
    lambda asked: st.sampled_from(
        (
            {"period": "2026-11"},
            {"period": "2026-Q4", "window": "week"},
            {"period": "2026-Q4", "window": "month"},
            {"period": "all"},
            {"start": "2026-10-09T07:30:00Z", "end": "2026-12-02T01:00:00Z"},
            {"at": "2026-11-20"},
        )
    ).map(lambda period: asked | period)
)


def answers(engine, asked):
    rows = engine.usage(now=NOON, **asked)
    return [
        (row.owner, row.metric.code, row.window, row.group, row.units, row.events_count)
        for row in rows
    ]


def by_all_events(engine, asked):
    with patch.object(summarized.Summarized, "aggregate", lambda *_: None):
        return answers(engine, asked)


@given(st.data())
@SETTINGS
def test_both_ways_agree(data):
    """After any ingests, replacements, changes of a metric, and reverted runs."""
    with sqlite() as engine:
        engine.register(Customer("a", timezone=data.draw(st.sampled_from(ZONES))))
        life = data.draw(st.sampled_from((None, ("2026-10-20", "2026-11-15T13:00:00Z"))))
        if life:
            start, end = map(parse_instant, life)
            engine.register(Subscription("a-1", "a", start, start, ending_at=end))
        for metric in METRICS[: data.draw(st.integers(0, len(METRICS)))]:
            engine.define(**metric)
        for batch in data.draw(st.lists(st.lists(events, max_size=25), min_size=1, max_size=12)):
            engine.ingest(batch, on_duplicate=data.draw(st.sampled_from(("skip", "replace"))))
        for metric in METRICS if data.draw(st.booleans()) else ():
            engine.define(**metric)
        run = data.draw(st.integers(0, 3))
        if 0 < run <= len(list(engine.store.runs.list())):
            engine.store.revert(run, NOON)
        asked = data.draw(questions)

        assert answers(engine, asked) == by_all_events(engine, asked)
        assert [name for name, found in engine.store.maintenance.problems() if found] == []


def test_a_month_of_days_reads_no_event():
    """Where nothing is cut, no reading is looked at: its cost does not follow the events."""
    with sqlite() as engine:
        engine.define(**METRICS[1])
        engine.ingest(
            [
                {
                    "transaction_id": str(number),
                    "external_customer_id": "a",
                    "code": "sum",
                    "timestamp": (START + timedelta(hours=7 * number)).isoformat(),
                    "properties": {"v": 1},
                }
                for number in range(300)
            ]
        )
        with patch.object(rollups, "_READINGS", "no SQL at all"):
            (row,) = engine.usage(period="2026-11")

    assert row.units == row.events_count == 103


def test_groups_that_a_metric_declares_read_no_event():
    """The others are found in the events themselves."""
    with sqlite() as engine:
        engine.define(
            code="sum",
            aggregation_type="sum_agg",
            field_name="v",
            filters=[Filter("region", ("eu", "us"))],
        )
        engine.ingest(
            [
                {
                    "transaction_id": str(number),
                    "external_customer_id": "a",
                    "code": "sum",
                    "timestamp": (START + timedelta(hours=number)).isoformat(),
                    "properties": {"v": number, "region": region, "size": "s"},
                }
                for number, region in enumerate(("eu", "us", "eu", "elsewhere", ""))
            ]
        )
        asked = {"period": "2026-10", "group_by": ["region"]}
        with patch.object(rollups, "_READINGS", "no SQL at all"):
            groups = {row.group: row.units for row in engine.usage(**asked)}
            (row,) = engine.usage(period="2026-10", filters={"region": ["eu", ""]})
        (other,) = engine.usage(period="2026-10", group_by=["size"])

    assert groups == {("eu",): 2, ("us",): 1, ("elsewhere",): 3, (None,): 4}
    assert (row.units, row.events_count) == (6, 3)
    assert (other.group, other.units) == (("s",), 10)


def seat(number, at, item, operation="add"):
    return {
        "transaction_id": str(number),
        "external_customer_id": "a",
        "code": "unique",
        "timestamp": (START + at).isoformat(),
        "properties": {"v": item, "operation_type": operation},
    }


def test_items_of_days_that_follow_each_other_are_counted_without_their_moments():
    """Also where several commits added to a day, unless they disagree about an item."""
    hour = timedelta(hours=1)
    many = [seat(number, number * hour, f"item {number % 60}") for number in range(200)]
    with sqlite() as engine:
        engine.define(code="unique", aggregation_type="unique_count_agg", field_name="v")
        engine.ingest([*many, seat(200, 90 * hour, "item 7", "remove")])
        engine.ingest([seat(201, 199 * hour, "item 60"), seat(202, 199 * hour, "item 0", "remove")])
        rows = engine.store._connection.execute("SELECT count(*) FROM daily_usage").fetchone()
        with patch.object(items, "_operations", None):
            (row,) = engine.usage(period="2026-10")

    assert rows == (9 + 1,)
    assert (row.units, row.events_count) == (60, 203)


def test_of_commits_that_disagree_about_an_item_the_last_in_time_counts():
    """Not the last to come."""
    minute = timedelta(minutes=1)
    many = [seat(number, number * minute, f"item {number}", "remove") for number in range(60)]
    with sqlite() as engine:
        engine.define(code="unique", aggregation_type="unique_count_agg", field_name="v")
        engine.ingest(many)
        engine.ingest(
            [
                seat("before", 9 * minute, "item 10"),
                seat("same time", 20 * minute, "item 20"),
                seat("after", 31 * minute, "item 30"),
                seat("next day", timedelta(days=1), "item 40"),
            ]
        )
        rows = engine.store._connection.execute("SELECT count(*) FROM daily_usage").fetchone()
        (row,) = engine.usage(period="2026-10")

    assert rows == (2 + 1,)
    assert row.units == 3


def test_what_a_cut_day_says_of_an_item_counts_in_its_time():
    """A month in New York begins and ends at four or five o'clock of a UTC day."""
    moments = {
        "on all the time": ((31.5, "add"),),
        "off in the first hours": ((20, "add"), (31.2, "remove")),
        "on again in the whole days": ((20, "add"), (31.2, "remove"), (40, "add")),
        "off in the last hours": ((40, "add"), (61.1, "remove")),
        "off in the next month": ((40, "add"), (61.3, "remove")),
    }
    with sqlite() as engine:
        engine.register(Customer("a", timezone="America/New_York"))
        for recurring in (False, True):
            engine.define(
                code="unique",
                aggregation_type="unique_count_agg",
                field_name="v",
                recurring=recurring,
            )
            engine.ingest(
                [
                    seat(f"{item} {days}", timedelta(days=days), item, operation)
                    for item, operations in moments.items()
                    for days, operation in operations
                ]
            )
            rows = engine.usage(period="2026-Q4", window="month")
            units = [row.units for row in rows]

            assert units == [2, 3, 2 if recurring else 0]


def test_a_wrong_summary_is_found(tmp_path):
    with sqlite(str(tmp_path / "lago.db")) as engine:
        engine.define(**METRICS[0])
        event = {"transaction_id": "1", "external_customer_id": "a", "code": "count"}
        engine.ingest([json.dumps(event)])
        with engine.store.writing():
            engine.store._connection.execute(
                "UPDATE daily_usage SET figures = x'919301c0920002' WHERE id = 1"
            )
        problems = dict(engine.store.maintenance.problems())

    assert problems["summaries of days"] == [
        "the summary of code 1 and day 20779 is not what its readings say"
    ]

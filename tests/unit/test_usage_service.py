"""Who is listed, in which windows, and what adds up: the service over an engine in memory."""

from __future__ import annotations

import pytest

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import format_instant, parse_instant
from lago_cli.errors import Kind, LagoError
from lago_cli.services.lines import lines_of, totals
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import left_out
from tests.engines import Engine
from tests.memory import MemoryStore

CALLS = {"code": "calls", "aggregation_type": "count"}


def event(customer, subscription, at="2026-11-10", code="calls", **properties):
    event.count += 1
    return {
        "transaction_id": str(event.count),
        "code": code,
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "timestamp": at,
        "properties": properties,
    }


event.count = 0


@pytest.fixture
def engine():
    engine = Engine(MemoryStore())
    engine.register(Customer("tokyo", timezone="Asia/Tokyo"))
    engine.define(**CALLS)
    return engine


def owners(rows):
    return [row.owner for row in rows]


def spans(rows):
    return [tuple(map(format_instant, row.window)) for row in rows]


def test_an_event_is_its_customers(engine):
    engine.ingest([event("a", None), event("a", "s1"), event("b", "s2")])

    assert [(row.owner, row.units) for row in engine.usage()] == [
        (("a", None), 2),
        (("b", None), 1),
    ]


def test_who_names_only_a_subscription_belongs_to_its_customer(engine):
    engine.ingest([event(None, "s1"), event("a", "s1")])

    assert [(row.owner, row.units) for row in engine.usage()] == [(("a", None), 2)]
    assert owners(engine.usage(customers=["a"])) == [("a", None)]
    assert owners(engine.usage(by="subscription")) == [("a", "s1")]


def test_where_customers_disagree_nobody_is_guessed(engine):
    engine.ingest([event(None, "s1"), event("a", "s1"), event("b", "s1")])

    assert owners(engine.usage()) == [(None, "s1"), ("a", None), ("b", None)]


def test_a_customer_and_a_subscription_of_one_name_are_two(engine):
    engine.ingest([event("x", None), event(None, "x")])

    assert owners(engine.usage()) == [(None, "x"), ("x", None)]
    assert owners(engine.usage(subscriptions=["x"])) == [(None, "x")]


def test_days_are_those_of_the_customer(engine):
    engine.ingest([event("tokyo", None), event("other", None)])

    assert dict(zip(owners(engine.usage()), spans(engine.usage()), strict=True)) == {
        ("other", None): ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("tokyo", None): ("2026-10-31T15:00:00Z", "2026-11-30T15:00:00Z"),
    }
    assert set(spans(engine.usage(timezone="UTC"))) == {
        ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    }


def test_who_is_named_twice_has_one_row(engine):
    engine.ingest([event("a", None), event(None, "s")])

    assert owners(engine.usage(customers=["a", "a"])) == [("a", None)]
    assert owners(engine.usage(subscriptions=["s", "s"])) == [(None, "s")]
    assert len(engine.usage(metrics=["calls", "calls"], customers=["a"])) == 1


def test_a_subscription_of_nobody_who_is_named_is_refused(engine):
    engine.ingest([event("a", "s1"), event("b", "s2")])

    assert owners(engine.usage(customers=["a"], subscriptions=["s1"])) == [("a", "s1")]
    with pytest.raises(LagoError, match='"s2" belongs to the customer "b"'):
        engine.usage(customers=["a"], subscriptions=["s1", "s2"])


def test_whoever_events_and_registrations_name_is_known(engine):
    engine.ingest([event("a", None), event(None, "s")])

    assert owners(engine.usage(customers=["tokyo"])) == [("tokyo", None)]
    for asked in ({"customers": ["b"]}, {"subscriptions": ["t"]}, {"metrics": ["c"]}):
        with pytest.raises(LagoError, match="There is no"):
            engine.usage(**asked)


def test_everybody_who_is_known_can_be_listed(engine):
    engine.ingest([event("a", None), event(None, "s")])

    rows = engine.usage(everybody=True)
    assert [(row.owner, row.events_count) for row in rows] == [
        ((None, "s"), 1),
        (("a", None), 1),
        (("tokyo", None), 0),
    ]


def test_windows_before_any_event_are_there_for_who_is_asked_for(engine):
    asked = {"start": "2026-11-01", "end": "2026-11-03", "window": "day"}

    assert engine.usage(**asked) == []
    engine.register(Customer("a"))
    assert spans(engine.usage(**asked, customers=["a"])) == [
        ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
        ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"),
    ]
    assert engine.usage(period="all", window="day", customers=["a"]) == []


def test_totals_are_of_metrics_with_several_rows(engine):
    engine.define(code="level", aggregation_type="sum", field_name="n", recurring=True)
    engine.ingest([event(name, None, code="level", n=n) for name, n in (("a", 1), ("b", "0.1"))])
    engine.ingest([event("a", None)])
    rows = engine.usage()

    assert [
        (t.metric.code, str(t.units), t.events_count)
        for t in totals(lines_of(rows), windowed=False)
    ] == [("level", "1.1", 2)]
    assert totals(lines_of(rows), windowed=True) == []


def test_what_no_figure_counts_is_told(engine):
    engine.define(code="sum", aggregation_type="sum", field_name="n")
    engine.ingest(
        [
            event("a", None, code="sum", n="much"),
            event("a", None, code="sum", n=1),
            event("a", None, code="unknown"),
            event("b", None, code="unknown"),
            event("a", None, "2026-10-31", code="unknown"),
        ]
    )

    def told(**asked):
        now = parse_instant("2026-11-22")
        found = left_out(engine.store, UsageRequest(**asked), now=now)
        return dict(found.unmatched), dict(found.unusable)

    assert told() == ({"unknown": 2}, {"sum": 1})
    assert told(customers=["a"]) == ({"unknown": 1}, {"sum": 1})
    assert told(metrics=["sum"]) == ({}, {"sum": 1})
    assert told(period="all") == ({"unknown": 3}, {"sum": 1})
    assert told(as_of=0) == ({}, {})


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"metrics": ["x"]}, "metric_not_found"),
        ({"timezone": "Mars"}, "unknown_timezone"),
        ({"period": "x"}, "invalid_period"),
        ({"period": "2026", "at": "2026-11-01"}, "several_periods"),
        ({"at": "1e30"}, "invalid_instant"),
        ({"start": "2026-11-02", "end": "2026-11-01"}, "invalid_period"),
        ({"window": "hour", "start": "2001-01-01", "end": "2200-01-01"}, "too_many_windows"),
    ],
    ids=str,
)
def test_a_question_without_sense_is_refused_also_of_an_empty_store(engine, asked, code):
    with pytest.raises(LagoError) as caught:
        engine.usage(**asked)

    assert caught.value.code == code
    assert caught.value.kind is (Kind.NOT_FOUND if code == "metric_not_found" else Kind.USAGE)

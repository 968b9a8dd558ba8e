"""
The events behind a figure make it up, to the last digit, whatever is asked.

Random metrics, subscriptions, receptions and questions: what `explain` tells is held
against what `usage_for` answers, which takes another way to every figure, and against
the events that are stored.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lago_cli.domain.attribution import Registry
from lago_cli.domain.contributions import RULES
from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import format_instant, parse_instant
from lago_cli.domain.stored import EventSelection
from lago_cli.domain.subscriptions import Subscription
from lago_cli.errors import LagoError
from lago_cli.services.event_trace import trace
from lago_cli.services.explain import explain
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import usage_for
from tests.engines import NOON, memory, sqlite
from tests.examples import examples

SETTINGS = examples(50)
HOUR = 3_600_000_000
DAY = 24 * HOUR
FIRST = NOON - 31 * DAY - 12 * HOUR  # 22 October, a midnight; clocks go back on the 25th
NOT_COUNTED = {"unusable", "filtered_out", "before_start", "after_end", "received_later"}


# What comes in ---------------------------------------------------------------------------

midnights = st.integers(0, 20).map(lambda n: FIRST + n * DAY)
moments = st.one_of(
    midnights,
    st.integers(0, 20 * 24).map(lambda n: FIRST + n * HOUR),
    midnights.map(lambda at: at - 1),
)


@st.composite
def subscriptions(draw):
    """None to two, often of one customer; their lives may overlap, touch, or be empty."""
    found = []
    for name in draw(st.lists(st.sampled_from(("s1", "s2")), unique=True, max_size=2)):
        start = draw(st.one_of(moments, st.just(FIRST - 400 * DAY), st.just(FIRST + 40 * DAY)))
        end = draw(st.one_of(st.none(), moments))
        found.append(
            Subscription(
                name,
                draw(st.sampled_from(("c1", "c1", "c2"))),
                subscription_at=start,
                started_at=start,
                interval=draw(st.sampled_from(("weekly", "monthly"))),
                billing_time=draw(st.sampled_from(("calendar", "anniversary"))),
                terminated_at=None if end is None else max(start, end),
            )
        )
    return found


@st.composite
def events(draw):
    customer, subscription = draw(
        st.sampled_from(
            (
                *(("c1", None), ("c1", None), ("c2", None), (None, "s1"), ("c1", "s1")),
                *(("c1", "s2"), ("c2", "s2"), (None, "s9")),
            )
        )
    )
    return {
        # an event that names no customer never replaces one that does
        "transaction_id": f"{'t' if customer else 'anonymous '}{draw(st.integers(0, 9))}",
        "code": draw(st.sampled_from(("m", "m", "m", "m", "other"))),
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "timestamp": format_instant(draw(moments)),
        "properties": {
            "value": draw(st.sampled_from((1, 2, 5, -3, "0.1", "2.50", "much", None, 10**20))),
            "item": draw(st.sampled_from(("ana", "ana", "bo", 3, None))),
            "operation_type": draw(st.sampled_from((None, "add", "remove", "remove", "delete"))),
            "region": draw(st.sampled_from(("eu", "us", "", None, 7))),
        },
    }


@st.composite
def metrics(draw):
    kind = draw(
        st.sampled_from(("count", "sum", "sum", "max", "latest", "unique_count", "weighted_sum"))
    )
    reads_item = kind == "unique_count"
    expressions = {
        "unique_count": ("concat(event.properties.item, '!')",),
        "count": (),
    }.get(kind, ("event.properties.value / 3", "ceil(event.properties.value)"))
    found = {
        "code": "m",
        "aggregation_type": kind,
        "field_name": None if kind == "count" else "item" if reads_item else "value",
        "recurring": kind in ("sum", "unique_count", "weighted_sum") and draw(st.booleans()),
        "expression": draw(st.sampled_from((None, None, *expressions))),
    }
    if draw(st.booleans()):
        found["rounding_function"] = draw(st.sampled_from(("round", "ceil", "floor")))
        found["rounding_precision"] = draw(st.integers(-1, 2))
    return found


@st.composite
def questions(draw):
    asked = {
        "by": draw(st.sampled_from((None, "customer", "subscription"))),
        "timezone": draw(st.sampled_from((None, None, "Asia/Kolkata"))),
        "prorated": draw(st.booleans()),
        "group_by": draw(st.sampled_from(((), (), ("region",), ("region", "item")))),
        "filters": draw(st.sampled_from(({}, {}, {"region": ["eu", ""]}, {"item": ["bo", "3"]}))),
        "excluded": draw(st.sampled_from(((), (), [{"region": ["us"]}, {}]))),
        "window": draw(st.sampled_from((None, None, "hour", "day", "month"))),
        "as_of": draw(st.sampled_from((None, None, NOON, NOON + 1, NOON + 2))),
        "subscriptions": draw(st.sampled_from(((), (), ("s1",), ("s1", "s9")))),
        "customers": draw(st.sampled_from(((), (), ("c1",), ("c1", "c2")))),
    }
    form = draw(st.sampled_from(("from", "from", "from", "name", "at")))
    if form == "name":
        asked["period"] = draw(st.sampled_from(("2026-11", "2026-W43", "2026-10-25", "previous")))
    elif form == "at":
        asked["at"] = format_instant(draw(moments))
    else:
        start, end = sorted(draw(st.tuples(moments, moments)))
        asked["start"], asked["end"] = format_instant(start), format_instant(end)
    return asked


@st.composite
def worlds(draw):
    """What is stored, from the first event on."""
    zones = draw(
        st.tuples(*[st.sampled_from((None, "UTC", "Europe/Paris", "America/New_York"))] * 2)
    )
    return {
        "batches": draw(
            st.lists(
                st.tuples(
                    st.lists(events(), max_size=8), st.sampled_from(("skip", "replace", "replace"))
                ),
                max_size=4,
            )
        ),
        "records": [
            *(
                Customer(name, timezone=zone)
                for name, zone in zip(("c1", "c2"), zones, strict=True)
            ),
            *draw(subscriptions()),
        ],
        "metric": draw(metrics()),
    }


def build(engine, world):
    """The n-th batch is received n microseconds after noon."""
    for number, (batch, on_duplicate) in enumerate(world["batches"]):
        engine.ingest(batch, received_at=NOON + number, on_duplicate=on_duplicate)
    for record in world["records"]:
        engine.register(record)
    engine.define(**world["metric"])


def asked_of(store, question):
    """(rows of usage, figures that explain them); what makes no sense is asked of neither."""
    request = UsageRequest(**question)
    try:
        rows = list(usage_for(store, request, now=NOON))
    except LagoError:
        with pytest.raises(LagoError):
            list(explain(store, request, now=NOON))
        assume(False)
    return rows, list(explain(store, request, now=NOON))


# What holds ------------------------------------------------------------------------------


def key_of(figure):
    return figure.owner, figure.metric.code, figure.window, figure.group


def is_averaged(metric, question):
    return metric.recurring and (
        question["prorated"] or metric.aggregation_type == "weighted_sum_agg"
    )


def is_inside(line, window):
    return window.start <= line.event.at < window.end


@pytest.mark.parametrize("engine_of", [memory, sqlite], ids=["memory", "sqlite"])
@SETTINGS
@given(worlds(), st.lists(questions(), min_size=1, max_size=2))
def test_what_the_events_add_makes_up_the_figure(engine_of, world, asked):
    with engine_of() as engine:
        build(engine, world)
        for question in asked:
            rows, figures = asked_of(engine.store, question)
            explained = {key_of(figure): figure for figure in figures}
            assert len(explained) == len(figures)

            for row in rows:
                figure = explained.pop((row.owner, row.metric.code, row.window, row.group), None)
                if figure is None:  # nothing happened
                    assert (row.units, row.events_count) == (0, 0)
                    continue
                assert Fraction(figure.units) == Fraction(row.units)
                inside = [
                    line
                    for line in figure.lines
                    if line.units is not None and is_inside(line, row.window)
                ]
                if is_averaged(row.metric, question):  # of what their subscriptions lived
                    lives = [claim_of(engine.store, line.event).life for line in inside]
                    inside = [
                        line
                        for line, life in zip(inside, lives, strict=True)
                        if life.start <= line.event.at
                    ]
                assert len(inside) == row.events_count
            for figure in explained.values():  # of no row: just what does not count
                assert {line.units for line in figure.lines} == {None}


@SETTINGS
@given(worlds(), questions())
def test_no_event_of_the_period_is_passed_over(world, question):
    with sqlite() as engine:
        build(engine, world)
        _, figures = asked_of(engine.store, question)
        told = Counter(
            line.event.position
            for figure in figures
            for line in figure.lines
            if is_inside(line, figure.window) or line.units is None
        )
        stored = engine.store.select(EventSelection(codes=("m",)))
        wanted = [event for event in stored if is_asked_for(engine.store, event, question)]

        missing = [event.position for event in wanted if event.position not in told]
        assert missing == []
        assert [position for position, count in told.items() if count > 1] == []
        rules = {line.rule for figure in figures for line in figure.lines}
        assert rules <= {*RULES, *NOT_COUNTED, "excluded"}
        for figure in figures:
            order = [(line.event.at, line.event.position) for line in figure.lines]
            assert order == sorted(order)
            for line in figure.lines:
                assert (line.units is None) == (line.rule not in RULES)
                assert line.reason


def claim_of(store, event):
    """To whom an event belongs, and in which life it counts."""
    registry = Registry(store.accounts.subscriptions(), store.parties())
    party = event.event.external_customer_id, event.event.external_subscription_id
    claims = registry.claims(party, recurring=store.catalog.metric("m").recurring)
    (found,) = (claim for claim in claims if claim.span.start <= event.at < claim.span.end)
    return found


def is_asked_for(store, event, question):
    """Whether an event is of the owners and within the period of a question from … to."""
    if "start" not in question:
        return False
    if not parse_instant(question["start"]) <= event.at < parse_instant(question["end"]):
        return False
    claim = claim_of(store, event)
    return (not question["customers"] or claim.customer in question["customers"]) and (
        not question["subscriptions"] or claim.subscription in question["subscriptions"]
    )


@SETTINGS
@given(worlds(), questions())
def test_every_engine_tells_the_same(world, question):
    def told(engine):
        build(engine, world)
        return [
            (
                key_of(figure),
                Fraction(figure.units),
                [
                    (
                        *(line.event.event, line.event.at, line.event.received_at),
                        *(line.event.status, line.value, line.step),
                        *(line.units, line.rule, line.reason),
                    )
                    for line in figure.lines
                ],
            )
            for figure in asked_of(engine.store, question)[1]
        ]

    with memory() as oracle, sqlite() as engine:
        assert told(engine) == told(oracle)


@SETTINGS
@given(worlds())
def test_a_walk_ends_where_the_event_counts_or_says_why_not(world):
    """It counts in usage, unless the walk names the step at which it stopped."""
    with sqlite() as engine:
        build(engine, world)
        for event in engine.store.select(EventSelection()):
            found = trace(engine.store, event, "test", now=NOON)

            assert [step.passed for step in found.steps[:-1]] == [True] * (len(found.steps) - 1)
            assert all(step.detail for step in found.steps)
            if found.stopped_at is None:
                assert found.line is not None
                assert found.line.units is not None
                assert event.status == "counted"
            elif event.status == "counted":
                assert found.stopped_at == "subscription"
            else:
                assert (
                    found.stopped_at == {"unmatched": "metric", "unusable": "value"}[event.status]
                )

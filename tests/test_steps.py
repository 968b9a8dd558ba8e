"""
Prices and the order of events: what every engine says of the amounts and the steps of a figure.

The rules are those of the memory engine. Here the same things happen to all engines, and the same
is asked of them.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.instants import Window, to_micros
from lago_cli.domain.metrics import Filter
from lago_cli.domain.steps import Steps
from lago_cli.domain.usage import Member, Scope, UsageQuery
from lago_cli.stores.sqlite import step_folds
from tests.engines import ENGINES, NOON
from tests.examples import examples

START = datetime(2026, 10, 1, tzinfo=UTC)
FROM = to_micros(START)
DAY = 86_400 * 10**6
BIG = 10**30
METRICS = (
    {"aggregation_type": "count_agg"},
    {"aggregation_type": "sum_agg", "field_name": "v"},
    {"aggregation_type": "sum_agg", "field_name": "v", "recurring": True},
    {"aggregation_type": "sum_agg", "field_name": "v", "expression": "event.properties.v / 3"},
    {"aggregation_type": "max_agg", "field_name": "v"},
    {"aggregation_type": "latest_agg", "field_name": "v"},
    {"aggregation_type": "unique_count_agg", "field_name": "v"},
    {"aggregation_type": "unique_count_agg", "field_name": "v", "recurring": True},
    {"aggregation_type": "weighted_sum_agg", "field_name": "v"},
    {"aggregation_type": "weighted_sum_agg", "field_name": "v", "recurring": True},
)
FILTERS = ((), (Filter("region", ("eu", "us")),))
WINDOWS = (
    [Window(FROM, FROM + 10 * DAY)],
    [Window(FROM + 2 * DAY, FROM + 5 * DAY), Window(FROM + 5 * DAY, FROM + 6 * DAY)],
    [Window(FROM + day * DAY, FROM + (day + 2) * DAY) for day in (1, 3, 5)],
)
instants = st.one_of(
    st.integers(0, 3).map(lambda number: timedelta(days=2 * number + 1, microseconds=number % 2)),
    st.timedeltas(timedelta(0), timedelta(days=10)),
)
values = st.sampled_from((1, 2, "0.25", "-3.5", 10**20, "1e-20", 2**63 - 1, "1.123456789", "x"))
amounts = st.sampled_from(
    (None, None, 0, 3, "12.345", "-0.5", "1e-25", BIG, 2**63 - 1, -(2**63), "0.000000000000000001")
)
events = st.builds(
    lambda number, customer, at, finer, value, amount, operation, region: {
        "transaction_id": str(number),
        "external_customer_id": customer,
        "code": "m",
        "timestamp": (START + at).strftime(f"%Y-%m-%dT%H:%M:%S.%f{finer}Z"),
        "precise_total_amount_cents": amount,
        "properties": {"v": value, "operation_type": operation, "region": region, "size": 1},
    },
    st.integers(0, 30),
    st.sampled_from("ab"),
    instants,
    st.sampled_from(("", "", "1", "9")),
    values,
    amounts,
    st.sampled_from((None, "add", "remove")),
    st.sampled_from((None, "eu", "us", "elsewhere")),
)
questions = st.fixed_dictionaries(
    {
        "group_by": st.sampled_from(((), ("region",), ("size", "region"))),
        "filters": st.sampled_from(({}, {"region": ["eu", ""]}, {"size": ["1"]})),
        "buckets": st.sampled_from(((), ({"region": ["eu"]}, {"region": ["us"]}))),
        "as_of": st.sampled_from((None, None, NOON, NOON + 1)),
    }
)


def said(engine, windows, **asked):
    """What an engine says of each figure, numbers without their scale."""
    parties = sorted(engine.store.parties())
    always = Window(0, 2**60)
    members = [Member(party, "ab".index(party[0]), always) for party in parties]
    metric = engine.store.catalog.metric("m")
    found = {}
    for share in engine.store.aggregate(UsageQuery(metric, Scope(members, [windows] * 2), **asked)):
        key = share.owner, share.window, share.group, share.bucket
        assert key not in found
        steps = share.steps and (list(share.steps.at), numbers(share.steps), [*share.steps.items])
        units = None if asked.get("in_steps") else share.units
        found[key] = share.events_count, units, steps
    return found


def numbers(steps):
    assert {type(value) for value in steps.values} <= {int, Fraction}
    return [Fraction(value) / 10**steps.scale for value in steps.values]


@given(st.data())
@examples(60)
def test_engines_agree_on_amounts_and_steps(data):
    metric = data.draw(st.sampled_from(METRICS)) | {"filters": data.draw(st.sampled_from(FILTERS))}
    drawn = data.draw(st.lists(st.lists(events, max_size=20), min_size=1, max_size=4))
    hows = [data.draw(st.sampled_from(("skip", "replace"))) for _ in drawn]
    windows = data.draw(st.sampled_from(WINDOWS))
    asked = data.draw(questions)
    with ExitStack() as stack:
        engines = [stack.enter_context(make()) for make in ENGINES.values()]
        for engine in engines:
            engine.define(code="m", **metric)
            for number, (batch, how) in enumerate(zip(drawn, hows, strict=True)):
                engine.ingest(batch, on_duplicate=how, received_at=NOON + number)
        for of_amounts, in_steps in product((True, False), repeat=2):
            more = asked | {"of_amounts": of_amounts, "in_steps": in_steps}
            first, *others = (said(engine, windows, **more) for engine in engines)
            for other in others:
                assert other == first
        for engine in engines[1:]:
            assert [found for _, found in engine.store.maintenance.problems() if found] == []


def event(number, at, amount=None, **properties):
    return {
        "transaction_id": str(number),
        "external_customer_id": "a",
        "code": "m",
        "timestamp": at,
        "precise_total_amount_cents": amount,
        "properties": properties,
    }


MONTH = [Window(FROM, FROM + 31 * DAY)]
every_engine = pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)


def only(engine, **asked):
    (share,) = engine.store.aggregate(
        UsageQuery(
            engine.store.catalog.metric("m"),
            Scope([Member(("a", None), 0, Window(0, 2**60))], [MONTH]),
            **asked,
        )
    )
    return share


@every_engine
def test_amounts_add_up_exactly_of_events_that_can_be_read(make):
    """Whatever the metric makes of them; without an amount an event adds nothing."""
    with make() as engine:
        engine.define(code="m", aggregation_type="max_agg", field_name="v")
        for number, amount in enumerate(("0.1", "0.2", None, BIG, "1e-30")):
            engine.ingest([event(number, "2026-10-02T00:00:00Z", amount, v=7)])
        engine.ingest([event(9, "2026-10-02T00:00:00Z", "1000", v="unreadable")])
        share = only(engine, of_amounts=True)

    assert share.units == Fraction(Decimal("0.3")) + BIG + Fraction(1, 10**30)
    assert (share.events_count, share.steps) == (5, None)


@every_engine
def test_steps_come_in_the_order_of_time_then_of_finer_digits_then_of_arrival(make):
    stamps = ("2026-10-03T00:00:00Z", "2026-10-02T00:00:00.0000001Z", "2026-10-02T00:00:00Z")
    with make() as engine:
        engine.define(code="m", aggregation_type="sum_agg", field_name="v")
        for number, at in enumerate((*stamps, stamps[1], stamps[2])):
            engine.ingest([event(number, at, v=number + 1)])
        share = only(engine, in_steps=True)

    assert share.steps == Steps([FROM + DAY] * 4 + [FROM + 2 * DAY], [3, 5, 2, 4, 1])
    assert share.events_count == 5


@every_engine
def test_steps_of_a_recurring_metric_begin_before_the_window(make):
    """Each share has its own, also where windows follow each other."""
    windows = [Window(FROM + day * DAY, FROM + (day + 1) * DAY) for day in (2, 3)]
    with make() as engine:
        engine.define(code="m", aggregation_type="sum_agg", field_name="v", recurring=True)
        for number in range(4):
            engine.ingest(
                [event(number, f"2026-10-0{number + 1}T00:00:00Z", 10 - number, v=number)]
            )
        for of_amounts, wanted in ((False, [0, 1, 2, 3]), (True, [10, 9, 8, 7])):
            found = said(engine, windows, in_steps=True, of_amounts=of_amounts)
            values = [steps[1] for _, _, steps in found.values()]

            assert values == [wanted[:3], wanted]
            assert [count for count, _, _ in found.values()] == [1, 1]


@pytest.mark.parametrize("make", [ENGINES[name] for name in ENGINES if name != "memory"])
def test_steps_share_one_scale(make):
    """Also with what does not fit into 64 bits; more decimals than that allows are fractions."""
    with make() as engine:
        engine.define(code="m", aggregation_type="sum_agg", field_name="v")
        for number, value in enumerate((2**62, "0.25", BIG, "1e-20")):
            engine.ingest([event(number, f"2026-10-0{number + 1}T00:00:00Z", v=value)])
        steps = only(engine, in_steps=True).steps

    assert steps.scale == 2
    assert steps.values == [2**62 * 100, 25, BIG * 100, Fraction(1, 10**18)]
    assert [type(value) for value in steps.values] == [int, int, int, Fraction]


@every_engine
def test_numbers_of_two_parts_may_be_too_large_for_the_scale_of_both(make):
    with make() as engine:
        engine.define(code="m", aggregation_type="sum_agg", field_name="v")
        for number, value in enumerate((2**62, "0.25")):
            engine.ingest([event(number, f"2026-10-0{number + 1}T00:00:00Z", v=value)])
        steps = only(engine, in_steps=True).steps

    assert numbers(steps) == [2**62, Fraction(1, 4)]


@every_engine
def test_a_replaced_amount_counts_as_of_its_time(make):
    with make() as engine:
        engine.define(code="m", aggregation_type="count_agg")
        for number, amount in enumerate(("1.5", "2.5")):
            sent = [event("t", "2026-10-01T00:00:00Z", amount)]
            engine.ingest(sent, received_at=NOON + number, on_duplicate="replace")
        found = [only(engine, of_amounts=True, as_of=NOON + number).units for number in (0, 1)]

    assert found == [Decimal("1.5"), Decimal("2.5")]


@every_engine
def test_steps_of_a_count_are_ones_and_of_items_what_they_add_and_remove(make):
    with make() as engine:
        for kind, wanted in (
            ("count_agg", Steps([FROM, FROM + DAY], [1, 1])),
            ("unique_count_agg", Steps([FROM, FROM + DAY], [1, -1], 0, ["ana", "bo"])),
        ):
            field = None if kind == "count_agg" else "v"
            engine.define(code="m", aggregation_type=kind, field_name=field)
            for number, operation in enumerate(("add", "remove")):
                properties = {"v": ("ana", "bo")[number], "operation_type": operation}
                engine.ingest([event(number, f"2026-10-0{number + 1}T00:00:00Z", **properties)])

            assert only(engine, in_steps=True).steps == wanted


@every_engine
def test_steps_of_amounts_are_the_amounts(make):
    with make() as engine:
        engine.define(code="m", aggregation_type="unique_count_agg", field_name="v")
        for number, amount in enumerate(("1.5", None)):
            engine.ingest([event(number, "2026-10-01T00:00:00Z", amount, v="x")])
        share = only(engine, in_steps=True, of_amounts=True)

    assert numbers(share.steps) == [Fraction(3, 2), 0]
    assert (share.steps.at, share.steps.items) == ([FROM, FROM], ())


@every_engine
@pytest.mark.parametrize("small", [0, 2**16], ids=["many figures", "few figures"])
@pytest.mark.parametrize("finer", ["", "9"], ids=["as they arrived", "by finer digits"])
@pytest.mark.parametrize("shuffled", [1, 7], ids=["parts follow each other", "parts overlap"])
def test_steps_are_sorted_in_every_way_that_there_is(make, small, finer, shuffled):
    days = [number * shuffled % 24 // 2 for number in range(24)]
    with patch.object(step_folds, "_SMALL", small), make() as engine:
        engine.define(code="m", aggregation_type="sum_agg", field_name="v")
        for number, day in enumerate(days):
            digits = finer if number % 2 else ""
            stamp = f"2026-10-{day + 1:02}T00:00:00.000000{digits}Z"
            engine.ingest([event(number, stamp, v=number)])
        steps = only(engine, in_steps=True).steps

    def place(number):
        return days[number], bool(finer) and number % 2, number

    assert steps.values == sorted(range(24), key=place)

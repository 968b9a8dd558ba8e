"""Summaries say what the folds say, however their events are parted, ordered, kept and merged."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from lago_cli.domain.aggregations import AGGREGATIONS, Reading, Window
from lago_cli.domain.items import Items, Standing
from lago_cli.domain.numbers import exact
from lago_cli.domain.readings import UNUSABLE, kept, number_kept
from lago_cli.domain.summaries import SUMMARIES, Level

WINDOW = Window(1_000, 2_000)
numbers = st.one_of(
    st.integers(-5, 5).map(Decimal),
    st.decimals(-100, 100, places=3),
    st.sampled_from((2**63 - 1, -(2**63), 2**63, 10**30)).map(Decimal),
    st.just(Decimal("1e-25")),
    st.fractions(-3, 3, max_denominator=7),
).map(lambda number: kept(number, 1))
items = st.tuples(st.sampled_from("abc"), st.none(), st.sampled_from((1, -1)))
counts = st.just((1, 0, None))
READINGS = {"nothing": counts, "number": numbers, "item": items}


def test_every_aggregation_has_its_summary():
    assert SUMMARIES.keys() == AGGREGATIONS.keys()


def fold(kind, events):
    """The figure by the rules, of (at, event id, reading)."""
    row = AGGREGATIONS[kind]
    readings = [
        Reading(at, value if row.reads == "item" else number_kept(value, scale), step or 1)
        for at, _, (value, scale, step) in sorted(events)
        if value is not None
    ]
    return row.fold(readings, WINDOW)


def through_storage(summary):
    """What comes back of a summary that was written down."""
    again = type(summary)()
    again.absorb(msgpack.decode(msgpack.encode(summary.row())))
    assert again.said() == summary.said()
    return again


@pytest.mark.parametrize("kind", SUMMARIES)
@given(data=st.data())
def test_a_summary_gives_the_figure_of_the_fold(kind, data):
    reading = st.one_of(READINGS[AGGREGATIONS[kind].reads], st.just(UNUSABLE))
    times = st.integers(WINDOW.start, WINDOW.end - 1)
    drawn = data.draw(st.lists(st.tuples(times, reading, st.integers(0, 2)), max_size=12))
    events = [(at, number, row) for number, (at, row, _) in enumerate(drawn)]
    parts = [SUMMARIES[kind]() for _ in range(3)]
    with exact():
        for event, (_, _, part) in data.draw(
            st.permutations(list(zip(events, drawn, strict=True)))
        ):
            parts[part].take(*event)
        whole = SUMMARIES[kind]()
        for part in data.draw(st.permutations(parts)):
            whole.merge(through_storage(part))
        whole = through_storage(whole)

        assert Fraction(whole.units(WINDOW)) == Fraction(fold(kind, events))
    assert whole.usable == sum(row[0] is not None for _, _, row in events)
    assert whole.unusable == len(events) - whole.usable


@given(st.lists(st.tuples(st.integers(0, 1_999), numbers), max_size=10))
def test_a_level_is_carried_into_the_window(drawn):
    history, inside = Level(), Level()
    with exact():
        for number, (at, reading) in enumerate(drawn):
            (history if at < WINDOW.start else inside).take(at, number, reading)
        carried = history.carried(WINDOW.start)
        carried.merge(inside)
        events = [(at, number, reading) for number, (at, reading) in enumerate(drawn)]

        assert carried.units(WINDOW) == fold("weighted_sum_agg", events)


DAY = 10
operations = st.tuples(st.integers(0, 4 * DAY), items, st.integers(0, 2))


@given(st.lists(operations, max_size=20), st.integers(0, 4 * DAY), st.data())
def test_items_stand_as_the_fold_says_however_their_days_are_parted(drawn, cut, data):
    """Asked at an instant that may cut a day, and again when the later events were counted in."""
    events = [(at, number, reading) for number, (at, reading, _) in enumerate(drawn)]
    parts = {}
    for event, (at, _, part) in zip(events, drawn, strict=True):
        parts.setdefault((at >= cut, at // DAY, part), Items()).take(*event)
    earlier, later = Standing(), Standing()
    for (is_later, day, _), part in data.draw(st.permutations(list(parts.items()))):
        row = msgpack.decode(msgpack.encode(part.row()), type=Standing.form)
        (later if is_later else earlier).absorb_day(day, row)
    past = [event for event in events if event[0] < cut]

    assert (earlier.units(WINDOW), earlier.usable) == (fold("unique_count_agg", past), len(past))
    earlier.merge(later)
    assert earlier.units(WINDOW) == fold("unique_count_agg", events)
    assert (earlier.usable, earlier.unusable) == (len(events), 0)

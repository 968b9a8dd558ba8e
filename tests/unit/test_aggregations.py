"""What aggregations say, however their events are parted, ordered and merged."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.aggregations import AGGREGATIONS, round_units
from lago_cli.domain.contributions import Reading
from lago_cli.domain.instants import Window
from lago_cli.domain.measurements import measurement_of
from lago_cli.domain.numbers import add, exact
from tests.folds import FOLDS, OF_A_DAY

MONTH = Window(1_000, 1_031)
numbers = st.one_of(st.decimals(-1_000, 1_000, places=3), st.fractions(-9, 9, max_denominator=7))


def state_of(kind, *readings):
    """What an aggregation makes of readings, each with a rank of its own."""
    state = AGGREGATIONS[f"{kind}_agg"]()
    for rank, (at, value, step) in enumerate(readings):
        state.take(at, rank, measurement_of(value, step))
    return state


def fold(kind, *readings, window=MONTH):
    with exact():
        return state_of(kind, *readings).units(window)


def values(*amounts):
    return [Reading(1_000 + day, Decimal(amount)) for day, amount in enumerate(amounts)]


@pytest.mark.parametrize("kind", [kind.removesuffix("_agg") for kind in AGGREGATIONS])
def test_nothing_is_zero(kind):
    assert fold(kind) == 0


@pytest.mark.parametrize(
    ("kind", "amounts", "units"),
    [
        ("count", ["5", "-1", "0"], "3"),
        ("sum", ["0.1", "0.2"], "0.3"),
        (
            "sum",
            ["1e30", "-1", "1e-30"],
            "999999999999999999999999999999.000000000000000000000000000001",
        ),
        ("sum", ["-5", "2"], "-3"),
        ("max", ["9", "10", "-11"], "10"),
        ("max", ["-3", "-2.5"], "-2.5"),
        ("latest", ["9", "4"], "4"),
        ("latest", ["9", "-4"], "0"),
    ],
)
def test_a_figure_of_numbers(kind, amounts, units):
    assert fold(kind, *values(*amounts)) == Decimal(units)


def items(*steps):
    return [
        Reading(1_000 + day, text[1:], 1 if text[0] == "+" else -1)
        for day, text in enumerate(steps)
    ]


@pytest.mark.parametrize(
    ("steps", "on"),
    [
        (["+a", "+b", "+a"], 2),
        (["+a", "+a", "-a"], 0),
        (["-a", "+a"], 1),
        (["-a", "-b"], 0),
        (["+a", "-a", "+a"], 1),
        (["+a", "+A", "+a "], 3),
    ],
)
def test_items_are_counted_that_are_on_at_the_end(steps, on):
    assert fold("unique_count", *items(*steps)) == on


def test_a_level_counts_for_the_time_it_is_there():
    """Two seats added halfway through are one."""
    assert fold("weighted_sum", Reading(1_010, Decimal(2)), window=Window(1_000, 1_020)) == 1
    assert fold("weighted_sum", Reading(1_030, Decimal(1))) == Fraction(1, 31)
    assert fold("weighted_sum", *values("30", "-31")) == Fraction(30 * 31 - 31 * 30, 31) == 0
    assert fold("weighted_sum", Reading(1_000, Fraction(1, 3))) == Fraction(1, 3)


def test_a_window_of_no_length_has_no_average():
    assert fold("weighted_sum", Reading(5, Decimal(2)), window=Window(7, 7)) == 0


@given(st.lists(numbers, max_size=9), st.randoms())
def test_sums_and_counts_do_not_depend_on_the_order(amounts, random):
    readings = [Reading(1_000 + day, amount) for day, amount in enumerate(amounts)]
    shuffled = random.sample(readings, len(readings))

    for kind in ("count", "sum", "max", "weighted_sum"):
        assert fold(kind, *shuffled) == fold(kind, *readings)


operations = st.tuples(
    st.integers(0, 1_030), st.sampled_from("abc"), st.sampled_from((1, -1)), numbers
)


def reading_of(kind, operation):
    at, item, step, number = operation
    return Reading(at, item, step) if kind == "unique_count" else Reading(at, number)


@pytest.mark.parametrize("kind", [name.removesuffix("_agg") for name in AGGREGATIONS])
@given(data=st.data())
def test_the_figure_is_that_of_the_rules(kind, data):
    """However the events are parted among states, whatever the order in which those are merged."""
    drawn = data.draw(st.lists(st.tuples(operations, st.integers(0, 2)), max_size=12))
    ranked = list(enumerate(drawn))
    states = [AGGREGATIONS[f"{kind}_agg"]() for _ in range(3)]
    with exact():
        for rank, (operation, place) in data.draw(st.permutations(ranked)):
            at, value, step = reading_of(kind, operation)
            states[place].take(at, rank, measurement_of(value, step))
        whole = AGGREGATIONS[f"{kind}_agg"]()
        for state in data.draw(st.permutations(states)):
            whole.merge(state)
        in_order = sorted(ranked, key=lambda each: (each[1][0][0], each[0]))
        wanted = [reading_of(kind, operation) for _, (operation, _) in in_order]
        late = Window(0, 1_031)  # all events lie in it

        assert whole.units(late) == FOLDS[f"{kind}_agg"](wanted, late)
    assert whole.events == len(drawn)


CARRIED = [
    (name.removesuffix("_agg"), daily)
    for name, row in AGGREGATIONS.items()
    for daily in (False, True)
    if (row.may_prorate if daily else row.may_recur)
]


@pytest.mark.parametrize(("kind", "daily"), CARRIED)
@given(events=st.lists(operations, max_size=12))
def test_what_is_carried_says_the_same_to_later_windows(kind, daily, events):
    """What came before a window counts in it, as the rules say."""
    aggregation = AGGREGATIONS[f"{kind}_agg"]
    folds = OF_A_DAY if daily else FOLDS
    readings = [reading_of(kind, each) for each in sorted(events, key=lambda each: each[0])]
    windows = [Window(1_000, 1_010), Window(1_010, 1_020), MONTH._replace(start=1_020)]
    states = {window: aggregation() for window in (None, *windows)}
    for rank, (at, value, step) in enumerate(readings):
        place = next((each for each in windows if each.start <= at < each.end), None)
        states[place].take(at, rank, measurement_of(value, step))
    running = states[None]
    with exact():
        for window in windows:
            running = running.carried(window.start)
            running.merge(states[window])
            wanted = [reading for reading in readings if reading.at < window.end]
            units = running.units_of_day(window) if daily else running.units(window)

            assert units == folds[f"{kind}_agg"](wanted, window)
    assert running.events == len(readings)


@given(numbers, numbers)
def test_decimals_and_fractions_add_up(one, other):
    assert add(one, other) == Fraction(one) + Fraction(other)


@pytest.mark.parametrize(
    ("units", "function", "precision", "rounded"),
    [
        ("2.5", None, None, "2.5"),
        ("2.5", None, 0, "2.5"),
        ("2.5", "round", None, "3"),
        ("-2.5", "round", 0, "-3"),
        ("-2.5", "ceil", 0, "-2"),
        ("-2.5", "floor", 0, "-3"),
        ("123.456", "ceil", 2, "123.46"),
        ("123.456", "floor", 2, "123.45"),
        ("149", "round", -2, "100"),
        ("101", "ceil", -2, "200"),
        ("-101", "floor", -2, "-200"),
        ("5", "ceil", 0, "5"),
    ],
)
def test_a_metric_rounds_its_result_once(units, function, precision, rounded):
    for value in (Decimal(units), Fraction(units)):
        assert round_units(value, function, precision) == Fraction(rounded)

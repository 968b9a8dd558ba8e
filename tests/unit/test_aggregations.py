"""The folds: pure functions from readings to units."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.aggregations import AGGREGATIONS, round_units
from lago_cli.domain.contributions import Reading
from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import add, exact

MONTH = Window(1_000, 1_031)
numbers = st.one_of(st.decimals(-1_000, 1_000, places=3), st.fractions(-9, 9, max_denominator=7))


def fold(kind, *readings, window=MONTH):
    with exact():
        return AGGREGATIONS[f"{kind}_agg"].fold(readings, window)


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
    """Two seats added halfway through are one; what came before counts for all of it."""
    assert fold("weighted_sum", Reading(1_010, Decimal(2)), window=Window(1_000, 1_020)) == 1
    assert fold("weighted_sum", Reading(5, Decimal(2)), window=Window(1_000, 1_020)) == 2
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


@given(
    st.sampled_from(["sum", "weighted_sum", "unique_count"]),
    st.lists(
        st.tuples(st.integers(0, 2_000), st.sampled_from("abc"), st.sampled_from((1, -1)), numbers),
        max_size=12,
    ),
)
def test_what_is_carried_says_the_same_to_later_windows(kind, events):
    """Readings before a window may be replaced by what the aggregation makes of them."""
    aggregation = AGGREGATIONS[f"{kind}_agg"]
    readings = [
        Reading(at, item if kind == "unique_count" else number, step)
        for at, item, step, number in sorted(events, key=lambda event: event[0])
        if at < MONTH.end
    ]
    before = [reading for reading in readings if reading.at < MONTH.start]
    inside = [reading for reading in readings if reading.at >= MONTH.start]
    with exact():
        carried = aggregation.carry(before)

    assert len(carried) <= (3 if kind == "unique_count" else 1)
    assert fold(kind, *carried, *inside) == fold(kind, *readings)


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

"""What each event adds to a figure, and by which rule; together they make it up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.contributions import RULES, Reading
from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import exact
from tests.folds import FOLDS, OF_A_DAY

MONTH = Window(1_000, 1_030)


def parts(kind, *readings, daily=False, window=MONTH):
    """[(units, rule)] of the explanation."""
    aggregation = AGGREGATIONS[f"{kind}_agg"]
    explain = aggregation.explain_day if daily else aggregation.explain
    with exact():
        return [tuple(part) for part in explain(readings, window)]


def values(*amounts):
    """One a day, from the first day on."""
    return [Reading(1_000 + day, Decimal(amount)) for day, amount in enumerate(amounts)]


def items(*steps, first=1_000):
    """`+ana` adds an item, `-ana` removes it; one a day."""
    return [
        Reading(first + day, text[1:], 1 if text[0] == "+" else -1)
        for day, text in enumerate(steps)
    ]


@pytest.mark.parametrize("kind", [kind.removesuffix("_agg") for kind in AGGREGATIONS])
def test_nothing_has_no_parts(kind):
    assert parts(kind) == []


def test_an_event_counts_as_one_whatever_its_value():
    assert parts("count", *values("5", "-1")) == [(1, "counts"), (1, "counts")]


def test_a_value_adds_itself():
    assert parts("sum", *values("0.1", "-5", "0")) == [
        (Decimal("0.1"), "adds"),
        (Decimal("-5"), "adds"),
        (Decimal("0"), "adds"),
    ]


@pytest.mark.parametrize(
    ("amounts", "largest"),
    [
        pytest.param(["9", "10", "-11"], 1, id="the largest value is all there is to it"),
        pytest.param(["2", "7", "7", "7"], 1, id="of equal ones the first"),
        pytest.param(["-3", "-2.5"], 1, id="only negatives: the one nearest to zero"),
        pytest.param(["1", "1.0"], 0, id="equal however they are written"),
    ],
)
def test_the_largest_value_makes_a_maximum(amounts, largest):
    wanted = [(Decimal(0), "not_largest")] * len(amounts)
    wanted[largest] = (Decimal(amounts[largest]), "largest")

    assert parts("max", *values(*amounts)) == wanted


@pytest.mark.parametrize(
    ("amounts", "last"),
    [
        pytest.param(["9", "4"], (Decimal(4), "latest"), id="also where it is smaller"),
        pytest.param(["9", "0"], (Decimal(0), "latest"), id="also where it is zero"),
        pytest.param(["9", "-4"], (Decimal(0), "latest_negative"), id="a negative one reads 0"),
    ],
)
def test_the_last_value_takes_the_place_of_all_others(amounts, last):
    assert parts("latest", *values(*amounts)) == [(Decimal(0), "superseded"), last]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        pytest.param(
            ["+ana", "+ana", "+bo"],
            [(1, "turns_on"), (0, "already_on"), (1, "turns_on")],
            id="a repeated add adds nothing",
        ),
        pytest.param(
            ["+ana", "+ana", "-ana"],
            [(1, "turns_on"), (0, "already_on"), (-1, "turns_off")],
            id="one removal undoes any number of adds",
        ),
        pytest.param(
            ["-ana", "-ana", "+ana"],
            [(0, "not_on"), (0, "not_on"), (1, "turns_on")],
            id="a stray removal does nothing and leaves no debt",
        ),
        pytest.param(
            ["+ana", "-ana", "+ana"],
            [(1, "turns_on"), (-1, "turns_off"), (1, "turns_on")],
            id="an item can come again",
        ),
        pytest.param(
            ["+ana", "-Ana"],
            [(1, "turns_on"), (0, "not_on")],
            id="items are compared as they are written",
        ),
    ],
)
def test_an_item_is_there_or_not(steps, wanted):
    assert parts("unique_count", *items(*steps)) == wanted


DAY = Window(1_000, 1_010)


@pytest.mark.parametrize(
    ("before", "inside", "wanted"),
    [
        pytest.param(
            ["+ana"], [], [(1, "turns_on")], id="what was on before is there the whole day"
        ),
        pytest.param(
            ["+ana"],
            ["-ana"],
            [(1, "turns_on"), (0, "turns_off")],
            id="a removal takes nothing from its own day",
        ),
        pytest.param(
            ["+ana", "-ana"],
            [],
            [(1, "turns_on"), (-1, "turns_off")],
            id="but all from the days after it",
        ),
        pytest.param(
            [],
            ["+ana", "-ana"],
            [(1, "turns_on"), (0, "turns_off")],
            id="added and removed within a day is one day",
        ),
        pytest.param(
            [],
            ["+ana", "-ana", "+ana"],
            [(1, "turns_on"), (0, "turns_off"), (0, "turns_on")],
            id="on again the same day is no second day",
        ),
        pytest.param(
            ["+ana"],
            ["-ana", "+ana"],
            [(1, "turns_on"), (0, "turns_off"), (0, "turns_on")],
            id="nor after a removal the same day",
        ),
        pytest.param([], ["-ana"], [(0, "not_on")], id="a stray removal is no day"),
        pytest.param(
            ["+ana"],
            ["+ana", "+bo"],
            [(1, "turns_on"), (0, "already_on"), (1, "turns_on")],
            id="only a new item adds to the day",
        ),
    ],
)
def test_proration_looks_at_what_was_there_on_a_day(before, inside, wanted):
    readings = [*items(*before, first=900), *items(*inside)]

    assert parts("unique_count", *readings, daily=True, window=DAY) == wanted


def test_a_level_counts_for_what_is_left_of_the_period():
    readings = [
        Reading(900, Decimal(30)),  # carried over: all of it
        Reading(1_000, Decimal(3)),
        Reading(1_015, Decimal(-10)),
        Reading(1_020, Fraction(1, 3)),
    ]

    assert parts("weighted_sum", *readings) == [
        (30, "changes_level"),
        (3, "changes_level"),
        (-5, "changes_level"),
        (Fraction(1, 9), "changes_level"),
    ]


numbers = st.one_of(st.decimals(-1_000, 1_000, places=3), st.fractions(-9, 9, max_denominator=7))


@st.composite
def histories(draw, kind):
    """Readings in the order of time, some of them from before the window."""
    reads = AGGREGATIONS[kind].reads
    times = sorted(draw(st.lists(st.integers(990, MONTH.end - 1), max_size=12)))
    return [
        Reading(
            at,
            draw(st.sampled_from("abc")) if reads == "item" else draw(numbers),
            draw(st.sampled_from((1, 1, -1))) if reads == "item" else 1,
        )
        for at in times
    ]


@pytest.mark.parametrize(
    ("kind", "is_daily"),
    [*((kind, False) for kind in FOLDS), *((kind, True) for kind in OF_A_DAY)],
)
@given(data=st.data())
def test_the_parts_add_up_to_the_fold(kind, is_daily, data):
    readings = data.draw(histories(kind))
    aggregation, folds = AGGREGATIONS[kind], OF_A_DAY if is_daily else FOLDS
    explain = aggregation.explain_day if is_daily else aggregation.explain
    with exact():
        found = explain(readings, MONTH)
        total = folds[kind](readings, MONTH)

    assert len(found) == len(readings)
    assert sum(Fraction(part.units) for part in found) == Fraction(total)
    assert {part.rule for part in found} <= RULES.keys()

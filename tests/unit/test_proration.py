"""Proration: for which part of a period a level counts. Here an instant is a tenth of a day."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.instants import Window
from lago_cli.domain.pricing import Change, Used
from lago_cli.domain.proration import changes_of
from lago_cli.domain.steps import Steps
from tests.prices import cost, days_on, tiers

SEPTEMBER = Window(10, 310)  # its days are 1 to 30
TWO_TIERS = tiers("graduated", (0, 1, "10", "100"), (2, None, "5", "50"))


def of_values(*days_and_values, window=SEPTEMBER, full_days=30):
    """A change at noon of each day."""
    at = [day * 10 + 5 for day, _ in days_and_values]
    found = Steps(at, [value for _, value in days_and_values], 1)
    return changes_of(found, window, full_days, lambda instant: instant // 10)


def of_items(*days_and_items, window=SEPTEMBER, full_days=30):
    """`(3, "+ana")`: ana is added on day 3, at noon."""
    at = [day * 10 + 5 for day, _ in days_and_items]
    values = [1 if text[0] == "+" else -1 for _, text in days_and_items]
    found = Steps(at, values, 0, [text[1:] for _, text in days_and_items])
    return changes_of(found, window, full_days, lambda instant: instant // 10)


def thirtieths(changes):
    return [(each.value, each.coefficient * 30) for each in changes]


def test_a_change_counts_from_its_day_on_to_the_last_both_included():
    assert thirtieths(of_values((1, 20), (10, -5), (30, 7))) == [
        (2, 30),
        (Fraction("-0.5"), 21),
        (Fraction("0.7"), 1),
    ]


def test_what_is_carried_over_is_one_change_for_the_whole_period():
    assert thirtieths(of_values((-40, 30), (0, -10), (29, 10))) == [(2, 30), (1, 2)]


def test_what_is_carried_over_and_nothing_is_no_change():
    assert of_values((-4, 30), (0, -30)) == []


def test_of_a_period_that_ends_early_only_its_days_count():
    billed = Window(10, 155)  # up to the 15th, at noon

    assert thirtieths(of_values((0, 10), (11, 10), window=billed)) == [(1, 15), (1, 5)]


def test_what_came_before_a_subscription_on_its_first_day_is_carried_over():
    billed = Window(108, 310)  # from the evening of the 10th on

    assert thirtieths(of_values((10, 10), (11, 10), window=billed)) == [(1, 21), (1, 20)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([(10, "+a")], [(1, 21)], id="added"),
        pytest.param([(-5, "+a")], [(1, 30)], id="carried over"),
        pytest.param([(10, "+a"), (12, "-a")], [(1, 3), (-1, 0)], id="removed again"),
        pytest.param([(-5, "+a"), (12, "-a")], [(1, 12), (-1, 0)], id="carried over and removed"),
        pytest.param([(-5, "+a"), (-2, "-a")], [], id="gone before the period"),
        pytest.param([(10, "+a"), (10, "-a")], [(1, 1), (-1, 0)], id="there for a day"),
        pytest.param([(10, "+a"), (12, "+a")], [(1, 21)], id="adding it again changes nothing"),
        pytest.param([(10, "-a"), (12, "-b")], [], id="removing what is not on changes nothing"),
        pytest.param(
            [(10, "+a"), (12, "-a"), (12, "+a")], [(1, 21)], id="off and on again within a day"
        ),
        pytest.param(
            [(10, "+a"), (12, "-a"), (12, "+a"), (12, "-a")],
            [(1, 3), (-1, 0)],
            id="off, on and off within a day",
        ),
        pytest.param(
            [(10, "+a"), (12, "-a"), (13, "+a")],
            [(1, 3), (-1, 0), (1, 18)],
            id="on again on another day",
        ),
        pytest.param(
            [(-9, "+a"), (-8, "-a"), (-7, "+a"), (2, "+b"), (30, "-a")],
            [(1, 30), (1, 29), (-1, 0)],
            id="two items",
        ),
    ],
)
def test_an_item_counts_on_every_day_on_which_it_is_on(events, expected):
    assert thirtieths(of_items(*events)) == expected


@pytest.mark.parametrize(
    ("events", "units", "amount"),
    [
        pytest.param([(10, "+1")], 1, "107", id="one item"),
        pytest.param([(10, "+1"), (12, "-1"), (14, "+1")], 1, "106 2/3", id="back after a while"),
        pytest.param(
            [(10, "+1"), (12, "-1"), (14, "+1"), (15, "+2"), (16, "+2")], 2, "159 1/3", id="two"
        ),
    ],
)
def test_items_of_prorated_tiers(events, units, amount):
    used = Used(Fraction(units), prorated=Fraction(0), changes=of_items(*events))

    assert cost(TWO_TIERS, used) == sum(map(Fraction, amount.split()))


def test_an_item_that_is_replaced_fills_the_same_tier():
    october = Window(10, 320)
    changes = of_items((-5, "+1"), (17, "-1"), (19, "+2"), window=october, full_days=31)

    used = Used(Fraction(1), prorated=Fraction(0), changes=changes)

    assert cost(TWO_TIERS, used) == 100 + 10 * Fraction(17 + 13, 31)


operations = st.lists(
    st.tuples(st.integers(-3, 8), st.sampled_from("abc"), st.sampled_from([1, -1])), max_size=12
).map(lambda found: sorted(found, key=lambda each: each[0]))


@given(operations, st.integers(1, 8))
def test_prorated_items_are_the_days_they_were_on(events, last):
    events = [event for event in events if event[0] <= last]
    found = [(day, ("+" if step > 0 else "-") + item) for day, item, step in events]

    changes = of_items(*found, window=Window(10, last * 10 + 10), full_days=8)

    total = sum(each.value * each.coefficient for each in changes) * 8
    on_now = {item: step > 0 for _, item, step in events}
    assert total == days_on(events, range(1, last + 1))
    assert sum(each.value for each in changes) == sum(on_now.values())


@given(st.lists(st.tuples(st.integers(-3, 8), st.integers(-50, 50)), max_size=8).map(sorted))
def test_prorated_values_are_the_levels_of_the_days(events):
    changes = of_values(*events, window=Window(10, 90), full_days=8)

    levels = [sum(value for day, value in events if day <= today) for today in range(1, 9)]

    assert sum(each.value * each.coefficient for each in changes) == Fraction(sum(levels), 80)


def test_a_change_is_exact():
    assert of_values((24, 1), full_days=31)[0] == Change(Fraction(1, 10), Fraction(7, 31))

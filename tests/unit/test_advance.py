"""Paid in advance: what each event is billed when it comes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.advance import price_in_advance, price_of_event
from lago_cli.domain.numbers import round_half_up
from lago_cli.domain.steps import Steps
from tests.prices import cost, model, steps, tiers, used_in

STANDARD = model("standard", {"amount": "2"})
PACKAGE = model("package", {"amount": "100", "package_size": 2, "free_units": 3})
GRADUATED = tiers("graduated", (0, 5, "0.02", "0.01"), (6, None, "0.01", "0.01"))
EVENTS = "free_units_per_events"
TOTAL = "free_units_per_total_aggregation"


def percentage(rate, fixed, **more):
    return model("percentage", {"rate": rate, "fixed_amount": fixed, **more})


EVENTS_FREE = percentage("5", "1", **{EVENTS: 2})
UNITS_FREE = percentage("5", "1", **{TOTAL: "120"})


def billed(of, *values, places=2, start=0, **more):
    """The amounts of the parts."""
    advance = price_in_advance(of, steps(*values), start, places, **more)
    assert sum((part.amount for part in advance.price.parts), Fraction(0)) == advance.price.amount
    return [part.amount for part in advance.price.parts]


def numbers(*texts):
    return [Fraction(text) for text in texts]


@pytest.mark.parametrize(
    ("of", "values", "amounts"),
    [
        pytest.param(GRADUATED, (3, 1, 2), ("0.07", "0.02", "0.04"), id="graduated"),
        pytest.param(PACKAGE, (3, 1, 2), ("0", "100", "100"), id="package"),
        pytest.param(
            percentage("5", "1", **{EVENTS: 2}), (8, 5, 3), ["0", "0", "1.15"], id="events"
        ),
        pytest.param(
            percentage("5", "1", **{TOTAL: "120"}),
            (100, 10, 20, 20),
            ["0", "0", "1.5", "2"],
            id="units",
        ),
        pytest.param(
            tiers(
                "graduated_percentage",
                (0, 100, "20", "10"),
                (101, 200, "30", "7"),
                (201, None, "40", "5"),
                price="rate",
            ),
            (50, 100, 300),
            ("20", "32", "120"),
            id="graduated percentage",
        ),
        pytest.param(STANDARD, (3, 0, 1), ("6", "2"), id="standard"),
        pytest.param(
            percentage("1", "0", per_transaction_min_amount="1", per_transaction_max_amount="3"),
            (10, 200, 900),
            ("1", "2", "3"),
            id="limits",
        ),
    ],
)
def test_every_event_is_billed_by_what_it_adds(of, values, amounts):
    assert billed(of, *values) == numbers(*amounts)


def test_only_growth_beyond_the_highest_total_is_billed():
    advance = price_in_advance(STANDARD, steps(5, -3, 2, 4), 0, 2)

    assert [(part.amount, part.told) for part in advance.price.parts] == [
        (10, {"event": 0, "units": 5, "total": 5}),
        (6, {"event": 3, "units": 3, "total": 8}),
    ]
    assert (advance.price.units, advance.price.amount, advance.price.unit_amount) == (8, 16, 2)


def test_a_total_that_begins_below_zero_is_billed_from_zero_on():
    assert billed(STANDARD, -5, 7) == [4]


def test_the_first_flat_amount_is_due_with_the_first_event():
    assert billed(GRADUATED, 0, 3) == numbers("0.01", "0.06")
    assert billed(GRADUATED) == []


def test_events_of_one_instant_are_priced_one_after_the_other():
    found = Steps([7, 7, 7], [1, 1, 1])

    advance = price_in_advance(percentage("100", "1", **{EVENTS: 2}), found, 0, 2)

    assert [part.amount for part in advance.price.parts] == [0, 0, 2]


def test_every_event_is_rounded_by_itself_half_away_from_zero():
    of = model("standard", {"amount": "0.005"})

    advance = price_in_advance(of, steps(1, 1, 1), 0, 2)

    assert (advance.price.amount, advance.rounded) == (Fraction("0.015"), Fraction("0.03"))


def test_events_round_to_the_smallest_unit_of_their_currency():
    of = model("standard", {"amount": "0.5"})

    assert price_in_advance(of, steps(1, 2), 0, 0).rounded == 2
    assert price_in_advance(of, steps(1, 2), 0, 3).rounded == Fraction("1.5")


def test_what_is_carried_over_is_billed_first_and_as_one():
    advance = price_in_advance(GRADUATED, steps(3, -1, 5, at=[1, 2, 9]), 5, 2)

    first, second = advance.price.parts
    assert (first.kind, first.amount, first.told["units"]) == ("carried", Fraction("0.05"), 2)
    assert (second.kind, second.amount) == ("event", Fraction("0.09"))


def test_what_is_carried_over_below_zero_costs_nothing():
    advance = price_in_advance(STANDARD, steps(3, -8, 7, at=[1, 2, 9]), 5, 2)

    assert [(part.kind, part.amount) for part in advance.price.parts] == [("event", 4)]


def test_free_units_are_used_up_by_what_is_carried_over():
    of = percentage("10", "1", **{TOTAL: "10"})

    advance = price_in_advance(of, steps(4, 4, 4, at=[1, 2, 9]), 5, 2)

    assert [part.amount for part in advance.price.parts] == numbers("0", "1.2")


def test_items_are_billed_where_more_are_on_than_ever():
    found = Steps([1, 2, 3, 4, 5, 6], [1, 1, -1, 1, 1, 1], 0, list("aaabac"))

    advance = price_in_advance(STANDARD, found, 0, 2)

    assert [part.told["event"] for part in advance.price.parts] == [0, 4, 5]


def test_items_that_are_carried_over_are_those_still_on():
    found = Steps([1, 2, 3, 9], [1, 1, -1, 1], 0, list("abac"))

    advance = price_in_advance(STANDARD, found, 5, 2)

    assert [(part.kind, part.amount) for part in advance.price.parts] == [
        ("carried", 2),
        ("event", 2),
    ]


def test_items_that_are_gone_before_the_period_use_up_no_free_event():
    found = Steps([1, 2, 3, 9, 9], [1, 1, -1, 1, 1], 0, list("abacd"))

    advance = price_in_advance(percentage("100", "1", **{EVENTS: 2}), found, 5, 2)

    assert [part.amount for part in advance.price.parts] == [0, 0, 2]


def test_where_nothing_is_left_to_carry_over_nothing_is_billed_for_it():
    found = Steps([1, 2, 9], [1, -1, 1], 0, list("aab"))

    advance = price_in_advance(GRADUATED, found, 5, 2)

    assert [(part.kind, part.amount) for part in advance.price.parts] == [
        ("event", Fraction("0.03"))
    ]


def test_what_carried_events_give_back_is_set_against_later_ones():
    of = percentage("10", "0", **{EVENTS: 1})

    advance = price_in_advance(of, steps(100, -50, 80, at=[1, 2, 9]), 5, 2)

    assert [part.amount for part in advance.price.parts] == [0, 3]


def test_an_event_of_nothing_pays_its_fixed_amount_once_free_units_are_used_up():
    assert billed(percentage("1", "5", **{TOTAL: "15"}), 15, 0) == [0, 5]


def test_a_prorated_event_pays_for_its_part_of_the_period():
    of = price_in_advance(STANDARD, steps(3, 2, at=[1, 20]), 10, 2, lambda at: Fraction(1, at))

    assert [part.amount for part in of.price.parts] == [Fraction(6, 10), Fraction(4, 20)]


def test_events_may_carry_their_prices():
    prices = Steps([1, 2, 3], [101, 9019, -5], 1)

    advance = price_in_advance(model("dynamic"), steps(0, 5, 1), 0, 2, amounts=prices)

    assert [part.amount for part in advance.price.parts] == numbers("0.101", "9.019", "0")
    assert advance.rounded == Fraction("9.12")


def test_prices_that_are_carried_over_are_billed_as_one():
    prices = Steps([1, 2, 9], [100, 200, 400])

    advance = price_in_advance(model("dynamic"), steps(1, 1, 1, at=[1, 2, 9]), 5, 2, amounts=prices)

    assert [part.amount for part in advance.price.parts] == [3, 4]


MODELS = [
    STANDARD,
    PACKAGE,
    GRADUATED,
    percentage("1.5", "0.3"),
    percentage("1.5", "0.3", **{EVENTS: 2}),
    percentage("1.5", "0.3", **{TOTAL: "7.5"}),
    percentage("1.5", "0.3", **{EVENTS: 3, TOTAL: "7.5"}, per_transaction_min_amount="0.4"),
    percentage("1.5", "0.3", **{TOTAL: "2"}, per_transaction_max_amount="0.5"),
]


@given(st.sampled_from(MODELS), st.lists(st.integers(0, 9), min_size=1))
def test_growing_usage_costs_what_it_does_in_arrears(of, values):
    found = steps(*values)

    assert price_in_advance(of, found, 0, 2).price.amount == cost(of, used_in(found))


@given(st.sampled_from(MODELS[:3]), st.lists(st.integers(-9, 9), min_size=1))
def test_no_more_is_billed_than_the_highest_total_costs(of, values):
    totals = [sum(values[: number + 1]) for number in range(len(values))]

    advance = price_in_advance(of, steps(*values), 0, 2)

    assert advance.price.units == max(0, *totals)
    assert advance.price.amount == cost(of, max(0, *totals))


@given(st.sampled_from(MODELS[:3]), st.lists(st.integers(0, 9), min_size=1), st.integers(0, 9))
def test_splitting_an_event_changes_no_total(of, values, cut):
    split = [*values[:-1], min(cut, values[-1]), values[-1] - min(cut, values[-1])]

    assert sum(billed(of, *split)) == sum(billed(of, *values))


@given(
    st.sampled_from([STANDARD, PACKAGE, GRADUATED, EVENTS_FREE, UNITS_FREE]),
    st.lists(st.integers(-20, 200), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_events_alone_come_to_what_is_billed_for_them_all(of, values, carried):
    """Each priced when it comes, after those before it; what is carried over is no event."""
    start = min(carried, len(values)) + 1
    given_steps = steps(*values)
    together = price_in_advance(of, given_steps, start, 2)
    before = [part for part in together.price.parts if part.kind == "carried"]

    alone = [
        price_of_event(of, steps(*values[: number + 1]), number, start, 2)
        for number in range(start - 1, len(values))
    ]

    rest = sum(Fraction(round_half_up(part.amount, 2)) for part in before)
    assert sum(each.rounded for each in alone) == together.rounded - rest

"""Percentages: what is free, what an event costs at least and at most."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.percentage import Percentage
from lago_cli.domain.pricing import Used
from lago_cli.domain.steps import Steps
from tests.prices import by_countdown, cost, model, priced, steps, used_in

EVENTS = "free_units_per_events"
TOTAL = "free_units_per_total_aggregation"
LEAST, MOST = "per_transaction_min_amount", "per_transaction_max_amount"
LIMITS = {LEAST: "1.75", MOST: "12"}


def percentage(rate, fixed="0", **more):
    return model("percentage", {"rate": rate, "fixed_amount": fixed, **more})


def after(of, *values, scale=2):
    return cost(of, used_in(steps(*values, scale=scale)))


@pytest.mark.parametrize(
    ("free", "amount"),
    [
        pytest.param({}, "18.4", id="nothing is free"),
        pytest.param({EVENTS: 3}, "7.2", id="events"),
        pytest.param({TOTAL: "250"}, "11.15", id="units"),
        pytest.param({EVENTS: 3, TOTAL: "250"}, "11.15", id="units run out first"),
        pytest.param({EVENTS: 3, TOTAL: "500"}, "7.2", id="events run out first"),
        pytest.param({EVENTS: 0, TOTAL: "0"}, "18.4", id="0 is no allowance"),
        pytest.param({EVENTS: 9}, "0", id="more events than there are"),
    ],
)
def test_first_events_or_units_are_free(free, amount):
    assert after(percentage("1.3", "2", **free), 50, 100, 250, 400) == Fraction(amount)


def test_the_event_that_crosses_the_free_units_pays_for_the_rest_and_all_of_the_fixed_amount():
    of = percentage("1", "5", **{TOTAL: "15"})

    amounts = [after(of, *[4, 4, 4, 4, 10][:count]) for count in range(1, 6)]

    assert amounts == [0, 0, 0, Fraction("5.01"), Fraction("10.11")]


def test_whichever_allowance_runs_out_first_ends_both():
    of = percentage("1", "5", **{EVENTS: 3, TOTAL: "15"})

    assert after(of, 1, 1, 1, 1) == Fraction("5.01")
    assert [after(of, *[10] * count) for count in (1, 2, 3)] == [
        0,
        Fraction("5.05"),
        Fraction("10.15"),
    ]


@pytest.mark.parametrize(
    ("fixed", "free", "amount"),
    [
        ("0", {}, "16.142"),
        ("2", {}, "18.691"),
        ("0", {EVENTS: 2}, "12"),
        ("0", {TOTAL: "30"}, "13.794"),
        ("0", {EVENTS: 3, TOTAL: "10000"}, "2.691"),
    ],
)
def test_an_event_costs_no_less_and_no_more_than_its_limits(fixed, free, amount):
    of = percentage("2.99", fixed, **LIMITS, **free)

    assert after(of, 10, 80, 10000) == Fraction(amount)


def test_both_allowances_hold_beside_a_limit_too():
    of = percentage("1", "5", **{EVENTS: 3, TOTAL: "15", MOST: "100"})

    assert after(of, 1, 1, 1, 1) == Fraction("5.01")


def test_a_first_event_beyond_the_free_units_leaves_no_free_event():
    of = percentage("1", "5", **{EVENTS: 3, TOTAL: "15"})

    assert after(of, 20, 20, 20) == Fraction("15.45")


def test_an_event_that_ends_exactly_on_the_free_units_is_free():
    of = percentage("1", "5", **{TOTAL: "15"})

    assert after(of, 10, 5) == 0
    assert after(percentage("1", "5", **{TOTAL: "3"}), 1, 1, 1) == 0


def test_more_free_events_than_free_units_leave_the_units_in_force():
    of = percentage("10", "1", **{EVENTS: 3, TOTAL: "2"})

    assert after(of, 1, 1, 1, 1) == Fraction("2.2")


def test_an_event_of_nothing_pays_the_fixed_amount():
    assert after(percentage("1", "5"), 0, 100) == 11


@pytest.mark.parametrize("free", [{}, {EVENTS: 3, TOTAL: "250"}])
def test_a_total_of_nothing_costs_nothing(free):
    assert after(percentage("1.3", "2", **free), 50, 100, 250, -400) == 0


def test_a_total_of_nothing_still_costs_the_least_of_every_event():
    assert after(percentage("1", **LIMITS), 0, 0) == Fraction("3.5")


def test_no_events_cost_nothing():
    assert after(percentage("1", "5", **LIMITS)) == 0
    assert cost(percentage("1", "5", **LIMITS), "0") == 0


def test_free_units_come_back_where_the_total_falls_below_them_again():
    of = percentage("10", "1", **{TOTAL: "10"})

    price = priced(of, used_in(steps(15, -10, 3)))

    assert price.amount == 1  # of the first event; its units were given back
    assert price.parts[0].told == {"units": 8, "events": 2}


def test_negative_events_give_back_no_more_than_is_paid():
    assert after(percentage("10", "1", **{EVENTS: 1}), 100, -50) == 1


def test_free_units_that_come_back_give_back_what_was_paid_also_beside_a_limit():
    of = percentage("10", **{TOTAL: "10", MOST: "100"})

    assert after(of, 30, -15, 3) == Fraction("0.8")
    assert after(of, 30, -25, 3) == 0


def test_an_event_of_nothing_pays_the_fixed_amount_once_free_units_are_used_up():
    of = percentage("1", "5", **{TOTAL: "15"})

    assert after(of, 15, 0) == 5
    assert after(of, 15, 0, 5, -5) == Fraction("15")


def test_items_of_a_unique_count_weigh_one_each():
    of = percentage("50", "1", **{EVENTS: 1})
    found = Steps([1, 2, 3, 4], [1, 1, -1, 1], 0, ["a", "b", "a", "c"])

    assert cost(of, Used(Fraction(2), 4, steps=found)) == Fraction("1.5")


def test_events_without_steps_are_taken_to_be_equal():
    assert cost(percentage("10", "1", **{EVENTS: 1}), Used(Fraction(30), 3)) == 4
    assert cost(percentage("10", "1", **{TOTAL: "10"}), "30") == 3


def test_a_metric_that_rounds_is_paid_by_what_it_says():
    given_steps = steps("1.2", "1.3", scale=1)
    of = percentage("10", **{EVENTS: 1})

    assert cost(of, Used(Fraction(3), 2, steps=given_steps)) == Fraction("0.18")


@pytest.mark.parametrize(
    ("of", "wants"),
    [
        (percentage("1", "5"), False),
        (percentage("1", **{EVENTS: 0}), False),
        (percentage("1", **{EVENTS: 1}), True),
        (percentage("1", **{TOTAL: "0.1"}), True),
        (percentage("1", **{LEAST: "0"}), True),
        (percentage("1", **{MOST: "1"}), True),
    ],
)
def test_steps_are_wanted_where_they_make_a_difference(of, wants):
    assert of.wants_steps is wants


def test_parts_tell_what_is_free_and_what_is_paid():
    of = percentage("1.3", "2", **{TOTAL: "250"})

    price = priced(of, used_in(steps(50, 100, 250, 400)))

    assert [tuple(part) for part in price.parts] == [
        ("free", 0, {"units": 250, "events": 2}),
        ("percentage", Fraction("7.15"), {"units": 550, "rate": Fraction("1.3")}),
        ("fixed", 4, {"events": 2, "fixed_amount": 2}),
    ]


def test_parts_tell_what_limits_add_and_take_away():
    price = priced(percentage("2.99", **LIMITS), used_in(steps(10, 80, 10000)))

    assert [(part.kind, part.amount, part.told.get("events")) for part in price.parts] == [
        ("percentage", Fraction("301.691"), None),
        ("minimum", Fraction("1.451"), 1),
        ("maximum", Fraction("-287"), 1),
    ]


def test_an_event_that_costs_just_its_limit_is_not_changed_by_it():
    price = priced(percentage("1", **{LEAST: "1", MOST: "2"}), used_in(steps(100, 200)))

    assert [part.kind for part in price.parts] == ["percentage"]


amounts = st.integers(0, 3000).map(lambda number: Fraction(number, 100))
values = st.lists(st.integers(0, 50).map(lambda number: Fraction(number, 4)), max_size=8)


@st.composite
def models(draw, limited=None):
    """What the oracle wants to know of a model, and the model."""
    least, most = sorted([draw(amounts), draw(amounts)])
    limits = draw(st.booleans()) if limited is None else limited
    told = {
        "rate": draw(amounts),
        "fixed": draw(amounts),
        "free_events": draw(st.none() | st.integers(1, 5)),
        "free_units": draw(st.none() | st.integers(1, 60).map(lambda n: Fraction(n, 8))),
        "least": draw(st.none() | st.just(least)) if limits else None,
        "most": draw(st.none() | st.just(most)) if limits else None,
    }
    none = {"free_events": told["free_events"] or 0, "free_units": told["free_units"] or Fraction()}
    return told, Percentage(**{**told, **none})


@given(models(), values)
def test_every_event_costs_what_a_countdown_of_allowances_says(given_model, given_values):
    told, of = given_model
    expected = sum(by_countdown(given_values, **told), Fraction(0))
    if not any(given_values) and not of.has_limits:
        expected = 0

    assert after(of, *given_values) == expected


@given(models(limited=False), st.lists(st.integers(-20, 20), max_size=8))
def test_free_units_are_those_of_the_running_totals(given_model, given_values):
    """The closed form of Lago, where it has one: one allowance, and a total above it."""
    told, of = given_model
    totals = [Fraction(sum(given_values[: n + 1])) for n in range(len(given_values))]
    first = totals if told["free_events"] is None else totals[: told["free_events"]]
    free = first[-1] if first and told["free_events"] else Fraction(0)
    if told["free_units"]:
        free = min(first[-1] if first else 0, told["free_units"])
    units = totals[-1] if totals else Fraction(0)

    price = priced(of, used_in(steps(*given_values)))

    if units > 0:
        paid = next(part for part in price.parts if part.kind == "percentage")
        assert paid.told["units"] == max(units - free, 0)


@given(models(), values, st.integers(0, 50))
def test_another_event_never_costs_less(given_model, given_values, more):
    _, of = given_model

    assert after(of, *given_values) <= after(of, *given_values, more)

"""Tiers: what falls into each, and what it costs there."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.pricing import Change, Used
from tests.prices import at_one_price, by_slivers, cost, model, priced, tiers, unit_by_unit

GRADUATED = tiers("graduated", (0, 10, "10", "2"), (11, 20, "5", "3"), (21, None, "5", "3"))
TOUCHING = tiers("graduated", (0, "0.1", "10", "0"), ("0.1", 1, "5", "0"), (1, None, "2", "0"))
PERCENTAGES = tiers(
    "graduated_percentage",
    (0, 10, "1", "200"),
    (11, 20, "2", "300"),
    (21, None, "3", "400"),
    price="rate",
)
VOLUME = tiers("volume", (0, 100, "2", "10"), (101, 200, "1", "0"), (201, None, "0.5", "50"))
PRORATED = [(0, 5, "10", "100"), (6, 15, "5", "50"), (16, None, "2", "0")]
SEPTEMBER = [(10, 2), (16, 5), (20, -6), (25, 10), (26, 4), (30, 60)]  # day, change

money = st.integers(0, 500).map(lambda cents: Fraction(cents, 100))
tenths = st.integers(0, 400).map(lambda number: Fraction(number, 10))


@st.composite
def chains(draw, whole=False):
    """Ranges, each of which begins at the end of the one before it or one after that."""
    lengths = draw(st.lists(st.integers(11, 150), max_size=3))
    found, start = [], Fraction(0)
    for length in lengths:
        end = start + (-(-length // 10) if whole else Fraction(length, 10))
        found.append((start, end, draw(money), draw(money)))
        start = end + draw(st.sampled_from([0, 1]))
    return [*found, (start, None, draw(money), draw(money))]


@pytest.mark.parametrize(
    ("units", "amount"),
    [
        pytest.param("0", "2", id="nothing used still pays the first flat amount"),
        pytest.param("1", "12", id="one unit"),
        pytest.param("10", "102", id="a tier includes its end"),
        pytest.param("10.5", "107.5", id="a fraction beyond it is in the next tier"),
        pytest.param("11", "110", id="the first whole unit of the next tier"),
        pytest.param("12", "115", id="the second one"),
        pytest.param("21", "163", id="three tiers"),
        pytest.param("-3", "0", id="negative usage costs nothing"),
    ],
)
def test_a_graduated_price(units, amount):
    assert cost(GRADUATED, units) == Fraction(amount)


@pytest.mark.parametrize(("units", "amount"), [("0.05", "0.5"), ("0.5", "3"), ("1.5", "6.5")])
def test_tiers_may_touch(units, amount):
    assert cost(TOUCHING, units) == Fraction(amount)


def test_some_neighbours_may_touch_and_others_not():
    mixed = tiers("graduated", (0, 10, "1", "0"), (10, 20, "2", "0"), (21, None, "3", "0"))

    assert cost(mixed, "25") == 10 + 20 + 15


def test_a_first_sliver_for_nothing_spares_the_flat_amount_where_nothing_is_used():
    sparing = tiers("graduated", (0, "0.01", "0", "0"), ("0.01", None, "1", "5"))

    assert (cost(sparing, "0"), cost(sparing, "1")) == (0, Fraction("5.99"))


@pytest.mark.parametrize(
    ("units", "amount"),
    [("0", "200"), ("1", "200.01"), ("10", "200.1"), ("11", "500.12"), ("21", "900.33")],
)
def test_a_graduated_percentage(units, amount):
    assert cost(PERCENTAGES, units) == Fraction(amount)


def test_percentages_of_touching_tiers_count_no_unit_twice():
    touching = tiers(
        "graduated_percentage", (0, 100, "5", "0"), (100, None, "2", "10"), price="rate"
    )

    assert cost(touching, "150") == 16


@pytest.mark.parametrize(
    ("units", "amount"),
    [
        ("0", "10"),
        ("1", "12"),
        ("100", "210"),
        ("100.5", "100.5"),
        ("200", "200"),
        ("300", "200"),
        ("-5", "0"),
    ],
)
def test_a_volume_price(units, amount):
    assert cost(VOLUME, units) == Fraction(amount)


def test_a_prorated_volume_has_the_tier_of_all_units_and_pays_the_prorated_ones():
    price = priced(VOLUME, Used(Fraction(300), prorated=Fraction("198.6")))

    assert price.amount == Fraction("149.3")
    assert price.unit_amount == Fraction("149.3") / 300


def test_a_tier_says_what_it_is_made_of():
    price = priced(GRADUATED, "10.5")

    assert [(part.kind, part.amount) for part in price.parts] == [("tier", 102), ("tier", 5.5)]
    assert price.parts[1].told == {
        "from": 11,
        "to": 20,
        "units": Fraction("0.5"),
        "per_unit_amount": 5,
        "per_unit_total": Fraction("2.5"),
        "flat_amount": 3,
    }


def test_a_tier_of_percentages_tells_its_rate():
    (part,) = priced(PERCENTAGES, "5").parts

    assert (part.told["rate"], part.told["per_unit_total"]) == (1, Fraction("0.05"))


def test_a_volume_has_one_part():
    (part,) = priced(VOLUME, "300").parts

    assert (part.told["from"], part.told["to"], part.told["units"]) == (201, None, 300)


def changes(*days_and_values, days=30):
    return [
        Change(Fraction(value), Fraction(days - day + 1, days)) for day, value in days_and_values
    ]


def prorated(found, of=PRORATED):
    """The price of changes; what they come to in prorated units is not looked at."""
    level = sum((each.value for each in found), Fraction(0))
    model_of = tiers("graduated", *of)
    return priced(model_of, Used(level, len(found), Fraction(0), changes=found))


@pytest.mark.parametrize(
    ("count", "amount"),
    [(1, "114"), (2, "184"), (3, "497/3"), (4, "539/3"), (5, "183"), (6, "187")],
)
def test_prorated_tiers_follow_the_level(count, amount):
    assert prorated(changes(*SEPTEMBER[:count])).amount == Fraction(amount)


def test_a_level_that_is_carried_over_fills_the_tiers_first():
    october = [Change(Fraction(75), Fraction(1))]
    later = [*october, *changes((17, 20), days=31)]

    assert prorated(october).amount == 370
    assert prorated(later).amount == 370 + 40 * Fraction(15, 31)


def test_prorated_tiers_without_usage_cost_the_first_flat_amount():
    assert prorated([]).amount == 100


def test_a_decrease_gives_back_in_every_tier_that_it_passes():
    c = Fraction("0.1")
    found = [Change(Fraction(5), 4 * c), Change(Fraction(11), 9 * c), Change(Fraction(-7), 6 * c)]

    assert prorated(found).amount == Fraction("197.6")


def test_a_decrease_may_end_on_a_boundary():
    found = [(6, "0.5"), (-1, "0.2"), (-5, "0.5")]
    two_tiers = [(0, 5, "10", "100"), (6, None, "5", "50")]

    price = prorated([Change(Fraction(v), Fraction(c)) for v, c in found], two_tiers)

    assert price.amount == Fraction("151.5")


def test_a_level_below_zero_costs_nothing_at_all():
    assert prorated(changes((1, 5), (2, -100))).amount == 0


def test_decreases_give_back_no_more_than_units_cost():
    price = prorated([Change(Fraction(5), Fraction("0.1")), Change(Fraction(-5), Fraction(1))])

    assert price.amount == 100
    assert price.parts[-1].kind == "negative"


@given(chains(), tenths)
def test_graduated_prices_add_up_sliver_by_sliver(found, units):
    assert cost(tiers("graduated", *found), units) == by_slivers(found, units)


@given(chains(), tenths)
def test_percentages_are_prices_of_hundredths(found, units):
    hundredths = [(start, end, Fraction(rate) / 100, flat) for start, end, rate, flat in found]

    amount = cost(tiers("graduated_percentage", *found, price="rate"), units)

    assert amount == by_slivers(hundredths, units)


@given(chains(), tenths)
def test_volume_prices_are_those_of_one_tier(found, units):
    assert cost(tiers("volume", *found), units) == at_one_price(found, units)


@given(chains(), tenths, tenths)
def test_using_more_never_costs_less(found, one, other):
    low, high = sorted([one, other])
    graduated = tiers("graduated", *found)

    assert cost(graduated, low) <= cost(graduated, high)


@given(chains(), tenths, tenths)
def test_more_volume_never_costs_less_where_no_price_falls(found, one, other):
    starts, ends, prices, flats = zip(*found, strict=True)
    volume = tiers("volume", *zip(starts, ends, sorted(prices), sorted(flats), strict=True))
    low, high = sorted([one, other])

    assert cost(volume, low) <= cost(volume, high)


moves = st.lists(
    st.tuples(st.integers(-12, 12).filter(bool), st.integers(0, 10).map(lambda n: Fraction(n, 10))),
    max_size=6,
)


@given(chains(whole=True), moves)
def test_prorated_units_have_their_price_one_by_one(found, given_moves):
    made = [Change(Fraction(value), coefficient) for value, coefficient in given_moves]

    assert prorated(made, found).amount == unit_by_unit(found, given_moves)


@given(chains(), moves, st.integers(1, 9))
def test_splitting_a_change_changes_no_price(found, given_moves, tenth):
    whole = [Change(Fraction(value), coefficient) for value, coefficient in given_moves]
    split = [
        Change(part, each.coefficient)
        for each in whole
        for part in (each.value * tenth / 10, each.value * (10 - tenth) / 10)
    ]

    assert prorated(split, found).amount == prorated(whole, found).amount


@given(chains(), tenths)
def test_units_of_the_whole_period_cost_what_they_do_without_proration(found, units):
    whole = [Change(units, Fraction(1))] if units else []

    assert prorated(whole, found).amount == cost(tiers("graduated", *found), units)


def test_an_open_tier_for_nothing_is_the_default():
    assert cost(model("volume"), "5") == cost(model("graduated"), "5") == 0

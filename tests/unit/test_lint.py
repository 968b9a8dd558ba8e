"""What lint finds in random plans, held against trying everything out."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.buckets import in_order
from lago_cli.domain.charges import model_of
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.pricing import Used
from lago_cli.services.lint import of_plan
from lago_cli.services.plans import read_plan
from tests.examples import examples
from tests.prices import written

VALUES = {"a": ("1", "2", "3"), "b": ("1", "2")}
METRIC = define_metric(
    code="calls",
    aggregation_type="count",
    filters=[Filter(key, values) for key, values in VALUES.items()],
)
SETTINGS = examples(150)

asked = st.fixed_dictionaries(
    {},
    optional={
        key: st.lists(st.sampled_from(values), min_size=1, unique=True)
        for key, values in VALUES.items()
    },
).filter(bool)


def found_in(model, properties, filters=()):
    """[(code, path, message)] of a plan with one charge."""
    charge = {
        "billable_metric_code": "calls",
        "charge_model": model,
        "properties": properties,
        "filters": [{"values": each, "properties": properties} for each in filters],
    }
    row = {"code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
    plan = read_plan(written({**row, "charges": [charge]}), {"calls": METRIC})
    return [(each.code, each.path[2:], each.message) for each in of_plan(plan, {"calls": METRIC})]


def matches(event, values):
    return all(event.get(key) in each for key, each in values.items())


EVENTS = [
    {key: value for key, value in zip(VALUES, values, strict=True) if value}
    for values in product(*((*each, None) for each in VALUES.values()))
]


@SETTINGS
@given(st.lists(asked, max_size=4))
def test_a_filter_is_unreachable_where_no_event_gets_to_it_but_to_an_equal_one(filters):
    unreachable = {
        path[1]
        for code, path, _ in found_in("standard", {"amount": 1}, filters)
        if code == "unreachable_filter"
    }
    sets = [{key: set(values) for key, values in each.items()} for each in filters]

    assert unreachable == {n for n, each in enumerate(sets) if each in sets[:n]}


@SETTINGS
@given(st.lists(asked, max_size=4, unique_by=repr))
def test_filters_overlap_where_an_event_could_be_billed_by_either(filters):
    """An event that two filters match, of which neither is a special case of the other."""
    sets = [{key: set(values) for key, values in each.items()} for each in filters]
    if any(one == other for one, other in combinations(sets, 2)):
        return
    rank = in_order(filters)
    wanted = set()
    for one, other in combinations(range(len(filters)), 2):
        of_both = [e for e in EVENTS if matches(e, filters[one]) and matches(e, filters[other])]
        matched = [[e for e in EVENTS if matches(e, filters[n])] for n in (one, other)]
        is_special = len(of_both) in map(len, matched)
        others = [n for n in rank if rank.index(n) < min(rank.index(one), rank.index(other))]
        is_settled = any(all(matches(e, filters[n]) for e in of_both) for n in others)
        if of_both and not is_special and not is_settled:
            wanted.add(other)
    found = {
        path[1]
        for code, path, _ in found_in("standard", {"amount": 1}, filters)
        if code == "overlapping_filters"
    }

    assert found == wanted


@st.composite
def tiers(draw):
    ends = sorted(draw(st.sets(st.integers(1, 20), max_size=3)))
    starts = [0, *ends]
    prices = st.integers(0, 30).map(lambda tenths: f"{tenths // 10}.{tenths % 10}")
    return [
        {
            "from_value": start,
            "to_value": end,
            "per_unit_amount": draw(prices),
            "flat_amount": draw(prices),
        }
        for start, end in zip(starts, [*ends, None], strict=True)
    ]


@SETTINGS
@given(tiers())
def test_prices_drop_just_where_one_unit_more_costs_less(ranges):
    found = found_in("volume", {"volume_ranges": ranges})
    model = model_of("volume", written({"volume_ranges": ranges}))
    prices = [model.price(Used(Fraction(units))).amount for units in range(30)]
    drops = [units for units in range(29) if prices[units + 1] < prices[units]]

    assert [told.split()[0] for _, _, told in found] == [str(units) for units in drops]


@SETTINGS
@given(tiers())
def test_graduated_prices_never_drop(ranges):
    assert found_in("graduated", {"graduated_ranges": ranges}) == []

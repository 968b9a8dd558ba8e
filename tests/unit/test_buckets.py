"""Price buckets: every event is in exactly one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.buckets import in_order

EU, EU_US = {"region": ["eu"]}, {"region": ["eu", "us"]}
GOLD = {"tier": ["gold"]}
EU_GOLD = {"region": ["eu"], "tier": ["gold"]}


def matches(filters, event):
    return all(event.get(key, "") in texts for key, texts in filters.items())


def of(event, declared):
    """The number of the bucket that an event is in; the last is the default."""
    numbers = (number for number in in_order(declared) if matches(declared[number], event))
    return next(numbers, len(declared))


@pytest.mark.parametrize(
    ("declared", "bucket"),
    [
        pytest.param([], 0, id="without any it is in the default"),
        pytest.param([{"region": ["us"]}], 1, id="it matches none"),
        pytest.param([EU], 0, id="it matches one"),
        pytest.param([EU, EU_GOLD], 1, id="more keys win"),
        pytest.param([EU_GOLD, EU], 0, id="also when they are declared first"),
        pytest.param([EU_US, EU], 1, id="fewer values of the same keys win"),
        pytest.param([EU, EU_US], 0, id="also when they are declared first"),
        pytest.param([EU, EU], 0, id="of two alike the first wins"),
        pytest.param([EU, GOLD], 0, id="of different keys the first wins"),
        pytest.param([GOLD, EU], 0, id="whichever that is"),
        pytest.param(
            [EU_US, {"region": ["eu", "asia"]}], 0, id="of two that overlap the first wins"
        ),
        pytest.param(
            [EU_US, {"region": ["us", "eu"]}], 0, id="the order of the values does not matter"
        ),
    ],
)
def test_an_event_of_eu_gold_is_in(declared, bucket):
    assert of({"region": "eu", "tier": "gold"}, declared) == bucket


def test_what_is_missing_reads_as_empty():
    assert of({}, [{"region": [""]}, EU]) == 0
    assert of({"region": "us"}, [{"region": [""]}, EU]) == 2


texts = st.sampled_from(("", "a", "b", "c"))
filters = st.dictionaries(
    st.sampled_from(("x", "y", "z")), st.lists(texts, min_size=1, unique=True), min_size=1
)


@given(st.lists(filters, max_size=5), st.fixed_dictionaries({"x": texts, "y": texts, "z": texts}))
def test_every_event_is_in_exactly_one_bucket(declared, event):
    found = of(event, declared)

    assert (found == len(declared)) == (not any(matches(each, event) for each in declared))


@given(st.lists(filters, max_size=5))
def test_every_bucket_is_tried_once_and_those_with_more_keys_first(declared):
    order = in_order(declared)

    assert sorted(order) == [*range(len(declared))]
    sizes = [len(declared[number]) for number in order]
    assert sizes == sorted(sizes, reverse=True)

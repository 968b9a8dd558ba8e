"""Labels: the texts by which a metric tells usage apart, read quickly and as groups read them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.dimensions import Dimensions, label_reader
from lago_cli.domain.json_text import decode_object, text_of
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.usage import Scope, UsageQuery

KEYS = ("region", 'a "quoted" name', "a.b")
values = st.one_of(
    st.none(), st.booleans(), st.text(), st.integers(), st.just("1e3"), st.just([1]), st.just({})
)
METRIC = define_metric(
    code="calls",
    aggregation_type="count_agg",
    filters=(Filter("region", ("eu",)), Filter("cloud", ("aws",))),
)


@given(st.dictionaries(st.sampled_from((*KEYS, "other")), values), st.integers(1, 3))
def test_a_label_has_the_texts_that_groups_have(fields, count):
    properties = json.dumps(fields)
    decoded = decode_object(properties.encode())

    assert label_reader(KEYS[:count])(properties) == tuple(
        text_of(decoded.get(key)) or None for key in KEYS[:count]
    )


@pytest.mark.parametrize(
    ("properties", "label"),
    [
        pytest.param(
            '{"region": "eu", "region": "us"}', "us", id="the last of a key that comes twice"
        ),
        pytest.param('{"region": 1.50}', "1.50", id="a number as it was written"),
        pytest.param('{"region": ""}', None, id="an empty text is like a missing one"),
        pytest.param('{"r\\u0065gion": "eu"}', "eu", id="a key with escapes"),
    ],
)
def test_a_label(properties, label):
    assert label_reader(["region"])(properties) == (label,)


ALL = Scope([], [])
LABELS = (("eu", "aws"), ("us", None), ("eu", "gcp"))


def placed(**asked):
    """(bucket, group) of events with those labels, by the labels and by the properties."""
    dimensions = Dimensions(UsageQuery(METRIC, ALL, **asked))
    assert dimensions.are_labels
    texts = [json.dumps(dict(zip(("region", "cloud"), label, strict=True))) for label in LABELS]
    found = [dimensions.of_label(label if dimensions.matter else ()) for label in LABELS]
    assert found == [dimensions.of_properties(text) for text in texts]
    return found


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        pytest.param({}, [(0, ())] * 3, id="nothing is asked of them"),
        pytest.param(
            {"group_by": ["cloud"]}, [(0, ("aws",)), (0, (None,)), (0, ("gcp",))], id="a group"
        ),
        pytest.param({"filters": {"region": ["eu"]}}, [(0, ()), None, (0, ())], id="a filter"),
        pytest.param({"filters": {"cloud": [""]}}, [None, (0, ()), None], id="the missing ones"),
        pytest.param(
            {"buckets": [{"cloud": ["aws"]}, {"region": ["eu"]}]},
            [(0, ()), (2, ()), (1, ())],
            id="the first bucket that is met, or the rest",
        ),
    ],
)
def test_labels_fall_into_buckets_and_groups(asked, places):
    assert placed(**asked) == places


@pytest.mark.parametrize("asked", [{"group_by": ["size"]}, {"buckets": [{"size": ["1"]}]}])
def test_what_a_metric_does_not_declare_is_no_matter_of_labels(asked):
    assert not Dimensions(UsageQuery(METRIC, ALL, **asked)).are_labels

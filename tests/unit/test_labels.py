"""Labels: the texts by which a metric tells usage apart, read quickly and as groups read them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.dimensions import Choice, label_reader
from lago_cli.domain.json_text import decode_object, text_of
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.usage import UsageQuery

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


@pytest.mark.parametrize(
    ("asked", "groups"),
    [
        pytest.param({}, [(), (), ()], id="nothing is asked of them"),
        pytest.param({"group_by": ["cloud"]}, [("aws",), (None,), ("gcp",)], id="a group"),
        pytest.param({"filters": {"region": ["eu"]}}, [(), None, ()], id="a filter"),
        pytest.param({"filters": {"cloud": [""]}}, [None, (), None], id="the missing ones"),
        pytest.param({"excluded": [{"cloud": ["aws"]}]}, [None, (), ()], id="left out"),
    ],
)
def test_a_choice_of_labels(asked, groups):
    choice = Choice(UsageQuery(METRIC, [], [], **asked))

    assert choice.is_possible
    labels = (("eu", "aws"), ("us", None), ("eu", "gcp"))
    assert [choice.group_of(label) for label in labels] == groups


def test_what_a_metric_does_not_declare_is_no_matter_of_labels():
    assert not Choice(UsageQuery(METRIC, [], [], group_by=["size"])).is_possible
    assert not Choice(UsageQuery(METRIC, [], [], excluded=[{"size": ["1"]}])).is_possible

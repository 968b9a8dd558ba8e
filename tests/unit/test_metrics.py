"""Metrics: one that breaks a rule cannot be built; a change lets go of what went before."""

from __future__ import annotations

import pytest

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.metrics import (
    METRIC,
    Filter,
    Metric,
    as_aggregation_type,
    define_metric,
)
from lago_cli.errors import Kind, LagoError

SUM = {"code": "m", "aggregation_type": "sum", "field_name": "gb"}


def refusal(**keys):
    with pytest.raises(LagoError) as caught:
        define_metric(**{**SUM, **keys})
    assert caught.value.kind is Kind.REFUSED
    return caught.value.code


def test_defaults_are_those_of_the_contract():
    assert define_metric(**SUM) == Metric("m", "m", "sum_agg", "gb")
    weighted = define_metric(**{**SUM, "aggregation_type": "weighted_sum"})
    assert weighted.weighted_interval == "seconds"
    assert define_metric(**SUM, rounding_function="ceil").rounding_precision == 0


@pytest.mark.parametrize("kind", AGGREGATIONS)
def test_every_type_has_a_short_name(kind):
    assert as_aggregation_type(kind.removesuffix("_agg")) == as_aggregation_type(kind) == kind


@pytest.mark.parametrize("kind", AGGREGATIONS)
def test_only_levels_recur(kind):
    """Sums, distinct items and weighted sums are carried from period to period."""
    keys = {"aggregation_type": kind, "recurring": True}
    if kind in ("sum_agg", "unique_count_agg", "weighted_sum_agg"):
        assert define_metric(**{**SUM, **keys}).recurring
    else:
        assert refusal(**keys) == "not_recurring"


@pytest.mark.parametrize("kind", AGGREGATIONS)
def test_all_but_a_count_need_a_field(kind):
    for nothing in (None, ""):
        keys = {"aggregation_type": kind, "field_name": nothing}
        if kind == "count_agg":
            assert define_metric(**{**SUM, **keys}).code == "m"
        else:
            assert refusal(**keys) == "field_name_required"


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"code": " "}, "invalid_code"),
        ({"aggregation_type": "median"}, "invalid_aggregation_type"),
        ({"aggregation_type": "sum_agg_agg"}, "invalid_aggregation_type"),
        ({"weighted_interval": "seconds"}, "invalid_weighted_interval"),
        ({"rounding_function": "up"}, "invalid_rounding_function"),
        ({"rounding_precision": -101}, "invalid_rounding_precision"),
        ({"expression": "event.properties."}, "invalid_expression"),
        ({"filters": (Filter("", ("a",)),)}, "invalid_filter"),
        ({"filters": (Filter("k", ()),)}, "invalid_filter"),
        ({"filters": (Filter("k", ("a", "a")),)}, "invalid_filter"),
        ({"filters": (Filter("k", ("a",)), Filter("k", ("b",)))}, "invalid_filter"),
    ],
    ids=str,
)
def test_a_broken_rule_is_named(keys, code):
    assert refusal(**keys) == code


def test_a_change_leaves_the_rest():
    metric = define_metric(**SUM, name="N", description="D", recurring=True)

    assert METRIC.change(metric, {"description": None}) == define_metric(
        **SUM, name="N", recurring=True
    )


def test_another_type_lets_the_interval_go():
    weighted = define_metric(**{**SUM, "aggregation_type": "weighted_sum"})

    assert METRIC.change(weighted, {"aggregation_type": "sum"}) == define_metric(**SUM)
    with pytest.raises(LagoError, match="only weighted_sum_agg has one"):
        METRIC.change(weighted, {"aggregation_type": "sum", "weighted_interval": "seconds"})

"""Properties named by paths mean the same to readings, groups, filters and every engine."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lago_cli.domain.expressions import parse_expression
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.measurements import UNUSABLE, measure, reader_for
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.properties import reason_of, text_at
from lago_cli.errors import LagoError
from tests.engines import memory, sqlite

PATHS = ("a", "a.b", "a.*", "a[0]", "a[k=x].b", "*", "a.b.k")
leaves = st.sampled_from((1, 2, "x", "", None, '{"b":2}', 1.5))
nested = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(("a", "b", "k")), inner, max_size=2),
    ),
    max_leaves=6,
)
properties = st.dictionaries(st.sampled_from(("a", "a.b", "b")), nested, max_size=3)


@pytest.mark.parametrize(
    ("path", "fields", "value"),
    [
        pytest.param("user.id", {"user": {"id": 7}}, 7, id="nested"),
        pytest.param("user.id", {"user.id": 1, "user": {"id": 7}}, 1, id="the exact key"),
        pytest.param("user.id", {"user": '{"id": 7}'}, 7, id="JSON in text"),
        pytest.param("n.*", {"n": [7]}, 7, id="every one, of one"),
        pytest.param("n.*", {"n": [7, 8]}, None, id="several are no number"),
        pytest.param("l[key=t].v", {"l": [{"key": "t", "v": 7}]}, 7, id="a selector"),
    ],
)
def test_a_metric_reads_what_its_path_finds(path, fields, value):
    metric = define_metric(code="c", aggregation_type="sum_agg", field_name=path)

    found = reader_for(metric)(json.dumps(fields), 0)
    assert found == (UNUSABLE if value is None else (value, 0, None))


@pytest.mark.parametrize("kind", ["sum_agg", "unique_count_agg"])
def test_what_is_missing_is_named_where_it_stands(kind):
    metric = define_metric(code="c", aggregation_type=kind, field_name="id")
    fields = decode_object(b'{"user": {"id": 7}}')

    with pytest.raises(ValueError, match="missing") as caught:
        measure(metric, fields, 0)
    assert reason_of(caught.value, fields).endswith("; there is user.id")


def test_a_group_of_several_values_is_their_list():
    assert text_at(decode_object(b'{"n": ["x", 2]}'), "n.*") == '["x",2]'


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("event.properties.user.id * 2", 14),
        ("event.properties.l[key=t].v + 1", 4),
        ("event.properties.n[1]*event.properties.n[0]", 20),
        ('event.properties."cost [EUR]" / 2', 3),
        ('event.properties."l.*.v"', 3),
    ],
)
def test_an_expression_takes_paths(expression, value):
    fields = {"user": {"id": 7}, "l": [{"key": "t", "v": 3}], "n": [4, 5], "cost [EUR]": 6}
    event = decode_object(json.dumps(fields).encode())

    assert parse_expression(expression).evaluate("c", 0, event) == value


def test_a_star_in_an_expression_multiplies():
    with pytest.raises(LagoError) as caught:
        parse_expression("event.properties.l.*.v")
    assert "with a *, quote it" in caught.value.hint


@settings(max_examples=60)
@given(
    st.lists(properties, min_size=1, max_size=5),
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
    st.sampled_from(("sum_agg", "unique_count_agg", "latest_agg")),
    st.booleans(),
)
def test_engines_agree_about_paths(sent, field, key, kind, is_declared):
    filters = (Filter(key, ("1",)),) if is_declared else ()
    metric = define_metric(code="c", aggregation_type=kind, field_name=field, filters=filters)
    asked = [{"group_by": [key]}, {"filters": {key: ["1", "x"]}}, {"filters": {key: [""]}}]
    answers = []
    for engine_of in (memory, sqlite):
        with engine_of() as engine:
            engine.define(metric)
            engine.ingest(
                {
                    "transaction_id": f"t{number}",
                    "code": "c",
                    "external_customer_id": "a",
                    "timestamp": "2026-11-02T10:00:00Z",
                    "properties": fields,
                }
                for number, fields in enumerate(sent)
            )
            answers.append([engine.usage(period="2026-11", **each) for each in asked])
    assert answers[0] == answers[1]

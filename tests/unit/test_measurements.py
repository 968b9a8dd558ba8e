"""What an event says to its metric, and the form in which that is kept."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.json_text import decode_object
from lago_cli.domain.measurements import (
    COUNTED,
    UNUSABLE,
    measure,
    measurement_of,
    reader_for,
)
from lago_cli.domain.metrics import define_metric
from lago_cli.domain.numbers import number_in


def metric(kind, field_name="v", **keys):
    return define_metric(code="m", aggregation_type=kind, field_name=field_name, **keys)


def read(kind, properties, **keys):
    return reader_for(metric(kind, **keys))(properties, 0)


@pytest.mark.parametrize("properties", ["{}", '{"v":"x"}', '{"v":null}', "not even JSON"])
def test_a_count_looks_at_nothing(properties):
    assert read("count", properties) == COUNTED


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("2", "2"),
        ('"2"', "2"),
        ("-0.0", "0"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ('"1e3"', "1000"),
        ('"+7"', "7"),
        ('"007"', "7"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808"),
        ("9223372036854775808.5", "9223372036854775808.5"),
        ("0.0000000000000000012", "0.0000000000000000012"),
        ("0.12345678901234567890123", "0.12345678901234567890123"),
        ("1" + "0" * 5_000, "1" + "0" * 5_000),
    ],
)
def test_a_number_is_kept_with_every_digit(value, number):
    for kind in ("sum", "max", "latest", "weighted_sum"):
        kept_value, scale, step = read(kind, f'{{"a":[1],"v":{value}}}')
        assert number_in(kept_value, scale) == Decimal(number)
        if isinstance(kept_value, int):  # what SQLite adds up
            assert -(2**63) <= kept_value < 2**63
            assert 0 <= scale <= 18
        assert step is None


@pytest.mark.parametrize(
    "value",
    [
        *(
            "null",
            "true",
            "false",
            "{}",
            "[]",
            "[1]",
            '""',
            '"abc"',
            '".5"',
            '"8."',
            '" 9"',
            '"1,0"',
        ),
        *('"NaN"', '"Infinity"', '"1_0"', '"²"', "1e10001", "1" * 10_001, '"1e999999999"'),
    ],
)
def test_what_is_no_number_is_unusable(value):
    assert read("sum", f'{{"v":{value}}}') == UNUSABLE


def test_a_missing_property_is_unusable():
    for kind in ("sum", "max", "latest", "weighted_sum", "unique_count"):
        assert read(kind, "{}") == read(kind, '{"V":1}') == UNUSABLE


def test_of_a_repeated_property_the_last_counts():
    assert read("sum", '{"v":1,"v":2}') == (2, 0, None)
    assert read("sum", '{"v":1,"v":null}') == UNUSABLE
    assert read("unique_count", '{"v":"a","v":"b"}') == ("b", None, 1)


@pytest.mark.parametrize(
    ("value", "item"),
    [
        ('"ana"', "ana"),
        ('""', ""),
        ("2", "2"),
        ('"2"', "2"),
        ("1.50", "1.50"),
        ("1e3", "1000"),
        ("true", "true"),
        ('[1, "x"]', '[1, "x"]'),
        (r'"\u00e9"', "é"),
    ],
)
def test_an_item_is_the_text_of_its_property(value, item):
    assert read("unique_count", f'{{"v":{value}}}') == (item, None, 1)


@pytest.mark.parametrize(
    ("operation", "step"),
    [('"add"', 1), ('"remove"', -1), ("null", 1), ('"delete"', None), ('""', None), ("1", None)],
)
def test_an_item_is_added_or_removed(operation, step):
    expected = UNUSABLE if step is None else ("ana", None, step)

    assert read("unique_count", f'{{"v":"ana","operation_type":{operation}}}') == expected


@pytest.mark.parametrize(
    "name", ["a.b", '"', "\\", "$", "value' OR 1=1 --", "🙂", "\n", "é", "name"]
)
def test_a_field_may_have_any_name(name):
    properties = json.dumps({"other": 9, name: "1.5"}, ensure_ascii=False)

    assert read("sum", properties, field_name=name) == (15, 1, None)
    assert read("sum", json.dumps({name: "1.5"}), field_name=name) == (15, 1, None)
    assert read("unique_count", properties, field_name=name) == ("1.5", None, 1)


def test_the_operation_itself_may_be_what_is_counted():
    assert read("unique_count", '{"operation_type":"add"}', field_name="operation_type") == (
        "add",
        None,
        1,
    )


def test_an_expression_stands_for_the_property():
    half = metric("sum", expression="event.properties.v / 2")
    third = metric("sum", expression="event.properties.v / 3")

    assert reader_for(half)('{"v":"3"}', 0) == (15, 1, None)
    assert reader_for(half)('{"v":"much"}', 0) == UNUSABLE
    value, scale, _ = reader_for(third)('{"v":1}', 0)
    assert number_in(value, scale) == Fraction(1, 3)
    joined = metric("unique_count", expression="concat(event.properties.v, '-', 1)")
    assert reader_for(joined)('{"v":"x","operation_type":"remove"}', 0) == ("x-1", None, -1)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("{}", "property 'v' is unusable: it is missing"),
        ('{"v":null}', "property 'v' is unusable: it is null"),
        ('{"v":true}', "property 'v' is unusable: it is boolean, not a number"),
        ('{"v":"much"}', "property 'v' is unusable: 'much' is not a number"),
    ],
)
def test_the_reason_can_be_told(properties, reason):
    with pytest.raises(ValueError, match=r".") as caught:
        measure(metric("sum"), decode_object(properties.encode()), 0)

    assert str(caught.value) == reason


@given(st.one_of(st.decimals(allow_nan=False, allow_infinity=False, places=20), st.fractions()))
def test_what_is_kept_is_the_number(number):
    value, scale, step = measurement_of(number, 1)

    assert step is None
    assert number_in(value, scale) == number

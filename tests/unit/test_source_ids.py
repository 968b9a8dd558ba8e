"""Ids of events whose source has none."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.json_text import decode_object
from lago_cli.domain.source_ids import (
    Repetitions,
    content_id,
    fields_id,
    id_of_fields,
    parse_id_source,
)
from lago_cli.errors import Kind, LagoError

RECORD = {"a": "1", "b": {"c": 2}}


def id_of(record):
    return content_id(decode_object(record if isinstance(record, str) else json.dumps(record)))


def test_the_id_of_a_record_is_the_same_on_every_machine():
    """They are promised for ever, so this one may never change."""
    assert id_of({"b": 2, "who": "acme", "a": 1.5}) == "content:7a5962fab91d1222382e90cb5eb3c674"


@pytest.mark.parametrize(
    "same",
    [
        pytest.param('{"b":{"c":2},"a":"1"}', id="another order"),
        pytest.param('{ "a" : "1", "b":{"c":2.0}}', id="other spellings"),
        pytest.param('{"a":"\\u0031","b":{"c":2e0}}', id="escapes and exponents"),
        pytest.param('{"a":"1","b":{"c":2},"n":null}', id="a null more"),
    ],
)
def test_a_record_that_says_the_same_has_the_same_id(same):
    assert id_of(same) == id_of(RECORD)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"a": 1, "b": {"c": 2}}, id="a number for a text"),
        pytest.param({"a": "1", "b": {"c": 3}}, id="another number"),
        pytest.param({"a": "1", "b": {"c": 2}, "d": 0}, id="a member more"),
        pytest.param({"a": {"c": 2}, "b": "1"}, id="values exchanged"),
    ],
)
def test_other_content_has_another_id(other):
    assert id_of(other) != id_of(RECORD)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("1" * 1_000_000, id="a million digits"),
        pytest.param("1e999999999", id="a billion digits in a few"),
        pytest.param("-0.0", id="minus zero"),
    ],
)
def test_any_number_has_an_id(number):
    text = f'{{"n":{number}}}'

    assert id_of(text) == id_of(text)


@given(st.lists(st.text(max_size=4), max_size=60))
def test_repetitions_are_counted(names):
    repetitions = Repetitions()
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1

        assert repetitions.count(name) == seen[name]


def test_repetitions_of_many_names_are_counted():
    repetitions = Repetitions()
    counts = [repetitions.count(str(number % 50_000)) for number in range(100_000)]

    assert counts == [1] * 50_000 + [2] * 50_000


def fields(text):
    source = parse_id_source(text)
    return lambda record: fields_id(decode_object(json.dumps(record)), source.fields)


def test_an_id_of_one_field_is_its_text():
    assert fields("b.c")(RECORD) == "2"
    assert fields("a")({"a": "x:y\\"}) == "x:y\\"


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=4), st.data())
def test_different_values_of_several_fields_never_make_the_same_id(values, data):
    others = data.draw(
        st.lists(st.sampled_from([*values, ":", "\\", "a:", "a"]), min_size=len(values))
    )[: len(values)]
    names = [f"f{number}" for number in range(len(values))]
    make = fields(",".join(names))
    one, other = (make(dict(zip(names, each, strict=True))) for each in (values, others))

    assert (one == other) is (values == others)


@pytest.mark.parametrize("record", [{"a": "x"}, {"a": "x", "b": None}, {"a": "x", "b": " "}, {}])
def test_a_field_that_is_missing_refuses_the_record(record):
    with pytest.raises(LagoError, match="is missing") as caught:
        fields("a,b")(record)

    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, "missing_field")


def test_a_field_may_be_missing_where_that_is_said_and_another_is_there():
    assert fields("a,b?")({"a": "x"}) == "x:"
    assert fields("a?,b?")({"b": 1}) == ":1"
    with pytest.raises(LagoError, match="a is missing"):
        fields("a?,b?")({})
    assert id_of_fields(["a,b"]).fields[0].path.text == "a,b"


def test_an_id_of_a_field_without_a_name_is_wrong_use():
    with pytest.raises(LagoError) as caught:
        parse_id_source("a,,b")

    assert caught.value.kind is Kind.USAGE

"""JSON values kept as they were written, and when two of them mean the same."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from lago_cli.domain.json_text import (
    as_written,
    canonical,
    decode_object,
    kind_of,
    number_of,
    same_json,
    text_of,
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\ue000"))
LEAVES = st.none() | st.booleans() | st.integers() | TEXTS | st.decimals(-10, 10, places=3)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner), max_leaves=8
)


def written(value, indent=None):
    """Exact JSON of a value, decimals included."""
    marked = json.dumps(value, indent=indent, default=lambda number: f"\ue000{number:f}\ue000")
    return marked.replace('"\\ue000', "").replace('\\ue000"', "")


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(VALUES)
def test_spacing_and_the_order_of_keys_mean_nothing(value):
    assert same_json(written(value), written(reversed_keys(value), indent=1))


@given(VALUES, VALUES)
def test_what_means_the_same_is_the_same_to_python_too(one, other):
    if same_json(written(one), written(other)):
        assert one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1", "1.0", id="a whole number with a point"),
        pytest.param("100", "1e2", id="an exponent"),
        pytest.param("0.1", "0.10", id="a trailing zero"),
        pytest.param("0.0", "-0.0", id="minus zero"),
        pytest.param('"é"', '"\\u00e9"', id="an escape"),
        pytest.param('{"a":1,"b":2}', '{ "b": 2, "a": 1 }', id="the order of keys"),
        pytest.param('{"a":1,"a":2}', '{"a":2}', id="the last of repeated keys"),
        pytest.param("1" * 5_000, "1" * 5_000, id="a number beyond all bounds, as written"),
    ],
)
def test_the_same(one, other):
    assert same_json(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1", "true", id="one and true"),
        pytest.param('{"a":0}', '{"a":false}', id="zero and false"),
        pytest.param('"1"', "1", id="text and number"),
        pytest.param("null", '""', id="null and empty"),
        pytest.param("{}", '{"a":null}', id="a null that is there"),
        pytest.param("0.1", "0.1" + "0" * 30 + "1", id="the 31st digit"),
        pytest.param("1e999999999", "1e999999998", id="numbers that fill the memory"),
        pytest.param("[1,2]", "[2,1]", id="the order of elements"),
        pytest.param("[" * 400 + "1" + "]" * 400, "[" * 400 + "2" + "]" * 400, id="deep down"),
    ],
)
def test_not_the_same(one, other):
    assert not same_json(one, other)


def test_no_number_fills_the_memory():
    started = time.monotonic()

    assert canonical({"a": Raw(b'{"b":1e999999999}')}) == b'{"a":{"b":1e999999999}}'
    assert time.monotonic() - started < 1


def test_canonical_leaves_nulls_out_and_sorts_keys():
    fields = decode_object('{"b": {"d": 1.0, "c": 1e3}, "a": "x", "n": null}')

    assert canonical(fields) == b'{"a":"x","b":{"c":1000,"d":1}}'


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("{}", "object"),
        ("[]", "array"),
        ('"x"', "text"),
        ("-1", "number"),
        ("true", "boolean"),
        ("false", "boolean"),
        ("null", "null"),
    ],
)
def test_kind_of(token, kind):
    assert kind_of(Raw(token.encode())) == kind


@pytest.mark.parametrize(
    ("token", "text"),
    [
        pytest.param('"a\\u00e9"', "aé", id="text is itself"),
        pytest.param("2", "2", id="a number is as written"),
        pytest.param("1.50", "1.50", id="with its zeros"),
        pytest.param("1e3", "1000", id="an exponent is spelled out"),
        pytest.param("1E-2", "0.01", id="a negative one too"),
        pytest.param("1e999999999", "1e999999999", id="unless it fills the memory"),
        pytest.param("true", "true", id="a truth"),
        pytest.param("null", None, id="null is nothing"),
        pytest.param('{"a": 1}', '{"a": 1}', id="an object is its JSON"),
    ],
)
def test_text_of(token, text):
    assert text_of(Raw(token.encode())) == text


def test_a_missing_value_has_no_text():
    assert text_of(None) is None


@pytest.mark.parametrize("token", ["0.1", '"0.1"', "1e-1", '"+0.1"'])
def test_number_of(token):
    assert number_of(Raw(token.encode())) == Decimal("0.1")


@pytest.mark.parametrize(
    "token", ["null", "true", "[]", "{}", '""', '" 1"', '"NaN"', '"1_0"', '"٣"']
)
def test_no_number(token):
    with pytest.raises(ValueError, match=r"it is|is not a number"):
        number_of(Raw(token.encode()))


def test_members_keep_every_digit():
    fields = decode_object(b'{"a": 1.10, "b": [1,  2]}')

    assert {name: as_written(token) for name, token in fields.items()} == {
        "a": "1.10",
        "b": "[1,  2]",
    }

"""Paths into records: one notation, wherever a value is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from lago_cli.domain.conditions import gathered, holds, split_condition, split_values
from lago_cli.domain.json_text import as_written, decode_object, encode
from lago_cli.domain.paths import map_texts, parse_path, similar_paths, without

RECORD = {
    "a": 1,
    "b": {"c": 2, "d": {"e": 3}},
    "x.y": {"z": 4},
    "p": {"q": 0, "r": 6},
    "p.q": 5,
    "list": [6, {"k": "t", "v": 7}, {"k": "u", "v": 8}, {"k": 9, "v": 10}],
    "log": '{"level": "info", "n": [1, {"q": 2}]}\n',
    "cost [EUR]": 9,
    "labels": [{"key": "service.name", "value": {"s": "web"}}, {"key": "a]b", "value": 1}],
    "nested": [[1, 2], [3]],
    "plain": "{no json",
}


def members(value):
    return decode_object(json.dumps(value))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("a", 1, id="a member"),
        pytest.param("b.d.e", 3, id="members of members"),
        pytest.param("p.q", 5, id="an exact key with a dot first"),
        pytest.param("p.r", 6, id="and the member where there is no such key"),
        pytest.param("x.y.z", 4, id="a key with a dot on the way"),
        pytest.param("list[0]", 6, id="an element"),
        pytest.param("list[1].v", 7, id="a member of an element"),
        pytest.param("list[k=u].v", 8, id="the element that has a value"),
        pytest.param("list[k=9].v", 10, id="a value that is a number"),
        pytest.param("list[k=u]", {"k": "u", "v": 8}, id="an element as a whole"),
        pytest.param("list.*.v", [7, 8, 10], id="every element that has one"),
        pytest.param("b.*", [2, {"e": 3}], id="every member"),
        pytest.param("nested[0][1]", 2, id="an element of an element"),
        pytest.param("nested.*.*", [1, 2, 3], id="every element of every element"),
        pytest.param("log.level", "info", id="into JSON in a text"),
        pytest.param("log.n[1].q", 2, id="deeper into JSON in a text"),
        pytest.param("cost [EUR]", 9, id="brackets in a name"),
        pytest.param("labels[key=service.name].value.s", "web", id="a dot in a selector"),
        pytest.param('labels[key="a]b"].value', 1, id="a quoted selector"),
        pytest.param("list[k=none].v", None, id="no such element"),
        pytest.param("list[9]", None, id="beyond the end"),
        pytest.param("list.v", None, id="a name where there is an array"),
        pytest.param("a.b", None, id="a name where there is a number"),
        pytest.param("plain.x", None, id="a text that only begins like JSON"),
        pytest.param("", None, id="nothing"),
        pytest.param("b.", None, id="a dot at the end"),
        pytest.param("a[", None, id="a bracket without an end"),
    ],
)
def test_find(path, found):
    token = parse_path(path).find(members(RECORD))

    assert (None if token is None else json.loads(bytes(token))) == found


KEYS = st.text(alphabet="ab.[]=0*\"'\n ü", max_size=6)


@given(st.dictionaries(KEYS, st.integers(), min_size=1), st.data())
def test_every_key_of_a_record_is_found_as_it_stands(record, data):
    """Whatever a key looks like, the path that is its text finds it."""
    key = data.draw(st.sampled_from(sorted(record)))
    token = parse_path(key).find(members(record))

    assert token is not None
    assert json.loads(bytes(token)) == record[key]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(KEYS, max_size=4), st.booleans())
def test_what_is_taken_out_is_no_longer_found(record, steps, from_arrays):
    """Unless the same path means something else in what is left, or an array was to stay."""
    path = parse_path(".".join(steps))
    before = path.find_all(members(record))
    left = without(members(record), [path], from_arrays=from_arrays)
    after = path.find_all(left)

    assert len(after) <= len(before)
    assert before or left == members(record)


@pytest.mark.parametrize(
    ("path", "from_arrays", "left"),
    [
        pytest.param("who.id", False, {"who": {"plan": "gold"}}, id="beside it stays"),
        pytest.param("who", False, {}, id="a whole member"),
        pytest.param("list[0]", False, {}, id="an array stays whole"),
        pytest.param("list[0]", True, {"list": [{"c": 3}]}, id="an element"),
        pytest.param("list.*.c", True, {"list": [{"d": 2}]}, id="a member of every element"),
        pytest.param("text.a", True, {"text": '{"b":2}'}, id="a member of JSON in a text"),
        pytest.param("text.a", False, {}, id="a text stays whole"),
        pytest.param("alone.x", False, {"alone": None}, id="an object that is emptied"),
        pytest.param("none.x", True, {}, id="what is not there"),
    ],
)
def test_without(path, from_arrays, left):
    record = {
        "who": {"id": "a", "plan": "gold"},
        "list": [{"c": 1, "d": 2}, {"c": 3}],
        "text": '{"a":1,"b":2}',
        "alone": {"x": 1},
    }
    found = without(members(record), [parse_path(path)], from_arrays=from_arrays)
    expected = {**record, **left}
    if path == "who":
        del expected["who"]
    if left.get("alone", 0) is None:
        del expected["alone"]

    assert json.loads(encode(found)) == expected


def test_what_stands_elsewhere_is_named():
    record = {"properties": {"Transaction-ID": 1}, "x": {"y": {"transaction_id": 2}}}

    assert similar_paths(members(record), "transaction_id") == [
        "properties.Transaction-ID",
        "x.y.transaction_id",
    ]


def test_texts_are_changed_and_all_else_keeps_its_spelling():
    token = decode_object('{"o": {"a": "x",  "n": 1.10, "l": ["x", 2]}}')["o"]
    changed = map_texts(token, lambda text: Raw(b"null") if bytes(text) == b'"x"' else text)

    assert json.loads(as_written(changed)) == {"a": None, "n": 1.10, "l": [None, 2]}
    assert "1.10" in as_written(changed)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("a=1,2", ("a", ["1", "2"]), id="values"),
        pytest.param('legal="Acme, Inc.",Other', ("legal", ["Acme, Inc.", "Other"]), id="quoted"),
        pytest.param("l[key=team].value=red", ("l[key=team].value", ["red"]), id="a selector"),
        pytest.param("a=", ("a", [""]), id="the empty value"),
        pytest.param("a=x=y", ("a", ["x=y"]), id="an equals sign in a value"),
        pytest.param('a=5",6', ("a", ['5"', "6"]), id="a quote inside"),
        pytest.param('a="x""y"', ("a", ['x"y']), id="a doubled quote"),
        pytest.param('a="open', ("a", ['"open']), id="a quote without an end"),
        pytest.param("a=1\n2", ("a", ["1\n2"]), id="a line end"),
        pytest.param("a", None, id="no equals sign"),
        pytest.param("=x", None, id="no path"),
    ],
)
def test_conditions_are_read_like_csv(text, parts):
    assert split_condition(text) == parts


@given(st.lists(st.text(), min_size=1))
def test_any_values_can_be_quoted(values):
    quoted = ",".join('"' + value.replace('"', '""') + '"' for value in values)

    assert split_values(quoted) == values


def test_a_condition_holds_where_one_of_several_values_is_found():
    wanted = gathered([("list.*.k", ["u"]), ("a", ["1"]), ("gone", [""])])

    assert holds(wanted, members(RECORD))
    assert not holds({"list.*.k": ["none"]}, members(RECORD))

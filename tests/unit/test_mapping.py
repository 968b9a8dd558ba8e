"""Which part of a foreign record becomes which field of an event."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from lago_cli.domain.events import parse_event
from lago_cli.domain.json_text import as_written, decode_object, encode
from lago_cli.domain.mapping import find, parse_mapping, with_content_id
from lago_cli.errors import Kind, LagoError


def mapped(record, *, maps=(), sets=()):
    """The event's fields, as plain values."""
    mapping = parse_mapping(maps, sets)
    assert mapping is not None
    text = record if isinstance(record, str) else json.dumps(record)
    return json.loads(encode(dict(mapping.apply(decode_object(text)))))


def content_id(record):
    fields = with_content_id(decode_object(record if isinstance(record, str) else encode(record)))
    return parse_event(fields).transaction_id


def test_no_mapping_is_none():
    assert parse_mapping([], []) is None


def test_the_example_of_an_access_log():
    record = {"request_id": "r1", "remote_ip": "1.2.3.4", "time": 1704067200, "bytes": 512}

    assert mapped(
        record,
        maps=["transaction_id=request_id", "external_customer_id=remote_ip", "timestamp=time"],
        sets=["code=requests"],
    ) == {
        "transaction_id": "r1",
        "external_customer_id": "1.2.3.4",
        "timestamp": 1704067200,
        "code": "requests",
        "properties": {"bytes": 512},
    }


def in_body(body, *, maps=(), sets=()):
    """The same, of the event in a body that says more."""
    mapping = parse_mapping(maps, sets)
    assert mapping is not None
    record = decode_object(encode(body["event"]))
    return json.loads(encode(dict(mapping.apply(record, decode_object(encode(body))))))


EVENT = {"transaction_id": "t", "code": "c", "external_customer_id": "a"}


@pytest.mark.parametrize(
    ("body", "maps", "sets", "expected"),
    [
        pytest.param(
            {"event": {"id": 1, "who": "a", "gb": 2}, "source": "x"},
            ["transaction_id=event.id", "external_customer_id=event.who"],
            ["code=c"],
            {**EVENT, "transaction_id": "1", "properties": {"source": "x"}},
            id="paths into the event",
        ),
        pytest.param(
            {"id": "t", "who": "a", "event": {"kind": "x"}},
            ["transaction_id=id", "external_customer_id=who"],
            ["code=c"],
            {**EVENT, "properties": {"event": {"kind": "x"}}},
            id="a record that has an object named event",
        ),
        pytest.param(
            {"event": {"id": "t", "who": "a", "gb": 2}, "id": "request", "source": "x"},
            ["transaction_id=id", "external_customer_id=who"],
            ["code=c"],
            {**EVENT, "properties": {"gb": 2}},
            id="paths of the event",
        ),
        pytest.param(
            {"event": {**EVENT, "properties": {"gb": 2}}, "source": "x"},
            ["timestamp=at"],
            ["code=d"],
            {**EVENT, "code": "d", "properties": {"gb": 2}},
            id="an event of which one thing is changed",
        ),
        pytest.param(
            {"event": EVENT, "meta": {"source": "x"}},
            ["properties.from=meta.source"],
            ["transaction_id={meta.source}:{transaction_id}"],
            {**EVENT, "transaction_id": "x:t", "properties": {"from": "x"}},
            id="paths around the event",
        ),
    ],
)
def test_a_body_is_read_as_it_stands_or_opened(body, maps, sets, expected):
    assert in_body(body, maps=maps, sets=sets) == expected


def test_a_placeholder_that_finds_nothing_in_all_of_a_body_is_refused():
    with pytest.raises(LagoError, match="finds nothing"):
        in_body({"event": EVENT, "x": 1}, sets=["code={nope}"])


@pytest.mark.parametrize(
    ("record", "maps", "properties"),
    [
        pytest.param({"a": 1, "b": 2}, ["code=a"], {"b": 2}, id="the other keys"),
        pytest.param({"a": {"x": 1, "y": 2}, "b": 2}, ["code=a.x"], {"b": 2}, id="not a used one"),
        pytest.param({"a": 1}, ["code=a"], {}, id="none are left"),
        pytest.param({"properties": {"p": 1}, "a": 1, "b": 2}, ["code=a"], {"p": 1}, id="its own"),
        pytest.param({"properties": None, "b": 2}, ["code=b"], {}, id="null properties of its own"),
        pytest.param({"properties": 7, "a": 1}, ["code=a"], 7, id="no object, to be refused"),
        pytest.param({"a": {"x": 1}, "b": 2}, ["properties=a"], {"x": 1}, id="mapped as a whole"),
        pytest.param({"a": 1, "b": 2}, ["properties.gb=a"], {"gb": 1}, id="mapped one by one"),
        pytest.param({"b": 2}, ["properties.gb=a"], {}, id="mapped, but missing"),
        pytest.param(
            {"a": {"x": 1}, "b": 2},
            ["properties=a", "properties.gb=b"],
            {"x": 1, "gb": 2},
            id="as a whole and one more",
        ),
        pytest.param(
            {"properties": {"p": 1}, "a": 1},
            ["properties.gb=a"],
            {"gb": 1},
            id="instead of its own",
        ),
        pytest.param({"a": {"b": {"c": None}}}, ["properties.x.y=a.b.c"], {"x.y": None}, id="null"),
        pytest.param(
            {"a.b": 1, "a": {"b": 2}}, ["properties.x=a.b"], {"x": 1}, id="a key with dots"
        ),
        pytest.param({"a": {"b.c": 3}}, ["properties.x=a.b.c"], {"x": 3}, id="inside of another"),
        pytest.param({"a.b": {"c": 4}}, ["properties.x=a.b.c"], {"x": 4}, id="before another"),
        pytest.param(
            {"id": 1, "code": "own"}, ["code=id"], {"code": "own"}, id="a field passed by"
        ),
        pytest.param(
            {"$": 1, "[0]": 2, "": 3}, ["code=a"], {"$": 1, "[0]": 2, "": 3}, id="odd keys"
        ),
    ],
)
def test_properties(record, maps, properties):
    assert mapped(record, maps=maps)["properties"] == properties


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", "plain"),
        ("{id}:bytes", "7:bytes"),
        ("{id}-{who.name}", "7-ann"),
        ("{who.at}", "0.10"),
        ("{yes}", "true"),
        ("{{id}}", "{id}"),
        ("{{{id}}}", "{7}"),
        ("{", "{"),
        ("", ""),
        ("{big}", "1000"),
        ("' OR 1=1 --", "' OR 1=1 --"),
    ],
)
def test_a_constant_holds_values_of_the_record(text, found):
    record = '{"id": 7, "who": {"name": "ann", "at": 0.10}, "yes": true, "big": 1e3}'

    assert mapped(record, sets=[f"code={text}"])["code"] == found


@pytest.mark.parametrize("path", ["missing", "who.missing", "nothing", "", "id.x"])
def test_a_placeholder_that_finds_nothing_refuses_the_record(path):
    with pytest.raises(LagoError) as caught:
        mapped({"id": 7, "who": {}, "nothing": None}, sets=[f"transaction_id=a{{{path}}}"])

    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, "missing_path")
    assert f"{{{path}}}" in caught.value.message


def test_a_set_property_is_added_to_the_others():
    assert mapped({"a": 1}, sets=["code=c", "properties.region=eu"])["properties"] == {
        "a": 1,
        "region": "eu",
    }
    assert mapped({"properties": {"a": 1}}, sets=["properties.a={properties.a}0"]) == {
        "properties": {"a": "10"}
    }


def test_names_may_be_numbers_in_foreign_records():
    found = mapped(
        {"user": 42, "id": 7.5, "kind": 3},
        maps=["external_customer_id=user", "transaction_id=id", "code=kind"],
    )

    assert (found["external_customer_id"], found["transaction_id"], found["code"]) == (
        "42",
        "7.5",
        "3",
    )


def test_numbers_and_nested_values_keep_their_spelling():
    mapping = parse_mapping(["properties.n=n", "properties.o=o"], [])
    assert mapping is not None
    fields = mapping.apply(decode_object('{"n": 1.10, "o": {"b": 1,  "a": 2}}'))

    assert as_written(fields["properties"]) == '{"n":1.10,"o":{"b": 1,  "a": 2}}'


def test_own_properties_keep_their_spelling():
    mapping = parse_mapping([], ["code=c"])
    assert mapping is not None
    fields = mapping.apply(decode_object('{"properties": {"b": 1.10,  "a": 2, "a": 3}}'))

    assert as_written(fields["properties"]) == '{"b": 1.10,  "a": 2, "a": 3}'


@pytest.mark.parametrize(
    ("maps", "sets"),
    [
        pytest.param(["code"], [], id="no equals sign"),
        pytest.param(["=x"], [], id="no target"),
        pytest.param(["code="], [], id="no path"),
        pytest.param(["customer=x"], [], id="no such field"),
        pytest.param(["properties.=x"], [], id="a property without a name"),
        pytest.param([], ["colour=red"], id="a constant for no such field"),
        pytest.param(["code=x"], ["code=y"], id="both"),
    ],
)
def test_wrong_use(maps, sets):
    with pytest.raises(LagoError) as caught:
        parse_mapping(maps, sets)

    assert (caught.value.kind, caught.value.code) == (Kind.USAGE, "invalid_mapping")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", "1"),
        ("b.c", "2"),
        ("b.d.e", "3"),
        ("x.y.z", "4"),
        ("p.q", "5"),
        ("b.c.d", None),
        ("a.b", None),
        ("", None),
        (".", None),
        ("b.", None),
        ("l.0", None),
    ],
)
def test_find(path, found):
    record = '{"a":1,"b":{"c":2,"d":{"e":3}},"x.y":{"z":4},"p":{"r":0},"p.q":5,"l":[6]}'
    token = find(decode_object(record), path)

    assert (None if token is None else as_written(token)) == found


LEAST = {"code": "c", "external_customer_id": "a"}


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({**LEAST}, id="itself"),
        pytest.param({"external_customer_id": "a", "code": "c"}, id="another order"),
        pytest.param({**LEAST, "unknown": 1}, id="unknown keys"),
        pytest.param({**LEAST, "transaction_id": ""}, id="an empty id"),
        pytest.param({**LEAST, "transaction_id": None}, id="a null id"),
        pytest.param({**LEAST, "properties": None, "timestamp": None}, id="nulls"),
    ],
)
def test_the_same_content_has_the_same_id(same):
    assert content_id(same) == content_id(LEAST)
    assert content_id(same).startswith("content-")


def test_content_is_compared_by_meaning():
    one = '{"code":"c","external_customer_id":"a","properties":{"x":1.0,"y":[1e2]}}'
    other = '{"external_customer_id":"\\u0061","code":"c","properties":{"y": [100], "x": 1}}'

    assert content_id(one) == content_id(other)


@pytest.mark.parametrize(
    "other",
    [
        {**LEAST, "code": "d"},
        {**LEAST, "timestamp": 1704067200},
        {**LEAST, "properties": {"a": 1}},
        {**LEAST, "external_subscription_id": "s"},
        {"code": "c", "external_subscription_id": "a"},
        {"code": "a", "external_customer_id": "c"},
    ],
)
def test_other_content_has_another_id(other):
    assert content_id(other) != content_id(LEAST)


def test_the_id_of_the_source_goes_first():
    fields = {"transaction_id": Raw(b'"own"'), "code": Raw(b'"c"')}

    assert with_content_id(fields) is fields


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("1" * 1_000_000, id="a million digits"),
        pytest.param("1e999999999", id="a billion digits in a few"),
        pytest.param("-0.0", id="minus zero"),
    ],
)
def test_any_number_has_an_id(number):
    text = '{"code":"c","external_customer_id":"a","properties":{"n":' + number + "}}"

    assert content_id(text) == content_id(text)

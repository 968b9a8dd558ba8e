"""Which part of a foreign record becomes which field of an event."""

from __future__ import annotations

import json

import pytest

from lago_cli.domain.json_text import as_written, decode_object, encode
from lago_cli.domain.source_form import EventTold, Told
from lago_cli.errors import Kind, LagoError


def pairs(arguments):
    return dict(argument.split("=", 1) for argument in arguments)


def mapping_of(maps=(), sets=(), **more):
    mapping = Told(maps=pairs(maps), sets=pairs(sets), **more).form().mapping
    assert mapping is not None
    return mapping


def only(events):
    (event,) = events
    return event


def mapped(record, *, maps=(), sets=(), drop=()):
    """The event's fields, as plain values."""
    text = record if isinstance(record, str) else json.dumps(record)
    found = only(mapping_of(maps, sets, drop=list(drop)).apply(decode_object(text)))
    return json.loads(encode(found.fields))


def test_no_mapping_is_none():
    assert Told().form().mapping is None
    assert Told().form().is_ordinary


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
    record = decode_object(encode(body["event"]))
    events = mapping_of(maps, sets).apply(record, decode_object(encode(body)))
    return json.loads(encode(only(events).fields))


EVENT = {"transaction_id": "t", "code": "c", "external_customer_id": "a"}


@pytest.mark.parametrize(
    ("body", "maps", "sets", "expected"),
    [
        pytest.param(
            {"event": {"id": 1, "who": "a", "gb": 2}, "source": "x"},
            ["transaction_id=event.id", "external_customer_id=event.who"],
            ["code=c"],
            {**EVENT, "transaction_id": "1", "properties": {"event": {"gb": 2}, "source": "x"}},
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
            {**EVENT, "code": "d", "properties": {"code": "c", "gb": 2}},
            id="an event of which one thing is changed",
        ),
        pytest.param(
            {"event": EVENT, "meta": {"source": "x"}},
            ["properties.from=meta.source"],
            ["transaction_id={meta.source}:{transaction_id}"],
            {**EVENT, "transaction_id": "x:t", "properties": {"transaction_id": "t", "from": "x"}},
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
        pytest.param(
            {"a": {"x": 1, "y": 2}, "b": 2},
            ["code=a.x"],
            {"a": {"y": 2}, "b": 2},
            id="what stands beside a mapped member",
        ),
        pytest.param({"a": {"x": 1}}, ["code=a.x"], {}, id="no object that is empty by it"),
        pytest.param({"a": {}, "b": 1}, ["code=b"], {"a": {}}, id="an object that was empty"),
        pytest.param(
            {"a": [{"x": 1, "y": 2}]}, ["code=a[0].x"], {"a": [{"x": 1, "y": 2}]}, id="whole arrays"
        ),
        pytest.param({"a": 1}, ["code=a"], {}, id="none are left"),
        pytest.param(
            {"properties": {"p": 1}, "a": 1, "b": 2},
            ["code=a"],
            {"b": 2, "p": 1},
            id="its own, and the other keys",
        ),
        pytest.param(
            {"properties": {"p": 1}, "p": 2}, ["code=x"], {"p": 1}, id="its own before others"
        ),
        pytest.param({"properties": None, "b": 2}, ["code=b"], {}, id="null properties of its own"),
        pytest.param({"properties": 7, "a": 1}, ["code=a"], 7, id="no object, to be refused"),
        pytest.param(
            {"a": {"x": 1}, "b": 2}, ["properties=a"], {"b": 2, "x": 1}, id="mapped as a whole"
        ),
        pytest.param(
            {"a": 1, "b": 2}, ["properties.gb=a"], {"b": 2, "gb": 1}, id="mapped one by one"
        ),
        pytest.param({"b": 2}, ["properties.gb=a"], {"b": 2}, id="mapped, but missing"),
        pytest.param(
            {"a": {"x": 1}, "b": 2},
            ["properties=a", "properties.gb=b"],
            {"x": 1, "gb": 2},
            id="as a whole and one more",
        ),
        pytest.param(
            {"properties": {"p": 1}, "a": 1},
            ["properties.gb=a"],
            {"p": 1, "gb": 1},
            id="beside its own",
        ),
        pytest.param({"a": {"b": {"c": None}}}, ["properties.x.y=a.b.c"], {"x.y": None}, id="null"),
        pytest.param(
            {"a.b": 1, "a": {"b": 2}},
            ["properties.x=a.b"],
            {"a": {"b": 2}, "x": 1},
            id="a key with dots",
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
    record = decode_object('{"n": 1.10, "o": {"b": 1,  "a": 2}}')
    event = only(mapping_of(["properties.n=n", "properties.o=o"]).apply(record))

    assert as_written(event.fields["properties"]) == '{"n":1.10,"o":{"b": 1,  "a": 2}}'


def test_own_properties_keep_their_spelling():
    record = decode_object('{"properties": {"b": 1.10,  "a": 2, "a": 3}}')
    event = only(mapping_of(sets=["code=c"]).apply(record))

    assert as_written(event.fields["properties"]) == '{"b": 1.10,  "a": 2, "a": 3}'


@pytest.mark.parametrize(
    ("maps", "drop", "properties"),
    [
        pytest.param(["code=c"], ["a"], {"b": [{"d": 3}]}, id="a member"),
        pytest.param(["code=c"], ["b.*.d"], {"a": {"x": 1, "y": 2}, "b": []}, id="of all elements"),
        pytest.param(["properties.n=a.x"], ["a"], {"b": [{"d": 3}], "n": 1}, id="but for a value"),
        pytest.param(["properties.n=a"], ["a.x", "b"], {"n": {"y": 2}}, id="inside of a value"),
        pytest.param(["properties=a"], ["a.x", "b"], {"y": 2}, id="inside of all properties"),
        pytest.param(["code=a.x"], ["a", "b"], {}, id="also what a field is read from"),
    ],
)
def test_what_is_dropped(maps, drop, properties):
    found = mapped({"a": {"x": 1, "y": 2}, "b": [{"d": 3}]}, maps=maps, drop=drop)

    assert found["properties"] == properties
    assert maps != ["code=a.x"] or found["code"] == "1"


def test_properties_of_its_own_are_dropped_too():
    found = mapped({"properties": {"p": 1, "q": 2}}, sets=["code=c"], drop=["properties.p"])

    assert found["properties"] == {"q": 2}


def test_a_path_that_a_record_does_not_have_is_looked_for_around_it():
    mapping = mapping_of(["code=name", "external_customer_id=who.id"], ["properties.r={region}"])
    around = decode_object('{"name": "outer", "region": "eu", "who": {"id": "a"}}')
    event = only(mapping.apply(decode_object('{"name": "inner", "n": 1}'), None, around))

    assert json.loads(encode(event.fields)) == {
        "code": "inner",
        "external_customer_id": "a",
        "properties": {"n": 1, "r": "eu"},
    }


def test_several_events_of_a_record():
    events = [
        EventTold("a", where={"kind": ["x"]}),
        EventTold("b", maps={"properties.n": "m"}, sets={"properties.u": "s"}),
        EventTold("c", sets={"transaction_id": "{id}/c"}),
    ]
    mapping = mapping_of(["transaction_id=id"], ["properties.s=1"], events=events)
    record = decode_object('{"id": "1", "kind": "y", "m": 2}')
    found = mapping.apply(record)

    assert [json.loads(encode(each.fields)) for each in found] == [
        {
            "transaction_id": "1",
            "code": "b",
            "properties": {"kind": "y", "s": "1", "n": 2, "u": "s"},
        },
        {
            "transaction_id": "1/c",
            "code": "c",
            "properties": {"id": "1", "kind": "y", "m": 2, "s": "1"},
        },
    ]
    assert [each.by.own_id for each in found] == [False, True]


def test_options_go_before_a_mapping_file():
    file = Told(
        maps={"code": "a", "timestamp": "t"},
        sets={"external_customer_id": "x"},
        where={"kind": ["x"]},
        id_from="content",
        nulls=["-"],
        time_unit="ms",
    )
    options = Told(maps={"external_customer_id": "who"}, time_unit="s", nulls=["n/a"])
    both = options.over(file)

    assert both.maps == {"code": "a", "timestamp": "t", "external_customer_id": "who"}
    assert (both.sets, both.time_unit, both.nulls) == ({}, "s", ["-", "n/a"])
    assert Told(maps={"transaction_id": "id"}).over(file).id_from is None
    with pytest.raises(LagoError, match="which codes"):
        Told(sets={"code": "x"}).over(Told(events=[EventTold("a")]))


@pytest.mark.parametrize(
    ("maps", "sets"),
    [
        pytest.param({"": "x"}, {}, id="no target"),
        pytest.param({"code": ""}, {}, id="no path"),
        pytest.param({"customer": "x"}, {}, id="no such field"),
        pytest.param({"properties.": "x"}, {}, id="a property without a name"),
        pytest.param({}, {"colour": "red"}, id="a constant for no such field"),
        pytest.param({"code": "x"}, {"code": "y"}, id="both"),
    ],
)
def test_wrong_use(maps, sets):
    with pytest.raises(LagoError) as caught:
        Told(maps=maps, sets=sets).form()

    assert (caught.value.kind, caught.value.code) == (Kind.USAGE, "invalid_mapping")

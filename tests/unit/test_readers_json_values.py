"""Arrays, concatenated and pretty-printed objects, and finding the way behind a broken one."""

from __future__ import annotations

import json

import pytest

from lago_cli.readers import base, json_values
from lago_cli.readers.base import Blocks, Record, Unreadable

DEEP = b'{"a":{"b":[{"c":[[{"d":{"e":"}"}}]]}]}}'


def read(*blocks: bytes) -> list[Record]:
    return list(json_values.read(Blocks(blocks)))


def seen(records: list[Record]) -> list[tuple[int, bytes] | str]:
    """Line and text of the good ones, the codes of the others."""
    return [r.problem.code if r.problem else (r.line, r.raw) for r in records]


ONE, TWO = (1, b'{"a":1}'), (1, b'{"b":2}')
GOOD = [
    pytest.param(b'[{"a":1},{"b":2}]', [ONE, TWO], id="an array"),
    pytest.param(b' [ {"a":1} , {"b":2} ] ', [ONE, TWO], id="an array with space"),
    pytest.param(b'{"a":1}{"b":2}', [ONE, TWO], id="concatenated"),
    pytest.param(b'{"a":1}\n\n{"b":2}\n', [ONE, (3, b'{"b":2}')], id="one a line"),
    pytest.param(b'[{"a":1}][{"b":2}]', [ONE, TWO], id="arrays one after the other"),
    pytest.param(b'[]\n[\n]\n{"a":1}', [(4, b'{"a":1}')], id="empty arrays"),
    pytest.param(
        b'[\n  {\n    "a": 1,\n    "b": {\n      "c": [\n        {}\n      ]\n    }\n  },\n  {}\n]',
        [
            (2, b'{\n    "a": 1,\n    "b": {\n      "c": [\n        {}\n      ]\n    }\n  }'),
            (10, b"{}"),
        ],
        id="pretty-printed",
    ),
    pytest.param(b"[" + DEEP + b"," + DEEP + b"]", [(1, DEEP), (1, DEEP)], id="nested"),
    pytest.param(b'{"a":"{[\\"\\\\"}', [(1, b'{"a":"{[\\"\\\\"}')], id="brackets in a text"),
    pytest.param(b'{"event":\n{"a":1}}', [(2, b'{"a":1}')], id="a body event"),
    pytest.param(b'[{"event":{"a":1}}]', [ONE], id="bodies in an array"),
    pytest.param(b'{"events":[\n{"a":1},\n\n{"b":2}]}', [(2, ONE[1]), (4, TWO[1])], id="events"),
    pytest.param(
        b'{"x":{"y":[{}]},"events":[{"a":1}],"z":[1]}{"b":2}', [ONE, TWO], id="events and more"
    ),
    pytest.param(b'{"x":["event"],"event":\n{"a":1}}', [(2, b'{"a":1}')], id="an event and more"),
    pytest.param(b'{"x":[{}],"event":\n[{}]}', [(1, b'{"x":[{}],"event":\n[{}]}')], id="no body"),
    pytest.param(
        b'{"code":"c","events":[{"a":1}]}',
        [(1, b'{"code":"c","events":[{"a":1}]}')],
        id="an event that has events",
    ),
    pytest.param(
        b'{"event":{},"events":[{}]}', [(1, b'{"event":{},"events":[{}]}')], id="which of them?"
    ),
    pytest.param(b"", [], id="nothing"),
    pytest.param(b" \n\r\n\t", [], id="only white space"),
]

FAULTY = [
    pytest.param(b'[{bad},{"a":1}]', ["invalid_json", ONE], id="a bad element"),
    pytest.param(b'[{"a":1},bad word,{"b":2}]', [ONE, "invalid_json", TWO], id="bare words"),
    pytest.param(b'[1,"x",[{}],{"a":1}]', ["not_an_object"] * 3 + [ONE], id="no objects"),
    pytest.param(b'[{"a":1} {"b":2}]', [ONE, "invalid_json", TWO], id="a comma is missing"),
    pytest.param(b'[{"a":1},,{"b":2}]', [ONE, "invalid_json", TWO], id="a comma too many"),
    pytest.param(b'[,{"a":1}]', ["invalid_json", ONE], id="a comma at the start"),
    pytest.param(b'[{"a":1},]', [ONE, "invalid_json"], id="a comma at the end"),
    pytest.param(b'[{"a":1},{"b":2}', [ONE, TWO, "invalid_json"], id="no end of the array"),
    pytest.param(b'[{"a":1},{"b":', [ONE, "invalid_json"], id="the last element is cut off"),
    pytest.param(b'{"a":1}]}\n{"b":2}', [ONE, "invalid_json", (2, TWO[1])], id="too many brackets"),
    pytest.param(b'hello {"a":1}', ["invalid_json", ONE], id="words before"),
    pytest.param(b'{"a":1}\n"a {b}" 5\n', [ONE, "invalid_json"], id="words behind"),
    pytest.param(b'7\n{"a":1}', ["not_an_object", (2, ONE[1])], id="a number before"),
    pytest.param(b'{"x":\n{"a":1}\n', ["invalid_json", (2, ONE[1])], id="no end, then a line"),
    pytest.param(b'{"x":1\n{"a":1}\n', ["invalid_json", (2, ONE[1])], id="no bracket at line end"),
    pytest.param(b'{"x":"y\n{"a":1}\n', ["invalid_json", (2, ONE[1])], id="no quote at line end"),
    pytest.param(
        b'[{"x":"y},{"a":1},{"b":2}]', ["invalid_json", ONE, TWO], id="no quote, one line"
    ),
    pytest.param(
        b'[{"x":[1},{"a":1},{"b":2}]', ["invalid_json", ONE, TWO], id="the other sort of bracket"
    ),
    pytest.param(
        b'[\n  {\n    "x": "y,\n    "z": {}\n  },\n  {"a":1}\n]',
        ["invalid_json", (6, ONE[1])],
        id="pretty-printed, no quote",
    ),
    pytest.param(
        b'{"events":[{"a":1},{bad},{"b":2}]}', [ONE, "invalid_json", TWO], id="bad in a body"
    ),
    pytest.param(
        b'{"x":["]",{}],"y":-1.5e3 ,"events":[{"a":1},{bad}] , "z":[{"c":[[]]}] }{"b":2}',
        [ONE, "invalid_json", TWO],
        id="bad in a body with more",
    ),
    pytest.param(
        b'{"events":[{"a":1}],"x":bad}{"b":2}', [ONE, "invalid_json", TWO], id="bad behind"
    ),
    pytest.param(b'{"events":[{"a":1}],}{"b":2}', [ONE, "invalid_json", TWO], id="a comma behind"),
    pytest.param(
        b'{"events":[{"a":1}],"x":{\n{"b":2}', [ONE, "invalid_json", (2, TWO[1])], id="cut"
    ),
    pytest.param(b'{"events":[{"a":1},', [ONE, "invalid_json"], id="a body is cut off"),
    pytest.param(b'{"a":"\xff"}{"a":1}', ["invalid_utf8", ONE], id="Latin-1"),
    pytest.param(b'[{"x":"\\ud800"},{"a":1}]', ["invalid_json", ONE], id="a lone surrogate"),
    pytest.param(b'[{"x":NaN},{"a":1}]', ["invalid_json", ONE], id="NaN"),
    pytest.param(
        b'[{"x":' + b"[" * 3000 + b"]" * 3000 + b'},{"a":1}]', ["nested_too_deeply", ONE], id="deep"
    ),
]


@pytest.mark.parametrize(("data", "expected"), GOOD + FAULTY)
def test_values_come_one_by_one(data, expected):
    assert seen(read(data)) == expected


@pytest.mark.parametrize(("data", "expected"), GOOD + FAULTY)
def test_it_does_not_matter_how_the_bytes_are_split(data, expected):
    whole = read(data)

    assert read(*(data[at : at + 1] for at in range(len(data)))) == whole
    assert read(*(data[at : at + 5] for at in range(0, len(data), 5))) == whole


def test_an_object_without_an_end_says_where_it_starts():
    [_, record] = read(b'{"a":1}\n{"b":\n  3\n')

    assert (record.line, record.raw) == (2, b'{"b":\n  3\n')
    assert record.problem.message.endswith("in the middle of an object that starts at line 2")


def test_a_fault_inside_of_an_object_is_found_by_its_line():
    [record] = read(b'\n{\n  "a": 1,\n  "b": x\n}')

    assert record.problem.message == "not valid JSON: invalid character (line 4, column 8)"


@pytest.mark.parametrize("size", [1, 100, 10_000])
@pytest.mark.parametrize(
    "long",
    [
        pytest.param(b'{"x":"' + b"y" * 500 + b'"}', id="one long text"),
        pytest.param(b'{"x":[' + b'{"y":"z"},' * 50 + b"1]}", id="many short ones"),
    ],
)
def test_an_object_that_is_too_large_is_refused_alone(size, long, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 400)
    data = b'[{"a":1},\n' + long + b',\n{"b":2}]'
    records = read(*(data[at : at + size] for at in range(0, len(data), size)))

    assert seen(records) == [ONE, "record_too_large", (3, TWO[1])]
    assert (records[1].line, records[1].raw) == (2, long[:200])


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_after_an_object_without_an_end_in_bounded_memory_the_next_is_found(size, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 400)
    data = b'{"x":[' + b"1," * 300 + b'\n{"a":1}]\n{"b":2}'
    records = read(*(data[at : at + size] for at in range(0, len(data), size)))

    assert seen(records) == ["record_too_large", (3, TWO[1])]


@pytest.mark.parametrize(
    ("end", "codes"),
    [
        pytest.param(b"]}", [], id="whole"),
        pytest.param(b"]", ["invalid_json"], id="the last brace is missing"),
        pytest.param(b'],"x":1}', [], id="there is more in it"),
        pytest.param(b'],"x":[' + b"{}," * 200 + b"{}]}", [], id="there is much more in it"),
        pytest.param(b'],"x":?}', ["invalid_json"], id="and that is faulty"),
        pytest.param(b'],"x":[', ["invalid_json"], id="and that has no end"),
    ],
)
@pytest.mark.parametrize("before", [b"", b'"x":"y" , "z":{"events":[1,{}]},', b'"x":[{}, [1]],\t'])
def test_a_body_of_any_length_passes_through(before, end, codes, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 400)
    data = b"{ " + before + b'"events" : [' + b",\n".join([b'{"a":1}'] * 500) + end
    records = read(*(data[at : at + 64] for at in range(0, len(data), 64)))
    expected = [(line, b'{"a":1}') for line in range(1, 501)]

    assert seen(records) == expected + codes


def test_only_what_is_no_json_is_a_fault_behind_the_events(monkeypatch):
    monkeypatch.setattr(base, "MAX_KEYS", 3)
    rest = b'"x":[{"a":1},{"b":2},{"c":3},{"d":' + b"[" * 600 + b"]" * 600 + b"}]"

    assert seen(read(b'{"events":[{"a":1}],' + rest + b"}")) == [ONE]


def test_elements_come_before_the_array_has_ended():
    def endless():
        yield b'[{"a":1,"b":2},'
        yield b'{"a":1,"b":3},'
        pytest.fail("more was asked for than needed")

    records = json_values.read(Blocks(endless()))

    assert next(records).raw == b'{"a":1,"b":2}'
    assert next(records).raw == b'{"a":1,"b":3}'


def test_where_the_input_becomes_unreadable_nothing_else_is_said():
    def cut():
        yield b'[{"a":1},{"b":'
        raise Unreadable("truncated_input", "cut off")

    blocks = Blocks(cut())
    records = list(json_values.read(blocks))

    assert records[0] == Record(1, b'{"a":1}')
    assert all(not record.problem or "ends" not in record.problem.message for record in records)
    assert blocks.fault


def test_the_records_are_valid_json():
    records = read(b'[{"a": 1.10, "b": "\\u00e9"}, {"c": {"d": [1, {"e": 2}]}}]')

    assert [json.loads(record.raw) for record in records] == [
        {"a": 1.10, "b": "é"},
        {"c": {"d": [1, {"e": 2}]}},
    ]

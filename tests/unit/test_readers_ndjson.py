"""NDJSON: blocks of whole lines, and what single lines turn out to be."""

from __future__ import annotations

import pytest

from lago_cli.readers import base, ndjson
from lago_cli.readers.base import Block, Blocks, Problem, Record, Unreadable


def read(*blocks: bytes) -> list[Block | Record]:
    return list(ndjson.read(Blocks(blocks)))


def split(data: bytes, line: int = 1) -> list[Record]:
    return list(ndjson.split(Block(line, data)))


def raws(data: bytes) -> list[tuple[int, bytes]]:
    records = split(data)
    assert not any(record.problem for record in records)
    return [(record.line, record.raw) for record in records]


def problem_of(data: bytes) -> Problem:
    [record] = split(data)
    assert record.problem
    return record.problem


def test_whole_lines_come_at_once_and_the_rest_when_it_is_there():
    blocks = read(b'{"a":1}\n{"b"', b":2", b'}\r\n\n{"c":3}')

    assert blocks == [Block(1, b'{"a":1}\n'), Block(2, b'{"b":2}\r\n\n'), Block(4, b'{"c":3}')]


def test_a_line_is_handed_on_before_the_next_one_is_asked_for():
    def slow():
        yield b'{"a":1}\n{'
        pytest.fail("the second block was asked for too early")

    assert next(ndjson.read(Blocks(slow()))) == Block(1, b'{"a":1}\n')


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_that_is_too_long_is_refused_alone(size, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 300)
    long = b'{"long":"' + b"x" * 300 + b'"}'
    data = b'{"a":1}\n' + long + b'\n{"b":2}\n' + long
    records = read(*(data[at : at + size] for at in range(0, len(data), size)))
    problems = [(r.line, r.raw) for r in records if isinstance(r, Record)]

    assert problems == [(2, long[:200]), (4, long[:200])]
    assert all(r.problem.code == "record_too_large" for r in records if isinstance(r, Record))
    assert [r for r in records if isinstance(r, Block)] == [
        Block(1, b'{"a":1}\n'),
        Block(3, b'{"b":2}\n'),
    ]


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        pytest.param(b'{"b":2}', [Block(2, b'{"b":2}')], id="a whole object is kept"),
        pytest.param(b'{"b":', [], id="half an object is not"),
    ],
)
def test_where_the_input_is_cut_off_the_last_line_counts_if_it_is_whole(last, kept):
    def cut():
        yield b'{"a":1}\n' + last
        raise Unreadable("truncated_input", "cut off")

    blocks = Blocks(cut())

    assert list(ndjson.read(blocks)) == [Block(1, b'{"a":1}\n'), *kept]
    assert blocks.fault == Problem("truncated_input", "cut off")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b'{"a":1}\n{"b":2}', [(1, b'{"a":1}'), (2, b'{"b":2}')], id="two lines"),
        pytest.param(b' \t{"a":1} \r\n', [(1, b'{"a":1}')], id="white space around is cut"),
        pytest.param(b'\n \r\n{"a":1}\n\n', [(3, b'{"a":1}')], id="blank lines are skipped"),
        pytest.param(b'[{"a":1}, {"b":2}]', [(1, b'{"a":1}'), (1, b'{"b":2}')], id="an array"),
        pytest.param(b"[]", [], id="an empty array"),
        pytest.param(
            b'{"a":1}{"b":{}} {"c":3}',
            [(1, b'{"a":1}'), (1, b'{"b":{}}'), (1, b'{"c":3}')],
            id="several without a line end",
        ),
        pytest.param(b'{"event": {"a": 1.10}}', [(1, b'{"a": 1.10}')], id="a body event"),
        pytest.param(
            b'{"events":[{"a":1},{"b":2}]}', [(1, b'{"a":1}'), (1, b'{"b":2}')], id="a body events"
        ),
        pytest.param(b'[{"event":{"a":1}}]', [(1, b'{"a":1}')], id="bodies in an array"),
        pytest.param(
            b'{"event":{"a":1},"code":1}',
            [(1, b'{"event":{"a":1},"code":1}')],
            id="no body: an event's own key",
        ),
        pytest.param(b'{"event":1}', [(1, b'{"event":1}')], id="no body: no object in it"),
        pytest.param(
            b'{"events":[{"event":{}}]}', [(1, b'{"event":{}}')], id="unwrapped only once"
        ),
        pytest.param(b'{"a":1,"a":2}', [(1, b'{"a":1,"a":2}')], id="a repeated key is no fault"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', [(1, b'{"a":"\\ud83d\\ude00"}')], id="a pair"),
        pytest.param(b'{"a":"\\\\ud800"}', [(1, b'{"a":"\\\\ud800"}')], id="no escape at all"),
        pytest.param(b'{"a":1e999}', [(1, b'{"a":1e999}')], id="a number of any size"),
    ],
)
def test_good_lines(data, expected):
    assert raws(data) == expected


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        pytest.param(b'{"a":1,}', "invalid_json", "(column 8)", id="a comma too many"),
        pytest.param(b'  {"a":1,}', "invalid_json", "(column 10)", id="the indent counts"),
        pytest.param('{"é":1,}'.encode(), "invalid_json", "(column 8)", id="characters count"),
        pytest.param(b'{"a":1', "invalid_json", "too early (column 7)", id="cut off"),
        pytest.param(b'{"a":NaN}', "invalid_json", "NaN", id="NaN"),
        pytest.param(b'{"a":-Infinity}', "invalid_json", "-Infinity", id="Infinity"),
        pytest.param(b"NaN", "invalid_json", "NaN", id="NaN alone"),
        pytest.param(b'{"a":"\\ud800"}', "invalid_json", "lone surrogate \\ud800", id="high"),
        pytest.param(b'{"a":["\\udc00"]}', "invalid_json", "lone surrogate", id="low"),
        pytest.param(b'{"\\uD800x":1}', "invalid_json", "lone surrogate", id="in a key"),
        pytest.param(b'{"a":"\\ud800\\u0041 and more"}', "invalid_json", "lone", id="half a pair"),
        pytest.param(b'{"a":"\\ud800 and on it goes"}', "invalid_json", "lone", id="then text"),
        pytest.param(b'{"a":"\x00"}', "invalid_json", "invalid character", id="a NUL byte"),
        pytest.param(b'{"a":1} trailing', "invalid_json", "trailing", id="more behind it"),
        pytest.param(b'{"a":1}{"b":', "invalid_json", "trailing", id="half a second object"),
        pytest.param(b"bare words", "invalid_json", "column 1", id="no JSON at all"),
        pytest.param(b"5", "not_an_object", "a number", id="a number"),
        pytest.param(b'"x"', "not_an_object", "text", id="text"),
        pytest.param(b"null", "not_an_object", "null", id="null"),
        pytest.param(b"[1]", "not_an_object", "a number", id="a number in an array"),
        pytest.param(b"[[]]", "not_an_object", "an array", id="an array in an array"),
        pytest.param(b'{"events":[true]}', "not_an_object", "true", id="in a body"),
        pytest.param(b"5 x", "invalid_json", "trailing", id="a number and more"),
        pytest.param(b'{"a":"\xff"}', "invalid_utf8", "0xff (column 7)", id="Latin-1"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "invalid_utf8", "0xed", id="an encoded surrogate"),
        pytest.param(
            b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested_too_deeply", "", id="deep"
        ),
        pytest.param(b"[" * 5000, "nested_too_deeply", "", id="deep arrays"),
    ],
)
def test_bad_lines_say_why(data, code, words):
    problem = problem_of(data)

    assert problem.code == code
    assert words in problem.message


def test_a_bad_line_is_refused_alone_with_its_number_and_text():
    records = split(b'{"a":1}\n{bad}\r\n\n{"b":2}\n', line=16)

    assert [(r.line, r.raw, bool(r.problem)) for r in records] == [
        (16, b'{"a":1}', False),
        (17, b"{bad}", True),
        (19, b'{"b":2}', False),
    ]


def test_of_several_objects_on_a_line_the_bad_one_is_refused_alone():
    first, second, third = split(b'{"a":1}{bad}{"c":3}')

    assert (first.problem, third.problem) == (None, None)
    assert second.problem == Problem(
        "invalid_json", "not valid JSON: object keys must be strings (column 9)"
    )

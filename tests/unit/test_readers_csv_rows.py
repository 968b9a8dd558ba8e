"""CSV and TSV: rows become JSON objects, faulty rows are refused alone."""

from __future__ import annotations

import json

import pytest

from lago_cli.readers import base, csv_rows
from lago_cli.readers.base import Blocks, Record, Unreadable


def read(*blocks: bytes) -> list[Record]:
    return list(csv_rows.read(Blocks(blocks)))


def rows(*blocks: bytes) -> list[tuple[int, object]]:
    """Line and content of the good rows, line and code of the others."""
    return [
        (r.line, r.problem.code if r.problem else json.loads(r.raw, parse_float=str))
        for r in read(*blocks)
    ]


GOOD = [
    pytest.param(
        b"a,b\n1,x\n2,y\n", [(2, {"a": "1", "b": "x"}), (3, {"a": "2", "b": "y"})], id="csv"
    ),
    pytest.param(b"a;b\n1,5;x", [(2, {"a": "1,5", "b": "x"})], id="semicolons"),
    pytest.param(b"a\tb\n1\tx y", [(2, {"a": "1", "b": "x y"})], id="tabs"),
    pytest.param(b"a\n1\n", [(2, {"a": "1"})], id="one column"),
    pytest.param(b"a|b\n1,5|x", [(2, {"a": "1,5", "b": "x"})], id="bars"),
    pytest.param(b"sep=;\na;b\n1,5;x", [(3, {"a": "1,5", "b": "x"})], id="Excel's first line"),
    pytest.param(b'"sep=,"\r\na,b;c\r\n1,x\r\n', [(3, {"a": "1", "b;c": "x"})], id="in quotes"),
    pytest.param(b"SEP=\t\na\tb\n1\tx", [(3, {"a": "1", "b": "x"})], id="a tab"),
    pytest.param(b"sep=;;\n1;2\n", [(1, "csv_header")], id="no such line"),
    pytest.param(b"a\n\\N\nNULL\n", [(2, {"a": "\\N"}), (3, {"a": "NULL"})], id="nulls are texts"),
    pytest.param(
        b"a,b\r\n1,2\r\n3,4\r\n", [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})], id="CRLF"
    ),
    pytest.param(
        b"a,b\r1,2\r3,4\r", [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})], id="lone CR"
    ),
    pytest.param(b"\n\na , b\n\n1,2\n", [(5, {"a": "1", "b": "2"})], id="blank lines before"),
    pytest.param(
        b"a,b\n1,\n,\n\n ,2\n", [(2, {"a": "1"}), (5, {"a": " ", "b": "2"})], id="empty cells"
    ),
    pytest.param(
        b'a,b\n"x\ny","say ""hi"""\n3,4\n',
        [(2, {"a": "x\ny", "b": 'say "hi"'}), (4, {"a": "3", "b": "4"})],
        id="quoted",
    ),
    pytest.param(
        b"a,properties.x,properties.y.z\n1,2,\n3,,4\n5,,\n",
        [
            (2, {"a": "1", "properties": {"x": "2"}}),
            (3, {"a": "3", "properties": {"y.z": "4"}}),
            (4, {"a": "5"}),
        ],
        id="properties one by one",
    ),
    pytest.param(
        b'a,properties\n1,"{""x"": 1.10}"\n2,\n3,no object\n4,[1]\n',
        [
            (2, {"a": "1", "properties": {"x": "1.10"}}),
            (3, {"a": "2"}),
            (4, {"a": "3", "properties": "no object"}),
            (5, {"a": "4", "properties": "[1]"}),
        ],
        id="properties as an object",
    ),
    pytest.param(
        b'properties,properties.y\n"{""x"":1}",2\n"{""y"":1}",2\n"{""y"":1}",\nbad,2\n',
        [
            (2, {"properties": {"x": 1, "y": "2"}}),
            (3, {"properties": {"y": "2"}}),
            (4, {"properties": {"y": 1}}),
            (5, {"properties": "bad"}),
        ],
        id="both",
    ),
    pytest.param(
        "a\ngrün 🎉\u2028x\x0b\n".encode(), [(2, {"a": "grün 🎉\u2028x\x0b"})], id="unicode"
    ),
    pytest.param(b"", [], id="nothing"),
    pytest.param(b"\n\n", [], id="only blank lines"),
    pytest.param(b"a,b\n", [], id="only a header"),
]

FAULTY = [
    pytest.param(
        b"a,b\n1,2,3\n1\n4,5",
        [(2, "csv_fields"), (3, "csv_fields"), (4, {"a": "4", "b": "5"})],
        id="fields",
    ),
    pytest.param(b"a,,b\n1,2,3\n", [(1, "csv_header")], id="a column without a name"),
    pytest.param(b"a,properties.\n1,2\n", [(1, "csv_header")], id="a property without a name"),
    pytest.param(b"a,b, a\n1,2,3\n", [(1, "csv_header")], id="a column twice"),
    pytest.param(b"a\xff,b\n1,2\n", [(1, "csv_header")], id="a header in Latin-1"),
    pytest.param(b'a,"b\n1,2\n', [(1, "invalid_csv")], id="a quote in the header without an end"),
    pytest.param(b"a\n\xff\nx\n", [(2, "invalid_utf8"), (3, {"a": "x"})], id="a row in Latin-1"),
    pytest.param(
        b'a,b\n"1,2\n3,4\n5,6\n',
        [(2, "invalid_csv"), (3, {"a": "3", "b": "4"}), (4, {"a": "5", "b": "6"})],
        id="a quote without an end",
    ),
    pytest.param(
        b'a,b\n"1"x,2\n3,4\n',
        [(2, "invalid_csv"), (3, {"a": "3", "b": "4"})],
        id="text behind a quote",
    ),
]


@pytest.mark.parametrize(("data", "expected"), GOOD + FAULTY)
def test_rows_become_objects(data, expected):
    assert rows(data) == expected


@pytest.mark.parametrize(("data", "expected"), GOOD + FAULTY)
def test_it_does_not_matter_how_the_bytes_are_split(data, expected):
    assert rows(*(data[at : at + 1] for at in range(len(data)))) == expected
    assert rows(*(data[at : at + 3] for at in range(0, len(data), 3))) == expected


def test_an_object_in_a_cell_is_taken_as_written():
    [record] = read(b'properties\n"{ ""x"" : 1.10, ""x"" : 2e5 }"\n')

    assert record.raw == b'{"properties":{ "x" : 1.10, "x" : 2e5 }}'


def test_a_refused_row_is_kept_as_written():
    bad, latin = read(b'a,b\n"x\ny",2,3\r\n\xe9,1\n')

    assert bad.raw == b'"x\ny",2,3'
    assert latin.raw == b"\xe9,1"


@pytest.mark.parametrize("size", [1, 100, 10_000])
@pytest.mark.parametrize("letter", ["x", "é", "🎉"])
def test_a_row_that_is_too_large_is_refused_alone(size, letter, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 300)
    data = b"a,b\n1,2\n3," + letter.encode() * 2000 + b"\n5,6\n"

    assert rows(*(data[at : at + size] for at in range(0, len(data), size))) == [
        (2, {"a": "1", "b": "2"}),
        (3, "record_too_large"),
        (4, {"a": "5", "b": "6"}),
    ]


def test_a_header_that_is_too_large_ends_the_reading(monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 300)

    assert rows(b"\n" + b"a," * 200 + b"b\n1,2\n") == [(2, "record_too_large")]


def test_a_quote_without_an_end_does_not_swallow_more_than_its_bound(monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 300)
    data = b'a,b\n"1,2\n' + b"3,4\n" * 1000

    assert rows(data) == [(2, "record_too_large")] + [
        (line, {"a": "3", "b": "4"}) for line in range(3, 1003)
    ]


def test_a_row_comes_before_the_next_is_there():
    def slow():
        yield b"a,b\n1,2\n3"
        pytest.fail("the second block was asked for too early")

    assert next(csv_rows.read(Blocks(slow()))).raw == b'{"a":"1","b":"2"}'


def test_half_a_row_is_not_taken_where_the_input_is_cut_off():
    def cut():
        yield b"a,b\n1,200\n3,4"
        raise Unreadable("truncated_input", "cut off")

    assert [record.raw for record in csv_rows.read(Blocks(cut()))] == [b'{"a":"1","b":"200"}']

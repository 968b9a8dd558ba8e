"""Which format an input has is told by its content; whatever it holds, reading never raises."""

from __future__ import annotations

import io
import json

import pytest

from lago_cli.readers import formats, ndjson
from lago_cli.readers.base import Block, ReadOptions, Record
from lago_cli.readers.source import Source, open_source


def source_of(data: bytes, step: int | None = None) -> Source:
    """With a `step`, a source that hands out so many bytes at a time."""

    class Dribble(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.read(step or size)

    return open_source("-", Dribble(data))


def expanded(source: Source, options: ReadOptions) -> list[Record]:
    found: list[Record] = []
    for item in formats.read(source, options):
        found.extend(ndjson.split(item) if isinstance(item, Block) else [item])
    return found


def records(data: bytes, format: str = "auto", step: int | None = None) -> list[Record]:  # noqa: A002
    return expanded(source_of(data, step), ReadOptions(format))


def outcome(found: list[Record]) -> list[object]:
    """The good records decoded, the codes of the others."""
    return [r.problem.code if r.problem else json.loads(r.raw) for r in found]


A, B = {"a": 1}, {"b": 2}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(b"[", "json", id="an array"),
        pytest.param(b' \n [{"a":1}]\n', "json", id="an array after white space"),
        pytest.param(b'{"a":1}\n{"b":2}\n', "ndjson", id="an object a line"),
        pytest.param(b'{"a":1}\r\n', "ndjson", id="CRLF"),
        pytest.param(b'{"a":\n{"b":2}\n', "ndjson", id="the first line is broken"),
        pytest.param(b'oops\n{"b":2}\n', "ndjson", id="the first line is no JSON"),
        pytest.param(b'a,b\n{"b":2}\n', "ndjson", id="a comma in the first line"),
        pytest.param(b'{\n "a":1\n}\n', "json", id="pretty-printed"),
        pytest.param(b'{"a":1}\n{\n "b":2\n}\n', "json", id="pretty-printed but for the first"),
        pytest.param(b'{"a":1}{"b":2}\n', "json", id="concatenated"),
        pytest.param(b'{"a": 1,\n"b":2}\n', "json", id="an object over two lines"),
        pytest.param(b"transaction_id,code\n", "csv", id="commas"),
        pytest.param(b"transaction_id;code\n", "csv", id="semicolons"),
        pytest.param(b"a\tb\n1\t2\n", "csv", id="tabs"),
        pytest.param(b'"a","b"\n', "csv", id="a quoted header"),
        pytest.param(b"transaction_id\n1\n", "csv", id="one known column"),
        pytest.param(b"a|b\n1|2\n", "csv", id="bars"),
        pytest.param(b"sep=~\na~b\n1~2\n", "csv", id="Excel's first line"),
        pytest.param(b'"sep=~"\r\na~b\r\n', "csv", id="in quotes"),
        pytest.param(b"hello\n", "ndjson", id="a word"),
        pytest.param(b'"a":1,"b":2}\n', "ndjson", id="half an object"),
        pytest.param(b"  \n", "ndjson", id="nothing yet"),
    ],
)
def test_the_format_is_told_by_the_first_lines(head, expected):
    assert formats.sniff(head) == expected


@pytest.mark.parametrize("step", [None, 1, 6], ids=["at once", "byte by byte", "six bytes"])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\xef\xbb\xbf", [], id="only a byte-order mark"),
        pytest.param(b" \r\n\n", [], id="only white space"),
        pytest.param(b'{"a":1}', [A], id="one object"),
        pytest.param(b'\xef\xbb\xbf{"a":1}\n{"b":2}', [A, B], id="a byte-order mark, NDJSON"),
        pytest.param(b'\xef\xbb\xbf[{"a":1},{"b":2}]', [A, B], id="a byte-order mark, array"),
        pytest.param(b"\xef\xbb\xbfcode,b\n1,2\n", [{"code": "1", "b": "2"}], id="and CSV"),
        pytest.param(b'{"a":1}\r\n\r\n{"b":2}\r\n', [A, B], id="CRLF and blank lines"),
        pytest.param(b'{"a":1}{"b":2}', [A, B], id="concatenated"),
        pytest.param(b'{"a":1}{"b":2}\n{"a":1}\n', [A, B, A], id="partly concatenated"),
        pytest.param(b'{\n"a":1\n}\n{\n"b":2\n}\n', [A, B], id="pretty-printed"),
        pytest.param(b'{"events":[{"a":1},{"b":2}]}', [A, B], id="a request body"),
        pytest.param(b'{"a":\n{"b":2}\n', ["invalid_json", B], id="a broken first line"),
        pytest.param(b'{"a":"x\n{"b":2}\n{"a":1}\n', ["invalid_json", B, A], id="a lost quote"),
        pytest.param(b"hello\nworld\n", ["invalid_json"] * 2, id="words"),
        pytest.param(b"hello, world\n", ["invalid_json"], id="words with a comma"),
        pytest.param(b"transaction_id,code\n", [], id="only a header of events"),
        pytest.param(b"sep=;\r\na;b\r\n", [], id="Excel's first line and a header"),
        pytest.param(
            b"\xef\xbb\xbfsep=;\r\na;b\r\n1;2,5", [{"a": "1", "b": "2,5"}], id="and a row"
        ),
        pytest.param(b"{", ["invalid_json"], id="a brace"),
        pytest.param(b"[", ["invalid_json"], id="a bracket"),
        pytest.param('{"a":1}\n'.encode("utf-16"), [A], id="UTF-16"),
        pytest.param('{"a":1}\n'.encode("utf-32"), [A], id="UTF-32"),
        pytest.param('{"a":1}\n'.encode("utf-16-be"), ["not_text"], id="UTF-16 without a mark"),
        pytest.param(b"PK\x03\x04\0\0\0\n", ["zip_archive"], id="a zip archive"),
    ],
)
def test_auto(data, expected, step):
    assert outcome(records(data, step=step)) == expected


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("json", [A, "invalid_json", B]),
        ("ndjson", [A, "invalid_json", B]),
        ("csv", ["csv_fields", {'{"a":1}': '{"b":2}'}]),
    ],
)
def test_a_format_may_be_given(format, expected):  # noqa: A002
    found = records(b'\xef\xbb\xbf{"a":1}\nbad,x\n{"b":2}\n', format)

    assert outcome(found) == expected


def test_the_choices_are_the_readers_and_auto():
    assert ("auto", *formats.READERS) == formats.FORMATS


def test_a_bad_line_17_is_refused_alone():
    lines = [b'{"a":%d}' % n for n in range(1, 31)]
    lines[16] = b'{"a":17'
    found = records(b"\n".join(lines))

    assert [(r.line, r.raw) for r in found if r.problem] == [(17, b'{"a":17')]
    assert len(found) == 30


def test_where_a_source_cannot_be_read_on_that_is_the_last_record():
    import gzip

    data = gzip.compress(b'{"a":1}\n{"b":2}\n{"c":3}')
    found = records(data[:-6])

    assert outcome(found) == [A, B, {"c": 3}, "truncated_input"]
    assert (found[-1].line, found[-1].raw) == (3, b"")


def test_a_source_that_is_unreadable_from_the_start_is_one_record():
    assert outcome(records(b"\x1f\x8b nonsense")) == ["corrupt_input"]


def test_a_slow_pipe_is_not_asked_for_more_than_one_line():
    class Slow:
        def blocks(self):
            yield b'{"a":'
            yield b"1}\n"
            pytest.fail("more was asked for than needed")

    assert next(formats.read(Slow())) == Block(1, b'{"a":1}\n')


def test_a_first_line_of_any_length_is_read():
    long = {"a": "x" * 200_000}

    assert outcome(records(json.dumps(long).encode() + b'\n{"b":2}\n')) == [long, B]


@pytest.mark.parametrize("step", [None, 1, 7], ids=["at once", "byte by byte", "in sevens"])
@pytest.mark.parametrize(
    ("format", "data", "expected"),
    [
        pytest.param("auto", b'{"a":1}\n{"b":', [A, "partial_line"], id="NDJSON"),
        pytest.param("auto", b'{"a":1}\n{"b":2}', [A, B], id="a whole line without its end"),
        pytest.param("auto", b'{"a":\n{"b":2}', ["invalid_json", B], id="not the last line"),
        pytest.param("json", b'{"a":\n{"b":2}', ["invalid_json", B], id="nor the last object"),
        pytest.param("auto", b'{\n"a":1}\n{\n"b":', [A, "partial_line"], id="JSON"),
        pytest.param("auto", b'[{"a":1},\n{"b":"', [A, "partial_line"], id="an array"),
        pytest.param("auto", b'[{"a":1},', [A], id="between two elements"),
        pytest.param(
            "auto", b"code,b\n1,2\n3,4", [{"code": "1", "b": "2"}, "partial_line"], id="CSV"
        ),
        pytest.param(
            "auto",
            b'code,b\n1,2\n3,"4\n5',
            [{"code": "1", "b": "2"}, "partial_line"],
            id="in quotes",
        ),
        pytest.param(
            "auto",
            b'code,b\n"1,2\n3,4\n',
            ["invalid_csv", {"code": "3", "b": "4"}],
            id="a quote too many takes no row away",
        ),
        pytest.param("csv", b"code,b\n1,2\n", [{"code": "1", "b": "2"}], id="whole rows"),
    ],
)
def test_a_last_record_that_is_being_written_may_be_left_out(format, data, expected, step):  # noqa: A002
    found = expanded(source_of(data, step), ReadOptions(format, skip_partial=True))

    assert outcome(found) == expected


def test_records_are_found_in_every_format():
    for format, data in (  # noqa: A001
        ("auto", b'{"R":[{"a":1}]}\n{"R":[{"b":2}]}\n'),
        ("ndjson", b'{"R":[{"a":1}]}\n{"R":[{"b":2}]}\n'),
        ("json", b'[{"R":[{"a":1},{"b":2}]}]'),
        ("auto", b'code,R\n1,"[{""a"":1},{""b"":2}]"\n'),
    ):
        assert outcome(expanded(source_of(data), ReadOptions(format, records="R"))) == [A, B]


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_return_in_the_middle_of_a_header_is_no_exception(name):
    """As old files end their lines; nothing in it is a record."""
    source = open_source("-", io.BytesIO(b"\t\r1e91e9:"))
    found = list(formats.read(source, ReadOptions(name)))

    assert all(isinstance(each, Block) or each.problem is not None for each in found)

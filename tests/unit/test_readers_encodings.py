"""Input in other encodings becomes UTF-8; a byte that is none spoils its own line only."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lago_cli.errors import LagoError
from lago_cli.readers.base import ReadOptions
from lago_cli.readers.encodings import INVALID, check_encoding, decoded
from tests.unit.test_readers_formats import expanded, source_of

ENCODINGS = [
    *("latin-1", "windows-1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"),
    *("shift_jis", "gb18030", "iso2022_jp", "utf-7", "cp037", "koi8-r", "UTF8"),
]


def read(data: bytes, encoding: str | None, step: int | None = None):
    return expanded(source_of(data, step), ReadOptions(encoding=encoding))


def outcome(found):
    return [r.problem.code if r.problem else json.loads(r.raw) for r in found]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_of_texts_is_accepted(encoding):
    check_encoding(encoding)


@pytest.mark.parametrize(
    "encoding",
    [
        *("hex", "rot13", "base64", "zlib", "utf-99", "", "a\0b", "../x", "idna", "punycode"),
        *("undefined", "é", "\udcff", "x" * 5000),
    ],
    ids=repr,
)
def test_another_is_refused_as_wrong_usage(encoding):
    with pytest.raises(LagoError) as caught:
        check_encoding(encoding)

    assert (caught.value.code, caught.value.kind.value) == ("unknown_encoding", "usage")


@pytest.mark.parametrize("step", [None, 1, 3], ids=["at once", "byte by byte", "in threes"])
@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        pytest.param(b'{"a":"\xe9"}\n', "latin-1", [{"a": "é"}], id="Latin-1"),
        pytest.param(b"code;b\n\x80;1\n", "cp1252", [{"code": "€", "b": "1"}], id="CSV"),
        pytest.param(
            '[{"a":"é"},\n{"a":"🎉"}]'.encode("utf-16-le"),
            "utf-16-le",
            [{"a": "é"}, {"a": "🎉"}],
            id="UTF-16 without a mark",
        ),
        pytest.param('\ufeff{"a":1}'.encode("utf-16-be"), "utf-16-be", [{"a": 1}], id="a mark"),
        pytest.param('{"a":"é"}\n'.encode("utf-16"), None, [{"a": "é"}], id="UTF-16, unasked"),
        pytest.param('\ufeff{"a":1}'.encode("utf-16-be"), None, [{"a": 1}], id="its other form"),
        pytest.param('\ufeff{"a":1}'.encode("utf-32-be"), None, [{"a": 1}], id="UTF-32, unasked"),
        pytest.param('{"a":1}'.encode("utf-16-le"), "utf-16", [{"a": 1}], id="no order given"),
        pytest.param('{"a":1}'.encode("utf-16-le"), None, ["not_text"], id="with no mark at all"),
        pytest.param(
            b'{"a":1}\n{"a":"\x81"}\n{"a":2}\n',
            "cp1252",
            [{"a": 1}, "invalid_encoding", {"a": 2}],
            id="a byte that is none",
        ),
        pytest.param(
            b"code,a\n1,\xc3\xa9\n2,x\n",
            "ascii",
            ["invalid_encoding", {"code": "2", "a": "x"}],
            id="bytes that would be UTF-8",
        ),
        pytest.param(
            b'{"a":1}\n{"a":"\xe9"}\n', "utf-8", [{"a": 1}, "invalid_utf8"], id="UTF-8 itself"
        ),
        pytest.param(
            '{"a":"'.encode("utf-16-le") + b"\x00\xdc" + '"}\n{"a":2}\n'.encode("utf-16-le"),
            "utf-16-le",
            ["invalid_encoding", {"a": 2}],
            id="half a pair",
        ),
        pytest.param(
            '{"a":1}\n'.encode("utf-16-le") + b"{", "utf-16-le", [{"a": 1}, "invalid_encoding"]
        ),
    ],
)
def test_records_are_read_in_their_encoding(data, encoding, expected, step):
    assert outcome(read(data, encoding, step)) == expected


def test_where_no_encoding_is_given_the_message_names_the_option():
    [json_line] = read(b'{"a":"\xe9"}\n', None)
    [row] = read(b"code,a\n1,\xe9\n", None)
    [wide] = read('{"a":1}'.encode("utf-16-le"), None)

    assert "--encoding latin-1" in json_line.problem.message
    assert "--encoding latin-1" in row.problem.message
    assert "--encoding utf-16-le" in wide.problem.message


@given(st.text(max_size=50), st.sampled_from(ENCODINGS), st.lists(st.integers(0, 300), max_size=8))
@settings(max_examples=300)
def test_what_was_written_comes_back_however_it_is_cut(text, encoding, places):
    try:
        data = text.encode(encoding)
        assert data.decode(encoding) == text
    except (UnicodeError, AssertionError):
        return
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    blocks = [data[a:b] for a, b in itertools.pairwise(ends)]
    back = b"".join(decoded(iter(blocks), encoding)).decode("utf-8-sig")

    assert back == text.removeprefix("\ufeff")


@given(st.binary(max_size=60), st.sampled_from(ENCODINGS), st.integers(1, 9))
@settings(max_examples=300)
def test_whatever_the_bytes_are_the_pieces_give_the_same(data, encoding, size):
    pieces = (data[at : at + size] for at in range(0, len(data), size))

    assert b"".join(decoded(pieces, encoding)) == b"".join(decoded(iter([data]), encoding))


def test_an_invalid_byte_is_no_utf8():
    with pytest.raises(UnicodeDecodeError):
        INVALID.decode()

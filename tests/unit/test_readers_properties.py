"""Laws of reading: no way of cutting, writing or packing the same events changes them."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import lzma

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from lago_cli.readers import base, csv_rows, formats, ndjson
from lago_cli.readers.base import Block, Blocks, ReadOptions, Record
from lago_cli.readers.source import open_source

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | texts | st.sampled_from('{}[]",'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.lists(
    st.dictionaries(texts, values, max_size=5).filter(lambda o: not {"event", "events"} & {*o}),
    max_size=6,
)
MARKS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\r", b" ", b";", b"},{"]
WORDS = [b"a", b"1", b"true", b"NaN", b'"x"', b'\n{"z":', b"a,b\n", b"1,2\n", b"\xc3\xa9", b"\xff"]
VALUES = [
    b'{"a":1}',
    b'{"a":1,"b":{"c":[{}]}}',
    b'{"events":[',
    b'{"event":',
    b"\0",
    b'{"x":{"y":[1]},"events":[',
]
nearly_json = st.lists(st.sampled_from([*MARKS, *WORDS, *VALUES]), max_size=30).map(b"".join)

DUMPS = {
    "ndjson": lambda items: "\n".join(map(json.dumps, items)),
    "crlf": lambda items: "\r\n\r\n".join(json.dumps(i, ensure_ascii=False) for i in items),
    "array": json.dumps,
    "pretty array": lambda items: json.dumps(items, indent=2, ensure_ascii=False),
    "concatenated": lambda items: "".join(map(json.dumps, items)),
    "pretty": lambda items: "\n".join(json.dumps(i, indent=4) for i in items),
    "events": lambda items: json.dumps({"events": items}),
    "pretty events": lambda items: json.dumps({"events": items}, indent=1),
    "each event": lambda items: "\n".join(json.dumps({"event": i}) for i in items),
}
COMPRESS = [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]


def expanded(items) -> list[Record]:
    found: list[Record] = []
    for item in items:
        found.extend(ndjson.split(item) if isinstance(item, Block) else [item])
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(ends)]


@pytest.mark.parametrize("dump", DUMPS.values(), ids=DUMPS)
@given(objects, st.sampled_from(COMPRESS))
@settings(max_examples=40)
def test_however_events_are_written_and_packed_they_are_the_same(dump, items, compress):
    data = compress(dump(items).encode())
    found = expanded(formats.read(open_source("-", io.BytesIO(data))))

    assert [record.problem for record in found if record.problem] == []
    assert [json.loads(record.raw) for record in found] == items


@pytest.mark.parametrize("reader", formats.READERS.values(), ids=formats.READERS)
@given(nearly_json, st.lists(st.integers(0, 200), max_size=8))
@settings(max_examples=250)
def test_however_the_bytes_are_cut_the_records_are_the_same(reader, data, places):
    whole = expanded(reader(Blocks([data])))

    assert expanded(reader(Blocks(cut(data, places)))) == whole


@pytest.mark.parametrize("reader", formats.READERS.values(), ids=formats.READERS)
@given(nearly_json, st.lists(st.integers(0, 200), max_size=8), st.integers(12, 60))
@settings(max_examples=150)
def test_nor_where_records_are_too_large(reader, data, places, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "MAX_RECORD_BYTES", limit)
        patch.setattr(base, "KEPT_BYTES", 1)
        whole = expanded(reader(Blocks([data])))

        assert expanded(reader(Blocks(cut(data, places)))) == whole


@given(st.binary(max_size=60) | nearly_json, st.sampled_from(formats.FORMATS))
@settings(max_examples=400)
def test_no_input_is_an_exception(data, format):  # noqa: A002
    for record in expanded(formats.read(open_source("-", io.BytesIO(data)), ReadOptions(format))):
        if record.problem is None:
            assert isinstance(json.loads(record.raw), dict)


@given(st.binary(max_size=40), st.sampled_from(COMPRESS), st.integers(0, 60), st.binary(max_size=3))
@settings(max_examples=200)
def test_no_damage_to_compressed_data_is_an_exception(data, compress, at, other):
    packed = compress(data)
    damaged = packed[:at] + other + packed[at + len(other) :]

    for record in expanded(formats.read(open_source("-", io.BytesIO(damaged)))):
        assert record.problem is None or record.problem.message


@given(st.lists(st.lists(texts, min_size=2, max_size=2), max_size=5))
@settings(max_examples=100)
def test_csv_gives_back_what_was_written(rows):
    import csv

    text = io.StringIO()
    csv.writer(text).writerows([["x", "properties.y"], *rows])
    found = [json.loads(record.raw) for record in csv_rows.read(Blocks([text.getvalue().encode()]))]
    expected = [
        ({"x": x} if x else {}) | ({"properties": {"y": y}} if y else {}) for x, y in rows if x or y
    ]

    assert found == expected

"""Where an object has arrays of objects, in whole or only by its beginning."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.readers import base, json_values, ndjson
from lago_cli.readers.arrays import arrays_of_objects
from lago_cli.readers.base import Blocks, Record


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b'{"Records":[{"a":1}]}', ["Records"], id="one"),
        pytest.param(b'{"a":1,"b":[1],"c":["x"],"d":{}}', [], id="none"),
        pytest.param(
            b'{"s":[{}],"long":[{"a":1}],"d":{"r":[{"a":12345}]},"e":{"r":[{}]}}',
            ["long", "s", "d.r"],
            id="the nearest, then the longest",
        ),
        pytest.param(
            b'{"data":[{"w-1":{"n":1},"w-2":{"n":2}}]}', ["data.*"], id="varying keys in an array"
        ),
        pytest.param(
            b'{"data":{"a":{"n":1},"b":{"n":2}}}', ["data.*"], id="varying keys in an object"
        ),
        pytest.param(b'{"user":{"id":1},"item":{"n":2}}', [], id="objects of different kinds"),
        pytest.param(
            b'{"r":[{"s":[{"m":[{"n":[{}]}]}]}]}', ["r", "r.s", "r.s.m"], id="one in the other"
        ),
        pytest.param(b'{"n":1,"Records":[{"a":1},{"a', ["Records"], id="only the beginning"),
        pytest.param(b'{"d":{"Records":[{', ["d.Records"], id="only a little of it"),
        pytest.param(b'{"d":{"Reco', [], id="too little"),
        pytest.param(b'{"\xff":[{}],"R":[{}]}', ["R"], id="a key in Latin-1"),
        pytest.param(b"[1]", [], id="no object"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_arrays_of_objects(text, expected):
    assert arrays_of_objects(text) == expected


@given(st.binary(max_size=60) | st.text('{}[]":,a1 \n', max_size=60).map(str.encode))
def test_whatever_the_text_is_there_is_an_answer(text):
    assert len(arrays_of_objects(text)) <= 3


@pytest.mark.parametrize("reader", [json_values.read, ndjson.read])
def test_a_document_that_is_too_large_says_how_it_can_be_read(reader, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 300)
    data = json.dumps({"Records": [{"a": n} for n in range(100)]}).encode() + b"\n"
    [record] = reader(Blocks([data]))

    assert isinstance(record, Record)
    assert record.problem.code == "record_too_large"
    assert record.problem.message.endswith("--records Records")


def test_an_array_of_such_is_no_reason_to_say_so(monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 300)
    data = json.dumps([{"Records": [{"a": n} for n in range(100)]}]).encode()
    [record] = json_values.read(Blocks([data]))

    assert "--records" not in record.problem.message

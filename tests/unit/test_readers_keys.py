"""A record with more keys than memory should hold is refused alone, in every format of JSON."""

from __future__ import annotations

import json

import pytest

from lago_cli.readers import base, json_values, ndjson
from lago_cli.readers.base import Block, Blocks
from lago_cli.readers.objects import members_of

MANY = json.dumps({f"k{number}": 1 for number in range(60)}).encode()
INNER = b'{"a":{"b":[' + b",".join([b'{"x":1}'] * 60) + b"]}}"
FEW = json.dumps({"text": ": " * 500, "a": 1}).encode()


@pytest.fixture(autouse=True)
def _few_keys(monkeypatch):
    monkeypatch.setattr(base, "MAX_KEYS", 50)


@pytest.mark.parametrize("text", [MANY, INNER], ids=["members", "keys further in"])
@pytest.mark.parametrize("reader", [ndjson.read, json_values.read], ids=["ndjson", "json"])
@pytest.mark.parametrize("end", [b"\n", b""], ids=["a line end", "no line end"])
def test_it_is_refused_alone(reader, text, end):
    found = []
    for item in reader(Blocks([b'{"a":1,"b":2}\n', text + end, end and b'{"a":3,"b":4}'])):
        found += ndjson.split(item) if isinstance(item, Block) else [item]

    problems = {record.line: record.problem.code for record in found if record.problem}
    assert problems == {2: "too_many_keys"}
    assert len(found) == (3 if end else 2)


def test_colons_in_text_are_no_keys():
    assert set(members_of(FEW)) == {"text", "a"}

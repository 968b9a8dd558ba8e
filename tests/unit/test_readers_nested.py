"""`--records PATH`: documents are taken apart, and what stands around a record is kept."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lago_cli.readers import base, nested, walk
from lago_cli.readers.base import Blocks, Record, Unreadable


def read(path: str, *blocks: bytes, skip_partial: bool = False) -> list[Record]:
    return list(nested.read(Blocks(blocks, skip_partial=skip_partial), path))


def seen(records: list[Record]) -> list[object]:
    """Line, content and what is around of the good ones, the codes of the others."""
    return [
        r.problem.code
        if r.problem
        else (r.line, json.loads(r.raw), json.loads(r.around) if r.around else None)
        for r in records
    ]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


OTLP = json.dumps(
    {
        "resourceMetrics": [
            {
                "resource": {"host": "h"},
                "scopeMetrics": [
                    {
                        "metrics": [
                            {"name": "m1", "tags": [], "sum": {"dataPoints": [{"v": 1}, {"v": 2}]}},
                            {"name": "m2", "gauge": {"dataPoints": [{"v": 3}]}, "unit": "By"},
                        ],
                        "scope": "s",
                    }
                ],
            }
        ]
    },
    indent=1,
).encode()
V1, V2, V3 = (OTLP[: OTLP.index(b'"v": %d' % v)].count(b"\n") for v in (1, 2, 3))
M1 = {"resource": {"host": "h"}, "scope": "s", "name": "m1", "tags": []}
M2 = {"resource": {"host": "h"}, "scope": "s", "name": "m2", "unit": "By"}

GOOD = [
    pytest.param("R", b'{"R":[{"a":1},{"a":2}]}', [(1, {"a": 1}, None), (1, {"a": 2}, None)]),
    pytest.param(
        "R",
        b'{"v":1,"R":[\n{"a":1}\n,\n{"a":2}],"w":[{}]}',
        [(2, {"a": 1}, {"v": 1, "w": [{}]}), (4, {"a": 2}, {"v": 1, "w": [{}]})],
        id="around, and the lines",
    ),
    pytest.param(
        "d.r",
        b'{"x":1,"k":1,"d":{"k":2,"r":{"k":3}}}',
        [(1, {"k": 3}, {"x": 1, "k": 2})],
        id="an object is one record",
    ),
    pytest.param(
        "R",
        b'{"R":[{"a":1}]}\n\n{"R":[{"a":2}],"n":1}{"R":[]}\n[{"R":[{"a":3}]}]',
        [(1, {"a": 1}, None), (3, {"a": 2}, {"n": 1}), (4, {"a": 3}, None)],
        id="many documents",
    ),
    pytest.param(
        "a.b",
        b'{"a":{"b":[{"x":1}]},"a.b":[{"x":2}]}',
        [(1, {"x": 2}, None)],
        id="a key with a dot comes first",
    ),
    pytest.param(
        "data.*",
        b'{"code":200,"data":[{"a":{"n":1},"b":{"n":2}},{}]}',
        [(1, {"n": 1}, {"code": 200}), (1, {"n": 2}, {"code": 200})],
        id="objects by varying keys in an array",
    ),
    pytest.param(
        "data.*",
        b'{"data":{"a":{"n":1},"b":{"n":2},"total":3}}',
        [(1, {"n": 1}, {"total": 3}), (1, {"n": 2}, {"total": 3})],
        id="objects by varying keys",
    ),
    pytest.param(
        "data.*",
        b'{"data":[{"n":1},{"n":{}, "m":2}]}',
        [(1, {"n": 1}, None), (1, {"n": {}, "m": 2}, None)],
        id="a star for the elements",
    ),
    pytest.param(
        "r.*.p", b'{"r":[{"p":[{"n":1}]}]}', [(1, {"n": 1}, None)], id="a star on the way"
    ),
    pytest.param(
        "resourceMetrics.scopeMetrics.metrics.sum.dataPoints",
        OTLP,
        [(V1, {"v": 1}, M1), (V2, {"v": 2}, M1)],
        id="some metrics have it",
    ),
    pytest.param(
        "resourceMetrics.scopeMetrics.metrics.*.dataPoints",
        OTLP,
        [(V1, {"v": 1}, M1), (V2, {"v": 2}, M1), (V3, {"v": 3}, M2)],
        id="any kind of metric",
    ),
    pytest.param(
        "r[1].p", b'{"r":[{"p":[{"n":1}]},{"p":[{"n":2}]}]}', [(1, {"n": 2}, None)], id="by place"
    ),
    pytest.param(
        "r[k=x y].p",
        b'{"r":[{"k":"w","p":{"n":1}},{"k":"x y","p":{"n":2}}]}',
        [(1, {"n": 2}, {"k": "x y"})],
        id="by key",
    ),
    pytest.param(
        "log.ev",
        b'\n{"log":"{\\"ev\\":[{\\"a\\":1},\\n{\\"a\\":2}]}\\n","s":"o"}',
        [(2, {"a": 1}, {"s": "o"}), (2, {"a": 2}, {"s": "o"})],
        id="JSON in a text",
    ),
    pytest.param("\u00e9", b'{"\\u00e9":[{"a":1}]}', [(1, {"a": 1}, None)], id="an escape"),
    pytest.param("R", b'{"R":null}{"R":[]}', [], id="nothing in it"),
    pytest.param("R.x", b'{"R":[]}{"R":null}', [], id="nothing on the way"),
    pytest.param("R", b"", [], id="nothing at all"),
    pytest.param("R", b'{"R":[{"event":{"a":1}}]}', [(1, {"event": {"a": 1}}, None)], id="no body"),
]

FAULTY = [
    pytest.param("R", b'{"Q":[{}]}\n{"R":[{"a":1}]}', ["no_records", (2, {"a": 1}, None)]),
    pytest.param(
        "R", b'{"R":[1,{"a":1},"x"]}', ["not_an_object", (1, {"a": 1}, None), "not_an_object"]
    ),
    pytest.param("R", b'{"\xff\\n":[{}]}', ["invalid_utf8"], id="a key that is no UTF-8"),
    pytest.param("R[a=\u00e9]", b'{"R":[{"a":"\xff"}]}', ["no_records"], id="nor is a value"),
    pytest.param("R", b'{"R":7}', ["not_an_object"], id="a number"),
    pytest.param(
        "R",
        b'{"R":[{"a":1},{bad},{"a":2}]}',
        [(1, {"a": 1}, None), "invalid_json", (1, {"a": 2}, None)],
    ),
    pytest.param(
        "R",
        b'{"v":1,"R":[{"a":1},{bad}],"w":3}',
        [(1, {"a": 1}, {"v": 1, "w": 3}), "invalid_json"],
        id="all that is around a good one is known",
    ),
    pytest.param(
        "d.R",
        b'{"d":{"R":[{"a":1}],"x":NaN},"w":3}',
        [(1, {"a": 1}, {"w": 3}), "invalid_json"],
        id="but for what is faulty",
    ),
    pytest.param("R", b'{"x":NaN,"R":[{"a":1}]}', ["invalid_json", (1, {"a": 1}, None)], id="NaN"),
    pytest.param(
        "R",
        b'{"R":[{"a":1},{"a":"x\n{"R":[{"a":2}]}\n',
        [(1, {"a": 1}, None), "invalid_json", (2, {"a": 2}, None)],
        id="a document that is broken off",
    ),
    pytest.param(
        "R",
        b'{"R":[\n{"a":1},\n{"a":"x},\n{"a":2}\n]}',
        [(2, {"a": 1}, None), "invalid_json", (4, {"a": 2}, None)],
        id="a record that is broken off",
    ),
    pytest.param("R", b'{"R":[{"a":1},{"a', [(1, {"a": 1}, None), "invalid_json"], id="no end"),
    pytest.param("R", b'{"R":[{"a":1}', [(1, {"a": 1}, None), "invalid_json"], id="no bracket"),
    pytest.param("R", b'{"R":[{"a":1}]', [(1, {"a": 1}, None), "invalid_json"], id="no brace"),
    pytest.param(
        "R", b'{"R" [{"a":1}]}{"R":{"a":2}}', ["invalid_json", (1, {"a": 2}, None)], id="no colon"
    ),
    pytest.param(
        "R", b'7 {"R":[{"a":1}]}', ["not_an_object", (1, {"a": 1}, None)], id="a number before"
    ),
    pytest.param("R", b'{"R":[{"a":"\xff"},{"a":1}]}', ["invalid_utf8", (1, {"a": 1}, None)]),
    pytest.param(
        "R", b'{"R":' + b"[" * 5000 + b"]" * 5000 + b"}", ["nested_too_deeply"], id="deep"
    ),
    pytest.param(
        "R.x",
        b'{"R":' + b"[" * 99 + b"1" + b"]" * 99 + b"}",
        ["nested_too_deeply"],
        id="a deep way",
    ),
]


@pytest.mark.parametrize(("path", "data", "expected"), GOOD + FAULTY)
def test_records_are_found_in_documents(path, data, expected):
    assert seen(read(path, data)) == expected


@pytest.mark.parametrize(("path", "data", "expected"), GOOD + FAULTY)
def test_it_does_not_matter_how_the_bytes_are_split(path, data, expected):
    for size in (1, 5, 50):
        assert read(path, *pieces(data, size)) == read(path, data)


@pytest.mark.parametrize(("path", "data", "expected"), GOOD + FAULTY)
def test_a_long_document_is_taken_apart_piece_by_piece(path, data, expected, monkeypatch):
    monkeypatch.setattr(walk, "_FEW_BYTES", 0)

    assert seen(read(path, data)) == expected


def test_too_many_members_around_the_records_are_refused(monkeypatch):
    monkeypatch.setattr(base, "MAX_KEYS", 3)
    data = b'{"a":1,"b":2,"c":3,"d":4,"e":5,"R":[{"a":1}]}'

    assert seen(read("R", data)) == ["too_many_keys", (1, {"a": 1}, None)]


def test_where_a_path_leads_nowhere_the_message_names_those_that_do():
    [record] = read("foo", b'{"meta":{"n":1},"data":{"results":[{"a":1}]},"Records":[{"a":1}]}')

    assert record.problem.message.endswith("it has arrays of objects at: Records, data.results")


@pytest.mark.parametrize("size", [1, 64, 10_000])
def test_a_document_of_any_length_passes_through(size, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 400)
    data = (
        b'{"v":{"x":1},"d":{"n":2,"big":['
        + b"{}," * 400
        + b'{}],"R":['
        + b",\n".join([b'{"a":1}'] * 300)
    )
    records = read("d.R", *pieces(data + b'],"w":3},"z":4}\n{"d":{"R":[]}}', size))

    assert seen(records) == [(n, {"a": 1}, {"v": {"x": 1}, "n": 2}) for n in range(1, 301)]
    assert len({id(record.around) for record in records}) == 1


@pytest.mark.parametrize("path", ["d.*", "d.*.p", "d.e.p", "d[0].e.p", "d[0].*.p"])
def test_so_does_one_whose_long_arrays_are_further_up(path, monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 400)
    points = b",".join([b'{"a":1}'] * 200)
    body = b'{"e":{"p":[' + points + b"]}}"
    if path == "d.*":
        body = b"{" + b",".join(b'"k%d":{"a":1}' % n for n in range(200)) + b"}"
    records = read(path, b'{"d":[' + body + b"]}")

    assert [json.loads(record.raw) for record in records] == [{"a": 1}] * 200


def test_a_record_that_is_too_large_is_refused_alone(monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 400)
    data = b'{"R":[{"a":1},{"x":"' + b"y" * 500 + b'"},{"a":2}]}'

    assert seen(read("R", data)) == [(1, {"a": 1}, None), "record_too_large", (1, {"a": 2}, None)]


def test_records_come_before_a_long_document_has_ended(monkeypatch):
    monkeypatch.setattr(base, "MAX_RECORD_BYTES", 100)

    def endless():
        yield b'{"R":[' + b'{"a":1},' * 30
        pytest.fail("more was asked for than needed")

    assert next(nested.read(Blocks(endless()), "R")).raw == b'{"a":1}'


@pytest.mark.parametrize("end", [b"", b'{"a', b'{"R":[{"a":"x', b'{"R":[', b'{"R"'])
def test_a_document_that_is_being_written_may_lack_its_end(end):
    records = read("R", b'{"R":[{"a":1}]}\n' + end, skip_partial=True)

    assert [r.problem.code for r in records if r.problem] in ([], ["partial_line"])
    assert json.loads(records[0].raw) == {"a": 1}


def test_where_the_input_becomes_unreadable_nothing_else_is_said():
    def cut():
        yield b'{"R":[{"a":1},{"b":'
        raise Unreadable("truncated_input", "cut off")

    assert seen(list(nested.read(Blocks(cut()), "R"))) == [(1, {"a": 1}, None)]


def test_a_record_may_hold_records_as_csv_does():
    row = Record(3, b'{"id":"1","items":"[{\\"a\\":1},{\\"a\\":2}]"}')

    assert seen(list(nested.within([row], "items"))) == [
        (3, {"a": 1}, {"id": "1"}),
        (3, {"a": 2}, {"id": "1"}),
    ]


names = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from(["x", '{"', "]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=20,
)
documents = st.lists(st.dictionaries(names, values, max_size=3), max_size=3)
paths = st.lists(names | st.just("*"), min_size=1, max_size=4)


def oracle(value, steps, *, is_element=False) -> tuple[bool, list[object]]:
    """Whether the steps lead anywhere in a value, and the objects that they lead to."""
    if is_element and isinstance(value, dict) and steps[0] == "*":
        if len(steps) == 1:
            is_map = all(isinstance(each, dict) or each is None for each in value.values())
            return oracle(value, steps) if is_map else (True, [value])
        led = oracle(value, steps[1:])
        return led if led[0] else oracle(value, steps)
    if is_element and steps[0] == "*":
        return oracle(value, steps[1:])
    if value is None:
        return True, []
    if not steps:
        found = value if isinstance(value, list) else [value]
        return True, [each for each in found if isinstance(each, dict)]
    if isinstance(value, list):
        parts = [oracle(each, steps, is_element=True) for each in value]
        return not value or any(led for led, _ in parts), [
            each for _, found in parts for each in found
        ]
    if not isinstance(value, dict):
        return False, []
    if steps[0] != "*":
        return oracle(value[steps[0]], steps[1:]) if steps[0] in value else (False, [])
    parts = [oracle(each, steps[1:]) for each in value.values() if isinstance(each, dict | list)]
    return not value or any(led for led, _ in parts), [each for _, found in parts for each in found]


@given(documents, paths, st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=500)
def test_the_records_are_those_of_the_plain_way(items, steps, indent, as_array):
    texts = [json.dumps(item, indent=indent) for item in items]
    text = f"[{','.join(texts)}]" if as_array else "\n".join(texts)
    found = read(".".join(steps), text.encode())
    expected = [oracle(item, steps, is_element=as_array) for item in items]

    assert [json.loads(r.raw) for r in found if not r.problem] == [
        each for _, found in expected for each in found
    ]
    assert sum(r.problem.code == "no_records" for r in found if r.problem) == sum(
        not led for led, _ in expected
    )


MARKS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b" ", b"},{", b'{"a":', b'"b":[']
nearly_json = st.lists(
    st.sampled_from([*MARKS, b"1", b"null", b'"x"', b'{"a":[{"b":1}]}', b"\xff", b'"[{}]"']),
    max_size=30,
).map(b"".join)


@given(nearly_json, paths.map(".".join), st.lists(st.integers(0, 200), max_size=8), st.booleans())
@settings(max_examples=400)
def test_however_the_bytes_are_cut_the_records_are_the_same(data, path, places, skip):
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    blocks = [data[a:b] for a, b in itertools.pairwise(ends)]

    assert read(path, *blocks, skip_partial=skip) == read(path, data, skip_partial=skip)


@given(nearly_json, paths.map(".".join), st.integers(1, 40), st.integers(12, 60))
@settings(max_examples=300)
def test_nor_where_documents_are_too_large(data, path, size, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "MAX_RECORD_BYTES", limit)
        patch.setattr(base, "KEPT_BYTES", 1)

        assert read(path, *pieces(data, size)) == read(path, data)


@given(documents, paths, st.integers(8, 60))
@settings(max_examples=300)
def test_where_documents_are_too_large_no_record_is_lost(items, steps, limit):
    data = "\n".join(map(json.dumps, items)).encode()
    path = ".".join(steps)
    whole = [record.raw for record in read(path, data) if not record.problem]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "MAX_RECORD_BYTES", limit)
        found = [record.raw for record in read(path, data) if not record.problem]

    if all(len(raw) <= limit for raw in whole) and "*" not in steps:
        assert found == whole

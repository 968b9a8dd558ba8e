"""The short way for whole lines says exactly what the long way says, or declines."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lago_cli.domain.batches import decode_lines
from lago_cli.domain.events import FIELDS, parse_event
from lago_cli.domain.json_text import decode_object
from lago_cli.errors import LagoError
from lago_cli.readers.base import Block
from lago_cli.readers.ndjson import split

GOOD = '{"transaction_id":"t","code":"c","external_customer_id":"a"'
HOSTILE = st.sampled_from(
    ["", " ", "\u00a0", "t", 'a"b', "a\\b", "\x00", "\n", "é", "\U0001f600", "a.b", "' OR 1=1 --"]
)
NUMBERS = st.sampled_from(
    "0 1 -1 1704067200 1704067200.5 1704067200.1234567 1.7040672e9 -0 978307200 978307199"
    " 978307199.9999999 253402300799.999999 253402300800 1704067200000 1e-999999999"
    f" 1e99999999999999999999 1704067200.{'0' * 20_000}".split()
)
TIMES = st.sampled_from(
    [
        "2026-11-22",
        "2026-11-22T00:00:00Z",
        "2026-11-22 10:00:00.1234567+02:00",
        "2026-11-22T24:00",
        "1704067200",
        "1704067200.000001",
        "+1704067200",
        " 1704067200",
        "0001-01-01",
        "٢٠٢٦",
    ]
)
TEXTS = (HOSTILE | TIMES | st.text(max_size=5)).map(lambda text: json.dumps(text))
BROKEN = st.sampled_from(
    ["NaN", "Infinity", "01", "1.", ".5", "'a'", "tru", '"', '"\\ud800"', '"\\q"', "{", "[", ""]
)
DEEP = st.sampled_from(["[" * n + "]" * n for n in (10, 399, 400, 499, 500, 1_000, 3_000)])
NESTED = st.sampled_from(['{"a":1}', '{"a":1.10,"a":2}', "[1,[2]]", "{}", "[]", '{"é":"\\n"}'])
VALUES = st.one_of(TEXTS, NUMBERS, NESTED, st.sampled_from(["null", "true", "false"]))
KEYS = st.sampled_from([*FIELDS, "unknown", "event"])
MEMBERS = st.tuples(KEYS, VALUES | BROKEN | DEEP)
ORDINARY = st.fixed_dictionaries(
    {"transaction_id": TEXTS, "code": TEXTS},
    optional={
        "external_customer_id": TEXTS,
        "external_subscription_id": TEXTS,
        "timestamp": NUMBERS | TIMES.map(json.dumps),
        "properties": NESTED,
    },
)
BYTES = st.sampled_from([b"\xff", b"\xed\xa0\x80", b"\x00", b"\r", b"\n\n", b"\n", b" ", b"}", b""])


def line_of(members):
    return "{" + ",".join(f'"{key}":{value}' for key, value in members) + "}"


LINES = st.one_of(
    ORDINARY.map(lambda event: line_of(event.items())),
    st.lists(MEMBERS, max_size=8).map(line_of),
    st.lists(MEMBERS, max_size=3).map(lambda more: GOOD + "," + line_of(more)[1:]),
    st.sampled_from(["", " ", "null", "[]", GOOD + "}" + GOOD + "}", '{"event":' + GOOD + "}}"]),
)


def long_way(data):
    """What each record of a block is: an event, or the code of its refusal."""
    judged = []
    for record in split(Block(1, data)):
        try:
            assert record.problem is None
            judged.append((record.line, parse_event(decode_object(record.raw))))
        except (AssertionError, LagoError):
            judged.append((record.line, None))
    return judged


def short_way(data):
    batch = decode_lines(data, 1)
    if batch is None:
        return None
    return [(batch.lines[index], batch.event(index)) for index in range(len(batch))]


@given(st.lists(LINES, min_size=1, max_size=4), BYTES, st.integers(0, 200), st.booleans())
@example([GOOD + ',"x":"?"}'], b"\xff", len(GOOD) + 6, True)
@example([GOOD + "}" + GOOD + "}"], b"\n\n", 200, False)
@example([GOOD + ',"timestamp":1e-999999999}'], b"", 0, True)
@example([GOOD + ',"timestamp":1e99999999999999999999}'], b"", 0, True)
@example([GOOD + ',"x":' + "[" * 600 + "]" * 600 + "}"], b"", 0, True)
@example([GOOD + "}", GOOD + ',"properties":{"a":' + "[" * 499 + "]" * 499 + "}}"], b"", 0, True)
def test_the_short_way_is_the_long_way(lines, inserted, place, is_ended):
    data = "\n".join(lines).encode() + b"\n" * is_ended
    data = data[:place] + inserted + data[place:]

    assert short_way(data) in (None, long_way(data))


@given(st.lists(ORDINARY, min_size=1, max_size=5))
def test_what_the_long_way_refuses_the_short_way_declines(events):
    data = "".join(line_of(event.items()) + "\n" for event in events).encode()
    refused = [line for line, event in long_way(data) if event is None]

    assert (short_way(data) is None) or refused == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(GOOD + "}", id="the least there is"),
        pytest.param(GOOD + ',"timestamp":1704067200,"properties":{"gb":1.50}}', id="a number"),
        pytest.param(GOOD + ',"timestamp":"2026-11-22T00:00:00Z"}', id="ISO text"),
        pytest.param(GOOD + ',"timestamp":1704067200.123456}', id="a fraction"),
        pytest.param(GOOD + ',"timestamp":null,"properties":null}', id="nulls"),
        pytest.param(GOOD + ',"unknown":{"a":[1]}}', id="an unknown key"),
        pytest.param(GOOD + ',"precise_total_amount_cents":null}', id="no amount"),
        pytest.param(GOOD + "}\r", id="CRLF"),
    ],
)
def test_ordinary_lines_take_the_short_way(line):
    """It is a matter of speed only, but of much."""
    data = (line + "\n").encode() * 3

    assert short_way(data) == long_way(data)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(GOOD.replace('"t"', '" "') + "}", id="a blank id"),
        pytest.param(GOOD.replace('"t"', "7") + "}", id="a number as id"),
        pytest.param(GOOD.replace('"c"', '""') + "}", id="an empty code"),
        pytest.param(GOOD.replace('"a"', '" "') + "}", id="a blank customer"),
        pytest.param(GOOD.replace('"a"', "null") + "}", id="nobody"),
        pytest.param(GOOD + ',"external_subscription_id":""}', id="an empty subscription"),
        pytest.param(GOOD + ',"timestamp":978307199}', id="before 2001"),
        pytest.param(GOOD + ',"timestamp":253402300800}', id="beyond 9999"),
        pytest.param(GOOD + ',"timestamp":true}', id="a truth for an instant"),
        pytest.param(GOOD + ',"properties":[]}', id="properties that are no object"),
        pytest.param(GOOD + ',"precise_total_amount_cents":1}', id="an amount"),
        pytest.param('{"event":' + GOOD + "}}", id="the body of a request"),
        pytest.param("", id="a blank line"),
    ],
)
def test_whatever_wants_a_second_look_is_declined(line):
    """Alone, and between ordinary lines."""
    assert short_way((line + "\n").encode()) is None
    assert short_way((GOOD + "}\n" + line + "\n" + GOOD + "}\n").encode()) is None


def test_properties_stay_as_they_were_written():
    data = (GOOD + ',"properties":{ "b" : 1.10,\t"a":"\\u00e9" } }\n').encode()

    batch = decode_lines(data, 1)

    assert batch is not None
    assert batch.properties == ['{ "b" : 1.10,\t"a":"\\u00e9" }']


def test_lines_are_counted_from_the_first_of_the_block():
    batch = decode_lines((GOOD + "}\n").encode() * 3, 17)

    assert batch is not None
    assert list(batch.lines) == [17, 18, 19]

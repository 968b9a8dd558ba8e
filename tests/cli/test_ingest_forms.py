"""Every form that events come in, told apart by content."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
from decimal import Decimal

import pytest
import zstandard

EVENTS = [
    {
        "transaction_id": f"tx {number}",
        "external_customer_id": "acme" if number % 2 else 'say "hi", {[',
        "code": "storage",
        "timestamp": f"2026-11-22T00:00:0{number}Z",
        "properties": {"gb": str(number), "region": "eu,\nus"},
    }
    for number in range(1, 6)
]


def as_csv(events):
    rows = [["transaction_id", "external_customer_id", "code", "timestamp"]]
    rows[0] += ["properties.gb", "properties.region"]
    for event in events:
        row = [event[name] for name in rows[0][:4]]
        rows.append(row + list(event["properties"].values()))
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "\n".join(quoted) + "\n"


def lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


FORMS = {
    "a line an event": lines,
    "CRLF": lambda events: lines(events).replace("\n", "\r\n"),
    "blank lines": lambda events: "\n \n" + lines(events).replace("\n", "\n\n\t\n"),
    "a byte-order mark": lambda events: "\ufeff" + lines(events),
    "no last line end": lambda events: lines(events).rstrip(),
    "an array": json.dumps,
    "a pretty array": lambda events: json.dumps(events, indent=2),
    "concatenated": lambda events: "".join(map(json.dumps, events)),
    "pretty-printed": lambda events: "\n".join(json.dumps(event, indent=4) for event in events),
    "the body of a batch": lambda events: json.dumps({"events": events}),
    "a pretty body": lambda events: json.dumps({"events": events}, indent=2),
    "bodies of one": lambda events: lines({"event": event} for event in events),
    "bodies of one, pretty": lambda events: "".join(
        json.dumps({"event": event}, indent=1) for event in events
    ),
    "bodies of one that say more": lambda events: lines(
        {"meta": {"event": 1}, "event": event, "source": "x"} for event in events
    ),
    "an array of bodies that say more": lambda events: json.dumps(
        [{"event": event, "source": None} for event in events]
    ),
    "one that says more, pretty": lambda events: "".join(
        json.dumps({"source": [], "event": event}, indent=1) for event in events
    ),
    "a batch that says more": lambda events: json.dumps({"events": events, "meta": {}}),
    "a batch on a line": lambda events: lines([{"page": 1, "events": events, "next": None}] * 2),
    "a batch a line an event": lambda events: (
        '{"meta":{},"events":[\n' + lines(events).replace("\n", ",\n")[:-2] + "\n]}\n"
    ),
    "CSV": as_csv,
    "CSV with semicolons": lambda events: as_csv(events).replace('","', '";"'),
    "CSV after a mark": lambda events: "\ufeff" + as_csv(events).replace('"\n', '"\r\n'),
    "other spellings": lambda events: lines(
        {"unknown": {"a": [1]}, **dict(reversed(event.items()))} for event in events
    ).replace(": ", "\t:  "),
}
COMPRESS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
KEYS = list(EVENTS[0])


def stored(lago):
    """All events, as they were sent."""
    return [{key: row[key] for key in KEYS} for row in lago("events", "export").ndjson()]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_is_told_by_content(lago, form):
    """That they all say the same is for `test_each_event_goes_in_once` below."""
    found = lago("ingest", "-", "-o", "json", stdin=form(EVENTS)).json()

    assert (found["ingested"], found["rejected"]) == (5, 0)


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
def test_compression_is_told_by_content(lago, compress):
    """Whatever its name says; on standard input too, and several members in a row."""
    halves = compress(lines(EVENTS[:2]).encode()) + compress(lines(EVENTS[2:]).encode())
    path = lago.write("misleading.csv", halves)

    assert lago("ingest", path, "-o", "json").json()["ingested"] == 5
    again = lago("ingest", "-o", "json", stdin=compress(as_csv(EVENTS).encode())).json()
    assert (again["duplicates"], again["conflicts"]) == (5, 0)


def test_one_object(lago):
    """The least there is: one object over many lines, nothing else."""
    text = json.dumps(EVENTS[0], indent=4)

    assert lago("ingest", "-o", "json", stdin=text).json()["ingested"] == 1
    assert stored(lago) == EVENTS[:1]


@pytest.mark.parametrize(
    "text",
    [
        '{"event": {"a": 1}, "transaction_id": "t", "code": "c", "external_customer_id": "a"}',
        '{"event": "login", "code": "c", "external_customer_id": "a", "transaction_id": "t"}',
        '{"events": [], "transaction_id": "t", "code": "c", "external_customer_id": "a"}',
    ],
)
def test_an_event_may_have_a_member_event(lago, text):
    """What has a member that only events have is one itself."""
    assert lago("ingest", "-o", "json", stdin=text).json()["ingested"] == 1


def test_a_body_with_two_sorts_of_events_is_not_half_read(lago):
    text = json.dumps({"event": EVENTS[0], "events": EVENTS})
    found = lago("ingest", "-o", "json", stdin=text, exits=5).json()

    assert (found["read"], found["rejected"]) == (1, 1)


def test_several_files_and_standard_input_are_one_run(lago):
    """In the order they are named in, `-` among them, each in a form of its own."""
    first = lago.write("a.ndjson", EVENTS[:1])
    last = lago.write("b.json.zst", zstandard.compress(json.dumps(EVENTS[2:4]).encode()))
    empty = lago.write("empty", b"")
    found = lago("ingest", first, "-", empty, last, "-o", "json", stdin=as_csv(EVENTS[1:2])).json()

    assert (found["run"], found["read"], found["ingested"]) == (1, 4, 4)
    assert stored(lago) == EVENTS[:4]
    assert lago("ingest-runs", "get", 1, "-o", "json").json()["source"] == (
        f"{first}, <stdin>, {empty}, {last}"
    )


@pytest.mark.parametrize(
    ("format", "text", "ingested", "rejected"),
    [
        pytest.param("json", lines(EVENTS), 5, 0, id="JSON is concatenated JSON too"),
        pytest.param("ndjson", lines(EVENTS), 5, 0, id="NDJSON"),
        pytest.param("csv", as_csv(EVENTS), 5, 0, id="CSV"),
        pytest.param("csv", "a\n1\n2\n", 0, 2, id="a CSV that nobody would take for one"),
        pytest.param("ndjson", as_csv(EVENTS[:1]), 0, 3, id="NDJSON that is CSV"),
    ],
)
def test_the_format_can_be_given(lago, format, text, ingested, rejected):  # noqa: A002
    found = lago(
        "ingest", "--format", format, "-o", "json", stdin=text, exits=5 if rejected else 0
    ).json()

    assert (found["ingested"], found["rejected"]) == (ingested, rejected)


def test_each_event_goes_in_once(lago):
    """All forms after each other, shuffled and in pieces: the first brings it, the rest repeat."""
    shuffled = random.Random(7).sample(EVENTS, len(EVENTS))
    files = []
    for number, form in enumerate(FORMS.values()):
        for at in (0, 2, 4):
            files.append(lago.write(f"{number}-{at}", form(shuffled[at : at + 2])))
    found = lago("ingest", *files, "-o", "json").json()

    read = 5 * (len(FORMS) + 1)  # one of them writes everything twice
    assert (found["read"], found["ingested"]) == (read, 5)
    assert (found["duplicates"], found["conflicts"]) == (read - 5, 0)
    assert stored(lago) == EVENTS


def test_csv_cells(lago):
    """Empty cells are no value, a cell of properties is an object, other columns are properties."""
    text = (
        "code,transaction_id,external_customer_id,properties,properties.n,timestamp,other\n"
        'c,1,acme,"{""a"": 1.10}",2,1704067200,x\n'
        "c,2,acme,,,,\n"
        ",,,,,,\n"
    )
    lago("ingest", "--now", "2026-11-22", stdin=text)
    first, second = lago("events", "export").ndjson()

    assert (first["transaction_id"], first["timestamp"]) == ("1", "2024-01-01T00:00:00Z")
    assert first["properties"] == {"a": Decimal("1.10"), "n": "2", "other": "x"}
    assert (second["timestamp"], second["properties"]) == ("2026-11-22T00:00:00Z", {})


def test_a_long_input_is_read_block_by_block(lago):
    """Many blocks, with good and broken lines and of all forms of line ends between them."""
    text = io.StringIO()
    for number in range(20_000):
        event = {"transaction_id": f"t{number}", "code": "c", "external_customer_id": "a"}
        text.write(json.dumps(event) + ("\r\n" if number % 3 else "\n"))
        if number % 5_000 == 17:
            text.write("{broken\n")
    found = lago("ingest", "-o", "json", stdin=text.getvalue(), exits=5).json()

    assert (found["read"], found["ingested"], found["rejected"]) == (20_004, 20_000, 4)
    assert [row["line"] for row in found["rejections"]] == [19, 5_020, 10_021, 15_022]

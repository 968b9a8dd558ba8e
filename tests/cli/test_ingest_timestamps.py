"""Instants of events: every form, to the microsecond, within their bounds."""

from __future__ import annotations

import json

import pytest

ACCEPTED = [
    (1704067200, "2024-01-01T00:00:00Z"),
    ("1704067200", "2024-01-01T00:00:00Z"),
    (1704067200.5, "2024-01-01T00:00:00.5Z"),
    ("1704067200.000001", "2024-01-01T00:00:00.000001Z"),
    ("1704067200.1234567", "2024-01-01T00:00:00.123456Z"),
    ("1704067200.9999999999", "2024-01-01T00:00:00.999999Z"),
    ("1780586634.3", "2026-06-04T15:23:54.3Z"),
    (1.7040672e9, "2024-01-01T00:00:00Z"),
    ("+1704067200", "2024-01-01T00:00:00Z"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("2024-01-01 00:00:00", "2024-01-01T00:00:00Z"),
    ("2024-01-01t00:00:00z", "2024-01-01T00:00:00Z"),
    ("2024-01-01T00:00", "2024-01-01T00:00:00Z"),
    ("2024-01-01", "2024-01-01T00:00:00Z"),
    ("2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z"),
    ("2023-12-31T19:30:00.123456789-04:30", "2024-01-01T00:00:00.123456Z"),
    ("2024-01-01T00:00:00.100", "2024-01-01T00:00:00.1Z"),
    ("20240101T000000Z", "2024-01-01T00:00:00Z"),
    (978307200, "2001-01-01T00:00:00Z"),
    ("2001-01-01T02:00:00+02:00", "2001-01-01T00:00:00Z"),
    (9999999999, "2286-11-20T17:46:39Z"),
    ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ("2023-09-04 15:45:12 UTC", "2023-09-04T15:45:12Z"),
    ("Mon, 04 Sep 2023 15:45:12 GMT", "2023-09-04T15:45:12Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    (None, "2026-11-22T10:11:12.000013Z"),
    ("absent", "2026-11-22T10:11:12.000013Z"),
]
REFUSED = [
    ("2023-09-04 15:45:12 CET", "invalid_timestamp"),
    ("04/09/2023", "invalid_timestamp"),
    ("2024-02-30", "invalid_timestamp"),
    ("2024-01-01T25:00", "invalid_timestamp"),
    ("2024-01-01Z", "invalid_timestamp"),
    (" 1704067200", "invalid_timestamp"),
    ("1,704,067,200", "invalid_timestamp"),
    ("1_704_067_200", "invalid_timestamp"),
    ("0x65920080", "invalid_timestamp"),
    ("NaN", "invalid_timestamp"),
    ("now", "invalid_timestamp"),
    ("", "invalid_timestamp"),
    (False, "invalid_timestamp"),
    (0, "timestamp_out_of_range"),
    (-1704067200, "timestamp_out_of_range"),
    ("2000-12-31T23:59:59.999999Z", "timestamp_out_of_range"),
    ("2001-01-01T00:00:00+00:01", "timestamp_out_of_range"),
    ("9999-12-31T23:59:59.999999-00:01", "invalid_timestamp"),
    (10000000000, "timestamp_out_of_range"),
    ("10000000000", "timestamp_out_of_range"),
    (10000000000.5, "timestamp_out_of_range"),
    (1704067200000, "timestamp_out_of_range"),
]


def line_of(number, timestamp):
    fields = {"transaction_id": f"t{number}", "code": "c", "external_customer_id": "a"}
    if timestamp != "absent":
        fields["timestamp"] = timestamp
    return json.dumps(fields) + "\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All of them, through the short way (a line a file) and through the long way (a mapping)."""
    from tests.conftest import Lago

    lago = Lago(tmp_path_factory.mktemp("instants"))
    rows = [timestamp for timestamp, _ in ACCEPTED + REFUSED]
    for number, timestamp in enumerate(rows):
        lago.write(f"{number}", line_of(number, timestamp))
    files = [str(number) for number in range(len(rows))]
    now = ("--now", "2026-11-22T10:11:12.000013Z", "-o", "json")
    lago("ingest", *files, *now, "--rejects", "short", "--max-rejects", 99)
    lago("ingest", *files, *now, "--rejects", "long", "--max-rejects", 99, "--set", "code=long")
    found = {}
    for row in lago("events", "export").ndjson():
        found[row["code"], row["transaction_id"]] = row["timestamp"]
    for way in ("short", "long"):
        for reject in (lago.folder / way).read_text().splitlines():
            row = json.loads(reject)
            found[way, f"t{row['file']}"] = row["code"]
    return found


def spoken(value):
    return json.dumps(value)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(number, expected, id=f"{spoken(timestamp)} is {expected}")
        for number, (timestamp, expected) in enumerate(ACCEPTED)
    ],
)
def test_accepted(run, number, expected):
    assert run["c", f"t{number}"] == expected


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(number, code, id=f"{spoken(timestamp)} is refused")
        for number, (timestamp, code) in enumerate(REFUSED, len(ACCEPTED))
    ],
)
def test_refused(run, number, code):
    assert run["short", f"t{number}"] == code


def test_the_long_way_says_the_same(run):
    """A mapping judges record by record: what it refuses is what was refused before."""
    assert {number for way, number in run if way == "long"} == {
        number for way, number in run if way == "short"
    }


def test_an_event_without_an_instant_happened_when_it_was_received(lago):
    """Also when it is repeated: that is no conflict."""
    event = '{"transaction_id":"t","code":"c","external_customer_id":"a"}'
    lago("ingest", "--now", "2026-11-22T00:00:00Z", stdin=event)
    again = lago("ingest", "--now", "2026-11-23T00:00:00Z", "-o", "json", stdin=event).json()
    stored = lago("events", "get", "t", "-o", "json").json()

    assert (again["duplicates"], again["conflicts"]) == (1, 0)
    assert stored["timestamp"] == stored["received_at"] == "2026-11-22T00:00:00Z"

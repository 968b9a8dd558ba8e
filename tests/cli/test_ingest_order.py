"""Figures follow the nanoseconds of a source, in whatever order its events come in."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

READINGS = (("1", 100), ("2", 500), ("5", 900))  # value and nanoseconds: the latest is 5


def written(value, nanos, form="iso"):
    seconds = f"1794391054.{nanos:09d}"
    timestamp = {
        "iso": f'"2026-11-11T09:57:34.{nanos:09d}Z"',
        "offset": f'"2026-11-11T10:57:34.{nanos:09d}+01:00"',
        "number": seconds,
        "text": f'"{seconds}"',
    }[form]
    event = {"transaction_id": value, "code": "level", "external_customer_id": "a"}
    return f'{json.dumps(event)[:-1]},"timestamp":{timestamp},"properties":{{"v":{value}}}}}\n'


@pytest.fixture
def defined(lago):
    lago(
        *("metrics", "create", "--code", "level", "--aggregation-type", "latest"),
        *("--field-name", "v", "-q", "-o", "json"),
    )
    return lago


def latest(lago):
    (row,) = lago("usage", "--metric", "level", "--period", "all", "-o", "json").json()
    return row["units"]


@pytest.mark.parametrize("form", ["iso", "offset", "number", "text"])
def test_the_latest_is_the_latest_by_nanoseconds(defined, form):
    defined.write("events.ndjson", "".join(written(*each, form) for each in reversed(READINGS)))
    defined("ingest", "events.ndjson", "-q")

    assert latest(defined) == "5"


def test_also_where_they_come_in_runs_and_formats_of_their_own(defined):
    (one, two, five) = READINGS
    defined("ingest", "-q", stdin=written(*five))
    defined("ingest", "-q", "--format", "json", stdin=f"[{written(*two)}]")
    csv = "transaction_id,code,external_customer_id,timestamp,v\n"
    csv += f"{one[0]},level,a,2026-11-11T09:57:34.{one[1]:09d}Z,{one[0]}\n"
    defined("ingest", "-q", "--format", "csv", stdin=csv)

    assert latest(defined) == "5"
    assert defined("db", "check", "-o", "json").json()


@pytest.mark.parametrize("order", [*permutations(READINGS)][:3])
def test_an_export_brings_them_in_that_order(defined, order):
    """It has microseconds, so from then on their order is that of arrival."""
    defined("ingest", "-q", stdin="".join(written(*each) for each in order))
    exported = defined("events", "export")
    listed = defined("events", "list", "-o", "json").json()
    copy = ("--db", "copy.db")
    defined(
        *("metrics", "create", "--code", "level", "--aggregation-type", "latest"),
        *("--field-name", "v", "-q", "-o", "json", *copy),
    )
    defined("ingest", "-q", *copy, stdin=exported.stdout)
    (row,) = defined("usage", "--metric", "level", "--period", "all", "-o", "json", *copy).json()

    assert [line["transaction_id"] for line in exported.ndjson()] == ["1", "2", "5"]
    assert [line["transaction_id"] for line in listed] == ["5", "2", "1"]
    assert {line["timestamp"] for line in listed} == {"2026-11-11T09:57:34Z"}
    assert row["units"] == "5"


def test_an_explanation_says_the_same(defined):
    defined("ingest", "-q", stdin="".join(written(*each) for each in reversed(READINGS)))
    lines = defined("usage", "explain", "--metric", "level", "--period", "all", "-o", "json").json()
    rules = {line["transaction_id"]: line["rule"] for line in lines if line["transaction_id"]}

    assert rules == {"1": "superseded", "2": "superseded", "5": "latest"}

"""Foreign records: --map, --set and --id-from content, from outside."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

ACCESS = (
    '{"request_id": "r1", "remote_ip": "1.2.3.4", "time": "17/May/2015", "at": 1431828305,'
    ' "bytes": 1.50, "who": {"team": "a.b", "x.y": 7}}\n'
    '{"request_id": 2, "remote_ip": "::1", "at": 1431828306, "bytes": 0, "who": null}\n'
    '{"request_id": "r3", "remote_ip": "1.2.3.4", "at": 1431828307, "bytes": 12}\n'
)
MAPPED = ("--map", "external_customer_id=remote_ip", "--map", "timestamp=at")


def test_an_access_log(lago):
    """One record feeds two metrics: ids are made of its own, the rest becomes properties."""
    path = lago.write("access.ndjson", ACCESS)
    now = ("--now", "2026-11-22T00:00:00Z", "-o", "json")
    lago(
        "ingest",
        path,
        *MAPPED,
        "--map",
        "transaction_id=request_id",
        "--set",
        "code=requests",
        *now,
    )
    found = lago(
        *("ingest", path, *MAPPED, *now, "--set", "code=bandwidth"),
        *("--set", "transaction_id={request_id}:bytes", "--map", "properties.sum=bytes"),
    ).json()
    rows = {row["transaction_id"]: row for row in lago("events", "export").ndjson()}

    assert (found["ingested"], found["rejected"]) == (3, 0)
    assert list(rows) == ["r1", "r1:bytes", "2", "2:bytes", "r3", "r3:bytes"]
    assert rows["2"] == {
        "transaction_id": "2",
        "external_customer_id": "::1",
        "external_subscription_id": None,
        "code": "requests",
        "timestamp": "2015-05-17T02:05:06Z",
        "properties": {"bytes": 0, "who": None},
        "precise_total_amount_cents": None,
    }
    assert rows["r1:bytes"]["properties"] == {
        "request_id": "r1",
        "time": "17/May/2015",
        "who": {"team": "a.b", "x.y": 7},
        "sum": Decimal("1.50"),
    }
    assert rows["r3"]["timestamp"] == "2015-05-17T02:05:07Z"


def test_dotted_paths_and_keys_with_dots(lago):
    lago(
        *("ingest", "--map", "transaction_id=request_id", "--map", "external_customer_id=who.team"),
        *("--map", "properties.deep=who.x.y", "--map", "properties.a.b=bytes", "--set", "code=c"),
        stdin=ACCESS.splitlines()[0],
    )
    (row,) = lago("events", "export").ndjson()

    assert (row["external_customer_id"], row["properties"]["deep"]) == ("a.b", 7)
    assert str(row["properties"]["a.b"]) == "1.50"


BODY = {"event": {"id": "1", "who": "acme", "gb": 2}, "source": "x"}
PAGE = {"page": {"next": None}, "events": [BODY["event"], {"id": "2", "who": "acme"}], "more": 1}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(BODY) + "\n", id="a line"),
        pytest.param(json.dumps(BODY, indent=2), id="pretty-printed"),
        pytest.param(json.dumps([BODY, {**BODY, "event": {"id": "2", "who": "acme"}}]), id="array"),
        pytest.param(json.dumps(PAGE), id="a page"),
        pytest.param(json.dumps(PAGE, indent=2), id="a pretty page"),
    ],
)
def test_foreign_records_in_bodies_that_say_more(lago, text):
    lago(
        *("ingest", "--map", "transaction_id=id", "--map", "external_customer_id=who"),
        *("--set", "code=c", "-q"),
        stdin=text,
    )
    first = lago("events", "export").ndjson()[0]

    assert (first["transaction_id"], first["properties"]) == ("1", {"gb": 2})


def test_a_path_may_start_at_the_event_of_a_body(lago):
    found = lago(
        *("ingest", "--map", "transaction_id=event.id", "--map", "external_customer_id=event.who"),
        *("--map", "properties.from=source", "--map", "properties.at=event.at"),
        *("--set", "code=c", "--set", "timestamp=2026-11-01"),
        stdin=json.dumps(BODY),
    )
    (row,) = lago("events", "export").ndjson()

    assert row["transaction_id"] == "1"
    assert row["properties"] == {"event": {"gb": 2}, "from": "x"}
    assert "found nothing" in found.stderr
    assert found.stderr.count("found nothing") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(
            ["--map", "transaction_id=id", "--set", "code=c"],
            "missing_field",
            "transaction_id is missing",
            id="a path that finds nothing",
        ),
        pytest.param(
            ["--set", "transaction_id={request_id}:{nope.x}", "--set", "code=c"],
            "missing_path",
            "{nope.x} in --set finds nothing",
            id="a placeholder that finds nothing",
        ),
        pytest.param(
            ["--map", "transaction_id=who", "--set", "code=c"],
            "wrong_type",
            "transaction_id is an object",
            id="a path to an object",
        ),
        pytest.param(
            ["--map", "transaction_id=request_id", "--map", "properties=bytes", "--set", "code=c"],
            "invalid_properties",
            "properties is a number",
            id="properties that are no object",
        ),
    ],
)
def test_a_record_that_does_not_fit_is_rejected_alone(lago, arguments, code, words):
    good = (
        '{"request_id":"g","id":"g","at":1431828305,"remote_ip":"a",'
        '"nope":{"x":1},"who":"w","bytes":{}}\n'
    )
    found = lago(
        *("ingest", *MAPPED, *arguments, "-o", "json"),
        stdin=ACCESS.splitlines()[0] + "\n" + good,
        exits=5,
    ).json()

    assert (found["ingested"], found["rejected"]) == (1, 1)
    assert found["rejections"][0]["code"] == code
    assert words in found["rejections"][0]["message"]


def test_csv_can_be_mapped(lago):
    """The columns that are left become properties; doubled braces stand for themselves."""
    lago(
        *("ingest", "--map", "external_customer_id=Customer", "--map", "transaction_id=No."),
        *("--set", "code={{{Kind}}}", "--set", "properties.source=csv"),
        stdin="No.;Customer;Kind;GB\n1;acme;disk;1,5\n2;acme;net;\n",
    )
    rows = lago("events", "export").ndjson()

    assert [(row["transaction_id"], row["code"]) for row in rows] == [
        ("1", "{disk}"),
        ("2", "{net}"),
    ]
    assert rows[0]["properties"] == {"Kind": "disk", "GB": "1,5", "source": "csv"}
    assert rows[1]["properties"] == {"Kind": "net", "source": "csv"}


def test_ids_out_of_content(lago):
    """However a record is written, it has one id; an equal one of the same file has a number."""
    records = [
        '{"code":"c","external_customer_id":"a","timestamp":1704067200,"properties":{"x":1,"y":0.10}}',
        '{"properties":{"y":1e-1,"x":1.0},"timestamp":1704067200,"external_customer_id":"a","code":"c"}',
        '{"code":"c","external_customer_id":"a","timestamp":1704067200,"properties":{"x":2,"y":0.10}}',
        '{"code":"c","external_customer_id":"b","timestamp":1704067200,"properties":{"x":1,"y":0.10}}',
        '{"code":"c","external_customer_id":"a","transaction_id":"own"}',
    ]
    text = "\n".join(records)
    found = lago("ingest", "--id-from", "content", "-o", "json", stdin=text).json()
    again = lago("ingest", "--id-from", "content", "-o", "json", stdin=text).json()
    ids = [row["transaction_id"] for row in lago("events", "export").ndjson()]

    assert (found["ingested"], found["duplicates"], found["conflicts"]) == (5, 0, 0)
    assert (again["ingested"], again["duplicates"], again["conflicts"]) == (0, 5, 0)
    assert len([name for name in ids if name.startswith("content:")]) == 4
    assert f"{ids[0]}:2" in ids
    assert "own" in ids


def test_ids_out_of_content_are_the_same_on_every_machine(lago):
    """They are promised for ever, so this one may never change."""
    record = '{"b":2,"who":"acme","at":1704067200,"a":1.50}'
    found = lago(
        *("ingest", "--id-from", "content", "--map", "external_customer_id=who"),
        *("--map", "timestamp=at", "--set", "code=c", "-q"),
        stdin=record,
    )
    (row,) = lago("events", "export").ndjson()

    assert found.stderr == ""
    assert row["transaction_id"] == "content:e51aea845519968b8c58bbdd37ba09f7"
    assert json.loads(json.dumps(row["properties"], default=str)) == {"b": 2, "a": "1.50"}

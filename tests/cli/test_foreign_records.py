"""
Records of others, taken right or refused: what people who meter have reported, as they run it.

Every situation here once gave a wrong figure or lost data without a word.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

NOW = ("--now", "2026-12-20T00:00:00Z")


def ingest(lago, text, *options, exits=0):
    """Ingest a text as a file of its own; the summary, and what was said."""
    path = lago.write("source", text)
    finished = lago("ingest", path, *options, *NOW, "-o", "json", exits=exits)
    return finished.json(), finished.stderr


def exported(lago):
    return lago("events", "export").ndjson()


def units(lago, code, *options):
    """The figures of a metric of all time: by customer, or by the group where one is asked for."""
    rows = lago("usage", "--period", "all", "--metric", code, *options, "-o", "json").json()
    return {
        (row["external_customer_id"] if row["group"] is None else (*row["group"].values(),)): row[
            "units"
        ]
        for row in rows
    }


def define(lago, code, field):
    lago("metrics", "create", "--code", code, "--aggregation-type", "sum", "--field-name", field)


TOKENS = ("--map", "transaction_id=uuid", "--map", "external_customer_id=user")


@pytest.mark.parametrize(
    "time",
    [
        pytest.param('"timestamp":null,', id="null"),
        pytest.param("", id="absent"),
        pytest.param('"timestamp":"",', id="empty"),
        pytest.param('"timestamp":"  ",', id="blank"),
        pytest.param('"timestamp":"soon",', id="no time"),
    ],
)
def test_a_mapped_time_that_is_missing_is_never_the_present(lago, time):
    good = '{"uuid":"1","user":"a","timestamp":"2026-10-05T00:00:00Z","tokens":5}\n'
    bad = f'{{"uuid":"2","user":"a",{time}"tokens":7}}\n'
    define(lago, "tok", "tokens")
    options = (*TOKENS, "--map", "timestamp=timestamp", "--set", "code=tok")
    summary, _ = ingest(lago, good + bad, *options, exits=5)

    assert (summary["ingested"], summary["rejected"], summary["undated"]) == (1, 1, 0)
    assert summary["rejections"][0]["line"] == 2
    assert units(lago, "tok") == {"a": "5"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(
            "transaction_id,external_customer_id,code,Timestamp,properties.v\n1,a,m,2026-10-02,1\n",
            "Timestamp",
            id="a column",
        ),
        pytest.param(
            '{"transaction_id":"1","external_customer_id":"a","code":"m","@timestamp":"2026-10-02"}',
            "@timestamp",
            id="a key of a JSON event",
        ),
        pytest.param(
            '{"transaction_id":"1","external_customer_id":"a","code":"m","properties":{"ts":1}}',
            "ts",
            id="a property",
        ),
    ],
)
def test_an_event_without_a_time_is_dated_at_reception_with_a_word_that_q_lets_pass(
    lago, text, name
):
    path = lago.write("events", text)
    finished = lago("ingest", path, "-q", *NOW)
    again = lago("ingest", path, *NOW, "-o", "ndjson")

    assert f'"{name}" was not read as the time' in finished.stderr
    assert exported(lago)[0]["timestamp"] == "2026-12-20T00:00:00Z"
    assert again.ndjson()[0]["undated"] == 0
    assert "was not read as the time" not in again.stderr


def test_undated_events_are_counted_also_in_whole_blocks(lago):
    event = '{{"transaction_id":"{}","external_customer_id":"a","code":"m"{}}}\n'
    lines = [event.format(n, "" if n % 3 else ',"timestamp":1793869200') for n in range(9000)]
    summary, stderr = ingest(lago, "".join(lines))

    assert (summary["ingested"], summary["undated"]) == (9000, 6000)
    assert "6000 events without a timestamp were dated at reception" in stderr


ACCESS = (
    r'{"time":"2026-11-22T14:24:53+08:00","ip":"198.51.100.3","ua":"Phone; \xE3\x80","bytes":"77"}'
    "\n"
    '{"time":"2026-11-22T14:24:53+08:00","ip":"198.51.100.3","ua":"curl","bytes":"77"}\n'
    '{"time":"2026-11-22T14:24:53+08:00","ip":"198.51.100.3","ua":"curl","bytes":"77"}\n'
)
BY_IP = ("--map", "external_customer_id=ip", "--map", "timestamp=time", "--set", "code=b")


def test_equal_records_of_a_file_count_each_and_the_same_file_again_counts_nothing(lago):
    define(lago, "b", "bytes")
    first, _ = ingest(lago, ACCESS, "--id-from", "content", *BY_IP, exits=5)
    again, _ = ingest(lago, ACCESS, "--id-from", "content", *BY_IP, exits=5)

    assert (first["ingested"], first["rejected"]) == (2, 1)
    assert (again["ingested"], again["duplicates"]) == (0, 2)
    assert units(lago, "b") == {"198.51.100.3": "154"}


def test_an_id_of_the_content_is_the_records_own_whatever_the_mapping_says(lago):
    """Mapped otherwise the same records are conflicts, and count once."""
    text = '{"t":"2026-11-01","ip":"a","bytes":10}\n{"t":"2026-11-02","ip":"a","bytes":20}\n'
    options = ("--id-from", "content", "--map", "external_customer_id=ip", "--map", "timestamp=t")
    define(lago, "b", "bytes")
    ingest(lago, text, *options, "--set", "code=b")
    again, stderr = ingest(lago, text, *options, "--set", "code=b", "--set", "properties.x=eu")
    reordered = '{"bytes":1e1,"ip":"a","t":"2026-11-01"}\n'
    spelled, _ = ingest(lago, reordered, *options, "--set", "code=b")

    assert (again["duplicates"], again["conflicts"], stderr.count("properties")) == (2, 2, 2)
    assert spelled["duplicates"] == 1
    assert units(lago, "b") == {"a": "30"}


def test_ids_out_of_fields_of_the_record(lago):
    text = (
        '{"job":"a:b","part":"c","n":1}\n{"job":"a","part":"b:c","n":2}\n'
        '{"job":"a","n":3}\n{"job":"a:b","part":"c","n":4}\n'
    )
    options = ("--set", "external_customer_id=x", "--set", "code=m", "--id-from", "job,part")
    summary, _ = ingest(lago, text, *options, "--set", "timestamp=2026-11-01", exits=5)
    ids = [row["transaction_id"] for row in exported(lago)]

    assert (summary["ingested"], summary["duplicates"], summary["rejected"]) == (2, 1, 1)
    assert "part is missing" in summary["rejections"][0]["message"]
    assert ids == ["a\\:b:c", "a:b\\:c"]


def test_ids_out_of_the_place_in_the_file(lago):
    options = ("--set", "external_customer_id=x", "--set", "code=m", "--id-from", "position")
    lago.write("rows.csv", "n,timestamp\n1,2026-11-01\n1,2026-11-01\n")
    lago("ingest", "rows.csv", *options)
    again = lago("ingest", "./rows.csv", *options, "-o", "json").json()
    refused = lago("ingest", *options, stdin="n\n1\n", exits=2)

    assert [row["transaction_id"] for row in exported(lago)] == ["rows.csv:2", "rows.csv:3"]
    assert (again["ingested"], again["duplicates"]) == (0, 2)
    assert "standard input has no" in refused.stderr.replace("has none", "has no")


def test_all_that_is_not_mapped_becomes_properties(lago):
    record = {
        "id": "1",
        "cust": {"id": "a", "plan": "gold"},
        "at": "2026-11-02",
        "x": 1,
        "y": 2,
        "usage": {"in": 3, "out": 4},
    }
    maps = ("transaction_id=id", "timestamp=at", "external_customer_id=cust.id", "properties.x=x")
    options = [word for target in maps for word in ("--map", target)]
    ingest(lago, json.dumps(record), *options, "--set", "code=m")

    assert exported(lago)[0]["properties"] == {
        "cust": {"plan": "gold"},
        "x": 1,
        "y": 2,
        "usage": {"in": 3, "out": 4},
    }


def test_what_is_dropped_is_kept_nowhere(lago):
    record = {
        "id": "1",
        "user": {"mail": "a@x", "name": "Ann"},
        "messages": [{"role": "user", "content": "secret"}, {"content": "secret"}],
        "payload": {"prompt": "secret", "n": 1},
    }
    options = ("--map", "transaction_id=id", "--map", "external_customer_id=user.mail")
    drops = ("--drop", "user", "--drop", "messages.*.content", "--drop", "payload.prompt")
    more = ("--map", "properties.all=payload", "--set", "code=m", "--set", "timestamp=2026-11-01")
    ingest(lago, json.dumps(record), *options, *drops, *more)
    (row,) = exported(lago)

    assert row["external_customer_id"] == "a@x"
    assert row["properties"] == {"messages": [{"role": "user"}], "all": {"n": 1}}


def test_plain_columns_are_properties(lago):
    define(lago, "gb", "gb")
    text = "transaction_id,external_customer_id,code,timestamp,gb,properties.region\n"
    ingest(lago, text + "1,a,gb,2026-11-01,2.5,eu\n2,a,gb,2026-11-01,,us\n")

    assert [row["properties"] for row in exported(lago)] == [
        {"gb": "2.5", "region": "eu"},
        {"region": "us"},
    ]
    assert units(lago, "gb") == {"a": "2.5"}


EVENT = '{"transaction_id":"%d","external_customer_id":"a","code":"m","timestamp":1793869200%s}\n'


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="in whole blocks"),
        pytest.param(("--where", "code=m"), id="one by one"),
    ],
)
def test_keys_that_no_event_has_are_named_once_with_their_counts(lago, options):
    text = "".join(EVENT % (n, ',"extra":2,"region":"eu"' if n % 2 else "") for n in range(6000))
    summary, stderr = ingest(lago, text, *options)

    assert summary["ingested"] == 6000
    assert stderr.count("were not kept") == 1
    assert '"extra" (3000), "region" (3000)' in stderr


def test_what_an_export_says_more_of_an_event_is_no_loss(lago):
    ingest(lago, EVENT % (1, ""))
    listed = lago("events", "list", "-o", "ndjson").stdout
    _, stderr = ingest(lago, listed)

    assert "not kept" not in stderr


def test_a_property_that_takes_the_place_of_another_is_named(lago):
    text = '{"id":"1","a":1,"b":2,"timestamp":"2026-11-01"}'
    options = ("--map", "transaction_id=id", "--map", "properties.a=b", "--set", "code=m")
    _, stderr = ingest(lago, text, *options, "--set", "external_customer_id=x")

    assert exported(lago)[0]["properties"] == {"a": 2}
    assert '"a" (1)' in stderr


@pytest.mark.parametrize(
    ("unit", "ts"), [("ms", 1794391054534), ("us", 1794391054534000), ("ns", 1794391054534000000)]
)
def test_times_of_another_unit_are_read_where_it_is_named(lago, unit, ts):
    text = f'{{"id":"1","ts":{ts},"host":"a"}}\n'
    options = ("--map", "transaction_id=id", "--map", "timestamp=ts", "--set", "code=r")
    party = ("--map", "external_customer_id=host")
    refused, _ = ingest(lago, text, *options, *party, exits=5)
    taken, _ = ingest(lago, text, *options, *party, "--time-unit", unit)

    assert f"--time-unit {unit}" in refused["rejections"][0]["message"]
    assert taken["ingested"] == 1
    assert exported(lago)[0]["timestamp"] == "2026-11-11T09:57:34.534Z"


@pytest.mark.parametrize(
    ("digits", "date"),
    [("202611050800", "2026-11-05 08:00"), ("20261105080000", "2026-11-05"), ("20261105", "2026")],
)
def test_a_date_in_digits_is_refused_with_the_date_and_the_option(lago, digits, date):
    text = f"transaction_id,external_customer_id,code,timestamp\n1,a,m,{digits}\n"
    summary, _ = ingest(lago, text, exits=5)
    message = summary["rejections"][0]["message"]

    assert date in message
    assert "--time-format '%Y%m%d" in message


def test_times_in_a_format_and_a_bad_line_alone(lago):
    text = ACCESS.replace("2026-11-22T14:24:53+08:00", "22/Nov/2026:14:24:53 +0800")
    options = (*BY_IP, "--id-from", "content", "--time-format", "%d/%b/%Y:%H:%M:%S %z")
    summary, _ = ingest(lago, text, *options, exits=5)

    assert (summary["ingested"], summary["rejected"]) == (2, 1)
    assert exported(lago)[0]["timestamp"] == "2026-11-22T06:24:53Z"


def test_times_without_an_offset_are_read_in_the_zone_that_is_named(lago):
    text = EVENT.replace("1793869200", '"2026-11-05 08:00:00"') % (1, "")
    ingest(lago, text, "--timezone", "America/New_York")

    assert exported(lago)[0]["timestamp"] == "2026-11-05T13:00:00Z"


def test_texts_that_mean_null(lago):
    text = (
        "transaction_id\texternal_customer_id\tcode\ttimestamp\tproperties.v\n"
        "1\t\\N\tm\t2026-11-01 10:00:00\t5\n"
        "2\tacme\tm\t2026-11-01 10:00:00\t\\N\n"
        "3\tacme\tm\t-\t7\n"
    )
    define(lago, "m", "v")
    summary, _ = ingest(lago, text, "--null", "\\N", "--null", "-", exits=5)

    assert (summary["ingested"], summary["rejected"], summary["undated"]) == (2, 1, 1)
    assert (summary["unusable"], summary["rejections"][0]["line"]) == (1, 2)
    assert units(lago, "m") == {"acme": "7"}


def test_numbers_with_a_decimal_comma(lago):
    text = (
        "transaction_id;external_customer_id;code;timestamp;v;ip;precise_total_amount_cents\n"
        '1;a;m;2026-11-01;1.111,11;10.100.200.300;"1,5"\n2;a;m;2026-11-01;-0,5;x;\n'
        "3;a;m;2026-11-01;2.000;1,2,3;\n4;a;m;2026-11-01;7;;\n"
    )
    define(lago, "m", "v")
    summary, _ = ingest(lago, text, "--decimal-comma")
    rows = exported(lago)

    assert summary["unusable"] == 0
    assert units(lago, "m") == {"a": "3117.61"}
    assert (rows[0]["properties"]["ip"], rows[2]["properties"]["ip"]) == ("10.100.200.300", "1,2,3")
    assert rows[0]["precise_total_amount_cents"] == "1.5"


def test_only_records_that_match_are_taken(lago):
    text = "".join(
        json.dumps({"id": n, "type": kind, "at": "2026-11-01", "tags": [{"k": "t", "v": kind}]})
        + "\n"
        for n, kind in enumerate(["assistant", "user", "tool, x", None])
    )
    options = ("--map", "transaction_id=id", "--map", "timestamp=at", "--set", "code=m")
    party = ("--set", "external_customer_id=x")
    first, _ = ingest(lago, text, *options, *party, "--where", "type=assistant", "--dry-run")
    quoted, _ = ingest(lago, text, *options, *party, "--where", 'type=user,"tool, x"', "--dry-run")
    path, _ = ingest(lago, text, *options, *party, "--where", "tags[k=t].v=user", "--dry-run")
    empty, _ = ingest(lago, text, *options, *party, "--where", "type=", "--dry-run")

    assert [(row["ingested"], row["skipped"]) for row in (first, quoted, path, empty)] == [
        (1, 3),
        (2, 2),
        (1, 3),
        (1, 3),
    ]


def test_one_record_gives_several_events(lago):
    """The first code has the id of the record, so that a second one can be added later."""
    text = '{"id":"1","at":"2026-11-01","bytes":10}\n{"id":"2","at":"2026-11-01","bytes":5}\n'
    options = ("--map", "transaction_id=id", "--map", "timestamp=at")
    party = ("--set", "external_customer_id=x")
    define(lago, "b", "bytes")
    ingest(lago, text, *options, *party, "--set", "code=r")
    summary, _ = ingest(lago, text, *options, *party, "--set", "code=r", "--set", "code=b")

    assert (summary["read"], summary["ingested"], summary["duplicates"]) == (2, 2, 2)
    assert units(lago, "b") == {"x": "15"}
    assert [row["transaction_id"] for row in exported(lago)] == ["1", "2", "1:b", "2:b"]


def test_a_dry_run_shows_what_the_first_records_would_become(lago):
    text = '{"id":"1","at":"2026-11-01","n":1}\n{"id":"2","at":"2026-11-02","n":2}\n{"n":3}\n'
    options = ("--map", "transaction_id=id", "--map", "timestamp=at", "--set", "code=m")
    path = lago.write("source", text)
    shown = lago(
        *("ingest", path, *options, "--set", "external_customer_id=x"),
        *("--dry-run", "--show", 5, "-o", "ndjson"),
        exits=5,
    )

    assert [row["transaction_id"] for row in shown.ndjson()] == ["1", "2"]
    assert shown.ndjson()[0]["properties"] == {"n": 1}
    assert "rejected 1" in shown.stderr
    assert lago("ingest", path, "--show", 5, exits=2).stdout == ""


def test_what_is_missing_though_it_stands_elsewhere_is_named(lago):
    text = '{"user":{"Customer-ID":"a"},"Transaction_Id":"1","timestamp":"2026-11-01"}'
    no_id, _ = ingest(lago, text, "--set", "code=m", exits=5)
    mapped, stderr = ingest(
        *(lago, text, "--set", "code=m", "--map", "external_customer_id=customer_id"),
        *("--map", "transaction_id=Transaction_Id"),
        exits=5,
    )

    assert "There is Transaction_Id" in no_id["rejections"][0]["message"]
    assert "there is user.Customer-ID" in mapped["rejections"][0]["message"]
    assert "there is user.Customer-ID" in stderr


def test_paths_enter_text_that_is_json(lago):
    inner = '{"id":"q1","tenant":"acme","ts":"2026-11-01T10:00:00Z","bytes":10}\n'
    text = json.dumps({"log": inner, "stream": "stdout"})
    maps = ("transaction_id=log.id", "external_customer_id=log.tenant", "timestamp=log.ts")
    options = [word for target in maps for word in ("--map", target)]
    ingest(lago, text, *options, "--map", "properties.bytes=log.bytes", "--set", "code=m")
    (row,) = exported(lago)

    assert (row["transaction_id"], row["external_customer_id"]) == ("q1", "acme")
    assert row["properties"]["bytes"] == 10


def test_ids_of_an_earlier_version_never_count_twice_in_silence(lago):
    """Its runs are known, so the file of such a run is refused until the run is taken back."""
    text = '{"t":"2026-11-01","ip":"a","bytes":10}\n'
    options = ("--id-from", "content", "--map", "external_customer_id=ip", "--map", "timestamp=t")
    earlier = EVENT.replace('"%d"', '"content-' + "0" * 32 + '"').replace("%s", "")
    lago.write("a.ndjson", text)
    lago("ingest", lago.write("b.ndjson", earlier))
    with closing(sqlite3.connect(lago.folder / "lago.db")) as file:
        file.execute("UPDATE ingest_runs SET earlier_ids = 1, source = 'a.ndjson'")
        file.commit()
    refused = lago("ingest", "a.ndjson", *options, "--set", "code=b", exits=5)
    lago.write("c.ndjson", text)
    warned = lago("ingest", "c.ndjson", *options, "--set", "code=b")
    lago("ingest-runs", "revert", 1)
    taken = lago("ingest", "a.ndjson", *options, "--set", "code=b", "-o", "json")

    assert "lago ingest-runs revert 1" in refused.stderr
    assert "would count again" in warned.stderr
    assert "earlier" not in taken.stderr


CLOUDTRAIL = {
    "Records": [
        {
            "userIdentity": {"accountId": "0011", "userName": name},
            "eventTime": f"2026-11-04T00:1{number}:31Z",
            "eventID": f"e-{number}",
        }
        for number, name in enumerate(["ann", None, "bob"])
    ]
}
TRAIL = (
    *("--map", "transaction_id=eventID", "--map", "timestamp=eventTime"),
    *("--map", "external_customer_id=userIdentity.accountId", "--set", "code=api"),
)


@pytest.mark.parametrize("indent", [None, 2])
def test_records_in_an_array_are_read_where_its_path_is_named(lago, indent):
    text = json.dumps(CLOUDTRAIL, indent=indent)
    refused, _ = ingest(lago, text, *TRAIL, exits=5)
    taken, _ = ingest(lago, text, *TRAIL, "--records", "Records")
    again, _ = ingest(lago, text, *TRAIL, "--records", "Records")
    plain, _ = ingest(lago, text, exits=5)

    for summary in (refused, plain):
        assert "--records Records" in summary["rejections"][0]["message"]
    assert (taken["ingested"], again["duplicates"]) == (3, 3)
    assert exported(lago)[0]["properties"] == {"userIdentity": {"userName": "ann"}}


def test_records_that_are_the_values_of_an_object(lago):
    """OpenCost gives an array of objects whose members are the records."""
    pods = {
        name: {
            "name": name,
            "properties": {"namespace": "default"},
            "window": {"start": "2026-11-22T00:00:00Z"},
            "totalCost": cost,
        }
        for name, cost in (("web-1", 0.45), ("web-2", 0.55))
    }
    text = json.dumps({"code": 200, "data": [pods]})
    options = ("--id-from", "name,window.start", "--map", "timestamp=window.start")
    party = ("--map", "external_customer_id=properties.namespace", "--set", "code=cost")
    define(lago, "cost", "totalCost")
    refused, _ = ingest(lago, text, *options, *party, exits=5)
    summary, _ = ingest(lago, text, *options, *party, "--records", "data.*")

    assert "--records data.*" in refused["rejections"][0]["message"]
    assert summary["ingested"] == 2
    assert units(lago, "cost") == {"default": "1"}


def test_what_stands_around_a_record_is_reached(lago):
    """As in OTLP, where the points of a metric say neither its name nor its resource."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    points = [{"asInt": str(n), "timeUnixNano": f"17938692000000000{n:02}"} for n in range(3)]
    document = {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {"metrics": [{"sum": {"dataPoints": points}, "name": "hits"}, {"name": "x"}]}
                ],
                "resource": resource,
            }
        ]
    }
    lago(
        *("metrics", "create", "--code", "hits", "--aggregation-type", "latest"),
        *("--field-name", "asInt"),
    )
    summary, _ = ingest(
        *(lago, json.dumps(document) + "\n", "--time-unit", "ns", "--set", "code={name}"),
        *("--records", "resourceMetrics.scopeMetrics.metrics.sum.dataPoints"),
        *("--map", "external_customer_id=resource.attributes[key=service.name].value.stringValue"),
        *("--map", "timestamp=timeUnixNano", "--id-from", "content"),
    )

    assert summary["ingested"] == 3
    assert units(lago, "hits") == {"web": "2"}


def test_the_envelope_of_records_is_no_part_of_their_ids(lago):
    """The same records of a later call count nothing, and what differs by it is a conflict."""
    options = ("--records", "data", "--id-from", "content", "--map", "timestamp=at")
    more = ("--set", "external_customer_id=x", "--set", "code=m", "--map", "properties.page=page")
    for page, ats in ((1, [1, 1, 2]), (2, [2, 3])):
        data = [{"at": 1793869200 + at} for at in ats]
        summary, _ = ingest(lago, json.dumps({"page": page, "data": data}), *options, *more)

    assert (summary["ingested"], summary["duplicates"], summary["conflicts"]) == (1, 1, 1)
    assert len(exported(lago)) == 4


def test_a_path_that_leads_nowhere_names_those_there_are(lago):
    summary, _ = ingest(lago, json.dumps(CLOUDTRAIL), *TRAIL, "--records", "records", exits=5)

    assert summary["rejections"][0]["code"] == "no_records"
    assert "Records" in summary["rejections"][0]["message"]


@pytest.mark.parametrize(
    ("encoding", "options"),
    [
        pytest.param("utf-16", (), id="UTF-16 by its mark"),
        pytest.param("utf-8-sig", (), id="UTF-8 with a mark"),
        pytest.param("latin-1", ("--encoding", "latin-1"), id="Latin-1"),
        pytest.param("utf-16-le", ("--encoding", "utf-16-le"), id="UTF-16 without a mark"),
    ],
)
def test_encodings(lago, encoding, options):
    text = (
        "sep=;\ntransaction_id;external_customer_id;code;timestamp;gb\nt;Köhler;gb;2026-11-01;2\n"
    )
    summary, _ = ingest(lago, text.encode(encoding), *options)

    assert summary["ingested"] == 1
    assert exported(lago)[0]["external_customer_id"] == "Köhler"


def test_a_file_in_another_encoding_is_refused_with_the_option(lago):
    rows = "transaction_id,external_customer_id,code,timestamp\n1,a,m,2026-11-01\n2,K\xf6,m,2026\n"
    summary, _ = ingest(lago, rows.encode("latin-1"), exits=5)
    wrong = lago("ingest", "--encoding", "rot13", stdin=b"", exits=2)

    assert (summary["ingested"], summary["rejected"]) == (1, 1)
    assert "--encoding latin-1" in summary["rejections"][0]["message"]
    assert "rot13" in wrong.stderr


def test_an_archive_is_refused_for_what_it_is(lago):
    data = b"PK\x03\x04" + bytes(26) + b"csv2.csv" + b"\xff\x00" * 40
    path = lago.write("export.zip", data)
    finished = lago("ingest", path, "-o", "json", exits=5)

    assert finished.json()["rejections"][0]["code"] == "zip_archive"
    assert "unzip -p" in finished.json()["rejections"][0]["message"]


def test_the_last_line_of_a_log_that_is_being_written(lago):
    whole, half = EVENT % (1, ""), (EVENT % (2, ""))[:30]
    refused, _ = ingest(lago, whole + half, exits=5)
    skipped, stderr = ingest(lago, whole + half, "--partial-last-line", "skip")
    later, _ = ingest(lago, whole + EVENT % (2, ""), "--partial-last-line", "skip")

    assert (refused["ingested"], refused["rejected"]) == (1, 1)
    assert (skipped["read"], skipped["duplicates"], skipped["rejected"]) == (1, 1, 0)
    assert "not whole yet" in stderr
    assert later["ingested"] == 1


MAPPING = """
description: Requests of a proxy
where: {type: [request, 'null']}
map: {external_customer_id: who, timestamp: at}
id_from: [id, 'part?']
"null": ["-"]
events:
  - code: requests
  - code: bytes
    map: {properties.bytes: size}
    where: {status: [200, 206]}
"""


def test_a_mapping_file_says_what_options_say(lago):
    lago.write("proxy.yml", MAPPING)
    rows = [
        {"id": 1, "type": "request", "who": "a", "at": 1793869200, "size": 5, "status": 200},
        {"id": 2, "type": "request", "who": "b", "at": 1793869200, "size": 7, "status": "404"},
        {"id": 3, "type": "other", "who": "a", "at": 1793869200},
        {"id": 4, "type": "request", "who": "-", "at": 1793869200},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    define(lago, "bytes", "bytes")
    summary, _ = ingest(lago, text, "--mapping", "proxy.yml", exits=5)
    again, _ = ingest(lago, text, "--mapping", "proxy.yml", exits=5)
    other, _ = ingest(
        *(lago, text, "--mapping", "proxy.yml", "--map", "external_customer_id=type", "--dry-run"),
    )

    assert (summary["ingested"], summary["skipped"], summary["rejected"]) == (3, 1, 1)
    assert (again["ingested"], again["duplicates"]) == (0, 3)
    assert (other["rejected"], other["ingested"]) == (0, 4)
    assert units(lago, "bytes") == {"a": "5"}
    assert [row["transaction_id"] for row in exported(lago)] == ["1:", "1::bytes", "2:"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("map: {customer: x}", "TARGET is one of", id="no such field"),
        pytest.param("maps: {code: x}", "maps", id="no such key"),
        pytest.param("map: [code]", "an object is expected", id="a list for an object"),
        pytest.param("events: [{map: {code: x}}]", "an object with a code", id="no code"),
        pytest.param("events: [{code: a}, {code: a}]", "a code of its own", id="a code twice"),
        pytest.param("events: [{code: a, when: x}]", "events[0].when", id="no key of an event"),
        pytest.param("time_unit: min", "min", id="no such unit"),
        pytest.param("time_format: '%d'", "no year", id="a format without a year"),
        pytest.param("timezone: Mars", "Mars", id="no such zone"),
        pytest.param("format: xml", "one of auto", id="no such format"),
        pytest.param("[1]", "an object with the keys", id="a list"),
        pytest.param("a: [", "not valid YAML", id="no YAML"),
        pytest.param("", "no mapping", id="nothing"),
        pytest.param("map: {code: a}\nset: {code: b}", "both", id="said twice"),
    ],
)
def test_a_faulty_mapping_file_is_refused_with_every_place(lago, text, words):
    lago.write("m.yml", text)
    finished = lago("ingest", "--mapping", "m.yml", stdin="", exits=5)

    assert "m.yml" in finished.stderr
    assert words in finished.stderr


def test_a_mapping_that_nobody_ships_is_not_found(lago):
    near = lago("ingest", "--mapping", "cady", stdin="", exits=4)
    gone = lago("ingest", "--mapping", "mine.yml", stdin="", exits=4)
    names = [row["name"] for row in lago("mappings", "list", "-o", "json").json()]
    text = lago("mappings", "get", "caddy").stdout

    assert 'Did you mean "caddy"?' in near.stderr
    assert "mine.yml" in gone.stderr
    assert {"caddy", "nginx", "cloudtrail", "otlp"} <= set(names)
    lago.write("mine.yml", text)
    assert lago("ingest", "--mapping", "mine.yml", "-o", "json", stdin="").json()["read"] == 0


@pytest.mark.parametrize("kind", ["increase", "counter", "gauge", "mean", "avg_agg"])
def test_what_no_aggregation_does_is_refused_with_those_there_are(lago, kind):
    """Counters that are reset and levels that are sampled are not added up as if they were use."""
    create = ("metrics", "create", "--code", "m", "--field-name", "total")
    refused = lago(*create, "--aggregation-type", kind, exits=5)

    assert f'"{kind}" is no aggregation type' in refused.stderr
    assert "weighted_sum_agg" in refused.stderr

"""
Bad input of every kind: refused by its place, alone, and everything else goes in.

One run reads all the files of `FILES`; each test looks at what it said of one of them.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import random
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import Lago

GOOD = '{"transaction_id":"%s","code":"c","external_customer_id":"a","timestamp":1704067200}'


def good(name, count=1, start=1):
    return "".join(GOOD % f"{name} {number}" + "\n" for number in range(start, start + count))


def with_value(text):
    """A line whose property is `text`, between two good ones."""
    name = f"beside {text[:9]!a} {len(text)}".replace("\\", "").replace('"', "")
    line = '{"transaction_id":"v","code":"c","external_customer_id":"a","properties":{"v":%s}}'
    return good(name) + line % text + "\n" + good(name, 1, 2)


def event(**changes):
    fields = {"transaction_id": "t", "code": "c", "external_customer_id": "a", **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}) + "\n"


NOISE = random.Random(1).randbytes(2_000)
PACKED = gzip.compress(good("packed", 2_000).encode(), mtime=0)

# name -> content, how many go in, and (line, code, a word of the message) of what does not
FILES = {
    "line 17 is broken": (
        good("l", 16) + '{"transaction_id": "x", \n' + good("l", 3, 18),
        19,
        [(17, "invalid_json", "it ends too early")],
    ),
    "a word for an object": (good("w") + "hello\n" + good("w", 1, 2), 2, [(2, "invalid_json", "")]),
    "other values": (
        good("o") + '"text"\n12\ntrue\nnull\n[1]\n',
        1,
        [
            (2, "not_an_object", "this is text"),
            (3, "not_an_object", "this is a number"),
            (4, "not_an_object", "this is true"),
            (5, "not_an_object", "this is null"),
            (6, "not_an_object", "this is a number"),
        ],
    ),
    "NaN": (with_value("NaN"), 2, [(2, "invalid_json", "NaN is no JSON number")]),
    "Infinity": (with_value("-Infinity"), 2, [(2, "invalid_json", "-Infinity is no JSON number")]),
    "a lone surrogate": (with_value('"\\ud800"'), 2, [(2, "invalid_json", "\\ud800")]),
    "a pair of surrogates": (with_value('"\\ud83d\\ude00"'), 3, []),
    "bytes that are no UTF-8": (
        with_value('"~~"').encode().replace(b'"~~"}', b'"\xff"}'),
        2,
        [(2, "invalid_utf8", "byte 0xff")],
    ),
    "no UTF-8 where nobody looks": (
        good("u").encode() + (GOOD % "u").encode()[:-1] + b',"ignored":"\xc3("}\n',
        1,
        [(2, "invalid_utf8", "byte 0xc3")],
    ),
    "a control character": (with_value('"\x01"'), 2, [(2, "invalid_json", "")]),
    "a number with a leading zero": (with_value("01"), 2, [(2, "invalid_json", "")]),
    "repeated keys": ((GOOD % "r")[:-1] + ',"code":"d"}\n', 1, []),
    "nested deeply": (with_value("[" * 400 + "]" * 400), 3, []),
    "nested too deeply": (
        with_value("[" * 501 + "]" * 501),
        2,
        [(2, "nested_too_deeply", "more than 500 levels")],
    ),
    "nested without bounds": (
        with_value("[" * 100_000 + "]" * 100_000),
        2,
        [(2, "nested_too_deeply", "")],
    ),
    "deep where nobody looks": (
        good("d") + (GOOD % "d")[:-1] + ',"ignored":' + "[" * 900 + "]" * 900 + "}\n",
        1,
        [(2, "nested_too_deeply", "")],
    ),
    "a million digits": (with_value("1" * 1_000_000), 3, []),
    "a million digits for an instant": (
        event(timestamp="1" * 1_000_000),
        0,
        [(1, "invalid_timestamp", "")],
    ),
    "an exponent that fills the memory": (
        good("e") + event(timestamp="?").replace('"?"', "1e-999999999"),
        1,
        [(2, "invalid_timestamp", "")],
    ),
    "an exponent beyond all bounds": (
        event(timestamp="?").replace('"?"', "1e99999999999999999999"),
        0,
        [(1, "invalid_timestamp", "")],
    ),
    "missing, empty and of a wrong type": (
        event(transaction_id=...)
        + event(transaction_id=" ")
        + event(transaction_id=[])
        + event(code=...)
        + event(code="")
        + event(code=7)
        + event(external_customer_id=...)
        + event(external_customer_id={})
        + event(external_subscription_id=3)
        + event(timestamp="soon")
        + event(timestamp=[])
        + event(properties="gb=1")
        + event(properties=[1])
        + event(precise_total_amount_cents="much"),
        0,
        [
            (1, "missing_field", "transaction_id"),
            (2, "empty_field", "transaction_id"),
            (3, "wrong_type", "transaction_id"),
            (4, "missing_field", "code"),
            (5, "empty_field", "code"),
            (6, "wrong_type", "code"),
            (7, "missing_field", "external_customer_id or external_subscription_id"),
            (8, "wrong_type", "external_customer_id"),
            (9, "wrong_type", "external_subscription_id"),
            (10, "invalid_timestamp", "'soon'"),
            (11, "invalid_timestamp", "an array"),
            (12, "invalid_properties", "text"),
            (13, "invalid_properties", "an array"),
            (14, "invalid_amount", "'much'"),
        ],
    ),
    "times out of range": (
        event(timestamp=-1)
        + event(timestamp=978307199.999999)
        + event(timestamp="2000-12-31T23:59:59.999999Z")
        + event(timestamp=253402300800)
        + event(timestamp=1704067200000)
        + event(timestamp="1704067200000")
        + event(timestamp=1704067200000000),
        0,
        [
            (1, "timestamp_out_of_range", "before 2001"),
            (2, "timestamp_out_of_range", "before 2001"),
            (3, "timestamp_out_of_range", "before 2001"),
            (4, "timestamp_out_of_range", "more than the ten digits"),
            (5, "timestamp_out_of_range", "--time-unit ms, or divide it by 1000."),
            (6, "timestamp_out_of_range", "--time-unit ms, or divide it by 1000."),
            (7, "timestamp_out_of_range", "--time-unit us, or divide it by 1000000."),
        ],
    ),
    "empty": ("", 0, []),
    "nothing but line ends": ("\n\r\n \n", 0, []),
    "a mark alone": ("\ufeff", 0, []),
    "UTF-16": (good("x").encode("utf-16"), 1, []),
    "UTF-16 without a mark": (good("x").encode("utf-16-le"), 0, [(1, "not_text", "binary")]),
    "binary": (b"\x7fELF\x02\x01\x01\0" + NOISE, 0, [(1, "not_text", "binary")]),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE, 0, [(1, "not_text", "binary")]),
    "an array without an end": (
        "[" + good("n") + "," + good("n", 1, 2),
        2,
        [(3, "invalid_json", "the input ends inside the array that starts at line 1")],
    ),
    "an element that is broken": (
        "[" + good("m") + ",\n{oops}\n," + good("m", 1, 2) + "]",
        2,
        [(3, "invalid_json", "")],
    ),
    "CSV with a short row": (
        "transaction_id,code,external_customer_id\nc1,c,a\nc2,c\nc3,c,a\n",
        2,
        [(3, "csv_fields", "the row has 2 fields, the header has 3")],
    ),
    "CSV with a column twice": ("code,code\na,b\n", 0, [(1, "csv_header", "twice")]),
    "a table of something else": ("name,colour\nann,red\n", 0, [(2, "missing_field", "")]),
    "a letter": ("Dear Sir\n", 0, [(1, "invalid_json", "")]),
    "a letter with commas": ("Dear Sir, hello\n", 0, [(1, "invalid_json", "neither JSON nor CSV")]),
    "a truncated gzip": (PACKED[: len(PACKED) // 2], None, [(None, "truncated_input", "cut off")]),
    "a damaged xz": (
        lzma.compress(good("z", 10).encode())[:-20] + b"\0" * 20,
        None,
        [(None, "corrupt_input", "damaged")],
    ),
    "gzip of gzip": (gzip.compress(PACKED), 0, [(1, None, "")]),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All of them, ingested in one run: the summary, and the rejects by file."""
    lago = Lago(tmp_path_factory.mktemp("bad"))
    for number, (content, _, _) in enumerate(FILES.values()):
        lago.write(f"{number}.in", content)
    names = [f"{number}.in" for number in range(len(FILES))]
    found = lago("ingest", *names, "--rejects", "rejects", "-o", "json", exits=5)
    rejects = defaultdict(list)
    for line in (lago.folder / "rejects").read_text("utf-8").splitlines():
        row = json.loads(line)
        rejects[row["file"]].append(row)
    return lago, found, rejects


@pytest.mark.parametrize("name", FILES)
def test_a_bad_line_is_refused_alone(run, name):
    _, _, rejects = run
    found = rejects[f"{list(FILES).index(name)}.in"]

    assert len(found) == len(FILES[name][2])
    for row, (line, code, words) in zip(found, FILES[name][2], strict=True):
        assert list(row) == ["file", "line", "code", "message", "raw"]
        assert row["line"] == line or line is None
        assert row["code"] == code or code is None
        assert words in row["message"]


def test_every_other_line_goes_in(run):
    lago, found, rejects = run
    summary = found.json()
    known = {name: (count, bad) for name, (_, count, bad) in FILES.items() if count is not None}
    salvaged = {"packed", "z"}  # as much as could be read of the damaged ones
    rows = lago("events", "export").ndjson()
    ids = [
        row["transaction_id"] for row in rows if row["transaction_id"].split()[0] not in salvaged
    ]

    assert len(ids) == sum(count for count, _ in known.values()) - summary["duplicates"]
    assert summary["rejected"] == sum(map(len, rejects.values()))
    assert summary["ingested"] == len(rows)
    assert summary["read"] == sum(summary[key] for key in ("ingested", "duplicates", "rejected"))
    assert len(summary["rejections"]) == 20


def test_what_is_salvaged_is_whole(run):
    """Of a truncated file every event before the cut is there, and none that is half."""
    lago, _, _ = run
    ids = {row["transaction_id"] for row in lago("events", "export").ndjson()}
    packed = [name for name in ids if name.startswith("packed ")]

    assert 0 < len(packed) < 2_000
    assert set(packed) == {f"packed {number}" for number in range(1, len(packed) + 1)}


def test_the_raw_text_is_kept(run):
    """As it stood in the file, whatever was wrong with it."""
    _, _, rejects = run

    def raw(name):
        return [row["raw"] for row in rejects[f"{list(FILES).index(name)}.in"]]

    assert raw("line 17 is broken") == ['{"transaction_id": "x",']
    assert raw("other values")[:4] == ['"text"', "12", "true", "null"]
    assert raw("CSV with a short row") == ["c2,c"]
    assert json.loads(raw("missing, empty and of a wrong type")[11])["properties"] == "gb=1"
    assert "\\xff" in raw("bytes that are no UTF-8")[0]


@pytest.mark.parametrize(
    ("arguments", "code", "word", "error"),
    [
        pytest.param(["missing.ndjson"], 4, "missing.ndjson", "file_not_found", id="missing"),
        pytest.param(["."], 2, "is a directory", "is_a_directory", id="a directory"),
        pytest.param([""], 4, "", "file_not_found", id="no name"),
        pytest.param(["x" * 5_000], 2, "File name too long", "file_not_readable", id="long name"),
        pytest.param(["good", "missing"], 4, "missing", "file_not_found", id="the second of two"),
        pytest.param(["good", "--format", "xml"], 2, "xml", "usage", id="no such format"),
        pytest.param(["good", "--max-rejects", "-1"], 2, "-1", "usage", id="a negative number"),
        pytest.param(["good", "--on-duplicate", "drop"], 2, "drop", "usage", id="no such choice"),
        pytest.param(
            ["good", "--id-from", "a,,b"], 2, "a,,b", "invalid_id_source", id="no such source"
        ),
        pytest.param(
            ["good", "--map", "code"], 2, "TARGET=PATH", "invalid_mapping", id="half a map"
        ),
        pytest.param(["good", "--set", "x=1"], 2, "TARGET=TEXT", "invalid_mapping", id="no field"),
        pytest.param(
            ["good", "--rejects", "no/folder"], 2, "no/folder", "rejects_not_writable", id="rejects"
        ),
        pytest.param(
            ["good", "--rejects", "good"], 2, "overwrite good", "rejects_overwrite", id="itself"
        ),
        pytest.param(["good", "--rejects", "-"], 2, "name of a file", "rejects_no_file", id="-"),
        pytest.param(["good", "--rejects", ""], 2, "name of a file", "rejects_no_file", id="empty"),
    ],
)
def test_wrong_use_stores_nothing(lago, arguments, code, word, error):
    """Not even a database: everything is looked at before anything is opened."""
    lago.write("good", good("g"))
    found = lago("ingest", *arguments, "-o", "json", exits=code)

    assert found.stdout == ""
    assert found.error()["code"] == error
    assert word in found.error()["message"]
    assert [path.name for path in lago.folder.iterdir()] == ["good"]
    assert (lago.folder / "good").read_text() == good("g")


def test_the_file_of_rejects_is_never_the_database(lago):
    lago.write("good", good("g", 3))
    lago("ingest", "good", "-q")
    lago("ingest", "good", "--rejects", "./lago.db", exits=2)

    assert len(lago("events", "export").ndjson()) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(lago):
    path = lago.write("secret", good("s"))
    path.chmod(0)
    found = lago("ingest", path, "-o", "json", exits=2)

    assert found.error()["code"] == "file_not_readable"
    assert not (lago.folder / "lago.db").exists()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no such file")
def test_a_file_that_fails_while_it_is_read(lago):
    """It can be opened, and the first byte cannot be read; what comes after it goes in."""
    lago.write("good", good("g", 2))
    found = lago("ingest", "/proc/self/mem", "good", "-o", "json", exits=5).json()

    assert (found["ingested"], found["rejections"][0]["code"]) == (2, "unreadable_input")


def test_a_closed_standard_input_is_an_empty_one(lago):
    """As some schedulers start programs."""
    process = lago.start("ingest", "-o", "json", stdin=None, preexec_fn=lambda: os.close(0))
    stdout, _ = process.communicate(timeout=60)

    assert (process.returncode, json.loads(stdout)["read"]) == (0, 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_rejects_that_cannot_be_written(lago):
    """A full disk: it is said, and nothing is stored that would have to be looked for."""
    lago.write("half", good("h", 3) + "{")
    found = lago("ingest", "half", "--rejects", "/dev/full", "-o", "json", exits=2)

    assert found.error()["code"] == "rejects_not_writable"
    assert lago("events", "export").stdout == ""


def test_a_file_whose_name_is_no_text(lago):
    """Names are bytes; what is no UTF-8 in them is shown escaped."""
    name = b"caf\xe9.ndjson".decode("utf-8", "surrogateescape")
    (lago.folder / name).write_text(good("n") + "{\n")
    found = lago("ingest", name, "--rejects", "rejects", "-o", "json", exits=5).json()

    assert found["ingested"] == 1
    assert found["rejections"][0]["file"] == "caf\\xe9.ndjson"
    assert json.loads((lago.folder / "rejects").read_text())["file"] == "caf\\xe9.ndjson"
    assert lago("ingest-runs", "get", 1, "-o", "json").json()["source"] == "caf\\xe9.ndjson"

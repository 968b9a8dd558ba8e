"""Input without bounds: lines, values and pipes that no memory holds."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import threading

import pytest

MEBIBYTE = 1024 * 1024
GOOD = b'{"transaction_id":"%d","code":"c","external_customer_id":"a","timestamp":1704067200}\n'


def limited(lago, *arguments, feed, mebibytes=400):
    """Run with an address space of so many MiB, fed by `feed(write)`; the code and the summary."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * MEBIBYTE, mebibytes * MEBIBYTE))

    process = lago.start("ingest", *arguments, "-o", "json", preexec_fn=limit)
    feeder = threading.Thread(target=_feed, args=(process, feed))
    feeder.start()
    stdout, stderr = process.stdout.read(), process.stderr.read()
    feeder.join(60)
    assert b"Traceback" not in stderr, stderr.decode()
    return process.wait(60), json.loads(stdout)


def _feed(process, feed):
    try:
        feed(process.stdin.write)
        process.stdin.close()
    except BrokenPipeError:
        pass


@pytest.mark.parametrize(
    "long",
    [
        pytest.param(b'{"long":"' + b"x" * 20 * MEBIBYTE + b'"}\n', id="a 20 MB line"),
        pytest.param(b"\n" + b"x" * 20 * MEBIBYTE + b"\n", id="20 MB without any JSON"),
        pytest.param(b'{\n"long":\n[' + b"1,\n" * 7 * MEBIBYTE + b"1]}\n", id="20 MB of lines"),
    ],
)
def test_a_long_record_is_refused_alone(lago, long):
    text = GOOD % 1 + long + GOOD % 2
    if b"\n" in long[:-1] and long.startswith(b"{"):  # told by its beginning: JSON over lines
        text = b'{"a":\n1}' + text

    def feed(write):
        for at in range(0, len(text), MEBIBYTE):
            write(text[at : at + MEBIBYTE])

    code, found = limited(lago, feed=feed)

    assert code == 5
    assert found["ingested"] == 2
    assert [row["code"] for row in found["rejections"]][-1] == "record_too_large"


def test_memory_stays_bounded_on_200_mb(lago):
    """Events of a megabyte each, which are all the same, through a pipe."""
    line = GOOD[:-2] % 1 + b',"properties":{"long":"' + b"x" * MEBIBYTE + b'"}}\n'
    code, found = limited(lago, feed=lambda write: [write(line) for _ in range(200)], mebibytes=300)

    assert (code, found["read"], found["ingested"], found["duplicates"]) == (0, 200, 1, 199)


def test_memory_stays_bounded_where_events_are_judged_one_by_one(lago):
    """The same through a mapping, which takes the long way; packed, it is next to nothing."""
    line = GOOD[:-2] % 1 + b',"properties":{"long":"' + b"x" * MEBIBYTE + b'"}}\n'
    code, found = limited(
        lago,
        *("--set", "code=other"),
        feed=lambda write: [write(gzip.compress(line, 1)) for _ in range(100)],
        mebibytes=220,
    )

    assert (code, found["read"], found["ingested"], found["duplicates"]) == (0, 100, 1, 99)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("1" * 1_000_000, 0, id="a million digits"),
        pytest.param("1e999999999", 0, id="an exponent that fills the memory"),
        pytest.param("[" * 450 + "]" * 450, 0, id="deep nesting"),
    ],
)
def test_what_is_stored_can_be_read_everywhere(lago, value, said):
    """Taken in, repeated, replaced, exported, and read by a metric of that property."""
    lago("metrics", "create", "--code", "c", "--aggregation-type", "sum", "--field-name", "v", "-q")
    line = '{"transaction_id":"t","code":"c","external_customer_id":"a","properties":{"v":%s}}'
    first = lago("ingest", "--id-from", "content", "-o", "json", stdin=line % value).json()
    again = lago("ingest", "-o", "json", stdin=line % f'{value},"w":1').json()
    third = lago(
        *("ingest", "--on-duplicate", "replace", "-o", "json"), stdin=line % f'{value} ,"w":2'
    ).json()
    exported = lago("events", "export").stdout

    assert (first["ingested"], first["unusable"]) == (1, 1)
    assert (again["duplicates"], again["conflicts"]) == (1, 1)
    assert third["replaced"] == 1
    assert value in exported
    assert lago("ingest", "-o", "json", stdin=exported).json()["conflicts"] == 0
    lago("db", "check", "-q")


def test_many_rejects_do_not_stay_in_memory(lago):
    """Only the first of them are kept, and all of them are written."""
    bad = b"{\n" * 50_000
    code, found = limited(
        lago, "--rejects", "rejects", "--max-rejects", 10**9, feed=lambda write: write(bad)
    )

    assert (code, found["rejected"], len(found["rejections"])) == (0, 50_000, 20)
    with (lago.folder / "rejects").open("rb") as rejects:
        assert sum(1 for _ in rejects) == 50_000


def test_the_limit_bites():
    """A check of these tests: so little memory is really too little for what is read."""
    script = "import sys; data = sys.stdin.buffer.read(); print(len(data))"

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (400 * MEBIBYTE, 400 * MEBIBYTE))

    found = subprocess.run(
        [sys.executable, "-c", script],
        input=bytes(450 * MEBIBYTE),
        capture_output=True,
        check=False,
        preexec_fn=limit,
    )
    assert b"MemoryError" in found.stderr

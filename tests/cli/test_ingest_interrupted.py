"""Runs that are cut short, that trickle, and that share the file with others."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.conftest import Lago, wait_until_read


def lines(name, count):
    return "".join(
        f'{{"transaction_id":"{name} {number}","code":"c","external_customer_id":"a",'
        f'"timestamp":{1704067200 + number}}}\n'
        for number in range(count)
    ).encode()


def ids(lago):
    return [row["transaction_id"] for row in lago("events", "export").ndjson()]


def wait_for(what, seconds=20):
    """Ask again and again until it is so."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
    return found


def stored(lago):
    """How many events another process sees: any SQLite tool, through the documented view."""
    try:
        with closing(sqlite3.connect(f"file:{lago.folder}/lago.db?mode=ro", uri=True)) as file:
            return file.execute("SELECT count(*) FROM v_events").fetchone()[0]
    except sqlite3.OperationalError:  # there is no file yet, or nothing in it
        return 0


def feed(process, data):
    process.stdin.write(data)
    process.stdin.flush()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="in blocks"),
        pytest.param(["--set", "properties.source=pipe"], id="judged one by one"),
    ],
)
def test_what_a_quiet_pipe_has_brought_is_there(lago, options):
    """While the pipe stays open, another process sees its events within a second or so."""
    process = lago.start("ingest", *options, "-o", "json")
    feed(process, lines("first", 3))
    wait_for(lambda: stored(lago) == 3)
    feed(process, lines("second", 2))
    fed = time.monotonic()
    wait_for(lambda: stored(lago) == 5)
    waited = time.monotonic() - fed

    assert waited < 1.5
    stdout, _ = process.communicate(timeout=60)
    assert json.loads(stdout)["ingested"] == 5


@pytest.mark.parametrize("options", [[], ["--set", "code=d"]], ids=["in blocks", "one by one"])
def test_a_pipe_that_never_rests_is_committed_too(lago, options):
    """A line every few hundredths of a second leaves no time to call it quiet."""
    process = lago.start("ingest", *options)
    rows = lines("x", 1_000).splitlines(keepends=True)
    committed = 0
    for at, row in enumerate(rows, 1):
        feed(process, row)
        time.sleep(0.03)
        if at % 10 == 0 and (committed := stored(lago)):
            break
    process.kill()
    process.wait()

    assert 0 < committed <= len(ids(lago)) <= at


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_cut_short_and_run_again(lago, kill):
    """Every event is there once, whatever came in between; the file is sound."""
    data = lines("e", 4_000)
    path = lago.write("events.ndjson", data)
    process = lago.start("ingest", "-o", "json")
    feed(process, data[: len(data) // 2])
    wait_for(lambda: stored(lago) > 1_000)
    feed(process, data[len(data) // 2 : len(data) // 2 + 1_000])
    process.send_signal(kill)
    _, stderr = process.communicate(timeout=60)
    kept = stored(lago)

    if kill == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        error = json.loads(stderr.splitlines()[-1])["error"]
        said = f"{kept} events were stored before that, and stay. Run it again to go on."
        assert (error["code"], error["hint"]) == ("interrupted", said)
    run = lago("ingest-runs", "get", 1, "-o", "json").json()
    assert (run["status"], run["ingested"]) == ("unfinished", kept)
    again = lago("ingest", path, "-o", "json").json()
    assert (again["ingested"], again["duplicates"], again["conflicts"]) == (4_000 - kept, kept, 0)
    found = ids(lago)
    assert len(found) == len(set(found)) == 4_000
    lago("db", "check")


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_large_input_cut_short_and_run_again(lago, kill):
    """It is read by two processes: both end, and the next run finds every event once."""
    path = lago.write("events.ndjson", lines("e", 40_000))
    process = lago.start("ingest", "-", "-o", "json")
    with suppress(BrokenPipeError):
        feed(process, path.read_bytes()[: 3 << 20])
        helpers = wait_for(lambda: children_of(process.pid) or stored(lago))
        feed(process, b"")
    process.send_signal(kill)
    process.communicate(timeout=60)

    assert process.returncode == (130 if kill == signal.SIGINT else -signal.SIGKILL)
    if isinstance(helpers, list):
        wait_for(lambda: not any(Path(f"/proc/{each}").exists() for each in helpers))
    again = lago("ingest", path, "-o", "json").json()
    assert again["ingested"] + again["duplicates"] == 40_000
    assert (again["conflicts"], stored(lago)) == (0, 40_000)
    once_more = lago("ingest", path, "-o", "json").json()
    assert (once_more["duplicates"], once_more["conflicts"]) == (40_000, 0)
    lago("db", "check")


def children_of(process):
    """Its child processes, where the system tells."""
    path = Path(f"/proc/{process}/task/{process}/children")
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("option", ["--strict", "--dry-run"])
def test_cut_short_where_all_or_nothing_was_asked(lago, option):
    process = lago.start("ingest", option)
    feed(process, lines("e", 100))
    wait_until_read(process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Nothing was stored." in stderr.decode()
    assert (lago.folder / "lago.db").exists() is (option == "--strict")
    if option == "--strict":
        assert ids(lago) == []


def test_a_killed_run_can_be_taken_back(lago):
    """It knows what it had stored."""
    process = lago.start("ingest")
    feed(process, lines("e", 50))
    wait_for(lambda: stored(lago) == 50)
    process.kill()
    process.wait()

    lago("ingest-runs", "revert", 1)
    assert ids(lago) == []
    lago("db", "check")


def test_several_processes_at_once(lago):
    """Four that start together on a missing file, each with some of its own and some of all."""
    common = lines("common", 300)
    started = []
    for number in range(4):
        path = lago.write(f"{number}", lines(f"own {number}", 500) + common)
        started.append(lago.start("ingest", path, "-o", "json"))
    summaries = []
    for process in started:
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr.decode()
        summaries.append(json.loads(stdout))

    assert sum(found["ingested"] for found in summaries) == 4 * 500 + 300
    assert sum(found["duplicates"] for found in summaries) == 3 * 300
    assert {found["run"] for found in summaries} == {1, 2, 3, 4}
    found = ids(lago)
    assert len(found) == len(set(found)) == 2_300
    lago("db", "check")


def test_a_strict_run_makes_others_wait_no_longer_than_they_like(lago):
    """It holds the lock to its end; another one gives up at its own time, with exit 8."""
    lago("ingest", "-q", stdin=lines("x", 1))
    process = lago.start("ingest", "--strict")
    feed(process, lines("e", 10))
    wait_until_read(process)
    found = lago("ingest", "-", "--busy-timeout", "0.1", "-o", "json", stdin=lines("y", 1), exits=8)
    assert found.error()["code"] == "database_locked"
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert len(ids(lago)) == 11


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A file with more events than a pipe holds."""
    lago = Lago(tmp_path_factory.mktemp("many"))
    lago("ingest", "-q", stdin=lines("e", 5_000))
    yield lago
    lago.end()


@pytest.mark.parametrize("output", ["ndjson", "json", "csv", "table", "markdown"])
def test_a_broken_pipe_ends_silently(many, output):
    """`lago events … | head -1`."""
    command = ("events", "list", "--limit", 5_000) if output == "table" else ("events", "export")
    process = many.start(*command, "-o", output)
    first = process.stdout.read(100)
    process.stdout.close()
    stderr = process.stderr.read()

    assert (len(first), stderr, process.wait(60)) == (100, b"", 0)


def test_a_reader_that_was_never_there(many):
    """The pipe is closed before the first byte is written."""
    reading, writing = os.pipe()
    os.close(reading)
    process = many.start("events", "get", "e 1", stdout=writing)
    os.close(writing)

    assert (process.stderr.read(), process.wait(60)) == (b"", 0)

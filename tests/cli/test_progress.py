"""How far long work has come, and the summary of an ingest, as a person at a terminal sees them."""

from __future__ import annotations

import io
import json
import re
import time

import pytest

from lago_cli.cli import progress as module
from lago_cli.cli.progress import Progress
from tests.terminals import OnTerminal

ERASED = "\r\x1b[K"
LINE = '{"transaction_id":"%d","external_customer_id":"a","code":"c","timestamp":1795000000}\n'
SUMMARY = re.compile(r"^(.*) in \d+\.\d\d s(?: \(([\d,]+) events/s\))?$", re.MULTILINE)


def feed(run, first, last):
    run.process.stdin.write("".join(LINE % number for number in range(first, last)).encode())
    run.process.stdin.flush()


# A pipe -----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_a_pipe_says_how_many_events_it_brought_and_how_fast(lago, width):
    run = OnTerminal(lago, "ingest", "--db", "new.db", width=width)
    feed(run, 0, 1_500)
    assert run.read_until("1,500 events")
    if width >= 80:
        assert run.read_until(" events/s, 0:0")
    run.process.stdin.close()
    shown = run.end()
    lines = [line for line in shown.replace("\r", "\n").split("\n") if "1,500 events" in line]

    assert all(len(line) < width for line in lines)
    assert width < 80 or lines[-1].startswith("Reading <stdin>: 1,500 events")


def test_progress_is_gone_when_it_is_done(lago):
    run = OnTerminal(lago, "ingest", "--db", "new.db")
    feed(run, 0, 3)
    run.read_until("3 events")
    run.process.stdin.close()
    run.end()
    drawn = run.raw.rindex("Reading <stdin>")

    assert run.raw[drawn:].split(ERASED)[1].startswith("\x1b[33mWarning:\x1b[0m 3 events")


def test_words_do_not_run_into_progress(lago):
    run = OnTerminal(lago, "ingest", "--db", "new.db")
    feed(run, 0, 1)
    run.read_until("1 event")
    run.process.stdin.write(b"nonsense\n")
    run.process.stdin.flush()
    run.read_until("Warning:")
    run.process.stdin.close()
    run.end()

    assert f"{ERASED}\x1b[33mWarning:\x1b[0m <stdin>:2: " in run.raw


@pytest.mark.parametrize(
    ("options", "env"),
    [(("-q",), {}), (("--no-progress",), {}), ((), {"TERM": "dumb"})],
    ids=["-q", "--no-progress", "TERM=dumb"],
)
def test_there_is_no_progress_for_who_wants_none(lago, options, env):
    run = OnTerminal(lago, "ingest", "--db", "new.db", *options, env=env)
    feed(run, 0, 3)
    time.sleep(module.FIRST_SECONDS + 2 * module.EVERY_SECONDS + 1)
    run.process.stdin.close()

    assert "Reading" not in run.end()
    assert "\x1b[K" not in run.raw


def test_quick_work_shows_no_progress(lago):
    lago.write("events.ndjson", LINE % 1)

    assert "Reading" not in OnTerminal(lago, "ingest", "events.ndjson", "--db", "new.db").end()


# The line ---------------------------------------------------------------------------------


def drawn(monkeypatch, what, width=80, took=20.0, **set_to):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    progress = Progress(None, what)
    for name, value in set_to.items():
        setattr(progress, name, value)
    now[0] += took
    return progress.text(width)


@pytest.mark.parametrize(
    ("took", "events", "share", "expected"),
    [
        (0.5, 0, None, "Work: 0:00"),
        (0.5, 7, None, "Work: 7 events, 0:00"),
        (20, 1_234_567, None, "Work: 1,234,567 events, 61,728 events/s, 0:20"),
        (20, 1_000, 0.25, "Work: 25%, 1,000 events, 50 events/s, 1:00 left"),
        (20, 0, 0.01, "Work: 1%, 0:20"),
        (4_000, 0, 1.5, "Work: 100%, 0:00 left"),
        (4_000, 0, None, "Work: 1:06:40"),
    ],
)
def test_the_line_says_what_is_known(monkeypatch, took, events, share, expected):
    share_of = None if share is None else lambda: share

    assert drawn(monkeypatch, "Work", took=took, events=events, share=share_of) == expected


@pytest.mark.parametrize("width", range(81))
@pytest.mark.parametrize("what", ["Reading " + "long" * 30, "Reading 日本語日本語日本語", "x"])
def test_the_line_fits_any_terminal(monkeypatch, width, what):
    from rich.cells import cell_len

    line = drawn(monkeypatch, what, width, events=1_234_567, share=lambda: 0.5)

    assert cell_len(line) <= width
    assert width < 4 or "50%" in line


def test_names_cannot_steer_the_terminal(monkeypatch):
    line = drawn(monkeypatch, "Reading \x1b[2J\u202e.ndjson")

    assert line == "Reading \\x1b[2J\\u202e.ndjson: 0:20"


def test_a_new_step_counts_from_zero(monkeypatch):
    progress = Progress(None, "Work")
    progress(500)
    progress.turn_to("Other work")

    assert progress.text(80) == "Other work: 0:00"


def test_nothing_is_written_without_a_terminal(monkeypatch):
    monkeypatch.setattr(module, "FIRST_SECONDS", 0)
    stream = io.StringIO()
    with Progress(None, "Work"):
        time.sleep(0.05)

    assert stream.getvalue() == ""


# The summary ------------------------------------------------------------------------------


def summary(lago, *arguments):
    shown = OnTerminal(lago, *arguments, streams=("stdout",)).end()
    return [(said, rate) for said, rate in SUMMARY.findall(shown.replace("\r", ""))]


def test_the_summary_on_a_terminal_is_one_line_without_zeros(lago):
    lago("metrics", "create", "--code", "c", "--aggregation-type", "count")
    lago.write("events.ndjson", "".join(LINE % (number % 1_234) for number in range(1_300)))
    lago.write("nothing.ndjson", "")
    ((said, rate),) = summary(lago, "ingest", "events.ndjson")
    ((again, _),) = summary(lago, "ingest", "events.ndjson")
    ((nothing, no_rate),) = summary(lago, "ingest", "nothing.ndjson")

    assert said == "Run 1: 1,300 read, 1,234 ingested, 66 duplicates"
    assert again == "Run 2: 1,300 read, 1,300 duplicates"
    assert (nothing, no_rate) == ("Nothing stored: 0 read", "")
    assert int(rate.replace(",", "")) > 0


def test_one_of_a_kind_is_said_so(lago):
    lago.write("events.ndjson", (LINE % 1) * 2)
    ((said, _),) = summary(lago, "ingest", "events.ndjson")

    assert said == "Run 1: 2 read, 1 ingested, 1 duplicate, 1 unmatched"


@pytest.mark.parametrize("options", [("--raw",), ("-o", "csv"), ("-o", "json")], ids=" ".join)
def test_who_asks_for_another_form_gets_every_count(lago, options):
    lago.write("events.ndjson", LINE % 1)
    shown = OnTerminal(lago, "ingest", "events.ndjson", *options, streams=("stdout",)).end()

    assert "conflicts" in shown


def test_a_sent_event_is_named_on_a_terminal(lago):
    sent = ("events", "send", "--code", "c", "--external-customer-id", "a")
    shown = OnTerminal(lago, *sent, "--transaction-id", "t\x1b[1m", streams=("stdout",)).end()

    assert shown.strip() == "Run 1: transaction t\\x1b[1m, 1 ingested, 1 unmatched"


def test_the_summary_in_a_pipe_has_every_count(lago):
    finished = lago("ingest", stdin=LINE % 1)

    assert re.search(r"^conflicts +0$", finished.stdout, re.MULTILINE)


def test_all_that_takes_long_tells_how_far_it_is(lago):
    """What the commands hand to the store hears of every step."""
    from lago_cli.stores import open_store

    lago("metrics", "create", "--code", "c", "--aggregation-type", "count")
    lago.write("events.ndjson", "".join(LINE % number for number in range(20_000)))
    lago("ingest", "events.ndjson", "-q")
    steps, counted = [], []

    def telling(what, share=None):
        steps.append((what, share))

    with open_store(str(lago.folder / "lago.db"), writable=True, busy_timeout=1) as store:
        assert all(not found for _, found in store.maintenance.problems(telling, counted.append))
        checked = sum(counted)
        store.maintenance.copies(telling).to(str(lago.folder / "copy.db"))
        counted.clear()
        store.revert(1, 0, counted.append)

    assert [what for what, _ in steps][:2] == [
        "Checking integrity (1 of 11)",
        "Checking foreign keys (2 of 11)",
    ]
    assert checked == 2 * 20_000  # identities, parts
    assert [what.split()[0] for what, _ in steps[11:]] == ["Copying", "Verifying"]
    assert steps[11][1]() == 1
    assert sum(counted) == 20_000
    assert json.loads(lago("db", "info", "-o", "json").stdout)["events"] == 0

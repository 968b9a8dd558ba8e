"""A command that runs inside another process: the same as in one of its own, and no trace of it."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys

import pytest

COMMANDS = {
    "help": ("usage", "--help"),
    "an answer": ("metrics", "list"),
    "data": ("metrics", "list", "-o", "json"),
    "a note and a warning": ("ingest", "events.ndjson", "-o", "csv"),
    "a rejection": ("ingest", "broken.ndjson"),
    "an error": ("metrics", "get", "unknown é\x1b"),
    "an error in JSON": ("usage", "--db", "missing.db", "-o", "json"),
    "wrong usage": ("usage", "--perod", "2026"),
    "text that is no text": ("metrics", "get", "\udcff"),
}
EVENT = '{"transaction_id":"%s","code":"c","external_customer_id":"é","timestamp":1700000000}\n'


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_it_is_the_same_in_a_process_of_its_own(lago, command):
    lago.write("events.ndjson", EVENT % 1)
    lago.write("broken.ndjson", EVENT % 2 + "{\n")
    how = ("--code", "c", "--aggregation-type", "count", "--now", "2026-11-22")
    for db in ("here.db", "there.db"):
        lago("metrics", "create", *how, "--db", db)

    here = lago(*command, env={"LAGO_DB": "here.db", "LAGO_NOW": "2026-12-01"}, exits=None)
    there = lago.process(
        *command, env={"LAGO_DB": "there.db", "LAGO_NOW": "2026-12-01"}, exits=None
    )

    assert as_seen(here) == as_seen(there)


def as_seen(finished):
    outputs = (finished.stdout_bytes, finished.stderr_bytes)
    return finished.code, *(without_seconds(text.replace(b"there", b"here")) for text in outputs)


def without_seconds(text):
    return re.sub(rb"\d+\.\d{3}\b", b"0.000", text)


def test_it_leaves_the_process_as_it_was(lago):
    def state():
        return (
            [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
            (gc.isenabled(), gc.get_threshold()),
            (sys.get_int_max_str_digits(), sys.getrecursionlimit(), sys.excepthook),
            (sys.stdin, sys.stdout, sys.stderr),
            (os.getcwd(), dict(os.environ)),  # noqa: PTH109
        )

    before = state()
    lago("ingest", stdin=EVENT % 1)
    lago("usage", env={"TZ": "Asia/Tokyo", "NO_COLOR": ""})
    lago("usage", "--db", "missing.db", exits=4)

    assert state() == before

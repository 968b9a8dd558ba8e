"""
How much work the program does, counted instead of timed.

Two counts stand for it: calls in Python, and instructions of SQLite's virtual machine, in
which a scan that should be a search shows. Both are the same on every machine and in every
run; with twice the events they may double, and no more.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
from collections import Counter
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from tests.conftest import Lago
from tests.engines import parts_of_few_events

EVENTS = 2_000  # so few that no second process takes a part of the work
A_LITTLE = 1.1
AT_ONCE = 10  # instructions of SQLite that are counted together
METRICS = {
    "calls": ("count",),
    "gb": ("sum", "--field-name", "n"),
    "peak": ("max", "--field-name", "n"),
    "users": ("unique_count", "--field-name", "user"),
    "level": ("latest", "--field-name", "n"),
    "seats": ("weighted_sum", "--field-name", "n"),
}
DAY = 86_400
NOVEMBER = 1_793_491_200  # its first second in 2026
QUESTIONS = {
    "everything": (),
    "one customer": ("--customer", "c3"),
    "one metric": ("--metric", "gb"),
    "by a property": ("--metric", "gb", "--group-by", "region"),
    "day by day": ("--metric", "gb", "--metric", "users", "--window", "day"),
    "from within a day": ("--from", "2026-11-02T03:30:00Z", "--to", "2026-11-20T20:15:00Z"),
    "as of a moment": ("--as-of", "2026-12-31"),
}


def events(count, start=NOVEMBER):
    """They come in no order, from 20 customers, over 25 days."""
    codes = tuple(METRICS)
    return "".join(
        json.dumps(
            {
                "transaction_id": f"{start}-{number}",
                "code": codes[number % len(codes)],
                "external_customer_id": f"c{number % 20}",
                "timestamp": start + number * 7_919 % (25 * DAY),
                "properties": {
                    "n": number % 97,
                    "user": f"u{number % 50}",
                    "region": ("eu", "us", "asia")[number % 3],
                },
            }
        )
        + "\n"
        for number in range(count)
    )


def defined(lago):
    for code, how in METRICS.items():
        lago("metrics", "create", "-q", "--code", code, "--aggregation-type", *how)


@contextmanager
def counted():
    """The work of what is run inside, by kind."""
    work = Counter()
    connect = sqlite3.connect

    def connected(*args, **given):
        connection = connect(*args, **given)
        connection.set_progress_handler(instructions_done, AT_ONCE)
        return connection

    def instructions_done():
        work["instructions"] += AT_ONCE

    def called(frame, event, argument):
        if event in ("call", "c_call"):
            work["calls"] += 1

    before = sys.getprofile()
    gc.disable()  # it comes at any moment, and calls back
    with patch.object(sqlite3, "connect", connected):
        sys.setprofile(called)
        try:
            yield work
        finally:
            sys.setprofile(before)
            gc.enable()


def work_of(lago, *args, **given):
    with counted() as work:
        lago(*args, **given)
    return work


def grown(more, less):
    """How many times as much work of each kind."""
    return {kind: more[kind] / less[kind] for kind in ("calls", "instructions")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file with some events and one with twice as many; and what it took to make them."""
    made = []
    warm = Lago(tmp_path_factory.mktemp("warm"))
    defined(warm)  # what is imported late is no work of the ingests below
    warm("ingest", "-q", stdin=events(100))
    for count in (EVENTS, 2 * EVENTS):
        lago = Lago(tmp_path_factory.mktemp("work"))
        defined(lago)
        made.append((lago, work_of(lago, "ingest", "-q", stdin=events(count))))
    return made


def test_twice_the_events_are_twice_the_work_to_ingest(files):
    (_, less), (_, more) = files

    assert max(grown(more, less).values()) <= 2 * A_LITTLE


def test_events_that_come_again_are_no_more_work_than_the_first_time(files):
    (some, first), (many, _) = files
    less = work_of(some, "ingest", "-q", stdin=events(EVENTS))
    more = work_of(many, "ingest", "-q", stdin=events(2 * EVENTS))

    assert max(grown(more, less).values()) <= 2 * A_LITTLE
    assert max(grown(less, first).values()) <= A_LITTLE


@pytest.mark.parametrize("asked", QUESTIONS.values(), ids=QUESTIONS)
def test_twice_the_events_are_at_most_twice_the_work_to_answer(files, asked):
    (some, _), (many, _) = files
    period = () if "--from" in asked else ("--period", "2026-11")
    question = ("usage", *period, *asked, "-o", "json")
    some(*question)
    less, more = work_of(some, *question), work_of(many, *question)

    assert max(grown(more, less).values()) <= 2 * A_LITTLE


def test_the_events_of_other_months_are_no_work(tmp_path_factory):
    """Of the question for one month, where there are so many events that parts are made of them."""
    question = ("usage", "--period", "2026-11", "-o", "json")
    work = []
    with parts_of_few_events(enough=EVENTS // 2, at_once=EVENTS, small=10, many=10):
        for others in (0, 4 * EVENTS):
            lago = Lago(tmp_path_factory.mktemp("months"))
            defined(lago)
            lago("ingest", "-q", stdin=events(EVENTS))
            lago("ingest", "-q", stdin=events(others, NOVEMBER - 200 * DAY))
            lago(*question)
            work.append(work_of(lago, *question))

    assert max(grown(work[1], work[0]).values()) <= 1.25  # a look at the bounds of each part


def test_the_same_work_counts_the_same(files):
    (some, _), _ = files
    question = ("usage", "--period", "2026-11", "-o", "json")
    some(*question)

    assert work_of(some, *question) == work_of(some, *question)

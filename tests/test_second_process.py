"""
Days that a second process sums up: the same as those of the first, whatever happens to it.

Blocks of a file go through the whole ingest, small ones and small transactions so that there
are many; what is kept of the days must be what the readings say, which `days_that_differ`
tells.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.readers.base import Block
from lago_cli.services import decoding, ingest, second, worker
from lago_cli.services.ingest import Ingestion
from lago_cli.services.ingest_report import IngestOptions
from lago_cli.services.worker import SLOTS
from lago_cli.stores import open_store
from lago_cli.stores.sqlite import rollups
from lago_cli.stores.sqlite.rollups import Rollups, days_that_differ
from tests.engines import NOON
from tests.examples import examples

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

METRICS = (
    {"code": "calls", "aggregation_type": "count_agg"},
    {
        "code": "gb",
        "aggregation_type": "sum_agg",
        "field_name": "v",
        "filters": [Filter("region", ("eu", "us"))],
    },
    {"code": "peak", "aggregation_type": "max_agg", "field_name": "v"},
    {"code": "level", "aggregation_type": "latest_agg", "field_name": "v"},
    {"code": "seats", "aggregation_type": "unique_count_agg", "field_name": "v"},
    {"code": "gpu", "aggregation_type": "weighted_sum_agg", "field_name": "v"},
)
CODES = (*(metric["code"] for metric in METRICS), "stranger")


class Nobody:
    """Listens to nothing."""

    def rejected(self, rejection): ...

    def conflicting(self, conflict): ...

    def progressed(self, tally): ...


@contextmanager
def opened(metrics=METRICS):
    with open_store(":memory:", writable=True, busy_timeout=1) as store:
        for metric in metrics:
            store.define(define_metric(**metric))
        yield store


def line(number, code="gb", customer="a", at=1_794_000_000, value=1, region="eu"):
    event = {
        "transaction_id": f"t{number}",
        "code": code,
        "external_customer_id": customer,
        "timestamp": at,
        "properties": {"v": value, "region": region},
    }
    return json.dumps(event) + "\n"


def blocks(texts, size):
    """The lines, so many a block."""
    return [
        Block(start + 1, "".join(texts[start : start + size]).encode())
        for start in range(0, len(texts), size)
    ]


@contextmanager
def small_steps(events=50):
    """A second process from the first block on, and many transactions."""
    with (
        patch.object(decoding, "ENOUGH_BYTES", 0),
        patch.object(decoding, "_WORTH_GIVING", 1),
        patch.object(worker, "is_worthwhile", lambda: True),
        patch.object(ingest, "_COMMIT_EVENTS", events),
    ):
        yield


def ingested(store, given_blocks, before_block=None, **options):
    """The tally of a run over the blocks."""
    clock = count(NOON)
    run = Ingestion(
        store,
        IngestOptions(**options),
        source="f",
        now=lambda: next(clock),
        elapsed=lambda: 0.0,
        listener=Nobody(),
    )

    def coming():
        for number, block in enumerate(given_blocks):
            if before_block is not None:
                before_block(number, run)
            yield block

    run.read("f", coming())
    return run.finish().tally


def differing(store):
    return list(days_that_differ(store._connection))


def kill_second_process(run):
    second = run._decoding._second
    if second is not None and second._worker is not None:
        os.kill(second._worker._process, signal.SIGKILL)


def test_the_first_process_sums_up_nothing():
    """It has enough to do; each event is in the days all the same."""
    texts = [
        line(number, CODES[number % 5], at=1_794_000_000 + 9_000 * number) for number in range(200)
    ]
    with opened() as store, small_steps():
        ingested(store, blocks(texts[:10], 5))  # now it knows the metrics
        with patch.object(Rollups, "add", side_effect=AssertionError("summed up here")):
            assert ingested(store, blocks(texts[10:], 7)).ingested == 190
        assert differing(store) == []
        rows = store._connection.execute("SELECT count(*) FROM daily_usage").fetchone()[0]

    assert rows > 20


lines = st.builds(
    line,
    st.integers(0, 400),
    st.sampled_from(CODES),
    st.sampled_from("abc"),
    st.integers(1_794_000_000, 1_794_000_000 + 5 * 86_400)
    | st.sampled_from([f"2026-11-08T00:00:00.0000000{digit}Z" for digit in (1, 5, 50, "")]),
    st.sampled_from((1, 2, "0.25", "-3.5", 10**20, "1e-20", "x", None)),
    st.sampled_from((None, "eu", "us", 7)),
)


@given(
    texts=st.lists(lines, max_size=150),
    spoiled=st.sets(st.integers(0, 149), max_size=2),
    size=st.integers(1, 20),
    commit=st.sampled_from((1, 7, 40, 1000)),
    delegated=st.sampled_from((10, 250_000)),
    kill_before=st.sampled_from((None, None, 1, 3, 8)),
    on_duplicate=st.sampled_from(("skip", "replace", "error")),
    change_before=st.sampled_from((None, None, 1, 2, 5)),
    again=st.booleans(),
    strict=st.booleans(),
)
@examples(40)
def test_days_are_what_the_readings_say(
    texts, spoiled, size, commit, delegated, kill_before, on_duplicate, change_before, again, strict
):
    """Whatever is repeated, replaced, refused, changed, rolled back or killed on the way."""
    spoilt = [text[:-3] + "\n" if place in spoiled else text for place, text in enumerate(texts)]
    options = {"on_duplicate": on_duplicate, "strict": strict, "max_rejects": 1}

    def before_block(number, run):
        if number == kill_before:
            kill_second_process(run)

    with (
        opened() as store,
        small_steps(commit),
        patch.object(rollups, "_MOST_DELEGATED", delegated),
    ):
        ingested(store, blocks([line("first")], 1))
        tally = ingested(store, blocks(spoilt, size), before_block, **options)
        if again:
            ingested(store, blocks(spoilt, size + 1), **options)

        assert tally.read == len(texts)
        assert differing(store) == []


def test_days_of_a_killed_process_are_made_anew():
    """Of everything that it had been told since the last commit, years apart."""
    texts = [line(number, at=1_000_000_000 * (1 + number // 5 % 2)) for number in range(15 * SLOTS)]
    killed = []

    def before_block(number, run):
        if number == 2 * SLOTS:
            killed.append(dict(run._store._appender._rollups._delegated))
            kill_second_process(run)

    with opened() as store, small_steps(events=1000):
        ingested(store, blocks([line("first")], 1))
        ingested(store, blocks(texts, 5), before_block)

        assert killed[0]
        assert differing(store) == []


@pytest.mark.parametrize("block", range(1, 5))
def test_a_metric_changes_while_blocks_are_read_for_what_it_was(block):
    """Blocks that were decoded before are read and summed up for what it is now."""
    texts = [line(number, value=number) for number in range(30)]
    changed = []

    def before_block(number, run):
        if number >= block and not changed and not store.in_transaction:
            store.define(
                define_metric(code="gb", aggregation_type="unique_count_agg", field_name="v")
            )
            changed.append(number)

    with opened() as store, small_steps(events=1):
        ingested(store, blocks([line("first")], 1))
        ingested(store, blocks(texts, 2), before_block)
        steps = store._connection.execute("SELECT DISTINCT step FROM readings").fetchall()

        assert changed
        assert steps == [(1,)]
        assert differing(store) == []


def test_a_second_process_keeps_nothing_of_what_is_settled():
    """A file that comes again is never summed up, and must not pile up there."""
    task = second._Task({})
    told = [
        lambda: task.heed(msgpack.encode((3,))),
        lambda: task.heed(msgpack.encode((4, [1], 1, [1]))),
    ]
    for number in range(5):
        task.do(line(number).encode())
    left = []
    for tell in told:
        tell()
        left.append([decoded.number for decoded in task._unsettled])

    assert left == [[4, 5], [5]]


def test_a_second_process_forgets_what_is_rolled_back():
    task = second._Task({})
    for number in range(3):
        task.do(line(number).encode())
    task.heed(msgpack.encode((1, [1], 1, [1])))
    task.heed(msgpack.encode((second._FORGET,)))
    task.heed(msgpack.encode((2, [1], 1, [1])))
    ((code, _, figures),) = msgpack.decode(task.answer())

    assert code == 1
    assert [summary[:2] for _, _, summary in msgpack.decode(figures)] == [[1, 0]]
    assert msgpack.decode(task.answer()) == []


def test_a_file_that_comes_again_is_settled_block_by_block():
    texts = [line(number) for number in range(300)]
    settled = []
    with opened() as store, small_steps():
        ingested(store, blocks(texts, 10))
        settle = second.SecondProcess.settle
        with patch.object(
            second.SecondProcess,
            "settle",
            lambda self, number: (settled.append(number), settle(self, number)),
        ):
            ingested(store, blocks(texts, 10))

    assert settled == list(range(1, len(settled) + 1))
    assert len(settled) > 25

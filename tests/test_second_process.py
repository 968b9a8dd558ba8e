"""
What a second process decodes ahead: the same as what the first decodes, whatever happens to it.

Blocks of a file go through the whole ingest, small ones and small transactions so that there
are many; the file must be sound at the end, which its own checks tell.
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

from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.readers.base import Block
from lago_cli.services import decoding, ingest, worker
from lago_cli.services.ingest import Ingestion
from lago_cli.services.ingest_report import IngestOptions
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import usage_for
from lago_cli.stores import open_store
from lago_cli.stores.sqlite import append
from tests.engines import NOON, parts_of_few_events
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
        patch.object(ingest, "_GATHERED_BYTES", 1),
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
    return [found for _, found in store.maintenance.problems() if found]


def kill_second_process(run):
    second = run._decoding._second
    if second is not None:
        os.kill(second._worker._process, signal.SIGKILL)


def test_the_first_process_reads_no_event():
    """It has enough to do; each event has its value all the same."""
    texts = [
        line(number, CODES[number % 5], at=1_794_000_000 + 9_000 * number) for number in range(200)
    ]
    with opened() as store, small_steps():
        ingested(store, blocks(texts[:10], 5))  # now it knows the metrics
        with (
            patch.object(append, "read_all", side_effect=AssertionError("read here")),
            parts_of_few_events(),
        ):
            assert ingested(store, blocks(texts[10:], 7)).ingested == 190
        assert differing(store) == []


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
    enough=st.sampled_from((1, 30, 250_000)),
    kill_before=st.sampled_from((None, None, 1, 3, 8)),
    on_duplicate=st.sampled_from(("skip", "replace", "error")),
    change_before=st.sampled_from((None, None, 1, 2, 5)),
    again=st.booleans(),
    strict=st.booleans(),
)
@examples(40)
def test_the_file_is_sound(
    texts, spoiled, size, commit, enough, kill_before, on_duplicate, change_before, again, strict
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
        parts_of_few_events(enough),
    ):
        ingested(store, blocks([line("first")], 1))
        tally = ingested(store, blocks(spoilt, size), before_block, **options)
        if again:
            ingested(store, blocks(spoilt, size + 1), **options)

        assert tally.read == len(texts)
        assert differing(store) == []


@pytest.mark.parametrize("block", range(1, 5))
def test_a_metric_changes_while_blocks_are_read_for_what_it_was(block):
    """Blocks that were decoded before are read for what it is now."""
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
        rows = usage_for(store, UsageRequest(period="all"), now=NOON)

        assert changed
        assert [row.units for row in rows if row.metric.code == "gb"] == [30]
        assert differing(store) == []

"""
What becomes of each event: every case of `cases/ingest.json`, read as JSON and as NDJSON.

Where Lago refuses a whole batch for one event, that event is refused alone here; a repeated
event is a duplicate and no error; and a batch may be empty or of any length.
"""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from lago_cli.domain.instants import format_instant, parse_instant
from lago_cli.domain.metrics import Metric
from lago_cli.readers.formats import read
from lago_cli.readers.source import open_source
from lago_cli.services.ingest import Ingestion
from lago_cli.services.ingest_report import IngestOptions
from lago_cli.stores import open_store

CASES = json.loads((Path(__file__).parent / "cases" / "ingest.json").read_text("utf-8"))
NOON = parse_instant("2026-11-22T12:00:00Z")
NO_LIMITS = {
    "batch.empty": {"rejected": [0]},
    "batch.101_events": {"ingested": [101], "rejected": [0]},
}
FORMS = {
    "one JSON document": lambda batch: json.dumps(batch),
    "a line an event": lambda batch: "".join(json.dumps(event) + "\n" for event in batch),
    "the body of a request": lambda batch: json.dumps({"events": batch}),
}


class Silent:
    """A listener that does not listen."""

    def rejected(self, rejection):
        pass

    def conflicting(self, conflict):
        pass

    def progressed(self, tally):
        pass


@pytest.fixture
def store():
    with open_store(":memory:", writable=True, busy_timeout=1) as opened:
        yield opened


def take_in(store, text):
    """Ingest one batch, and say what became of it."""
    ingestion = Ingestion(
        store,
        IngestOptions(),
        source="case",
        now=lambda: NOON,
        elapsed=lambda: 0.0,
        listener=Silent(),
    )
    with open_source("-", io.BytesIO(text.encode())) as source:
        ingestion.read(source.name, read(source))
    tally = ingestion.finish().tally
    return tally.ingested, tally.duplicates, tally.rejected


def expected_of(case):
    """Per batch: ingested, duplicates, rejected."""
    expect = {**case["expect"], **case.get("better", {}), **NO_LIMITS.get(case["id"], {})}
    if any(case["expect"]["rolled_back"]) and "better" not in case:  # they stay here
        rolled_back = zip(expect["ingested"], expect["rolled_back"], strict=True)
        expect["ingested"] = [sum(pair) for pair in rolled_back]
    return [
        tuple(counts)
        for counts in zip(expect["ingested"], expect["duplicates"], expect["rejected"], strict=True)
    ]


def test_every_case_has_an_id_of_its_own():
    ids = [case["id"] for case in CASES]

    assert len(set(ids)) == len(ids) > 0


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_ingest(store, case, form):
    for metric in case["setup"]["metrics"]:
        store.define(Metric(name=metric["code"], **metric))

    found = [take_in(store, form(batch)) for batch in case["batches"]]

    expected = expected_of(case)
    if case["id"] == "unique.resend_after_refused_batch":  # its first batch left a trace here
        expected = [(1, 1, 0), (0, 1, 0)]
    if case["id"] == "timestamp.datetime_text_with_space":  # "… UTC" can mean one instant only
        expected = [(1, 0, 0)]
    assert found == expected, case["notes"]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "stored" in case["expect"] and "better" not in case],
    ids=lambda case: case["id"],
)
def test_what_is_stored(store, case):
    for batch in case["batches"]:
        take_in(store, json.dumps(batch))

    for wanted in case["expect"]["stored"]:
        (found,) = store.events.get(wanted["transaction_id"])
        for key, value in wanted.items():
            if key == "timestamp":
                at = NOON if value == "<reception time>" else parse_instant(value)
                assert format_instant(found.at) == format_instant(at)
            elif key == "properties":
                assert json.loads(found.event.properties) == value
            elif key == "precise_total_amount_cents":
                assert Decimal(found.event.precise_total_amount_cents) == Decimal(value)
            else:
                assert getattr(found.event, key) == value


def test_the_first_event_stays_to_the_digit(store):
    """A number is kept with all its digits, and a repeated event changes none of them."""
    line = '{"transaction_id": "t", "code": "c", "external_subscription_id": "s", "properties": %s}'
    take_in(store, line % '{"gb": 0.10000000000000000000001}')
    take_in(store, line % '{"gb": 0.2}')

    (found,) = store.events.get("t")
    assert found.event.properties == '{"gb": 0.10000000000000000000001}'

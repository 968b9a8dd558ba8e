"""Decoded ahead or on the spot, in one process or two: the batches are the same."""

from __future__ import annotations

import os
import signal

import pytest

from lago_cli.domain.batches import EventBatch, decode_lines, joined
from lago_cli.domain.measurements import Measurements, read_all, reader_for
from lago_cli.domain.metrics import define_metric
from lago_cli.domain.packing import Packer, Unpacker
from lago_cli.readers.base import Block
from lago_cli.services import decoding, worker
from lago_cli.services.decoding import Decoding

METRIC = define_metric(code="c1", aggregation_type="sum_agg", field_name="gb")
METRICS = {"c1": METRIC}
READERS = {"c1": reader_for(METRIC)}


def block(line=1, count=3, time="1704067200"):
    rows = (
        f'{{"transaction_id":"é {line + number}","code":"c{number % 2}",'
        f'"external_customer_id":"a","external_subscription_id":"s {number % 3}",'
        f'"timestamp":{time},"properties":{{"gb":{number}.50}}}}\n'
        for number in range(count)
    )
    return Block(line, "".join(rows).encode())


def facts(batch):
    return None if batch is None else [batch.fields(index) for index in range(len(batch))]


@pytest.fixture(params=["in two processes", "in one"])
def processes(request, monkeypatch):
    monkeypatch.setattr(decoding, "ENOUGH_BYTES", 0)
    monkeypatch.setattr(decoding, "_WORTH_GIVING", 10)
    monkeypatch.setattr(worker, "is_worthwhile", lambda: request.param == "in two processes")
    if request.param == "in two processes" and not hasattr(os, "fork"):
        pytest.skip("no fork on this system")


@pytest.fixture
def decoder(processes):
    made = Decoding(lambda: METRICS)
    yield made
    made.close()


def process_of(decoder):
    return decoder._second._worker._process


def run(decoder, blocks):
    done = []
    for each in blocks:
        done += decoder.add(each)
    return [*done, *decoder.rest()]


def test_batches_are_those_of_the_blocks(decoder):
    """In their order, each with its lines; a block that wants a second look comes without."""
    blocks = [block(line, 1 + line % 7) for line in range(1, 60, 3)]
    blocks[4] = Block(13, b'{"transaction_id": "no event"}\n')
    done = run(decoder, blocks)

    assert [found for found, _ in done] == blocks
    for found, batch in done:
        expected = decode_lines(found.data, found.line)
        assert facts(batch) == facts(expected)
        assert batch is None or list(batch.lines) == list(expected.lines)
    assert done[4][1] is None


def test_somebody_kills_the_second_process(processes):
    """It goes on without; nothing is missing, nothing comes twice."""
    decoder = Decoding(lambda: METRICS)
    blocks = [block(line) for line in range(1, 80, 3)]
    done = run(decoder, blocks[:5])
    if decoder._second is not None:
        os.kill(process_of(decoder), signal.SIGKILL)
    done += run(decoder, blocks[5:])
    decoder.close()

    assert [found for found, _ in done] == blocks
    assert [facts(batch) for _, batch in done] == [
        facts(decode_lines(each.data, 1)) for each in blocks
    ]


def test_events_are_read_as_the_metrics_stand(processes):
    """Metrics that change while a file is read change how the rest of it is read."""
    other = {"c0": define_metric(code="c0", aggregation_type="count_agg")}
    in_force = METRICS
    decoder = Decoding(lambda: in_force)
    first = run(decoder, [block()])
    in_force = other
    second = run(decoder, [block()])
    decoder.close()

    for done, metrics in ((first, METRICS), (second, other)):
        batch = done[0][1]
        assert batch.read_for in (None, metrics)
        if batch.read_for is not None:
            readers = {code: reader_for(metric) for code, metric in metrics.items()}
            assert batch.measurements == read_all(batch.codes, batch.properties, batch.at, readers)


def test_events_without_a_time_are_read_later(decoder):
    """When it is known when they were received."""
    assert run(decoder, [block(time="null")])[0][1].measurements is None


def test_packing_sends_names_once_and_forgets_in_time(monkeypatch):
    monkeypatch.setattr("lago_cli.domain.packing._MAX_NUMBERED", 3)
    packer, unpacker = Packer(), Unpacker()
    batches = [decode_lines(block(line, 5).data, line) for line in range(1, 50, 5)]

    assert [facts(unpacker.unpack(packer.pack(each), each.lines[0])) for each in batches] == [
        facts(each) for each in batches
    ]


def test_batches_are_joined_in_their_order():
    batches = [decode_lines(block(line).data, line) for line in (1, 4, 7)]
    for each in batches:
        each.measurements = read_all(each.codes, each.properties, each.at, READERS)
        each.read_for = METRICS
    whole = joined(batches)

    assert facts(whole) == [event for each in batches for event in facts(each)]
    assert list(whole.lines) == list(range(1, 10))
    assert whole.measurements == read_all(whole.codes, whole.properties, whole.at, READERS)
    batches[1].read_for = {}
    assert joined(batches).measurements is None


def test_what_is_left_out_is_left_out_of_measurements():
    batch = EventBatch(measurements=Measurements([], [], []))
    for line in (1, 4):
        batch = joined([batch, decode_lines(block(line).data, line)])
    batch.measurements = read_all(batch.codes, batch.properties, batch.at, READERS)
    rest = batch.without({0, 3})

    assert rest.measurements == read_all(rest.codes, rest.properties, rest.at, READERS)

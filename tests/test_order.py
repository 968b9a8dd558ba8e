"""
Events of one microsecond count in the order of the digits that their source wrote.

Only where these are the same too it is the order of arrival. That holds however they come in:
in one batch or several, from several parties of a customer, through replacements and reverts.
"""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from lago_cli.domain.batches import EventBatch, decode_lines, joined
from lago_cli.domain.packing import Packer, Unpacker
from lago_cli.domain.stored import EventSelection
from lago_cli.services.explain import explain
from lago_cli.services.requests import UsageRequest
from tests.engines import ENGINES, NOON, parts_of_few_events, sqlite
from tests.test_second_process import blocks, differing, ingested, opened, small_steps

SECOND = "2026-11-10T00:00:00"
MONTH = {"start": "2026-11-01", "end": "2026-12-01"}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    with request.param() as engine:
        engine.define(code="level", aggregation_type="latest_agg", field_name="v")
        engine.define(code="seats", aggregation_type="unique_count_agg", field_name="v")
        yield engine


def event(name, nanos, value, *, code="level", subscription=None, step="add"):
    """One of that second's; None: without a timestamp."""
    return {
        "transaction_id": name,
        "code": code,
        "external_customer_id": "acme",
        "external_subscription_id": subscription,
        "timestamp": None if nanos is None else f"{SECOND}.{nanos:09d}Z",
        "properties": {"v": value, "operation_type": step},
    }


def units(engine, code="level", **asked):
    (row,) = engine.usage(metrics=[code], **(asked or MONTH))
    return row.units


def in_pieces(engine, events, size):
    for start in range(0, len(events), size):
        engine.ingest(events[start : start + size])


@pytest.mark.parametrize("size", [1, 3], ids=["one by one", "together"])
@pytest.mark.parametrize("subscriptions", [(None, None, None), ("s1", "s2", None)])
@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_the_latest_is_the_one_with_the_latest_digits(engine, order, subscriptions, size):
    events = [
        event(str(nanos), nanos, nanos, subscription=subscription)
        for nanos, subscription in zip((100, 500, 900), subscriptions, strict=True)
    ]
    in_pieces(engine, [events[place] for place in order], size)

    assert units(engine) == 900
    assert units(engine, start=SECOND, end="2026-11-10T00:00:01") == 900


@pytest.mark.parametrize("size", [1, 3], ids=["one by one", "together"])
@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_items_go_on_and_off_in_the_order_of_the_digits(engine, order, size):
    steps = ("add", "remove", "add")
    events = [
        event(str(nanos), nanos, "ana", code="seats", step=step, subscription=f"s{nanos}")
        for nanos, step in enumerate(steps)
    ]
    in_pieces(engine, [events[place] for place in order], size)

    assert units(engine, "seats") == 1


def test_among_the_same_digits_the_last_to_arrive_counts(engine):
    in_pieces(engine, [event("a", 700, 1), event("b", 700, 2), event("c", 699, 3)], 1)

    assert units(engine) == 2


def test_whole_microseconds_come_before_finer_ones(engine):
    in_pieces(engine, [event("a", 1_001, 1), event("b", 1_000, 2)], 1)

    assert units(engine) == 1


def test_metrics_that_are_defined_later_see_the_same_order(engine):
    events = [event("a", 900, 5), event("b", 100, 3)]
    in_pieces(engine, [row | {"code": "later"} for row in events], 1)
    engine.define(code="later", aggregation_type="latest_agg", field_name="v")

    assert units(engine, "later") == 5


def test_a_repetition_with_other_digits_is_no_conflict(engine):
    engine.ingest([event("a", 900, 5)])
    done = [engine.ingest([event("a", 100, 5)], on_duplicate=how) for how in ("skip", "replace")]

    assert [(each.new, each.replaced, each.duplicates) for each in done] == 2 * [(0, 0, [(0, ())])]


def test_what_takes_the_place_of_an_event_has_digits_of_its_own(engine):
    engine.ingest([event("a", 500, 5), event("b", 900, 9)])
    engine.ingest([event("b", 100, 1)], on_duplicate="replace")

    assert units(engine) == 5


def test_without_a_timestamp_it_takes_over_the_digits_too(engine):
    engine.ingest([event("a", 500, 5), event("b", 900, 9)])
    engine.ingest([event("b", None, 1)], on_duplicate="replace")

    assert units(engine) == 1


def test_what_comes_back_has_its_digits_again():
    with sqlite() as engine:
        engine.define(code="level", aggregation_type="latest_agg", field_name="v")
        engine.ingest([event("a", 900, 5), event("b", 500, 3)])
        engine.ingest([event("a", 100, 1)], on_duplicate="replace")
        assert units(engine) == 3
        assert units(engine, **MONTH, as_of=NOON) == 3
        engine.store.revert(2, NOON)

        assert units(engine) == 5
        assert [found for _, found in engine.store.maintenance.problems() if found] == []


def test_the_versions_of_an_earlier_instant_are_in_their_order(engine):
    engine.ingest([event("a", 900, 5), event("b", 500, 3)], received_at=NOON)
    engine.ingest([event("a", 100, 1)], received_at=NOON + 9, on_duplicate="replace")

    assert units(engine, **MONTH, as_of=NOON) == 5
    assert units(engine, **MONTH, as_of=NOON + 9) == 3


def test_an_explanation_tells_them_in_that_order(engine):
    in_pieces(engine, [event("a", 900, 5), event("b", 100, 3), event("c", 500, 4)], 1)
    request = UsageRequest(metrics=["level"], **MONTH)
    (figure,) = explain(engine.store, request, now=NOON)

    assert [line.event.event.transaction_id for line in figure.lines] == ["b", "c", "a"]
    assert figure.units == 5


@pytest.mark.parametrize("recurring", [False, True])
@pytest.mark.parametrize("engine_of", ENGINES.values(), ids=ENGINES)
def test_every_way_to_a_figure_gives_the_same(engine_of, recurring):
    with engine_of() as engine:
        engine.define(
            code="seats", aggregation_type="unique_count_agg", field_name="v", recurring=recurring
        )
        steps = [event(str(n), 900 - n, "ana", code="seats", step=("add", "remove")[n % 2])
                 for n in range(5)]  # fmt: skip
        in_pieces(engine, [*steps, event("x", 950, "bo", code="seats")], 2)

        assert units(engine, "seats") == 2


def test_parts_have_them_in_that_order():
    texts = [
        json.dumps(event(str(n), 999 - n, n, code="level" if n % 2 else "seats")) + "\n"
        for n in range(60)
    ]
    with opened() as store, small_steps(), parts_of_few_events():
        assert ingested(store, blocks(texts, 7)).ingested == 60
        assert differing(store) == []
        in_order = [stored.event.finer for stored in store.select(EventSelection())]

    assert in_order == [1_000 * nanos for nanos in range(940, 1000)]


# Batches ------------------------------------------------------------------------------------


def batch_of(*nanos):
    lines = [json.dumps(event(str(number), each, 1)) for number, each in enumerate(nanos)]
    batch = decode_lines("\n".join(lines).encode(), 1)
    assert batch is not None
    return batch


def finer_of_all(batch):
    return [batch.event(index).finer for index in range(len(batch))]


def test_ordinary_batches_have_no_finer_digits_at_all():
    assert batch_of(1_000, 2_000, None).finer is None
    assert batch_of(1_000).finer is None
    assert batch_of(0).finer is None


@pytest.mark.parametrize(
    ("times", "finer"),
    [
        pytest.param(["00:00:00Z", "00:00:00.5Z", "00:00:00.123456Z"], None, id="microseconds"),
        pytest.param(["000000.1234567Z"], [700_000], id="shorter, but with seven digits"),
        pytest.param(["000000.123456Z", "000000.12345678Z"], [0, 780_000], id="as long as usual"),
        pytest.param(["00:00:00Z", "00:00:00.1234567Z"], [0, 700_000], id="one of them"),
        pytest.param(["00:00:00.1234567+00:00", None], [700_000, 0], id="with an offset"),
    ],
)
def test_the_short_way_sees_finer_digits_in_every_form(times, finer):
    lines = [
        json.dumps(event("t", 0, 1) | {"timestamp": time and f"2026-11-10T{time}"})
        for time in times
    ]
    batch = decode_lines("\n".join(lines).encode(), 1)

    assert batch is not None
    assert batch.finer == finer


def test_whoever_handles_batches_keeps_the_digits():
    fine, coarse = batch_of(1_001, None, 3_000, 4_004), batch_of(1_000, 2_000)
    again = EventBatch()
    for index in range(len(fine)):
        again.append(fine.event(index), index)
    sent = Unpacker().unpack(Packer().pack(fine), 1)

    assert finer_of_all(fine) == [1_000, 0, 0, 4_000]
    assert again.finer == sent.finer == fine.finer
    assert fine.without({0, 1}).finer == [0, 4_000]
    assert coarse.without({0}).finer is None
    assert joined([coarse, fine, coarse]).finer == [0, 0, 1_000, 0, 0, 4_000, 0, 0]
    assert joined([coarse, coarse]).finer is None
    assert fine.only(3, None).event(0).finer == 4_000
    assert fine.only(1, 5, 6).event(0).finer == 6

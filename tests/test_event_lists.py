"""
Pages of events: how many there are, and those of a page, however far down it is.

Every engine gives what sorting all events would give, in whatever order they came in, through
replacements and deletions, and however many share one instant.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.instants import parse_instant
from lago_cli.domain.stored import STATUSES, EventSelection
from lago_cli.domain.subscriptions import Subscription
from lago_cli.stores.sqlite import events as events_of_file
from lago_cli.stores.sqlite import listing
from tests.engines import (
    ENGINES,
    NOON,
    in_parts,
    memory,
    partly_in_parts,
    parts_of_few_events,
    sqlite,
)
from tests.examples import examples

IDS = ("a", "b", "c", "Ä", "\U0001f600", "ａ")  # the order of code points, and none else
TIMES = (
    "2026-11-01T00:00:00Z",
    "2026-11-10T00:00:00Z",
    "2026-11-10T00:00:00.000000500Z",
    "2026-11-10T00:00:00.000001Z",
    "2026-11-20T00:00:00Z",
)
INSTANTS = (None, *map(parse_instant, TIMES))
names = st.sampled_from([None, "s1", "s2"])


def event(name="a", code="sum", subscription="s1", at=TIMES[0], value="1", customer="c1"):
    return {
        "transaction_id": name,
        "code": code,
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "timestamp": at,
        "properties": {"n": value},
    }


sent = st.builds(
    event,
    st.sampled_from(IDS),
    st.sampled_from(["sum", "count", "other"]),
    names,
    st.sampled_from(TIMES),
    st.sampled_from(["1", "no number"]),
    st.sampled_from(["c1", "c2"]),
)
batches = st.lists(st.lists(sent, min_size=1, max_size=12), max_size=6)
selections = st.builds(
    EventSelection,
    st.sampled_from([(), ("c1",), ("c1", "c2"), ("nobody",)]),
    st.sampled_from([(), ("s1",), ("s1", "s2"), ("nobody",)]),
    st.sampled_from([(), ("sum",), ("sum", "other"), ("nothing",)]),
    st.sampled_from(INSTANTS),
    st.sampled_from(INSTANTS),
    st.sampled_from([None, *STATUSES]),
)
pages = st.tuples(st.integers(0, 30), st.integers(1, 10))
ties = st.sampled_from(["transaction_id", "arrival"])
questions = st.lists(st.tuples(selections, pages, ties), max_size=6)


@pytest.fixture(params=[True, False], ids=["as many", "few"])
def as_if_many(request, monkeypatch):
    """However few they are, events are found by counting, and sorted outside of memory."""
    if not request.param:
        return
    monkeypatch.setattr(listing, "_FEW", 0)
    monkeypatch.setattr(listing, "_BINS", 2)
    monkeypatch.setattr(listing, "_MOST_HELD", 2)
    monkeypatch.setattr(events_of_file, "_MOST_SORTED", 2)


def fill(engine, batches, deleted=()):
    engine.define(code="sum", aggregation_type="sum_agg", field_name="n")
    engine.define(code="count", aggregation_type="count_agg")
    start = parse_instant("2026-11-05")
    engine.register(Subscription("s2", "c2", subscription_at=start, started_at=start))
    for number, batch in enumerate(batches):
        engine.ingest(batch, received_at=NOON + number, on_duplicate="replace")
    for name in deleted:
        for found in engine.get(name)[:1]:
            engine.delete(found)


def shown(page):
    """Engines number events in ways of their own."""
    rows = [replace(row, position=0, event=replace(row.event, finer=0)) for row in page.events]
    return page.total, rows


@pytest.mark.parametrize("engine_of", [sqlite, in_parts, partly_in_parts])
@pytest.mark.usefixtures("as_if_many")
@examples(40)
@given(
    batches, st.sets(st.sampled_from(IDS)), st.lists(st.tuples(selections, pages, ties), max_size=6)
)
def test_a_page_is_what_sorting_all_events_gives(engine_of, batches, deleted, asked):
    with memory() as oracle, engine_of() as engine:
        fill(oracle, batches, deleted)
        fill(engine, batches, deleted)

        for selection, page, tied in asked:
            expected = shown(oracle.store.page(selection, *page, ties=tied))
            assert shown(engine.store.page(selection, *page, ties=tied)) == expected


@pytest.mark.usefixtures("as_if_many")
def test_every_page_of_parts_that_all_lie_in_the_same_time_is_found():
    any_ = Random(1)
    sent = [event(str(n), at=f"2026-11-10T00:00:{any_.randrange(20):02}Z") for n in range(200)]
    with parts_of_few_events(at_once=40), memory() as oracle, sqlite() as engine:
        for engine_or_oracle in (oracle, engine):
            fill(engine_or_oracle, [sent[start : start + 40] for start in range(0, 200, 40)])
        everything = EventSelection()
        _, whole = shown(oracle.store.page(everything, 0, 200))

        for skip in range(0, 200, 3):
            assert shown(engine.store.page(everything, skip, 3)) == (200, whole[skip : skip + 3])


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    with request.param() as engine:
        yield engine


def ids(engine, skip, size, **how):
    page = engine.store.page(EventSelection(), skip, size, **how)
    return page.total, [row.event.transaction_id for row in page.events]


def test_events_of_one_instant_come_by_their_ids_or_the_latest_first(engine):
    engine.ingest([event("b"), event("c"), event("a"), event("d", at=TIMES[1])])

    assert ids(engine, 0, 3, ties="transaction_id") == (4, ["d", "a", "b"])
    assert ids(engine, 0, 3, ties="arrival") == (4, ["d", "a", "c"])


def test_pages_are_cut_anywhere_in_an_instant_and_hold_together(engine):
    engine.ingest([event(str(number), at=TIMES[number % 2]) for number in range(20)])
    _, whole = ids(engine, 0, 20, ties="transaction_id")

    pages = [ids(engine, skip, 3, ties="transaction_id")[1] for skip in range(0, 21, 3)]

    assert whole == sorted(whole, key=lambda name: (int(name) % 2 == 0, name))
    assert [name for page in pages for name in page] == whole


def test_there_is_nothing_after_the_last_event(engine):
    engine.ingest([event("a"), event("b")])

    assert ids(engine, 2, 10) == (2, [])
    assert ids(engine, 10**30, 10) == (2, [])


def test_an_empty_store_has_no_events(engine):
    assert ids(engine, 0, 10) == (0, [])


def test_a_deleted_event_is_not_counted_until_it_is_back(engine):
    engine.ingest([event("a"), event("b", at=TIMES[1])])
    (found,) = engine.get("a")
    engine.delete(found)
    without = ids(engine, 0, 10)
    engine.undelete(engine.get("a")[0])

    assert without == (1, ["b"])
    assert ids(engine, 0, 10) == (2, ["b", "a"])


def test_of_a_replaced_event_there_is_the_last_version(engine):
    engine.ingest([event("a"), event("b", at=TIMES[1])])
    engine.ingest([event("a", at=TIMES[4])], on_duplicate="replace")

    assert ids(engine, 0, 10) == (2, ["a", "b"])

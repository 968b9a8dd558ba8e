"""
One event is deleted, brought back, replaced, or its run is taken back: engines agree on all of it.

They are asked what is known today, and what was known at every instant before.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.services.explain import explain
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import usage_for
from tests.engines import ENGINES, NOON, in_parts, memory, partly_in_parts, sqlite
from tests.examples import examples

SETTINGS = examples(60)
IDS = ("t0", "t1", "t2")
CODES = ("count", "sum", "latest", "items")
ENGINE = pytest.mark.parametrize("engine_of", ENGINES.values(), ids=ENGINES)


def event(transaction_id="t1", code="sum", customer="c1", day=10, **properties):
    return {
        "transaction_id": transaction_id,
        "code": code,
        "external_customer_id": customer,
        "timestamp": f"2026-11-{day}",
        "properties": properties or {"n": 1},
    }


def define(engine):
    engine.define(code="count", aggregation_type="count_agg")
    engine.define(code="sum", aggregation_type="sum_agg", field_name="n")
    engine.define(code="latest", aggregation_type="latest_agg", field_name="n")
    engine.define(code="items", aggregation_type="unique_count_agg", field_name="n", recurring=True)


events = st.builds(
    event,
    st.sampled_from(IDS),
    st.sampled_from(CODES),
    st.sampled_from(("c1", "c2")),
    st.integers(10, 14),
    n=st.sampled_from((1, 2, 5, "no number")),
)
actions = st.one_of(
    st.tuples(
        st.just("ingest"),
        st.lists(events, min_size=1, max_size=4),
        st.sampled_from(("skip", "replace", "replace", "error")),
    ),
    st.tuples(st.just("turn"), st.sampled_from(IDS), st.integers(0, 1)),
    st.tuples(st.just("turn"), st.sampled_from(IDS), st.integers(0, 1)),
    st.tuples(st.just("revert"), st.integers(0, 9), st.none()),
)


def act(engine, action, now, reverted):
    """What it led to; the same number means the same run in every engine."""
    kind, what, how = action
    if kind == "ingest":
        done = engine.ingest(what, received_at=now, on_duplicate=how)
        engine.runs_done = getattr(engine, "runs_done", 0) + 1
        holders = {place: holder.deletion for place, holder in done.holders.items()}
        counts = [done.new, done.replaced, done.unmatched, done.unusable]
        return [*counts, list(done.duplicates), holders]
    if kind == "turn":
        found = engine.get(what)
        if found:
            one = found[how % len(found)]
            turn = engine.delete if one.deletion() is None else engine.undelete
            turn(one, now=now)
        return [facts(each) for each in engine.get(what)]
    run = what + 1
    if run <= getattr(engine, "runs_done", 0) and run not in reverted:
        engine.revert(run)
        reverted.add(run)
    return None


def facts(stored):
    """What is known of an event; engines number events in ways of their own."""
    return replace(stored, position=0, event=replace(stored.event, finer=0))


def _said(stored):
    """Of a version that was replaced the status says nothing."""
    status = stored.status if stored.status == "deleted" else "counted"
    return replace(facts(stored), status=status)


def figures(engine, **asked):
    return [
        (row.owner, row.metric.code, row.window, row.units, row.events_count)
        for row in engine.usage(period="2026-11", **asked)
    ]


def lines(engine, as_of):
    """Of every figure what is said of its events, in any order: ranks hang on the numbers."""
    request = UsageRequest(period="2026-11", as_of=as_of)
    return {
        (figure.owner, figure.metric.code): sorted(
            (repr(_said(line.event)), line.units is None, line.reason if line.units is None else "")
            for line in figure.lines
        )
        for figure in explain(engine.store, request, now=NOON)
    }


@pytest.mark.parametrize("engine_of", [sqlite, in_parts, partly_in_parts])
@SETTINGS
@given(st.lists(st.tuples(actions, st.integers(-1, 2)), max_size=12))
def test_engines_agree_after_any_corrections_on_what_was_known_at_every_instant(engine_of, done):
    """Clocks may also stand still or go back."""
    with memory() as oracle, engine_of() as engine:
        define(oracle)
        define(engine)
        now, instants, reverted = NOON, {NOON}, (set(), set())
        for action, later in done:
            now += later
            instants.add(now)
            assert act(engine, action, now, reverted[1]) == act(oracle, action, now, reverted[0])
            assert figures(engine) == figures(oracle)
            problems = {name: found for name, found in engine.store.maintenance.problems() if found}
            assert problems == {}
        for as_of in (None, min(instants) - 1, *instants):
            assert figures(engine, as_of=as_of) == figures(oracle, as_of=as_of)
            assert figures(engine, as_of=as_of, window="day") == figures(
                oracle, as_of=as_of, window="day"
            )
            assert lines(engine, as_of) == lines(oracle, as_of)


@pytest.mark.parametrize("engine_of", [memory, sqlite, in_parts])
@SETTINGS
@given(st.lists(st.tuples(actions, st.integers(0, 2)), max_size=12), st.integers(-1, 24))
def test_an_explanation_adds_up_to_its_figure_whatever_was_corrected(engine_of, done, after):
    with engine_of() as engine:
        define(engine)
        now, reverted = NOON, set()
        for action, later in done:
            now += later
            act(engine, action, now, reverted)
        request = UsageRequest(period="2026-11", as_of=NOON + after)
        explained = {
            (figure.owner, figure.metric.code): figure.units
            for figure in explain(engine.store, request, now=NOON)
            if any(line.units is not None for line in figure.lines)
        }

        rows = usage_for(engine.store, request, now=NOON)
        assert explained == {(row.owner, row.metric.code): row.units for row in rows}


# By hand ------------------------------------------------------------------------------------


def total(engine, **asked):
    return sum(row.units for row in engine.usage(period="2026-11", **asked))


@ENGINE
def test_a_deleted_event_counts_only_as_of_an_instant_before(engine_of):
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3), event("t2", n=4)])
        engine.delete(engine.get("t1")[0], now=NOON + 10)

        assert total(engine) == 4
        assert [total(engine, as_of=NOON + late) for late in (-1, 0, 9, 10)] == [0, 7, 7, 4]


@ENGINE
def test_an_event_that_is_back_counts_and_did_not_while_it_was_deleted(engine_of):
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3), event("t2", n=4)])
        engine.delete(engine.get("t1")[0], now=NOON + 10)
        engine.undelete(engine.get("t1")[0], now=NOON + 20)

        assert total(engine) == 7
        assert [total(engine, as_of=NOON + late) for late in (9, 10, 19, 20)] == [7, 4, 4, 7]


@ENGINE
def test_a_deletion_by_a_clock_before_the_reception_leaves_the_event_out_all_the_time(engine_of):
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3)])
        engine.delete(engine.get("t1")[0], now=NOON - 10)

        assert [total(engine, as_of=NOON + late) for late in (-11, -1, 0, 99)] == [0, 0, 0, 0]


@ENGINE
@pytest.mark.parametrize("on_duplicate", ["skip", "replace", "error"])
def test_a_deleted_event_keeps_its_id_and_nothing_replaces_it(engine_of, on_duplicate):
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3)])
        engine.delete(engine.get("t1")[0], "a test", NOON + 10)
        done = engine.ingest([event("t1", n=5)], on_duplicate=on_duplicate)

        assert (done.new, done.replaced) == (0, 0)
        assert [duplicate.differs_in for duplicate in done.duplicates] == [("properties",)]
        assert done.holders[0].deletion[:2] == (NOON + 10, "a test")
        assert total(engine) == 0


@ENGINE
def test_taking_back_a_run_takes_its_deleted_event_for_good(engine_of):
    """Its id is free again."""
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3)])
        engine.delete(engine.get("t1")[0], now=NOON + 10)
        engine.revert(1)

        assert engine.get("t1") == []
        assert engine.ingest([event("t1", n=5)]).new == 1
        assert total(engine) == 5


@ENGINE
def test_what_a_deleted_version_replaced_stays_deleted_when_that_one_is_taken_back(engine_of):
    """Who deleted the event meant all of it, and brings it back alone."""
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3)])
        engine.ingest([event("t1", n=5)], received_at=NOON + 1, on_duplicate="replace")
        engine.delete(engine.get("t1")[0], "a test", NOON + 10)
        engine.revert(2)

        (found,) = engine.get("t1")
        assert (found.status, found.event.properties) == ("deleted", '{"n": 3}')
        assert total(engine) == 0
        engine.undelete(found, NOON + 20)
        assert total(engine) == 3


@ENGINE
def test_an_event_with_another_time_is_listed_in_the_windows_of_its_earlier_one(engine_of):
    """The windows of all time reach as far as what was known then."""
    with engine_of() as engine:
        define(engine)
        engine.ingest([event("t1", n=3, day=10), event("t2", n=4, day=14)])
        engine.delete(engine.get("t1")[0], now=NOON + 10)
        rows = engine.usage(period="all", window="day", as_of=NOON + 9)

        assert [row.units for row in rows if row.units] == [3, 4]

"""
Parts say what the rows say that they are made of.

The same things happen to a file without parts, whose rows are read, and to one in which everything
is in parts at once; both give the same answers, and both are sound. The tests of the engines
compare them with the rules.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.batches import EventBatch
from lago_cli.domain.customers import Customer
from lago_cli.domain.events import parse_event
from lago_cli.domain.instants import Window, parse_instant
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.measurements import Measurements, measurement_of
from lago_cli.domain.metrics import Filter
from lago_cli.domain.numbers import exact
from lago_cli.domain.runs import Tally
from lago_cli.domain.steps import Steps
from lago_cli.domain.stored import EventSelection
from lago_cli.domain.subscriptions import Subscription
from lago_cli.errors import LagoError
from lago_cli.services.questions import Question
from lago_cli.services.requests import UsageRequest
from lago_cli.stores.sqlite import exact_sums
from lago_cli.stores.sqlite import query as queries
from lago_cli.stores.sqlite.columns import Rows, pack, unpacked
from lago_cli.stores.sqlite.comparing import differing
from lago_cli.stores.sqlite.connection import is_damage
from lago_cli.stores.sqlite.exact_sums import ExactSums
from lago_cli.stores.sqlite.folds import fold_for
from lago_cli.stores.sqlite.pieces import Pieces
from lago_cli.stores.sqlite.placing import Placing
from tests.engines import NOON, in_parts, partly_in_parts, parts_of_few_events, sqlite
from tests.examples import examples

START = datetime(2026, 10, 1, tzinfo=UTC)
METRICS = (
    {"code": "count", "aggregation_type": "count_agg"},
    {"code": "sum", "aggregation_type": "sum_agg", "field_name": "v"},
    {"code": "stock", "aggregation_type": "sum_agg", "field_name": "v", "recurring": True},
    {
        "code": "max",
        "aggregation_type": "max_agg",
        "field_name": "v",
        "filters": [Filter("region", ("eu",))],
    },
    {"code": "latest", "aggregation_type": "latest_agg", "field_name": "v"},
    {
        "code": "unique",
        "aggregation_type": "unique_count_agg",
        "field_name": "v",
        "filters": [Filter("a b", ("1",)), Filter("region", ("eu", "us"))],
    },
    {"code": "seats", "aggregation_type": "unique_count_agg", "field_name": "v", "recurring": True},
    {"code": "level", "aggregation_type": "weighted_sum_agg", "field_name": "v"},
    {
        "code": "carried",
        "aggregation_type": "weighted_sum_agg",
        "field_name": "v",
        "recurring": True,
        "filters": [Filter("region", ("eu", "us"))],
    },
)
ZONES = (None, "Europe/Paris", "America/New_York", "Asia/Kathmandu")
events = st.builds(
    lambda number, customer, subscription, code, at, finer, amount, value, operation, region: {
        "transaction_id": str(number),
        "external_customer_id": customer,
        "external_subscription_id": subscription and f"{customer}-{subscription}",
        "code": code,
        "timestamp": (START + at).strftime(f"%Y-%m-%dT%H:%M:%S.%f{finer}Z"),
        "precise_total_amount_cents": amount,
        "properties": {"v": value, "operation_type": operation, "region": region, "a b": 1.50},
    },
    st.integers(0, 40),
    st.sampled_from("ab"),
    st.sampled_from((None, None, "1", "2")),
    st.sampled_from([metric["code"] for metric in METRICS]),
    st.one_of(
        st.integers(0, 90 * 24).map(lambda hours: timedelta(hours=hours)),
        st.timedeltas(timedelta(0), timedelta(days=90)),
    ),
    st.sampled_from(("", "", "1", "9", "05")),
    st.sampled_from((None, None, None, 0, "12.5", "-0.25", 10**20, "1e-20")),
    st.sampled_from((1, 2, "0.25", "-3.5", 10**20, "1e-20", "x", None)),
    st.sampled_from((None, "add", "remove")),
    st.sampled_from((None, "", "eu", "us", "elsewhere", 7, "7", True, [1])),
)
questions = st.fixed_dictionaries(
    {
        "by": st.sampled_from((None, "subscription")),
        "timezone": st.sampled_from(ZONES),
        "group_by": st.sampled_from(((), (), ("region",), ("region", "a b"))),
        "filters": st.sampled_from(({}, {}, {"region": ["eu", ""]}, {"a b": ["1.5"]})),
        "excluded": st.sampled_from(((), ({"region": ["us"]}, {"a b": ["2"]}))),
        "as_of": st.sampled_from((None, None, NOON, NOON + 2, NOON + 5)),
        "prorated": st.booleans(),
    }
).flatmap(
    lambda asked: st.sampled_from(
        (
            {"period": "2026-11"},
            {"period": "2026-Q4", "window": "week"},
            {"period": "2026-Q4", "window": "month"},
            {"period": "all"},
            {"start": "2026-10-09T07:30:00Z", "end": "2026-12-02T01:00:00Z"},
            {"at": "2026-11-20"},
        )
    ).map(lambda period: asked | period)
)


def answers(engine, asked):
    try:
        rows = engine.usage(now=NOON, **asked)
    except LagoError as error:  # days of all time are too many
        return error.code
    return [
        (row.owner, row.metric.code, row.window, row.group, row.units, row.events_count)
        for row in rows
    ]


def in_detail(engine, asked):
    """Of every metric, the amounts, and the steps of both."""
    found = []
    try:
        question = Question(engine.store, UsageRequest(**asked), NOON)
        asks = [question.query(metric) for metric in question.metrics]
    except LagoError as error:
        return error.code
    for query, (of_amounts, in_steps) in product(asks, ((1, 0), (0, 1), (1, 1))):
        query = replace(query, of_amounts=bool(of_amounts), in_steps=bool(in_steps))
        for share in engine.store.aggregate(query):
            steps = share.steps or Steps((), ())
            numbers = [Fraction(value) / 10**steps.scale for value in steps.values]
            found.append((query.metric.code, share[:-1], [*steps.at], numbers, [*steps.items]))
    return sorted(found, key=repr)


def listed(engine, **selection):
    chosen = EventSelection(**selection)
    return [
        [
            (event.event.transaction_id, event.at, event.status, event.position)
            for event in engine.store.select(chosen, newest_first=newest_first)
        ]
        for newest_first in (False, True)
    ]


@given(st.data())
@examples(40)
def test_parts_and_rows_agree(data):
    """After any ingests, replacements, changes of a metric, and reverted runs."""
    with ExitStack() as stack:
        engines = [stack.enter_context(sqlite())]
        parted = stack.enter_context(data.draw(st.sampled_from((in_parts, partly_in_parts)))())

        def both(do):
            found = [do(engine) for engine in (*engines, parted)]
            assert found[0] == found[1]
            return found[0]

        zone = data.draw(st.sampled_from(ZONES))
        both(lambda engine: engine.register(Customer("a", timezone=zone)))
        life = data.draw(st.sampled_from((None, ("2026-10-20", "2026-11-15T13:00:00Z"))))
        if life:
            start, end = map(parse_instant, life)
            subscription = Subscription("a-1", "a", start, start, ending_at=end)
            both(lambda engine: engine.register(subscription))
        for metric in METRICS[: data.draw(st.integers(0, len(METRICS)))]:
            both(lambda engine, metric=metric: engine.define(**metric))
        drawn = data.draw(st.lists(st.lists(events, max_size=25), min_size=1, max_size=12))
        for number, batch in enumerate(drawn):
            how = data.draw(st.sampled_from(("skip", "replace")))
            both(
                lambda engine, batch=batch, how=how, number=number: engine.ingest(
                    batch, on_duplicate=how, received_at=NOON + number
                )
            )
        for metric in METRICS if data.draw(st.booleans()) else ():
            both(lambda engine, metric=metric: engine.define(**metric))
        for run in data.draw(st.sets(st.integers(1, 4), max_size=2)):
            if run <= len(drawn):
                both(lambda engine, run=run: engine.store.revert(run, NOON))
        asked = data.draw(questions)

        both(lambda engine: answers(engine, asked))
        both(lambda engine: in_detail(engine, asked))
        both(listed)
        both(lambda engine: listed(engine, customers=("a",), start=NOON, status="counted"))
        both(lambda engine: listed(engine, status="unusable", limit=2))
        for engine in (*engines, parted):
            assert [found for _, found in engine.store.maintenance.problems() if found] == []


def numbered(count, **properties):
    return [
        {
            "transaction_id": str(number),
            "external_customer_id": "a",
            "code": "sum",
            "timestamp": (START + timedelta(hours=7 * number)).isoformat(),
            "properties": {"v": 1, **properties},
        }
        for number in range(count)
    ]


def test_a_question_out_of_parts_reads_no_row(monkeypatch):
    """Neither for a group that no metric declares; but where there are no parts, only rows."""
    with sqlite() as small, ExitStack() as stack:
        small.define(**METRICS[1])
        small.ingest(numbered(300, size="s"))
        engine = stack.enter_context(in_parts())
        engine.define(**METRICS[1])
        engine.ingest(numbered(300, size="s"))
        monkeypatch.setattr(queries.Snapshot, "_by_row", None)
        monkeypatch.setattr(queries, "how_of", None)
        (row,) = engine.usage(period="2026-11")
        (group,) = engine.usage(period="2026-11", group_by=["size"])
        with pytest.raises(TypeError):
            small.usage(period="2026-11")

    assert row.units == row.events_count == group.units == 103
    assert group.group == ("s",)


def test_many_small_parts_become_one():
    with in_parts() as engine:
        for event in numbered(20):
            engine.ingest([event])
        sizes = [key.events for key in engine.store._snapshot().parts.keys(1)]

    assert sum(sizes) == 20
    assert len(sizes) < 9


def test_a_part_that_lost_an_event_is_made_anew_before_it_is_merged():
    """Where a transaction brings many events beside the one that replaces it."""
    with parts_of_few_events(enough=1, at_once=4, small=10, many=3), sqlite() as engine:
        engine.define(**METRICS[1])
        engine.ingest(numbered(4))
        engine.ingest(numbered(8)[4:])
        store = engine.store
        with store.writing():
            for batch in (numbered(1, more=1), numbered(14)[8:], numbered(20)[14:]):
                _append(store, batch, on_duplicate="replace")
        (row,) = engine.usage(period="all")

        assert (row.units, row.events_count) == (20, 20)
        assert [found for _, found in store.maintenance.problems() if found] == []


def test_events_that_come_back_make_parts_no_larger_than_others():
    """Where all parts of a code are gone that were before those that came later."""
    with parts_of_few_events(enough=1, at_once=4, small=2, many=3), sqlite() as engine:
        engine.define(**METRICS[1])
        engine.ingest(numbered(30))
        engine.ingest(numbered(30, more=1), on_duplicate="replace")
        engine.store.revert(2, NOON)
        sizes = [key.events for key in engine.store._snapshot().parts.keys(1)]

        assert sum(sizes) == 30
        assert max(sizes) <= 8
        assert [found for _, found in engine.store.maintenance.problems() if found] == []


def _append(store, events, **how):
    batch = EventBatch()
    for event in events:
        batch.append(parse_event(decode_object(json.dumps(event).encode())), 1)
    run = store.runs.start("test", NOON, store.next_event_id)
    store.append(batch, run=run, received_at=NOON, **how)
    store.runs.record(run, Tally(), store.next_event_id - 1, NOON)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(
            "UPDATE parts SET parties = (SELECT parties FROM parts WHERE id = 2) WHERE id = 1",
            'part 1, of "sum": it cannot be read',
            id="a column of another part",
        ),
        pytest.param(
            "UPDATE events SET properties = '{\"v\": 2}' WHERE id = 3",
            'part 1, of "sum": its measurements are not what its events say',
            id="an event was changed",
        ),
        pytest.param(
            "UPDATE events SET precise_total_amount_cents = '1.5' WHERE id = 3",
            'part 1, of "sum": its amounts are not what its events say',
            id="an amount was changed",
        ),
        pytest.param(
            "UPDATE events SET precise_total_amount_cents = 'x' WHERE id = 3",
            'part 1, of "sum": it cannot be read',
            id="an amount is no number",
        ),
        pytest.param(
            "UPDATE parts SET amounts = NULL",
            'part 2, of "sum": its amounts are not what its events say',
            id="amounts are gone",
        ),
        pytest.param(
            "UPDATE parts SET last_at = first_at WHERE id = 1",
            'part 1, of "sum": its bounds are not those of its events',
            id="bounds that hide events",
        ),
        pytest.param(
            "UPDATE events SET code_id = (SELECT id FROM codes WHERE code = 'other') WHERE id = 3",
            'part 1, of "sum": it has events of another code',
            id="an event has another code",
        ),
        pytest.param(
            "DELETE FROM parts WHERE id = 1",
            "31 events are stored, 5 of them in parts and 0 after them",
            id="a part is gone",
        ),
        pytest.param(
            "DELETE FROM events WHERE id = 3",
            'part 1, of "sum": 26 events, of which 25 are stored',
            id="an event is gone",
        ),
    ],
)
def test_what_is_wrong_with_a_part_is_found(tmp_path, damage, problem):
    with in_parts() as engine:
        engine.define(**METRICS[1])
        engine.ingest(numbered(26))
        engine.ingest([each | {"precise_total_amount_cents": 2} for each in numbered(30)[26:]])
        engine.ingest([numbered(31)[30] | {"code": "other"}])
        with engine.store.writing():
            engine.store._connection.execute(damage)
        problems = dict(engine.store.maintenance.problems())

    assert problem in problems["parts"]


@pytest.mark.parametrize(
    "column", ["parties", "times", "ids", "measurements", "properties", "amounts"]
)
@pytest.mark.parametrize("content", ["c1", "", "00ff00ff", "95c2010000c403010203"])
def test_a_part_that_cannot_be_read_is_damage(column, content):
    """It is told as that of a page is, and found by the check."""
    with in_parts() as engine:
        engine.define(**METRICS[4])
        engine.ingest([event | {"code": "latest"} for event in numbered(26, size="s")])
        with engine.store.writing():
            engine.store._connection.execute(f"UPDATE parts SET {column} = x'{content}'")
        asked = UsageRequest(period="2026-10-03", group_by=["size"], metrics=["latest"])
        query = Question(engine.store, asked, NOON).query(engine.store.catalog.metric("latest"))
        query = replace(query, of_amounts=column == "amounts")
        with pytest.raises(sqlite3.DatabaseError) as caught:
            list(engine.store.aggregate(query))
        assert is_damage(caught.value)
        problems = dict(engine.store.maintenance.problems())

    assert problems["parts"] == ['part 1, of "latest": it cannot be read']


def of_another_kind(blob):
    return blob.replace(b"ones", b"Ones")


def with_another_first_number(blob):
    differences, first, *rest = msgpack.decode(blob)
    return msgpack.encode((differences, first + 1, *rest))


@pytest.mark.parametrize(
    ("column", "change"),
    [("measurements", of_another_kind), ("parties", with_another_first_number)],
)
def test_what_a_column_says_of_itself_is_checked(column, change):
    """A flipped bit is noticed, also where nothing is read wrongly for it."""
    with in_parts() as engine:
        engine.define(**METRICS[0])
        engine.ingest([event | {"code": "count"} for event in numbered(5)])
        with engine.store.writing():
            connection = engine.store._connection
            ((blob,),) = connection.execute(f"SELECT {column} FROM parts WHERE id = 1")
            connection.execute(f"UPDATE parts SET {column} = ? WHERE id = 1", (change(blob),))
        problems = dict(engine.store.maintenance.problems())

    assert problems["parts"] == ['part 1, of "count": it cannot be read']


def test_a_part_that_only_an_index_knows_is_damage():
    with in_parts() as engine, pytest.raises(sqlite3.DatabaseError) as caught:
        engine.store._snapshot().parts.get(1)

    assert is_damage(caught.value)


# Columns ----------------------------------------------------------------------------------

WINDOW = Window(1_000, 2_000)
NUMBERS = st.one_of(
    st.integers(-5, 5).map(Decimal),
    st.decimals(-100, 100, places=3),
    st.sampled_from((2**63 - 1, -(2**63), 2**63, 10**30, 2**40 + 1)).map(Decimal),
    st.just(Decimal("1e-25")),
    st.fractions(-3, 3, max_denominator=7),
).map(lambda number: measurement_of(number, 1))
MEASUREMENTS = {
    "nothing": st.just((1, 0, None)),
    "number": NUMBERS,
    "item": st.tuples(st.sampled_from("abc"), st.none(), st.sampled_from((1, -1))),
}


def packed(drawn):
    """Columns of (id, (time, finer, party, measurement))."""
    at, finer, parties, measurements = zip(*(row for _, row in drawn), strict=True)
    measured = Measurements(*map(list, zip(*measurements, strict=True)))
    ids = [number for number, _ in drawn]
    properties = [f'{{"n": {number % 3}}}' for number in ids]
    row = pack(Rows(at, finer, ids, parties, measured, properties, ids), None)
    again = unpacked(row)
    assert list(differing(unpacked(row), again)) == []
    texts, numbers = again.properties
    order = np.lexsort((ids, finer, at)).tolist()
    assert [texts[number] for number in numbers.tolist()] == [properties[at] for at in order]
    return again


@pytest.mark.parametrize("kind", AGGREGATIONS)
@given(data=st.data())
def test_a_fold_gives_the_states_of_taking_events_one_by_one(kind, data):
    """Of every party and piece, out of several parts in any order."""
    aggregation = AGGREGATIONS[kind]
    measurements = st.one_of(MEASUREMENTS[aggregation.reads], st.just((None, None, None)))
    rows = st.tuples(
        st.integers(WINDOW.start, WINDOW.end - 1),
        st.sampled_from((0, 0, 0, 7)),
        st.integers(1, 4),
        measurements,
    )
    drawn = list(enumerate(data.draw(st.lists(rows, min_size=1, max_size=20)), 1))
    pieces = Pieces()
    for party in range(1, 4):  # the fourth is nobody's
        for number, window in enumerate(data.draw(st.sampled_from(CUTS))):
            pieces.add(party, window, (party % 2, number))
    wanted = {}
    with exact():
        for number, (at, finer, party, measurement) in drawn:
            for key in pieces.at(party, at):
                if measurement[0] is not None:
                    state = wanted.setdefault(key, aggregation())
                    state.take(at, finer << 43 | number, measurement)
        fold = fold_for(aggregation, settled=False)
        settled = fold_for(aggregation, settled=True)
        cut = data.draw(st.integers(0, len(drawn)))
        for some in filter(None, data.draw(st.permutations((drawn[:cut], drawn[cut:])))):
            columns = packed(some)
            places, keys = Placing(pieces).of(columns)
            usable = columns.are_usable[places]
            if usable.any():
                for each in (fold, settled):
                    each.add(columns, places[usable], keys[usable], len(pieces.keys))
        found, at_once = dict(fold.states()), dict(settled.states())

        assert found.keys() == at_once.keys() == wanted.keys()
        for key, state in wanted.items():
            both = found[key], at_once[key]
            assert [each.events for each in both] == [state.events] * 2
            assert [each.units(WINDOW) for each in both] == [state.units(WINDOW)] * 2
            assert found[key].units_of_day(WINDOW) == state.units_of_day(WINDOW)
            if aggregation.may_recur:
                carried = [each.carried(2_500).units(LATER) for each in (state, found[key])]
                assert carried[0] == carried[1]


LATER = Window(2_500, 2_600)
CUTS = (
    (),
    (WINDOW,),
    (Window(1_000, 1_500), Window(1_500, 1_501), Window(1_501, 3_000)),
    (Window(0, 1_200), Window(1_700, 1_800)),
)


@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-(2**52), 2**52)), min_size=1),
    st.integers(1, 3),
    st.sampled_from((1, 2, 512)),
)
def test_sums_of_products_are_exact(pairs, figures, most):
    """Whatever their size, however often the upper half is passed on."""
    values, factors = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    which = np.arange(len(pairs)) % figures
    sums, products = ExactSums(), ExactSums()
    with (
        patch.object(exact_sums, "_MOST_ADDED", most),
        patch.object(exact_sums, "_MOST_ROWS", most),
    ):
        for part in np.array_split(np.arange(len(pairs)), 4):
            sums.add(which[part], figures, values[part])
            products.add(which[part], figures, values[part], factors[part])
    for figure in range(figures):
        own = [pair for number, pair in enumerate(pairs) if number % figures == figure]
        assert sums.of(figure) == sum(value for value, _ in own)
        assert products.of(figure) == sum(value * factor for value, factor in own)

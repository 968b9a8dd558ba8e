"""The SQLite engine from inside: transactions, exact sums, and what its errors become."""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from decimal import Decimal

import pytest

from lago_cli.domain.metrics import METRIC, define_metric
from lago_cli.domain.runs import Tally
from lago_cli.errors import Kind, LagoError
from lago_cli.services.catalog import create
from lago_cli.stores import open_store
from lago_cli.stores.sqlite.connection import as_lago_error
from tests.engines import NOON, sqlite

SUM = {"code": "gb", "aggregation_type": "sum", "field_name": "v"}
OTHER = define_metric(code="gb", aggregation_type="count")
HUGE = 2**63 - 1


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lago.db")


def events(*values, first=0):
    return [
        {
            "transaction_id": f"t{number}",
            "code": "gb",
            "external_customer_id": "acme",
            "timestamp": 1_795_000_000 + number,
            "properties": {"v": value},
        }
        for number, value in enumerate(values, first)
    ]


def units(engine, **asked):
    return [(row.units, row.events_count) for row in engine.usage(period="all", **asked)]


@pytest.mark.parametrize("value", [HUGE, -HUGE - 1])
def test_sums_do_not_overflow(value):
    """A thousand of the largest integers SQLite has."""
    with sqlite() as engine:
        engine.define(**SUM)
        engine.ingest(events(*[value] * 1_000))

        assert units(engine) == [(1_000 * value, 1_000)]


def test_numbers_of_every_size_add_up_exactly():
    with sqlite() as engine:
        engine.define(**SUM)
        engine.ingest(events("1e30", "0.1", 0.2, HUGE, "-1e30", "1e-30", "much", None, 5, "-5"))
        text = "9223372036854775807.300000000000000000000000000001"

        assert [(str(found), count) for found, count in units(engine)] == [(text, 8)]


def test_the_largest_is_found_across_scales_and_sizes():
    with sqlite() as engine:
        engine.define(code="gb", aggregation_type="max", field_name="v")
        for number, (value, largest) in enumerate(
            [("-3", "-3"), ("-2.50", "-2.5"), (9, "9"), ("9.01", "9.01"), ("1e25", "1" + "0" * 25)]
        ):
            engine.ingest(events(value, first=number))
            (found,) = units(engine)
            assert found == (Decimal(largest), number + 1)


def test_a_change_of_the_metric_refills_more_events_than_fit_into_one_step():
    with sqlite() as engine:
        engine.ingest(events(*[1] * 10_001))
        engine.ingest(
            [{**event, "timestamp": 1_795_000_000} for event in events(*[1] * 10_001, first=20_000)]
        )
        engine.define(**SUM)

        assert units(engine) == [(20_002, 20_002)]


def delete_and_fail(store):
    with store.writing():
        store.catalog.delete("gb")
        raise RuntimeError


def test_what_fails_inside_a_transaction_leaves_nothing(path):
    with sqlite(path) as engine:
        engine.define(**SUM)
        with pytest.raises(RuntimeError):
            delete_and_fail(engine.store)
        assert list(engine.store.catalog.metrics()) == ["gb"]
        engine.ingest(events(1))
    with sqlite(path) as engine:
        assert units(engine) == [(1, 1)]


def test_a_refused_metric_leaves_the_other_as_it_was():
    with sqlite() as engine:
        engine.define(**SUM)
        with pytest.raises(LagoError) as caught:
            create(engine.store, METRIC, {"code": "gb", "aggregation_type": "count"}, now=0)

        assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, "metric_exists")
        assert engine.store.catalog.metric("gb") == define_metric(**SUM)


def test_the_span_is_that_of_all_codes(path):
    with sqlite(path) as engine:
        assert engine.store.span() is None
        engine.ingest(events(1, 2, 3))
        engine.ingest([{**event, "code": "other"} for event in events(4, first=100)])

        assert engine.store.span() == (1_795_000_000 * 10**6, 1_795_000_100 * 10**6)


def test_two_stores_see_what_the_other_committed(path):
    with sqlite(path) as one, sqlite(path) as other:
        one.define(**SUM)
        one.ingest(events(1))
        other.ingest(events(1, 2))
        one.ingest(events(1, 2, 4))

        assert units(one) == units(other) == [(7, 3)]


def test_reading_sees_one_state_while_somebody_writes(path):
    with sqlite(path) as writer:
        writer.define(**SUM)
        writer.ingest(events(1))
        with open_store(path, writable=False, busy_timeout=0) as reader:
            writer.store.begin()
            assert list(reader.span()) == [1_795_000_000 * 10**6] * 2
            writer.store.rollback()


def test_a_store_for_reading_cannot_write(path):
    with sqlite(path) as engine:
        engine.define(**SUM)
    with (
        pytest.raises(LagoError) as caught,
        open_store(path, writable=False, busy_timeout=0) as store,
    ):
        store.define(OTHER)

    assert caught.value.code == "database_read_only"


def test_opening_says_whether_it_created_the_file(path):
    with open_store(path, writable=True, busy_timeout=1) as store:
        assert store.created
    with open_store(path, writable=True, busy_timeout=1) as store:
        assert not store.created
        assert list(store.maintenance.problems()) != []
        assert all(found == [] for _, found in store.maintenance.problems())


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (sqlite3.SQLITE_BUSY, Kind.LOCKED, "database_locked"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Kind.LOCKED, "database_locked"),
        (sqlite3.SQLITE_FULL, Kind.DATABASE, "disk_full"),
        (sqlite3.SQLITE_IOERR_WRITE, Kind.DATABASE, "database_io_error"),
        (sqlite3.SQLITE_CORRUPT, Kind.DATABASE, "database_corrupt"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, Kind.DATABASE, "database_read_only"),
        (sqlite3.SQLITE_CANTOPEN, Kind.DATABASE, "database_unreadable"),
        (sqlite3.SQLITE_NOTADB, Kind.DATABASE, "not_a_database"),
    ],
)
def test_failures_of_sqlite_are_told_in_plain_words(number, kind, code):
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = number
    told = as_lago_error(error, "my.db")

    assert (told.kind, told.code) == (kind, code)
    assert "my.db" in told.message


def test_a_mistake_of_ours_stays_a_bug():
    error = sqlite3.OperationalError("no such table: x")
    error.sqlite_errorcode = sqlite3.SQLITE_ERROR

    assert as_lago_error(error, "my.db") is None
    with pytest.raises(sqlite3.OperationalError, match="no such table"), sqlite() as engine:
        engine.store._connection.execute("SELECT * FROM x")


def test_reception_is_kept_for_every_event():
    with sqlite() as engine:
        engine.define(**SUM)
        engine.ingest(events(1), received_at=NOON)
        engine.ingest(events(1, 2), received_at=NOON + 1)

        assert units(engine, as_of=NOON) == [(1, 1)]
        assert units(engine, as_of=NOON + 1) == [(3, 2)]
        assert units(engine, as_of=NOON - 1) == []


@pytest.mark.parametrize("at", [{"timestamp": NOON // 1_000_000}, {}], ids=["timed", "timeless"])
def test_a_file_that_comes_again(at):
    """In other pieces, with new events between and one that has changed."""
    first = [
        {**each, **at} if at else {k: v for k, v in each.items() if k != "timestamp"}
        for each in events(*range(100))
    ]
    again = [
        each | {"properties": {"v": "other"}} if n == 57 else each for n, each in enumerate(first)
    ]
    mixed = [
        one for n, each in enumerate(again) for one in (each, each | {"transaction_id": f"new {n}"})
    ]
    with sqlite() as engine:
        engine.ingest(first)
        outcomes = [engine.ingest(again[at : at + 10]) for at in range(0, 100, 10)]
        between = [engine.ingest(mixed[at : at + 20]) for at in range(0, 200, 20)]

        assert [(each.new, len(each.duplicates)) for each in outcomes] == [(0, 10)] * 10
        assert [(each.new, len(each.duplicates)) for each in between] == [(10, 10)] * 10
    differing = [each.duplicates for each in outcomes if any(d.differs_in for d in each.duplicates)]
    assert [(d.position, d.differs_in) for d in differing[0] if d.differs_in] == [
        (7, ("properties",))
    ]
    assert len(differing) == 1
    assert all([d.position for d in each.duplicates] == list(range(0, 20, 2)) for each in between)


def test_every_count_of_an_account_is_kept_under_its_name():
    tally = Tally(*range(1, 1 + len(fields(Tally))))
    with sqlite() as engine:
        store = engine.store
        with store.writing():
            run = store.runs.start("test", NOON, 1)
            store.runs.record(run, tally, 0, NOON)

        assert store.runs.get(run).tally == tally
        row = store._connection.execute("SELECT skipped, unmatched, undated FROM ingest_runs")
        assert row.fetchone() == (tally.skipped, tally.unmatched, tally.undated)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_transaction_of_which_a_part_fails_is_undone_as_a_whole(tmp_path, is_told):
    """Also where somebody around the part takes care of its failure."""
    with open_store(str(tmp_path / "lago.db"), writable=True, busy_timeout=1) as store:

        def work():
            with store.writing():
                store.catalog.save(OTHER, 0)
                try:
                    with store.writing():
                        raise KeyError("part")
                except KeyError:
                    if is_told:
                        raise

        if is_told:
            with pytest.raises(KeyError):
                work()
        else:
            work()

        assert store.catalog.metrics() == {}


def test_parts_of_a_transaction_are_committed_with_it(tmp_path):
    path = str(tmp_path / "lago.db")
    with open_store(path, writable=True, busy_timeout=1) as store:
        with store.writing():
            with store.writing():
                store.catalog.save(OTHER, 0)
            with open_store(path, writable=False, busy_timeout=1) as other:
                before = other.catalog.metrics()

        assert (before, list(store.catalog.metrics())) == ({}, ["gb"])

"""Keys of a large file stand in two tables; nobody who asks can tell."""

from __future__ import annotations

import io
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import groupby
from random import Random

import pytest

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Event
from lago_cli.readers.formats import read
from lago_cli.readers.source import open_source
from lago_cli.services.ingest import Ingestion
from lago_cli.services.ingest_report import IngestOptions
from lago_cli.stores import open_store
from lago_cli.stores.sqlite import append, identities, maintenance, runs
from lago_cli.stores.sqlite.keys import Keys
from tests.engines import keys_of_a_large_file
from tests.unit.test_batching import NOON, Listening, line
from tests.unit.test_identities import AT, Ledger

SETTLED, RECENT = ("a", "settled", 1), ("a", "recent", 1)
EITHER = pytest.mark.parametrize("held", [SETTLED, RECENT], ids=["settled", "recent"])


@pytest.fixture
def ledger():
    """One key in each table, and none settles by itself."""
    with keys_of_a_large_file(large=1, recent=1_000), Ledger() as opened:
        opened.ingest(SETTLED)
        opened.ingest(RECENT)
        assert opened.tables() == (1, 1, 0)
        yield opened


@EITHER
def test_a_repetition_is_found_whichever_table_holds_it(ledger, held):
    _, done = ledger.ingest(("a", "new", 1), held)

    assert (done.new, [index for index, _ in done.duplicates]) == (1, [1])
    assert ledger.tables() == (1, 2, 0)
    assert ledger.problems() == []


def test_a_batch_may_hold_nothing_new(ledger):
    _, done = ledger.ingest(SETTLED, SETTLED)

    assert (done.new, len(done.duplicates)) == (0, 2)
    assert ledger.tables() == (1, 1, 0)


@EITHER
def test_an_event_is_found_whichever_table_holds_it(ledger, held):
    (found,) = ledger.store.events.get(held[1])

    assert found.event.transaction_id == held[1]


@EITHER
def test_one_that_was_replaced_comes_back_whichever_table_holds_it(ledger, held):
    run, done = ledger.ingest((*held[:2], 2), on_duplicate="replace")

    assert done.replaced == 1
    assert ledger.tables() == (1, 1, 0)
    assert ledger.problems() == []
    assert ledger.store.revert(run, AT) == (1, 1)
    assert ledger.held() == {SETTLED[:2]: 1, RECENT[:2]: 1}
    assert ledger.problems() == []


@pytest.mark.parametrize(("run", "held"), [(1, SETTLED), (2, RECENT)], ids=["settled", "recent"])
def test_one_that_was_taken_back_is_free_whichever_table_held_it(ledger, run, held):
    ledger.store.revert(run, AT)

    assert sum(ledger.tables()) == 1
    assert ledger.problems() == []
    _, done = ledger.ingest(SETTLED, RECENT)
    assert (done.new, len(done.duplicates)) == (1, 1)
    assert (SETTLED, RECENT)[done.duplicates[0].position] is not held


@pytest.fixture
def one_key(monkeypatch):
    for module in (append, identities, maintenance, runs):
        monkeypatch.setattr(module, "key_of", lambda transaction_id, stream: 7)


@pytest.mark.parametrize("large", [1, 0], ids=["settled", "recent"])
def test_a_key_that_one_table_holds_is_not_given_away_again(one_key, large):
    """Of those that share it the others stand apart, until the first is taken back."""
    with keys_of_a_large_file(large=large, recent=1_000), Ledger() as ledger:
        first, _ = ledger.ingest(("a", "t", 1))
        _, done = ledger.ingest(("a", "u", 1), ("a", "t", 1))

        assert (done.new, len(done.duplicates)) == (1, 1)
        assert sorted(ledger.tables()[:2]) == [0, 1]
        assert ledger.tables()[2] == 1
        ledger.store.revert(first, AT)
        assert sum(ledger.tables()) == 1
        assert ledger.problems() == []
        _, done = ledger.ingest(("a", "u", 1), ("a", "t", 2))
        assert (done.new, len(done.duplicates)) == (1, 1)
        assert ledger.problems() == []


# When recent keys settle ------------------------------------------------------------------


def test_recent_keys_settle_when_they_have_become_many():
    with keys_of_a_large_file(large=4, recent=2, share=2), Ledger() as ledger:
        seen = []
        for number in range(13):
            ledger.ingest(("a", f"t{number}", number))
            seen.append(ledger.tables()[1])

        assert seen == [0, 0, 0, 0, 1, 2, 1, 2, 3, 1, 2, 3, 4]
        assert ledger.problems() == []


def test_a_few_events_never_wait_for_it():
    """Only who has claimed many keys, at once or by and by, moves the recent ones."""
    with keys_of_a_large_file(large=0, recent=1, many=10), Ledger() as ledger:
        for number in range(9):
            ledger.ingest(("a", f"t{number}", number))
        assert ledger.tables() == (0, 9, 0)

        ledger.ingest(("a", "the tenth", 1))
        assert ledger.tables() == (9, 1, 0)


def test_what_was_rolled_back_has_not_settled():
    with keys_of_a_large_file(large=0, recent=2), Ledger() as ledger:
        ledger.ingest(("a", "t", 1), ("a", "u", 1))
        ledger.store.begin()
        append_one(ledger, "v")
        assert ledger.tables() == (2, 1, 0)
        ledger.store.rollback()
        assert ledger.tables() == (0, 2, 0)

        with keys_of_a_large_file(large=1_000, recent=1_000):  # there is nothing to settle
            _, done = ledger.ingest(("a", "t", 1), ("a", "v", 1))
        assert (done.new, len(done.duplicates)) == (1, 1)
        assert ledger.problems() == []


def test_what_another_process_added_meanwhile_is_seen(tmp_path):
    path = str(tmp_path / "lago.db")
    with Ledger(path) as one, Ledger(path) as other:
        one.ingest(("a", "t", 1))
        with keys_of_a_large_file(large=0):
            other.ingest(("a", "u", 1))
        assert one.tables() == (1, 1, 0)

        _, done = one.ingest(("a", "u", 1), ("a", "v", 1))
        assert (done.new, len(done.duplicates)) == (1, 1)
        assert one.problems() == []


def append_one(ledger, transaction_id):
    batch = EventBatch()
    batch.append(Event(transaction_id, "c", "a", None, AT, '{"v":1}'), 1)
    ledger.store.append(batch, run=1, received_at=AT, on_duplicate="skip")


def test_keys_settle_in_the_middle_of_an_ingest(tmp_path):
    """Repetitions are found before and after it; all of it is one run."""
    rows = [line(number % 4_000) for number in range(6_000)]
    path = str(tmp_path / "lago.db")
    sizes = []
    with (
        keys_of_a_large_file(large=1_000, recent=1_250, many=100),
        open_store(path, writable=True, busy_timeout=1) as store,
    ):
        count = "SELECT count(*) FROM recent_identities"
        listener = Listening()
        listener.progressed = lambda tally: sizes.append(
            store._connection.execute(count).fetchone()[0]
        )
        ingestion = Ingestion(
            store,
            IngestOptions(),
            source="test",
            now=lambda: NOON,
            elapsed=lambda: 0.0,
            listener=listener,
        )
        for at in range(0, len(rows), 500):
            with open_source("-", io.BytesIO(b"".join(rows[at : at + 500]))) as source:
                ingestion.read(source.name, read(source))
            ingestion.pause()
        tally = ingestion.finish().tally

        assert (tally.ingested, tally.duplicates) == (4_000, 2_000)
        seen = [size for size, _ in groupby(sizes)]
        assert seen == [0, 500, 1_000, 1_500, 500, 1_000, 1_500, 0]
        assert [found for _, found in store.maintenance.problems() if found] == []


KILLED = """
import os, signal, sys
from lago_cli.stores.sqlite.connection import Connection
from tests.engines import keys_of_a_large_file
from tests.unit.test_identities import Ledger

path, at = sys.argv[1:]
execute = Connection.execute
settled = False

def watched(self, sql, parameters=()):
    global settled
    if settled and sql == "COMMIT" and at == "before the commit":
        os.kill(os.getpid(), signal.SIGKILL)
    done = execute(self, sql, parameters)
    settled = settled or sql == "DELETE FROM recent_identities"
    if sql.startswith(at):
        os.kill(os.getpid(), signal.SIGKILL)
    return done

Connection.execute = watched
with keys_of_a_large_file(large=10, recent=30), Ledger(path) as ledger:
    for run in range(9):
        ledger.ingest(*(("a", f"t{run}.{number}", run) for number in range(10)))
"""


@pytest.mark.parametrize(
    "at",
    ["INSERT OR ROLLBACK INTO identities", "DELETE FROM recent_identities", "before the commit"],
)
def test_an_ingest_that_is_killed_while_keys_settle_leaves_both_tables_as_they_were(tmp_path, at):
    path = str(tmp_path / "lago.db")
    ended = subprocess.run([sys.executable, "-c", KILLED, path, at], check=False)

    assert ended.returncode == -signal.SIGKILL
    with Ledger(path) as ledger:
        assert ledger.tables() == (10, 30, 0)
        assert ledger.problems() == []
        again = [("a", f"t{run}.{number}", run) for run in range(9) for number in range(10)]
        _, done = ledger.ingest(*again)
        assert (done.new, len(done.duplicates)) == (50, 40)
        assert ledger.problems() == []


# How many there are -----------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 20_000, 100_000])
def test_how_many_keys_a_table_has_is_known_about(count):
    random = Random(count)
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("CREATE TABLE identities (key INTEGER PRIMARY KEY, event_id)")
        rows = ((random.getrandbits(63), 1) for _ in range(count))
        file.executemany("INSERT INTO identities VALUES (?, ?)", rows)
        found = Keys(file)._about("identities")

    assert found == pytest.approx(count, rel=0.1 if count >= 1_000 else 0)


# What is wrong ----------------------------------------------------------------------------


def test_check_finds_a_recent_identity_that_is_gone(ledger):
    ledger.sql("DELETE FROM recent_identities")

    assert ledger.problems() == ["event 2 does not hold its identity"]


def test_check_finds_an_identity_that_stands_in_both_tables(ledger):
    ledger.sql("INSERT INTO recent_identities SELECT key, 2 FROM identities")

    assert ledger.problems() == ["the identity that event 2 holds is held by event 1 too"]


def test_check_finds_a_recent_identity_of_no_event(ledger):
    ledger.sql("INSERT INTO recent_identities VALUES (5, 99)")

    assert ledger.problems() == ["event 99 holds an identity and is not there"]

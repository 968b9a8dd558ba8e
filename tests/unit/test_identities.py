"""
Each identity once for ever, through replacing and taking back, whatever the hash says.

Also where all identities share a key or two, which otherwise never happens, and where the file
counts as large, so that keys stand in two tables.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Event
from lago_cli.domain.runs import Tally
from lago_cli.errors import LagoError
from lago_cli.stores import open_store
from lago_cli.stores.sqlite import append, identities, maintenance, runs
from tests.engines import keys_of_a_large_file
from tests.examples import examples

AT = 1_704_067_200_000_000
HASHES = {
    "the real hash": identities.key_of,
    "two keys for all": lambda transaction_id, stream: len(transaction_id) % 2,
    "one key for all": lambda transaction_id, stream: 7,
}
FILES = {
    "a small file": {"large": 1_000, "many": 1_000},
    "in their order": {"large": 1_000},
    "a large file": {"large": 0, "recent": 1_000},
    "recent ones settle": {"large": 1, "recent": 1},
}


@pytest.fixture(params=HASHES.values(), ids=HASHES)
def key_of(request, monkeypatch):
    for module in (append, identities, maintenance, runs):
        monkeypatch.setattr(module, "key_of", request.param)
    return request.param


@pytest.fixture(params=FILES)
def file(request):
    with keys_of_a_large_file(**FILES[request.param]):
        yield


class Ledger:
    """A store with runs of events that are a transaction id, a customer and a value each."""

    def __init__(self, path=":memory:"):
        self.store = open_store(path, writable=True, busy_timeout=1)

    def __enter__(self):
        self.store.__enter__()
        return self

    def __exit__(self, *error):
        self.store.__exit__(*error)

    def ingest(self, *events, on_duplicate="skip"):
        """Ingest events given as (customer, transaction id, value); returns run and outcome."""
        batch = EventBatch()
        for line, (customer, transaction_id, value) in enumerate(events, 1):
            batch.append(Event(transaction_id, "c", customer, None, AT, f'{{"v":{value}}}'), line)
        self.store.begin()
        run = self.store.runs.start("test", AT, self.store.next_event_id)
        done = self.store.append(batch, run=run, received_at=AT, on_duplicate=on_duplicate)
        self.store.runs.record(run, Tally(), self.store.next_event_id - 1, AT)
        self.store.commit()
        return run, done

    def held(self):
        """The value of every identity, each of which must be there once."""
        found = {}
        for stored in self.store.select(_EVERYTHING):
            identity = (stored.event.external_customer_id, stored.event.transaction_id)
            assert identity not in found
            found[identity] = json.loads(stored.event.properties)["v"]
        return found

    def tables(self):
        """How many keys each table has, with those that collided."""
        names = ("identities", "recent_identities", "identity_collisions")
        return tuple(self.sql(f"SELECT count(*) FROM {name}")[0][0] for name in names)

    def sql(self, statement):
        return self.store._connection.execute(statement).fetchall()

    def problems(self):
        return [wrong for _, found in self.store.maintenance.problems() for wrong in found]


def _everything():
    from lago_cli.domain.stored import EventSelection

    return EventSelection()


_EVERYTHING = _everything()


@pytest.fixture
def ledger(key_of, file):
    with Ledger() as opened:
        yield opened


def test_the_first_one_wins(ledger):
    ledger.ingest(("a", "t", 1), ("a", "u", 2))
    _, done = ledger.ingest(("a", "t", 9), ("a", "v", 3), ("a", "u", 2))

    assert ledger.held() == {("a", "t"): 1, ("a", "u"): 2, ("a", "v"): 3}
    assert done.new == 1
    assert [(index, differs_in) for index, differs_in in done.duplicates] == [
        (0, ("properties",)),
        (2, ()),
    ]


def test_another_customer_is_another_identity(ledger):
    _, done = ledger.ingest(("a", "t", 1), ("b", "t", 2), ("ab", "t", 3))

    assert (done.new, len(done.duplicates)) == (3, 0)
    assert len(ledger.store.events.get("t")) == 3


def test_a_batch_may_repeat_itself(ledger):
    _, done = ledger.ingest(("a", "t", 1), ("a", "u", 2), ("a", "t", 1), ("a", "u", 3))

    assert (done.new, [index for index, _ in done.duplicates]) == (2, [2, 3])
    assert ledger.held() == {("a", "t"): 1, ("a", "u"): 2}


def test_of_many_in_one_batch_the_last_replaces(ledger):
    run, done = ledger.ingest(
        ("a", "t", 1), ("a", "t", 2), ("a", "u", 5), ("a", "t", 3), ("a", "t", 3),
        on_duplicate="replace",
    )  # fmt: skip

    assert (done.new, done.replaced, len(done.duplicates)) == (2, 2, 1)
    assert ledger.held() == {("a", "t"): 3, ("a", "u"): 5}
    assert ledger.problems() == []
    ledger.store.revert(run, AT)
    assert ledger.held() == {}


def test_taking_back_a_replacement_brings_back_what_it_replaced(ledger):
    ledger.ingest(("a", "t", 1), ("a", "u", 1))
    second, _ = ledger.ingest(("a", "t", 2), ("a", "u", 1), on_duplicate="replace")

    assert ledger.store.revert(second, AT) == (1, 1)
    assert ledger.held() == {("a", "t"): 1, ("a", "u"): 1}
    assert ledger.problems() == []


def test_taking_back_what_was_replaced_keeps_the_replacement(ledger):
    first, _ = ledger.ingest(("a", "t", 1), ("a", "u", 1))
    second, _ = ledger.ingest(("a", "t", 2), on_duplicate="replace")

    assert ledger.store.revert(first, AT) == (1, 0)
    assert ledger.held() == {("a", "t"): 2}
    assert ledger.store.revert(second, AT) == (1, 0)
    assert ledger.held() == {}
    assert ledger.problems() == []


def test_a_freed_identity_can_be_taken_again(ledger):
    first, _ = ledger.ingest(("a", "t", 1), ("a", "u", 1), ("a", "tt", 1))
    ledger.store.revert(first, AT)
    _, done = ledger.ingest(("a", "t", 2), ("a", "tt", 2), ("a", "t", 2))

    assert (done.new, len(done.duplicates)) == (2, 1)
    assert ledger.held() == {("a", "t"): 2, ("a", "tt"): 2}
    assert ledger.problems() == []


def test_a_run_is_taken_back_once(ledger):
    run, _ = ledger.ingest(("a", "t", 1))
    ledger.store.revert(run, AT)

    with pytest.raises(LagoError) as caught:
        ledger.store.revert(run, AT)
    assert caught.value.code == "run_already_reverted"


EVENTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["t", "u", "tt"]), st.integers(0, 2)),
    min_size=1,
    max_size=6,
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["skip", "replace", "error"]), EVENTS) | st.integers(1, 6),
    max_size=8,
)


@pytest.mark.parametrize("size", FILES.values(), ids=FILES)
@pytest.mark.parametrize("key_of", HASHES.values(), ids=HASHES)
@examples(30)
@given(steps=STEPS)
def test_it_is_a_pile_of_versions(key_of, size, steps):
    """The oracle: for each identity a pile of (run, value), of which the top one counts."""
    with (
        pytest.MonkeyPatch.context() as patch,
        keys_of_a_large_file(**size),
        Ledger() as ledger,
    ):
        for module in (append, identities, maintenance, runs):
            patch.setattr(module, "key_of", key_of)
        piles: dict[tuple[str, str], list[tuple[int, int]]] = {}
        run, reverted = 0, set()
        for step in steps:
            if isinstance(step, int):
                if step <= run and step not in reverted:
                    reverted.add(step)
                    ledger.store.revert(step, AT)
                    for pile in piles.values():
                        pile[:] = [version for version in pile if version[0] != step]
                continue
            on_duplicate, events = step
            run += 1
            expected = Counter()
            for *identity, value in events:
                pile = piles.setdefault(tuple(identity), [])
                wins = on_duplicate == "replace" and pile and pile[-1][1] != value
                expected["replaced" if wins else "repeated" if pile else "new"] += 1
                if wins or not pile:
                    pile.append((run, value))
            number, done = ledger.ingest(*events, on_duplicate=on_duplicate)
            assert number == run
            assert (done.new, done.replaced, len(done.duplicates)) == (
                expected["new"],
                expected["replaced"],
                expected["repeated"],
            )

        assert ledger.held() == {who: pile[-1][1] for who, pile in piles.items() if pile}
        assert ledger.problems() == []

"""What one process sees while another writes."""

from __future__ import annotations

import pytest

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Event
from lago_cli.domain.metrics import define_metric
from lago_cli.domain.runs import Tally
from lago_cli.domain.stored import EventSelection
from lago_cli.errors import LagoError
from lago_cli.stores import open_store


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "lago.db")
    with open_store(path, writable=True, busy_timeout=1) as store:
        store.define(define_metric(code="a", aggregation_type="count_agg"))
    return path


def add(store, *names, code="a", run=None):
    batch = EventBatch()
    for name in names:
        batch.append(Event(name, code, "acme", None, 10**15), 1)
    with store.writing():
        number = run or store.runs.start("test", 0, store.next_event_id)
        store.append(batch, run=number, received_at=0, on_duplicate="skip")
        store.runs.record(number, Tally(), store.next_event_id - 1, None)
    return number


def test_an_answer_sees_the_file_of_one_moment(path):
    with (
        open_store(path, writable=False, busy_timeout=1) as reader,
        open_store(path, writable=True, busy_timeout=1) as writer,
    ):
        before = list(reader.select(EventSelection()))
        add(writer, "t1")

        assert list(reader.select(EventSelection())) == before == []
    with open_store(path, writable=False, busy_timeout=1) as reader:
        assert len(list(reader.select(EventSelection()))) == 1


def test_a_run_that_is_taken_back_while_it_runs_stores_nothing_more(path):
    with open_store(path, writable=True, busy_timeout=1) as store:
        run = add(store, "t1")
        store.revert(run, now=1)

        with pytest.raises(LagoError) as caught:
            add(store, "t2", run=run)

        assert caught.value.code == "run_reverted"
        assert list(store.select(EventSelection())) == []


def test_thousands_of_codes_are_listed_in_the_order_of_time(path):
    with open_store(path, writable=True, busy_timeout=1) as store:
        with store.writing():
            run = store.runs.start("test", 0, store.next_event_id)
            batch = EventBatch()
            for number in range(3000):
                event = Event(f"t{number}", f"code{number}", "acme", None, 10**15 - number)
                batch.append(event, number)
            store.append(batch, run=run, received_at=0, on_duplicate="skip")

        newest = list(store.select(EventSelection(limit=2), newest_first=True))
        oldest = list(store.select(EventSelection(limit=1)))

    assert [row.event.transaction_id for row in newest] == ["t0", "t1"]
    assert [row.event.transaction_id for row in oldest] == ["t2999"]


def test_after_a_revert_its_names_tell_nothing_about_whose_a_subscription_is(path):
    with open_store(path, writable=True, busy_timeout=1) as store:
        run = add(store, "t1")
        assert set(store.parties()) == {("acme", None)}

        store.revert(run, now=1)

        assert set(store.parties()) == set()

"""Groups of requests come to the same as one request after another."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Event
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.server.gathering import DAY, Gathering
from lago_cli.server.gauges import Gauges
from lago_cli.stores import open_store
from tests.server.conftest import NOON

PARTIES = [(None, "s"), ("c", "s"), ("c", None), ("c", "registered"), ("other", "registered")]
IS_REFUSED = ("other", "registered")  # it is c's

Sent = tuple[str, tuple[str | None, str | None]]

requests = st.lists(
    st.lists(st.tuples(st.sampled_from("12345"), st.sampled_from(PARTIES)), min_size=1, max_size=5),
    min_size=1,
    max_size=6,
)


def batch_of(events: list[Sent]) -> EventBatch:
    batch = EventBatch()
    for position, (transaction_id, (customer, subscription)) in enumerate(events):
        batch.append(
            Event(transaction_id, "calls", customer, subscription, NOON, "{}", None), position
        )
    return batch


class Model:
    """Takes one request after another, in the most obvious way."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.stored: set[tuple[Any, ...]] = set()

    def take(self, events: list[Sent]) -> set[int]:
        """The positions of what is wrong; where nothing is, all events are stored."""
        faults = set()
        seen = set(self.stored)
        for position, (transaction_id, party) in enumerate(events):
            identity = (transaction_id, "s", party[1]) if party[1] else (transaction_id, "c", "c")
            if identity in seen:
                if self.policy == "error":
                    faults.add(position)
            elif party == IS_REFUSED:
                faults.add(position)
            seen.add(identity)
        if not faults:
            self.stored = seen
        return faults


@pytest.mark.parametrize("policy", ["error", "skip"])
@settings(max_examples=60, deadline=None)
@given(groups=st.lists(requests, min_size=1, max_size=4))
def test_any_grouping_comes_to_the_same_as_one_after_another(policy, groups):
    model = Model(policy)
    gathering = Gathering("test", policy, Gauges())
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(str(Path(folder) / "lago.db"), writable=True, busy_timeout=5) as store,
    ):
        with store.writing():
            registered = Subscription("registered", "c", NOON - DAY, NOON - DAY)
            store.table(SUBSCRIPTION).save(registered, NOON)
        for group in groups:
            verdicts = gathering.take_in(store, [batch_of(each) for each in group], NOON)

            assert [set(each.faults) for each in verdicts] == [model.take(each) for each in group]
        (run,) = store.runs.list()
        tally = run.tally

    assert tally.ingested == len(model.stored)
    assert tally.read == tally.ingested + tally.duplicates + tally.rejected

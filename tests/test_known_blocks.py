"""A file that comes again is told by its blocks, as long as each of their events is stored so."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest

from lago_cli.services import decoding
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import usage_for
from tests.engines import NOON
from tests.test_second_process import blocks, ingested, line, opened, small_steps

LINES = [line(number, value=number) for number in range(40)]


@pytest.fixture
def store():
    with opened() as store, small_steps():
        assert ingested(store, blocks(LINES, 8)).ingested == 40
        yield store


def known(store):
    return store._connection.execute("SELECT count(*) FROM known_blocks").fetchone()[0]


def nothing_is_decoded():
    return patch.object(decoding.Decoding, "add", side_effect=AssertionError("decoded"))


@pytest.mark.parametrize("how", ["skip", "replace"])
def test_none_of_its_events_is_looked_at(store, how):
    with nothing_is_decoded():
        again = ingested(store, blocks(LINES, 8), on_duplicate=how)

    assert (again.read, again.duplicates, again.conflicts, again.replaced) == (40, 40, 0, 0)


def test_who_wants_repetitions_refused_gets_each_of_them(store):
    again = ingested(store, blocks(LINES, 8), on_duplicate="error", max_rejects=100)

    assert (again.rejected, again.duplicates) == (40, 0)


def test_other_blocks_of_the_same_events_are_looked_up(store):
    again = ingested(store, blocks(LINES, 7))

    assert (again.read, again.duplicates) == (40, 40)
    with nothing_is_decoded():
        assert ingested(store, blocks(LINES, 7)).duplicates == 40


def test_a_block_is_not_known_any_more_that_earlier_ones_of_the_file_replace_in(store):
    """They may not be decoded yet when it comes: the last in the file counts all the same."""
    correction = [line(3, value=99)]
    again = ingested(
        store, blocks([*correction, *LINES], 1)[:1] + blocks(LINES, 8), on_duplicate="replace"
    )

    assert (again.replaced, again.duplicates) == (2, 39)
    rows = usage_for(store, UsageRequest(metrics=["gb"], period="all"), now=NOON)
    assert [row.units for row in rows] == [sum(range(40))]


def test_a_run_that_was_taken_back_can_come_again(store):
    store.revert(1, NOON)

    assert known(store) == 0
    assert ingested(store, blocks(LINES, 8)).ingested == 40


def test_what_was_replaced_since_is_a_conflict(store):
    ingested(store, blocks([line(3, value=99)], 1), on_duplicate="replace")
    again = ingested(store, blocks(LINES, 8))

    assert (again.duplicates, again.conflicts) == (40, 1)
    assert known(store) == 4  # all but the one that it is in


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(line(3, value=99), id="an event that differs from what is stored"),
        pytest.param("no event\n", id="no event"),
        pytest.param(
            json.dumps(json.loads(line(50)) | {"timestamp": None}) + "\n", id="without a time"
        ),
        pytest.param(
            json.dumps(json.loads(line(51)) | {"cost": 1}) + "\n", id="a key that is not kept"
        ),
    ],
)
def test_a_block_of_which_more_is_to_be_said_never_becomes_known(store, other):
    """The second time it is said again."""
    before = known(store)
    tallies = [ingested(store, blocks([*LINES[:5], other], 6), max_rejects=1) for _ in range(2)]

    assert known(store) == before
    assert tallies[0].conflicts == tallies[1].conflicts
    assert tallies[0].rejected == tallies[1].rejected


def test_what_was_rolled_back_is_not_known():
    with opened() as store, small_steps():
        ingested(store, blocks([*LINES, "no event\n"], 8), strict=True)

        assert known(store) == 0
        assert ingested(store, blocks(LINES, 8)).ingested == 40

"""No room, no reader, no file: a reason, an exit code, and nothing lost that was there."""

from __future__ import annotations

import os

import pytest

from reliability.disks import filled, owned, taken_away, unwritable, without_room
from reliability.program import event, lines, values

pytestmark = pytest.mark.usefixtures("asked_in_this_process")


@pytest.mark.parametrize("seed", [1], ids=lambda seed: f"seed {seed}")
def test_no_room_for_all_of_it(tmp_path, seed):
    without_room(tmp_path, seed)


@pytest.mark.parametrize("seed", [0, 1], ids=["replaced", "deleted"])
def test_the_file_is_taken_away_while_an_ingest_writes_to_it(tmp_path, seed):
    """SQLite would go on, and say that all went well."""
    taken_away(tmp_path, seed)


def test_an_answer_that_cannot_be_written_is_an_error(tmp_path):
    assert unwritable(tmp_path, 4).findings == []


def test_words_that_nobody_reads_stop_no_ingest(tmp_path):
    """Its warnings go to a pipe whose reader has gone."""
    program = filled(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    differing = b"".join(event(number, -1) for number in range(30))
    ended = program.run("ingest", stdin=differing + lines(range(1_000)), stderr=writing)
    os.close(writing)

    assert ended.code == 0
    program.expect_exactly(values(range(1_000)))


def test_files_are_readable_by_their_owner_only(tmp_path):
    owned(tmp_path, 0)

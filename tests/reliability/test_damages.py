"""Bytes that are not as they were: noticed, and never a traceback."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from reliability.damages import damaged, flipped, of_tomorrow
from reliability.disks import filled

pytestmark = pytest.mark.usefixtures("asked_in_this_process")


def test_a_flipped_bit_in_what_is_maintained_is_found(tmp_path):
    assert flipped(tmp_path, 20).findings == []


def test_a_damaged_file_gets_a_plain_word(tmp_path):
    assert damaged(tmp_path, 6).findings == []


@pytest.mark.parametrize("seed", [0, 8], ids=["check", "ingest"])
def test_a_schema_of_tomorrow_is_left_alone(tmp_path, seed):
    of_tomorrow(tmp_path, seed)


def test_text_that_is_no_text_is_damage(tmp_path):
    program = filled(tmp_path)
    with closing(sqlite3.connect(program.file)) as connection:
        connection.execute("UPDATE events SET transaction_id = CAST(x'ff' AS TEXT) WHERE id = 7")
        connection.commit()
    check = program.run("db", "check", "-o", "json").expect(9)
    exported = program.run("events", "export", "-o", "json").expect(7)

    assert check.error()["code"] == "check_failed"
    assert exported.error()["code"] == "database_corrupt"

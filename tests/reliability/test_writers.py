"""Several processes on one file: nobody fails, and the result is exact."""

from __future__ import annotations

from reliability.writers import contend, waited


def test_writers_and_readers_at_once(tmp_path):
    crowd = contend(tmp_path, 2, writers=3, readers=3, seed=1)

    assert crowd.findings == []
    assert crowd.runs >= 6


def test_a_writer_waits_as_long_as_it_was_told(tmp_path):
    waited(tmp_path, 1)

"""A server may end at any moment: what was answered is there, each event once."""

from __future__ import annotations

import signal

import pytest

from reliability.serving import ended, locked_out, without_room


@pytest.mark.parametrize("seed", [0, 1], ids=["error", "skip"])
def test_killed_under_load(tmp_path, seed):
    ended(tmp_path, seed, 2, signal.SIGKILL)


def test_stopped_under_load(tmp_path):
    ended(tmp_path, 0, 1, signal.SIGTERM)


def test_locked_out_by_another_process(tmp_path):
    locked_out(tmp_path, 0)


def test_without_room(tmp_path):
    without_room(tmp_path, 0)

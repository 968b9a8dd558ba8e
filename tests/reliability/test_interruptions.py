"""An ingest may end at any moment: what was accepted is there, and the next run completes it."""

from __future__ import annotations

import pytest

from reliability.interruptions import WAYS, killed, stopped

pytestmark = pytest.mark.usefixtures("asked_in_this_process")


@pytest.mark.parametrize("seed", [0, 5], ids=lambda seed: f"seed {seed}")
def test_killed_at_a_random_moment(tmp_path, seed):
    killed(tmp_path, seed)


@pytest.mark.parametrize("seed", [5, 8], ids=["SIGTERM", "SIGINT"])
def test_stopped_at_a_random_moment(tmp_path, seed):
    stopped(tmp_path, seed)


def test_every_way_in_is_tried():
    assert len(WAYS) == 5
